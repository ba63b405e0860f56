/* Compiles expressions: text with {reference|filter arguments|…}. */
#include "render/program.h"

#include <ctype.h>
#include <errno.h>

/* Reads through the text of one expression. */
struct reader {
    const struct pfs_names *names;
    const char *at, *end;
};

static struct pfs_arena *arena(const struct pfs_names *names)
{
    return &names->tmpl->arena;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && isspace((unsigned char)*r->at))
        r->at++;
}

static bool is_word_char(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-' || c == '[' || c == ']' || c == '+';
}

/* The next word, empty where there is none. */
static struct pfs_str read_word(struct reader *r)
{
    skip_blanks(r);
    struct pfs_str word = {.s = r->at};
    while (r->at < r->end && is_word_char(*r->at))
        r->at++;
    word.len = (size_t)(r->at - word.s);
    return word;
}

static bool equals(struct pfs_str a, const char *b)
{
    return strlen(b) == a.len && memcmp(a.s, b, a.len) == 0;
}

static bool is_number(struct pfs_str word)
{
    size_t i = word.len && (word.s[0] == '-' || word.s[0] == '+') ? 1 : 0;
    if (i == word.len)
        return false;
    for (; i < word.len; i++)
        if (!isdigit((unsigned char)word.s[i]))
            return false;
    return true;
}

static int literal(const struct pfs_names *names, const char *s, size_t len, struct pfs_ref *ret,
                   struct pfs_err *err)
{
    char *copy = pfs_arena_strndup(arena(names), s, len);
    if (!copy)
        return pfs_err_nomem(err);
    *ret = (struct pfs_ref){.kind = PFS_REF_LITERAL, .text = {copy, len}};
    return 0;
}

static int find_variable(const struct pfs_names *names, struct pfs_str name)
{
    for (size_t i = names->n_variables; i > 0; i--)
        if (equals(name, names->variables[i - 1]))
            return (int)i - 1;
    return -1;
}

static int find_table(const struct pfs_names *names, struct pfs_str name)
{
    for (size_t i = 0; i < names->n_tables; i++)
        if (equals(name, names->tables[i]))
            return (int)i;
    return -1;
}

static bool starts_with(struct pfs_str word, const char *prefix)
{
    size_t len = strlen(prefix);
    return word.len > len && memcmp(word.s, prefix, len) == 0;
}

/* line.number and the like; false where the word is none of them. */
static bool find_property(struct pfs_str word, struct pfs_ref *ret)
{
    static const struct {
        const char *name;
        enum pfs_ref_kind kind;
    } properties[] = {
        {"line.number", PFS_REF_LINE_NUMBER},   {"line.assigned", PFS_REF_LINE_ASSIGNED},
        {"line.account", PFS_REF_LINE_ACCOUNT}, {"device.mac", PFS_REF_DEVICE_MAC},
        {"device.lines", PFS_REF_DEVICE_LINES}, {"device.customer", PFS_REF_DEVICE_CUSTOMER},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(properties); i++)
        if (equals(word, properties[i].name)) {
            *ret = (struct pfs_ref){.kind = properties[i].kind};
            return true;
        }
    return false;
}

