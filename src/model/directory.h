/* A customer's directory: who stands in the phone books of its devices.
 *
 * Listed are the customer's accounts whose `directory.listed` is not off and which have a number, in order of
 * name (pfs_utf8_compare_folded), equal names in order of account. Of the scopes in which these keys may
 * stand only the account counts: a line is a matter of the device that has it.
 *
 * A directory is put together once (a draft) and is immutable then: any thread may read it, all devices of
 * the customer share it. Versions keep the one that they were rendered from, so that many states of it may
 * live at a time. So contacts stand in *parts* that states share: where one ends is up to the contacts
 * themselves, not to how many stand before them, and a changed contact costs the parts that it was in and is
 * in, not the whole. */
#pragma once

#include "model/phone.h"

enum {
    PFS_DIRECTORY_MAX = 20000, /* accounts of a customer that are looked at, the oldest first */
    PFS_CONTACT_TEXT_MAX = 255 /* bytes: a longer name is cut, a longer number is none */
};

struct pfs_contact {
    const char *name;    /* line.display_name, else the number; never empty */
    const char *number;  /* sip.user; never empty */
    const char *account; /* its name */
};

struct pfs_directory_part;

struct pfs_directory {
    unsigned refs;     /* atomic */
    int64_t now, next; /* put together for this second, and the same until that one (exclusive); INT64_MAX */
    int64_t came;      /* when the newest scheduled value in force came, 0: none has */
    size_t n;          /* contacts */
    size_t n_parts;
    struct pfs_directory_part *parts[];
};

struct pfs_directory *pfs_directory_ref(struct pfs_directory *d);
void pfs_directory_unref(struct pfs_directory *d);

/* Where a walk stands; begins zeroed. */
struct pfs_directory_cursor {
    size_t part, at;
};
/* The next contact, its texts borrowed from the directory. False at the end. */
bool pfs_directory_next(const struct pfs_directory *d, struct pfs_directory_cursor *c,
                        struct pfs_contact *ret);

/* Whether a setting of an account has a say in its customer's directory. */
bool pfs_directory_uses(const char *key);

/* ---- putting one together ---- */

struct pfs_directory_draft {
    const struct pfs_catalogue *catalogue; /* borrowed */
    int64_t now, next, came;
    struct pfs_arena arena;
    size_t n, cap;
    struct pfs_contact *contacts;
};

void pfs_directory_draft_init(struct pfs_directory_draft *d, const struct pfs_catalogue *c, int64_t now);
void pfs_directory_draft_done(struct pfs_directory_draft *d);

/* Takes up an account with its settings (of all times; copied). 0 or -ENOMEM. */
int pfs_directory_draft_add(struct pfs_directory_draft *d, const char *account,
                            const struct pfs_layer *settings);

/* Makes it a directory, refs 1, that shares its parts with `like` (an earlier state, may be NULL) where it
 * can. 0 or -ENOMEM. */
int pfs_directory_new(struct pfs_directory_draft *d, const struct pfs_directory *like,
                      struct pfs_directory **ret);
