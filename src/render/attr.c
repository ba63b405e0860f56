#include "render/attr.h"
#include "render/xml.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 64 };

int pfs_attr_fail(const xmlNode *node, struct pfs_err *err, const char *what, const char *about)
{
    return pfs_err_set(err, EINVAL, "%u: %s: \"%s\"", pfs_xml_line(node), what, about);
}

int pfs_attr_copy(struct pfs_arena *a, const xmlNode *node, const char *name, const char **ret,
                  struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    *ret = text ? pfs_arena_strdup(a, text) : NULL;
    return text && !*ret ? pfs_err_nomem(err) : 0;
}

int pfs_attr_needed(struct pfs_arena *a, const xmlNode *node, const char *name, const char **ret,
                    struct pfs_err *err)
{
    if (!pfs_xml_attr(node, name))
        return pfs_attr_fail(node, err, "an attribute is missing", name);
    return pfs_attr_copy(a, node, name, ret, err);
}

int pfs_attr_switch(const xmlNode *node, const char *name, bool *ret, struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    if (!text)
        return 0;
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
        return pfs_attr_fail(node, err, "neither yes nor no", text);
    *ret = text[0] == 'y';
    return 0;
}

int pfs_attr_number(const xmlNode *node, const char *name, size_t min, size_t max, size_t *ret,
                    struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    if (!text)
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || value < min || value > max)
        return pfs_err_set(err, EINVAL, "%u: %s is a number from %zu to %zu, not \"%s\"", pfs_xml_line(node),
                           name, min, max, text);
    *ret = value;
    return 0;
}

int pfs_attr_choice(const xmlNode *node, const char *name, const char *const *choices, int *ret,
                    struct pfs_err *err)
{
    const char *text = pfs_xml_attr(node, name);
    *ret = 0;
    if (!text)
        return 0;
    for (int i = 0; choices[i]; i++)
        if (strcmp(choices[i], text) == 0) {
            *ret = i;
            return 0;
        }
    return pfs_err_set(err, EINVAL, "%u: unknown %s \"%s\"", pfs_xml_line(node), name, text);
}

int pfs_attr_words(struct pfs_arena *a, const xmlNode *node, const char *name, const char *const **ret,
                   struct pfs_err *err)
{
    const char *words[WORDS_MAX + 1];
    const char *text = pfs_xml_attr(node, name);
    size_t n = 0;
    while (text && *(text += strspn(text, " \t\r\n"))) {
        size_t len = strcspn(text, " \t\r\n");
        if (n == WORDS_MAX)
            return pfs_attr_fail(node, err, "too many words", text);
        words[n] = pfs_arena_strndup(a, text, len);
        if (!words[n++])
            return pfs_err_nomem(err);
        text += len;
    }
    words[n++] = NULL;
    const char **all = pfs_arena_alloc(a, n * sizeof *all);
    if (!all)
        return pfs_err_nomem(err);
    memcpy(all, words, n * sizeof *all);
    *ret = all;
    return 0;
}
