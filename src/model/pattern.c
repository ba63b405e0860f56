#include "model/pattern.h"
#include "model/mac.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

struct field {
    const char *text;
    bool upper;
    char separator;
};

static const struct field fields[] = {
    {"{mac}", false, '\0'}, {"{MAC}", true, '\0'}, {"{mac:}", false, ':'}, {"{MAC:}", true, ':'},
    {"{mac-}", false, '-'}, {"{MAC-}", true, '-'}, {"{mac_}", false, '_'}, {"{MAC_}", true, '_'},
};

static const char in_shape[] = "{mac}"; /* what any of them is in a shape */

/* The field that a text begins with; NULL: none of them. */
static const struct field *find_field(const char *s)
{
    for (size_t i = 0; i < PFS_N_ELEMENTS(fields); i++)
        if (strncmp(s, fields[i].text, strlen(fields[i].text)) == 0)
            return &fields[i];
    return NULL;
}

static size_t mac_len(const struct field *f)
{
    return f->separator ? PFS_MAC_TEXT_MAX : PFS_MAC_DIGITS;
}

/* ASCII only, whatever the locale: what a firmware asks for does not depend on the server's language. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* ---- parsing ---- */

static int no_such_field(const char *text, const char *at, struct pfs_err *err)
{
    const char *end = strchr(at, '}');
    if (*at == '}' || !end)
        return pfs_err_set(err, EINVAL, "file name \"%s\" has a brace without its partner", text);
    return pfs_err_set(
        err, EINVAL,
        "file name \"%s\" has the unknown field %.*s: {mac} {MAC}, with : - or _ before the }, are right",
        text, (int)(end - at) + 1, at);
}

static int check_component(const char *text, const char *name, size_t len, struct pfs_err *err)
{
    if (len == 0)
        return pfs_err_set(err, EINVAL, "file name \"%.80s\" has a '/' with no name on one side", text);
    if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
        return pfs_err_set(err, EINVAL, "file name \"%.80s\": \"%.*s\" is a folder's own", text, (int)len,
                           name);
    if (name == text && len == strlen("control") && strncasecmp(name, "control", len) == 0)
        return pfs_err_set(err, EINVAL, "file name \"%.80s\": control is the mount's own folder", text);
    return 0;
}

static int check_components(const char *text, struct pfs_err *err)
{
    int r = 0;
    for (const char *name = text; name && r == 0;) {
        size_t len = strcspn(name, "/");
        r = check_component(text, name, len, err);
        name = name[len] ? name + len + 1 : NULL;
    }
    return r;
}

/* Fields and characters; the length of all names of this pattern, which is one. */
static int check_text(const char *text, size_t *ret_len, struct pfs_err *err)
{
    *ret_len = 0;
    for (const char *s = text; *s;) {
        const struct field *f = find_field(s);
        if (!f && (*s == '{' || *s == '}'))
            return no_such_field(text, s, err);
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return pfs_err_set(err, EINVAL, "file name \"%.80s\" has a control character", text);
        *ret_len += f ? mac_len(f) : 1;
        s += f ? strlen(f->text) : 1;
    }
    return 0;
}

static int check(const char *text, struct pfs_err *err)
{
    size_t len;
    if (*text == '\0')
        return pfs_err_set(err, EINVAL, "file name is empty");
    int r = check_text(text, &len, err);
    if (r == 0 && PFS_MAX(len, strlen(text)) > PFS_FILE_NAME_MAX)
        r = pfs_err_set(err, EINVAL, "file name \"%.80s…\" is longer than %d bytes", text, PFS_FILE_NAME_MAX);
    return r < 0 ? r : check_components(text, err);
}

static void write_shape(const char *text, char *out, bool *ret_has_mac)
{
    while (*text) {
        const struct field *f = find_field(text);
        if (f) {
            memcpy(out, in_shape, sizeof in_shape - 1);
            out += sizeof in_shape - 1;
            text += strlen(f->text);
            *ret_has_mac = true;
        } else
            *out++ = lower(*text++);
    }
    *out = '\0';
}

