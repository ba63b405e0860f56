#include "model/pattern.h"
#include "model/mac.h"

#include <errno.h>
#include <string.h>

struct field {
    const char *text;
    bool upper;
    char separator;
};

static const struct field fields[] = {
    {"{mac}", false, '\0'}, {"{MAC}", true, '\0'},  {"{mac:}", false, ':'},
    {"{MAC:}", true, ':'},  {"{mac-}", false, '-'}, {"{MAC-}", true, '-'},
};

static const struct field *find_field(const char *s, size_t len)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(fields); i++)
        if (strlen(fields[i].text) == len && memcmp(fields[i].text, s, len) == 0)
            return &fields[i];
    return NULL;
}

/* Takes the field at text[at], which is a '{' or '}', and moves *at behind it. */
static int take_field(const char *text, size_t *at, struct pfs_pattern *p, struct pfs_err *err)
{
    const char *end = strchr(text + *at, '}');
    if (text[*at] == '}' || !end)
        return pfs_err_set(err, EINVAL, "file name \"%s\" has a brace without its partner", text);
    size_t len = (size_t)(end - (text + *at)) + 1;
    const struct field *f = find_field(text + *at, len);
    if (!f)
        return pfs_err_set(
            err, EINVAL,
            "file name \"%s\" has the unknown field %.*s: {mac} {MAC} {mac:} {MAC:} {mac-} {MAC-} are right",
            text, (int)len, text + *at);
    if (p->has_mac)
        return pfs_err_set(err, EINVAL, "file name \"%s\" has two MAC fields: one is right", text);
    p->has_mac = true;
    p->upper = f->upper;
    p->separator = f->separator;
    p->prefix_len = *at;
    *at += len;
    p->suffix = text + *at;
    return 0;
}

static size_t mac_len(const struct pfs_pattern *p)
{
    return p->separator ? PFS_MAC_TEXT_MAX : PFS_MAC_DIGITS;
}

/* How long a name of this pattern is: all of its names are of one length. */
static size_t name_len(const struct pfs_pattern *p, const char *text)
{
    return p->has_mac ? p->prefix_len + mac_len(p) + strlen(p->suffix) : strlen(text);
}

static int parse(const char *text, struct pfs_pattern *p, struct pfs_err *err)
{
    if (*text == '\0')
        return pfs_err_set(err, EINVAL, "file name is empty");
    for (size_t at = 0; text[at];) {
        char c = text[at];
        if (c == '/')
            return pfs_err_set(err, EINVAL, "file name \"%.80s\" has a '/': all files stand in one folder",
                               text);
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return pfs_err_set(err, EINVAL, "file name \"%.80s\" has a control character", text);
        if (c != '{' && c != '}') {
            at++;
            continue;
        }
        int r = take_field(text, &at, p, err);
        if (r < 0)
            return r;
    }
    if (name_len(p, text) > PFS_FILE_NAME_MAX || strlen(text) > PFS_FILE_NAME_MAX)
        return pfs_err_set(err, EINVAL, "file name \"%.80s…\" is longer than %d bytes", text,
                           PFS_FILE_NAME_MAX);
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return pfs_err_set(err, EINVAL, "file name \"%s\" is a folder's own", text);
    return 0;
}

int pfs_pattern_parse(const char *text, struct pfs_pattern *ret, struct pfs_err *err)
{
    struct pfs_pattern p = {0};
    int r = parse(text, &p, err);
    if (r < 0)
        return r;
    p.text = strdup(text);
    if (!p.text)
        return pfs_err_nomem(err);
    if (!p.has_mac)
        p.prefix_len = strlen(text);
    p.suffix = p.has_mac ? p.text + (p.suffix - text) : p.text + p.prefix_len;
    *ret = p;
    return 0;
}

void pfs_pattern_done(struct pfs_pattern *p)
{
    if (!p)
        return;
    free(p->text);
    *p = (struct pfs_pattern){0};
}

void pfs_pattern_format(const struct pfs_pattern *p, uint64_t mac, char *out)
{
    memcpy(out, p->text, p->prefix_len);
    out += p->prefix_len;
    if (p->has_mac) {
        char text[PFS_MAC_TEXT_MAX + 1];
        pfs_mac_format_as(mac, p->upper, p->separator, text);
        memcpy(out, text, mac_len(p));
        out += mac_len(p);
    }
    memcpy(out, p->suffix, strlen(p->suffix) + 1);
}

/* ASCII only, whatever the locale: what a firmware asks for does not depend on the server's language. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_letters(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

bool pfs_pattern_match(const struct pfs_pattern *p, const char *name, uint64_t *ret_mac)
{
    size_t len = strlen(name), suffix_len = strlen(p->suffix);
    if (len < p->prefix_len || !same_letters(name, p->text, p->prefix_len))
        return false;
    uint64_t mac = 0;
    size_t taken = 0;
    if (p->has_mac) {
        taken = pfs_mac_scan(name + p->prefix_len, len - p->prefix_len, &mac);
        if (taken == 0)
            return false;
    }
    size_t behind = p->prefix_len + taken;
    if (len - behind != suffix_len || !same_letters(name + behind, p->suffix, suffix_len))
        return false;
    *ret_mac = mac;
    return true;
}
