/* Globs of templates: lists of models, and native keys that are dropped. */
#pragma once

#include "base/util.h"

#include <stddef.h>

/* The next of a text's words, which blanks separate, and its length; moves *text behind it. NULL: no more. */
const char *pfs_words_next(const char **text, size_t *ret_len);

/* Whether a glob (* ? […]) means the name; whether one of a list does (NULL, no list: all are meant). */
bool pfs_glob_means(const char *glob, size_t len, const char *name);
bool pfs_globs_mean(const char *globs, const char *name);

/* Whether a glob of * and ? alone is this native key. */
bool pfs_glob_is_key(const char *glob, const char *key, size_t len);

/* The same for a key of which only some is known: PFS_GLOB_ANY stands for any text. */
#define PFS_GLOB_ANY '\1'
bool pfs_glob_may_be_key(const char *glob, const char *key);