int pfs_pattern_parse(const char *text, struct pfs_pattern *ret, struct pfs_err *err)
{
    int r = check(text, err);
    if (r < 0)
        return r;
    size_t size = strlen(text) + 1; /* a shape is no longer than its text */
    struct pfs_pattern p = {.text = malloc(2 * size)};
    if (!p.text)
        return pfs_err_nomem(err);
    memcpy(p.text, text, size);
    write_shape(text, p.text + size, &p.has_mac);
    p.shape = p.text + size;
    const char *field = strrchr(p.shape, '}');
    p.tail = field ? field + 1 : p.shape;
    p.tail_len = strlen(p.tail);
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

/* ---- to a name and back ---- */

void pfs_pattern_format(const struct pfs_pattern *p, uint64_t mac, char *out)
{
    for (const char *s = p->text; *s;) {
        const struct field *f = find_field(s);
        char text[PFS_MAC_TEXT_MAX + 1];
        if (!f) {
            *out++ = *s++;
            continue;
        }
        pfs_mac_format_as(mac, f->upper, f->separator, text);
        memcpy(out, text, mac_len(f));
        out += mac_len(f);
        s += strlen(f->text);
    }
    *out = '\0';
}

/* How a name was read along a shape. */
struct reading {
    const char *rest; /* of the shape, behind what the name is */
    uint64_t mac;
    bool has_mac;
};

/* Reads a name to its end; false where it is none of the shape's beginnings. */
static bool read_name(const char *shape, const char *name, struct reading *ret)
{
    *ret = (struct reading){0};
    while (*name) {
        if (*shape != '{') {
            if (lower(*name++) != *shape++)
                return false;
            continue;
        }
        uint64_t mac;
        size_t taken = pfs_mac_scan(name, strnlen(name, PFS_MAC_TEXT_MAX), &mac);
        if (taken == 0 || (ret->has_mac && mac != ret->mac))
            return false;
        ret->mac = mac;
        ret->has_mac = true;
        name += taken;
        shape += sizeof in_shape - 1;
    }
    ret->rest = shape;
    return true;
}

/* Tells most names from most patterns at a glance: from the end, where they differ most. */
static bool ends_alike(const struct pfs_pattern *p, const char *name)
{
    size_t len = strlen(name), n = p->tail_len;
    if (len < n)
        return false;
    while (n > 0 && lower(name[len - 1]) == p->tail[n - 1]) {
        len--;
        n--;
    }
    return n == 0;
}

bool pfs_pattern_match(const struct pfs_pattern *p, const char *name, uint64_t *ret_mac)
{
    struct reading r;
    if (!ends_alike(p, name) || !read_name(p->shape, name, &r) || *r.rest)
        return false;
    *ret_mac = r.mac;
    return true;
}

char pfs_name_end(const char *name)
{
    size_t len = strlen(name);
    return len > 0 ? lower(name[len - 1]) : '\0';
}

char pfs_pattern_end(const struct pfs_pattern *p)
{
    return pfs_name_end(p->tail);
}

bool pfs_pattern_is_below(const struct pfs_pattern *p, const char *folder, uint64_t *ret_mac,
                          bool *ret_has_mac)
{
    struct reading r;
    if (!read_name(p->shape, folder, &r) || (*folder && *r.rest != '/'))
        return false;
    *ret_mac = r.mac;
    *ret_has_mac = r.has_mac;
    return true;
}

/* ---- paths ---- */

size_t pfs_path_depth(const char *path)
{
    size_t n = *path != '\0';
    for (; *path; path++)
        n += *path == '/';
    return n;
}

const char *pfs_path_component(const char *path, size_t n, size_t *ret_len)
{
    for (; n > 0; n--) {
        path += strcspn(path, "/");
        path += *path == '/';
    }
    *ret_len = strcspn(path, "/");
    return path;
}

void pfs_path_cut(char *path, size_t n)
{
    size_t len;
    const char *next = pfs_path_component(path, n, &len);
    if (n == 0)
        *path = '\0';
    else if (len > 0)
        path[next - path - 1] = '\0';
}

int pfs_path_join(const char *folder, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s%s", folder, *folder ? "/" : "", name);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
