#include "render/globs.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\r\n";

const char *pfs_words_next(const char **text, size_t *ret_len)
{
    const char *word = *text + strspn(*text, blanks);
    *ret_len = strcspn(word, blanks);
    *text = word + *ret_len;
    return *ret_len ? word : NULL;
}

bool pfs_glob_means(const char *glob, size_t len, const char *name)
{
    autofree char *copy = strndup(glob, len);
    return copy && fnmatch(copy, name, 0) == 0;
}

bool pfs_globs_mean(const char *globs, const char *name)
{
    size_t len;
    if (!globs)
        return true;
    for (const char *glob; (glob = pfs_words_next(&globs, &len));)
        if (pfs_glob_means(glob, len, name))
            return true;
    return false;
}

bool pfs_glob_is_key(const char *glob, const char *key, size_t len)
{
    const char *star = NULL; /* the last one passed, and where in the key what it stands for ends */
    size_t at = 0, behind = 0;
    while (at < len) {
        if (*glob == '*') {
            star = glob++;
            behind = at;
        } else if (*glob && (*glob == '?' || *glob == key[at])) {
            glob++;
            at++;
        } else if (star) {
            glob = star + 1;
            at = ++behind;
        } else {
            return false;
        }
    }
    return glob[strspn(glob, "*")] == '\0';
}

/* One more character of the glob against all beginnings of the key: can[i] is whether what was read of the
 * glob may be the key's first i characters. */
static void read_glob(char c, const char *key, size_t len, bool *can)
{
    bool before = can[0]; /* what can[i] was, one place back */
    can[0] = can[0] && c == '*';
    for (size_t i = 0; i < len; i++) {
        bool here = can[i + 1], any = key[i] == PFS_GLOB_ANY;
        bool one = before && (c == '?' || c == key[i]);
        can[i + 1] = c == '*' ? here || can[i] : one || (any && (here || before || can[i]));
        before = here;
    }
}

bool pfs_glob_may_be_key(const char *glob, const char *key)
{
    size_t len = strlen(key);
    autofree bool *can = calloc(len + 1, sizeof *can);
    if (!can)
        return true; /* nothing is said against it */
    can[0] = true;
    for (size_t i = 0; i < len && key[i] == PFS_GLOB_ANY; i++)
        can[i + 1] = true;
    for (; *glob; glob++)
        read_glob(*glob, key, len, can);
    return can[len];
}
