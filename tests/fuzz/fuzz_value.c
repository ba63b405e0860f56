/* Any bytes as key, value and section's name in each syntax: refused, or read back the same between their
 * neighbours.
 *
 * The first byte is the syntax (its low three bits), latin1 (8), crlf (16), refusals (32, 64); the rest is
 * KEY NUL SECTION NUL VALUE. */
#include "read_back.h"
#include "render/emit.h"

#include "fuzz.h"

#include <string.h>

static const struct pfs_syntax *syntax_of(unsigned n)
{
    static const char *const names[] = {"properties", "plain",       "colon",         "quoted",
                                        "ini",        "xml-element", "xml-attribute", "xml-entry"};
    return pfs_syntax_find(names[n & 7]);
}

struct input {
    char *key, *section, *value;
    size_t value_len;
};

static struct input split(char *text, size_t len)
{
    struct input in = {.key = text};
    size_t key_len = strlen(text);
    in.section = text + PFS_MIN(key_len + 1, len);
    in.value = in.section + PFS_MIN(strlen(in.section) + 1, (size_t)(text + len - in.section));
    in.value_len = strlen(in.value);
    return in;
}

static bool pair(struct pfs_emit *e, const char *key, const char *value)
{
    return pfs_emit_pair(e, key, strlen(key), value, strlen(value), NULL, false, NULL) == 0;
}

/* True where all was taken. */
static bool write_file(struct pfs_emit *e, const struct input *in)
{
    bool ok = !e->syntax->is_xml || pfs_emit_open(e, "root", 4, false, NULL) == 0;
    if (ok && e->syntax->has_sections)
        ok = pfs_emit_open(e, in->section, strlen(in->section), true, NULL) == 0;
    ok = ok && pair(e, "before", "x") && pair(e, in->key, in->value) && pair(e, "after", "y");
    while (ok && e->depth)
        pfs_emit_close(e);
    return ok;
}

static bool is_section(const struct one_pair *p, const struct pfs_syntax *s, const char *name)
{
    size_t len = s->has_sections ? strlen(name) : 0;
    return p->section.len == len && (len == 0 || memcmp(p->section.data, name, len) == 0);
}

static void check(const struct pfs_emit *e, const struct input *in)
{
    struct pairs pairs = {0};
    const struct pfs_syntax *s = e->syntax;
    bool ok = read_back(s, e->rules->latin1, e->out->data, e->out->len, &pairs);
    fuzz_check(ok, pairs.why);
    fuzz_check(pairs.n == 3, "not three pairs");
    fuzz_check(pair_is(&pairs.all[0], "before", "x", 1), "the pair before is another");
    fuzz_check(pair_is(&pairs.all[1], in->key, in->value, in->value_len), "the pair is another");
    fuzz_check(pair_is(&pairs.all[2], "after", "y", 1), "the pair behind is another");
    for (size_t i = 0; i < 3; i++)
        fuzz_check(s->shape == PFS_PAIR_ELEMENT || is_section(&pairs.all[i], s, in->section),
                   "the section is another");
    pairs_done(&pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const reserved[] = {"%NULL%", "none", NULL};
    if (size < 2)
        return 0;
    char *text = calloc(1, size + 2);
    fuzz_check(text != NULL, "out of memory");
    memcpy(text, data + 1, size - 1);
    struct input in = split(text, size);
    size_t name_max = 200; /* what the reader holds */
    if (strlen(in.key) > name_max || strlen(in.section) > name_max) {
        free(text);
        return 0;
    }
    struct pfs_value_rules rules = {.latin1 = data[0] & 8,
                                    .refuse_newline = data[0] & 32,
                                    .refuse_edge_blank = data[0] & 32,
                                    .refuse_non_ascii = data[0] & 64,
                                    .reserved = data[0] & 64 ? reserved : NULL};
    struct pfs_buf out autobuf = PFS_BUF_INIT(1 << 20);
    struct pfs_emit *e = calloc(1, sizeof *e);
    fuzz_check(e != NULL, "out of memory");
    pfs_emit_begin(e, syntax_of(data[0]), &rules, data[0] & 16, &out);
    if (write_file(e, &in) && !pfs_buf_error(&out))
        check(e, &in);
    free(e);
    free(text);
    return 0;
}