static bool find_tz(struct pfs_str word, struct pfs_ref *ret)
{
    static const char *const names[] = {
        "tz.offset",          "tz.dst",           "tz.dst_offset",       "tz.save",
        "tz.start.month",     "tz.start.week",    "tz.start.weekday",    "tz.start.day",
        "tz.start.first_day", "tz.start.seconds", "tz.end.month",        "tz.end.week",
        "tz.end.weekday",     "tz.end.day",       "tz.end.first_day",    "tz.end.seconds",
        "tz.posix",           "tz.abbreviation",  "tz.dst_abbreviation",
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        if (equals(word, names[i])) {
            *ret = (struct pfs_ref){.kind = PFS_REF_TZ, .number = (int)i};
            return true;
        }
    return false;
}

static bool find_contact(struct pfs_str word, struct pfs_ref *ret)
{
    static const char *const names[] = {[PFS_CONTACT_NAME] = "contact.name",
                                        [PFS_CONTACT_NUMBER] = "contact.number",
                                        [PFS_CONTACT_ACCOUNT] = "contact.account",
                                        [PFS_CONTACT_INDEX] = "contact.index"};
    for (size_t i = 0; i < PFS_N_ELEMENTS(names); i++)
        if (equals(word, names[i])) {
            *ret = (struct pfs_ref){.kind = PFS_REF_CONTACT, .number = (int)i};
            return true;
        }
    return false;
}

static void note_entry(struct pfs_reads *r, const struct pfs_catalogue_entry *e)
{
    if (e->id < 0)
        r->indexed = true;
    else
        r->plain[e->id / 64] |= (uint64_t)1 << e->id % 64;
}

/* Notes that the program reads an entry, and what that falls back to. */
static int note_read(const struct pfs_names *names, const struct pfs_catalogue_entry *e, struct pfs_err *err)
{
    struct pfs_reads *r = names->reads;
    const struct pfs_catalogue *c = names->catalogue;
    if (!r->plain && !(r->plain = pfs_arena_alloc(arena(names), (c->n_plain / 64 + 1) * sizeof *r->plain)))
        return pfs_err_nomem(err);
    note_entry(r, e);
    while (e->default_kind == PFS_DEFAULT_KEY) {
        e = c->plain[e->default_id];
        note_entry(r, e);
    }
    return 0;
}

/* What the tz.… words are made of. */
static int note_zone(const struct pfs_names *names, struct pfs_err *err)
{
    const struct pfs_catalogue_entry *e =
        pfs_map_get(&names->catalogue->by_key, PFS_TZ_KEY, sizeof PFS_TZ_KEY - 1);
    return e ? note_read(names, e, err) : 0;
}

/* key.[k].type: the parts, and the entry key.N.type that they belong to. */
static int compile_indexed(const struct pfs_names *names, struct pfs_str word, struct pfs_ref *ret,
                           struct pfs_err *err)
{
    struct pfs_key_part parts[2 * PFS_NESTING_MAX];
    size_t n = 0;
    char probe[PFS_KEY_MAX] = ""; /* with 1 for each number, to find the entry */
    size_t probe_len = 0;
    for (size_t i = 0; i < word.len;) {
        bool variable = word.s[i] == '[';
        size_t start = variable ? i + 1 : i, stop = start;
        while (stop < word.len && word.s[stop] != '[' && word.s[stop] != ']')
            stop++;
        struct pfs_str text = {word.s + start, stop - start};
        int slot = variable ? find_variable(names, text) : -1;
        if (n == PFS_N_ELEMENTS(parts) || probe_len + text.len + 2 > sizeof probe ||
            (variable && (slot < 0 || stop == word.len)))
            return pfs_err_set(err, EINVAL, "\"%.*s\" names no loop variable in [ ]", (int)word.len, word.s);
        char *copy = pfs_arena_strndup(arena(names), text.s, text.len);
        if (!copy)
            return pfs_err_nomem(err);
        parts[n++] = (struct pfs_key_part){.text = {copy, text.len}, .variable = slot};
        memcpy(probe + probe_len, variable ? "1" : copy, variable ? 1 : text.len);
        probe_len += variable ? 1 : text.len;
        i = stop + (variable ? 1 : 0);
    }
    probe[probe_len] = '\0';
    struct pfs_key key;
    if (pfs_catalogue_find(names->catalogue, probe, &key, err) < 0)
        return -EINVAL;
    if (!key.entry || key.entry->id >= 0)
        return pfs_err_set(err, EINVAL, "\"%.*s\" is no setting with numbers", (int)word.len, word.s);
    struct pfs_key_part *copy = pfs_arena_alloc(arena(names), n * sizeof *copy);
    if (!copy)
        return pfs_err_nomem(err);
    memcpy(copy, parts, n * sizeof *copy);
    *ret = (struct pfs_ref){.kind = PFS_REF_INDEXED, .entry = key.entry, .n_parts = n, .parts = copy};
    return note_read(names, key.entry, err);
}

static int compile_key(const struct pfs_names *names, struct pfs_str word, struct pfs_ref *ret,
                       struct pfs_err *err)
{
    char name[PFS_KEY_MAX];
    if (word.len >= sizeof name)
        return pfs_err_set(err, EINVAL, "\"%.40s…\" is too long for a key", word.s);
    memcpy(name, word.s, word.len);
    name[word.len] = '\0';
    struct pfs_key key;
    if (pfs_catalogue_find(names->catalogue, name, &key, err) < 0)
        return -EINVAL;
    if (!key.entry)
        return pfs_err_set(err, EINVAL, "\"%s\" is no setting", name);
    if (key.entry->id < 0)
        return compile_indexed(names, word, ret, err);
    *ret = (struct pfs_ref){.kind = PFS_REF_KEY, .entry = key.entry};
    return note_read(names, key.entry, err);
}

/* name.index of a variable or a table; false where it is neither. */
static bool find_index(const struct pfs_names *names, struct pfs_str word, struct pfs_ref *ret)
{
    static const char suffix[] = ".index";
    size_t len = sizeof suffix - 1;
    if (word.len <= len || memcmp(word.s + word.len - len, suffix, len) != 0)
        return false;
    struct pfs_str name = {word.s, word.len - len};
    int slot = find_variable(names, name), table = find_table(names, name);
    if (slot < 0 && table < 0)
        return false;
    *ret = (struct pfs_ref){.kind = slot >= 0 ? PFS_REF_VARIABLE_INDEX : PFS_REF_TABLE_INDEX,
                            .number = slot >= 0 ? slot : table};
    return true;
}

int pfs_ref_compile(const struct pfs_names *names, const char *text, size_t len, struct pfs_ref *ret,
                    struct pfs_err *err)
{
    struct pfs_str word = {text, len};
    if (len == 0)
        return pfs_err_set(err, EINVAL, "an expression names nothing");
    if (is_number(word))
        return literal(names, text, len, ret, err);
    if (find_property(word, ret) || find_index(names, word, ret))
        return 0;
    if (find_tz(word, ret))
        return note_zone(names, err);
    if (find_contact(word, ret))
        return names->in_contacts
                   ? 0
                   : pfs_err_set(err, EINVAL, "\"%.*s\" stands outside of contacts", (int)word.len, word.s);
    if (starts_with(word, "model.")) {
        int r = literal(names, text + 6, len - 6, ret, err);
        ret->kind = PFS_REF_MODEL;
        return r;
    }
    int slot = find_variable(names, word);
    if (slot >= 0) {
        *ret = (struct pfs_ref){.kind = PFS_REF_VARIABLE, .number = slot};
        return 0;
    }
    if (memchr(text, '[', len))
        return compile_indexed(names, word, ret, err);
    return compile_key(names, word, ret, err);
}

/* 'text' or a reference; *ret_found false where there is neither (the next is '|' or the end). */
static int read_operand(struct reader *r, struct pfs_ref *ret, bool *ret_found, struct pfs_err *err)
{
    skip_blanks(r);
    *ret_found = r->at < r->end && *r->at != '|';
    if (!*ret_found)
        return 0;
    if (*r->at == '\'') {
        const char *close = memchr(r->at + 1, '\'', (size_t)(r->end - r->at - 1));
        if (!close)
            return pfs_err_set(err, EINVAL, "a quote is not closed");
        int ok = literal(r->names, r->at + 1, (size_t)(close - r->at - 1), ret, err);
        r->at = close + 1;
        return ok;
    }
    struct pfs_str word = read_word(r);
    if (word.len == 0)
        return pfs_err_set(err, EINVAL, "unexpected \"%c\" in an expression", *r->at);
    return pfs_ref_compile(r->names, word.s, word.len, ret, err);
}

static int read_map_name(struct reader *r, struct pfs_filter *f, struct pfs_err *err)
{
    struct pfs_str word = read_word(r);
    for (size_t i = 0; i < r->names->n_maps; i++)
        if (equals(word, r->names->maps[i]->name)) {
            f->map = r->names->maps[i];
            return 0;
        }
    return pfs_err_set(err, EINVAL, "there is no map \"%.*s\"", (int)word.len, word.s);
}

static int read_args(struct reader *r, struct pfs_filter *f, struct pfs_err *err)
{
    struct pfs_ref args[PFS_FILTER_ARGS_MAX];
    for (;;) {
        struct pfs_ref arg;
        bool found;
        int ok = read_operand(r, &arg, &found, err);
        if (ok < 0)
            return ok;
        if (!found)
            break;
        if (f->n_args == PFS_FILTER_ARGS_MAX)
            return pfs_err_set(err, EINVAL, "a filter has more than %d arguments", PFS_FILTER_ARGS_MAX);
        args[f->n_args++] = arg;
    }
    struct pfs_ref *copy = pfs_arena_alloc(arena(r->names), f->n_args * sizeof *copy);
    if (!copy)
        return pfs_err_nomem(err);
    if (f->n_args)
        memcpy(copy, args, f->n_args * sizeof *copy);
    f->args = copy;
    return 0;
}

static int read_filter(struct reader *r, const struct pfs_piece *piece, struct pfs_filter *f,
                       struct pfs_err *err)
{
    struct pfs_str name = read_word(r);
    *f = (struct pfs_filter){.kind = pfs_filter_find(name.s, name.len)};
    if (!f->kind)
        return pfs_err_set(err, EINVAL, "there is no filter \"%.*s\"", (int)name.len, name.s);
    bool is_key = piece->ref.kind == PFS_REF_KEY || piece->ref.kind == PFS_REF_INDEXED;
    if (pfs_filter_is_isset(f->kind) && (!is_key || piece->n_filters > 0))
        return pfs_err_set(err, EINVAL, "\"isset\" stands directly behind a setting's key");
    int ok = pfs_filter_is_map(f->kind) ? read_map_name(r, f, err) : 0;
    if (ok == 0)
        ok = read_args(r, f, err);
    if (ok == 0 && !pfs_filter_takes(f->kind, f->n_args))
        return pfs_err_set(err, EINVAL, "\"%.*s\" has the wrong number of arguments: %zu", (int)name.len,
                           name.s, f->n_args);
    return ok;
}

/* What stands between { and }. */
static int compile_piece(const struct pfs_names *names, const char *s, size_t len, struct pfs_piece *ret,
                         struct pfs_err *err)
{
    struct reader r = {.names = names, .at = s, .end = s + len};
    struct pfs_filter filters[PFS_FILTERS_MAX];
    bool found;
    *ret = (struct pfs_piece){0};
    int ok = read_operand(&r, &ret->ref, &found, err);
    if (ok == 0 && !found)
        return pfs_err_set(err, EINVAL, "an expression names nothing");
    while (ok == 0) {
        skip_blanks(&r);
        if (r.at == r.end)
            break;
        if (*r.at++ != '|')
            return pfs_err_set(err, EINVAL, "a \"|\" is missing before \"%.*s\"", (int)(r.end - r.at + 1),
                               r.at - 1);
        if (ret->n_filters == PFS_FILTERS_MAX)
            return pfs_err_set(err, EINVAL, "an expression has more than %d filters", PFS_FILTERS_MAX);
        ok = read_filter(&r, ret, &filters[ret->n_filters], err);
        ret->n_filters++;
    }
    if (ok < 0)
        return ok;
    struct pfs_filter *copy = pfs_arena_alloc(arena(names), ret->n_filters * sizeof *copy);
    if (!copy)
        return pfs_err_nomem(err);
    if (ret->n_filters)
        memcpy(copy, filters, ret->n_filters * sizeof *copy);
    ret->filters = copy;
    return 0;
}

/* The end of the expression that begins behind a '{': its '}', not one in quotes. NULL: none. */
static const char *find_close(const char *s)
{
    bool quoted = false;
    for (; *s; s++) {
        if (*s == '\'')
            quoted = !quoted;
        else if (*s == '}' && !quoted)
            return s;
    }
    return NULL;
}

/* Literal text up to the next expression, {{ and }} made single. Returns where it ends. */
static const char *read_literal(const char *s, struct pfs_buf *out, struct pfs_err *err)
{
    for (; *s; s++) {
        if ((*s == '{' && s[1] == '{') || (*s == '}' && s[1] == '}')) {
            pfs_buf_char(out, *s++);
            continue;
        }
        if (*s == '{')
            return s;
        if (*s == '}') {
            pfs_err_set(err, EINVAL, "a \"}\" without \"{\": write \"}}\"");
            return NULL;
        }
        pfs_buf_char(out, *s);
    }
    return s;
}

enum { PIECES_MAX = 512 };

static int compile_pieces(const struct pfs_names *names, const char *s, struct pfs_piece *pieces,
                          size_t *ret_n, struct pfs_err *err)
{
    size_t n = 0;
    while (*s) {
        if (n + 2 > PIECES_MAX)
            return pfs_err_set(err, EINVAL, "a text has more than %d expressions", PIECES_MAX / 2);
        struct pfs_buf text autobuf = PFS_BUF_INIT(0);
        s = read_literal(s, &text, err);
        if (!s)
            return -EINVAL;
        int r = pfs_buf_error(&text) ? pfs_err_nomem(err) : 0;
        if (r == 0 && text.len) {
            pieces[n] = (struct pfs_piece){0};
            r = literal(names, text.data, text.len, &pieces[n++].ref, err);
        }
        if (r < 0)
            return r;
        if (!*s)
            break;
        const char *close = find_close(s + 1);
        if (!close)
            return pfs_err_set(err, EINVAL, "a \"{\" is not closed: write \"{{\" for a brace");
        r = compile_piece(names, s + 1, (size_t)(close - s - 1), &pieces[n++], err);
        if (r < 0)
            return r;
        s = close + 1;
    }
    *ret_n = n;
    return 0;
}

int pfs_expr_compile(const struct pfs_names *names, const char *text, struct pfs_expr **ret,
                     struct pfs_err *err)
{
    autofree struct pfs_piece *pieces =
        malloc(PIECES_MAX * sizeof *pieces); /* each is filled in as it comes */
    if (!pieces)
        return pfs_err_nomem(err);
    size_t n = 0;
    int r = compile_pieces(names, text, pieces, &n, err);
    if (r < 0)
        return r;
    struct pfs_expr *e = pfs_arena_alloc(arena(names), sizeof *e);
    struct pfs_piece *copy = pfs_arena_alloc(arena(names), n * sizeof *copy);
    if (!e || !copy)
        return pfs_err_nomem(err);
    if (n)
        memcpy(copy, pieces, n * sizeof *copy);
    *e = (struct pfs_expr){.n_pieces = n, .pieces = copy};
    *ret = e;
    return 0;
}
