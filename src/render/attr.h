/* Reads attributes of a template's elements: inside render/ only. Sentences are "LINE: what is wrong". */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#include <libxml/tree.h>

/* -EINVAL `LINE: WHAT: "ABOUT"`. */
int pfs_attr_fail(const xmlNode *node, struct pfs_err *err, const char *what, const char *about);

/* A copy in the arena; an absent one gives NULL, or (needed) -EINVAL. */
int pfs_attr_copy(struct pfs_arena *a, const xmlNode *node, const char *name, const char **ret,
                  struct pfs_err *err);
int pfs_attr_needed(struct pfs_arena *a, const xmlNode *node, const char *name, const char **ret,
                    struct pfs_err *err);

/* yes or no; a number from min to max: an absent one leaves *ret as it was. */
int pfs_attr_switch(const xmlNode *node, const char *name, bool *ret, struct pfs_err *err);
int pfs_attr_number(const xmlNode *node, const char *name, size_t min, size_t max, size_t *ret,
                    struct pfs_err *err);

/* The place of the attribute's word among the choices (NULL-terminated); an absent one gives 0. */
int pfs_attr_choice(const xmlNode *node, const char *name, const char *const *choices, int *ret,
                    struct pfs_err *err);

/* The attribute's words, separated by blanks, copied, NULL-terminated; an absent one gives none. */
int pfs_attr_words(struct pfs_arena *a, const xmlNode *node, const char *name, const char *const **ret,
                   struct pfs_err *err);
