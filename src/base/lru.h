/* Order of use, for caches that let go of what was used least recently: a doubly linked list. Its ends are
 * the members `newest` and `oldest` of *list, which holds pointers to things that have `newer` and `older`.
 */
#pragma once

/* Adds a thing that is not in the list, as the one used last. */
#define pfs_lru_add(list, thing)                                                                             \
    do {                                                                                                     \
        __auto_type lru_l_ = (list);                                                                         \
        __auto_type lru_t_ = (thing);                                                                        \
        lru_t_->newer = NULL;                                                                                \
        lru_t_->older = lru_l_->newest;                                                                      \
        *(lru_l_->newest ? &lru_l_->newest->newer : &lru_l_->oldest) = lru_t_;                               \
        lru_l_->newest = lru_t_;                                                                             \
    } while (0)

/* Takes a thing out of the list. */
#define pfs_lru_remove(list, thing)                                                                          \
    do {                                                                                                     \
        __auto_type lru_l_ = (list);                                                                         \
        __auto_type lru_t_ = (thing);                                                                        \
        *(lru_t_->newer ? &lru_t_->newer->older : &lru_l_->newest) = lru_t_->older;                          \
        *(lru_t_->older ? &lru_t_->older->newer : &lru_l_->oldest) = lru_t_->newer;                          \
    } while (0)

/* Makes a thing of the list the one used last. */
#define pfs_lru_use(list, thing)                                                                             \
    do {                                                                                                     \
        __auto_type lru_list_ = (list);                                                                      \
        __auto_type lru_thing_ = (thing);                                                                    \
        if (lru_list_->newest != lru_thing_) {                                                               \
            pfs_lru_remove(lru_list_, lru_thing_);                                                           \
            pfs_lru_add(lru_list_, lru_thing_);                                                              \
        }                                                                                                    \
    } while (0)
