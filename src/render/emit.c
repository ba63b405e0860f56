#include "render/emit_impl.h"
#include "render/form.h"

#include <errno.h>

void pfs_emit_begin(struct pfs_emit *e, const struct pfs_syntax *s, const struct pfs_value_rules *rules,
                    bool crlf, struct pfs_buf *out)
{
    e->syntax = s;
    e->rules = rules;
    e->eol = crlf ? "\r\n" : "\n";
    e->out = out;
    e->depth = 0;
    e->had_root = false;
    e->line = PFS_EMIT_LINE_EMPTY;
    if (s->is_xml) {
        pfs_buf_printf(out, "<?xml version=\"1.0\" encoding=\"%s\"?>",
                       rules->latin1 ? "ISO-8859-1" : "UTF-8");
        pfs_emit_end_line(e);
    }
}

void pfs_emit_end_line(struct pfs_emit *e)
{
    pfs_buf_str_add(e->out, e->eol);
    e->line = PFS_EMIT_LINE_EMPTY;
}

struct pfs_emit_level *pfs_emit_top(struct pfs_emit *e)
{
    return e->depth ? &e->levels[e->depth - 1] : NULL;
}

void pfs_emit_indent(struct pfs_emit *e, unsigned depth)
{
    static const char blanks[] = "                                ";
    if (e->syntax->is_xml)
        pfs_buf_add(e->out, blanks, PFS_MIN(depth * 2, (unsigned)sizeof blanks - 1));
}

void pfs_emit_begin_child(struct pfs_emit *e)
{
    struct pfs_emit_level *level = pfs_emit_top(e);
    if (!level)
        return;
    if (level->open) {
        if (!level->section)
            pfs_buf_char(e->out, '>');
        pfs_emit_end_line(e);
        level->open = false;
    }
    level->has_children = true;
}

int pfs_emit_check_inside(const struct pfs_emit *e, const char *what, struct pfs_err *err)
{
    if (e->syntax->is_xml && e->depth == 0)
        return pfs_err_set(err, EINVAL, "%s stands outside an element", what);
    return 0;
}

/* Where a literal text begins the line as a pair begins, its key is still to come. */
static size_t before_key(const struct pfs_emit *e, const char *text, size_t len, bool literal)
{
    size_t n = strlen(e->syntax->before);
    bool begins = literal && e->line == PFS_EMIT_LINE_EMPTY && len >= n;
    return begins && memcmp(text, e->syntax->before, n) == 0 ? n : 0;
}

/* In files of lines a value within a text must not make a key or comment of the line that it begins. */
static int settle_line(struct pfs_emit *e, const char *text, size_t len, bool literal, struct pfs_err *err)
{
    const struct pfs_syntax *s = e->syntax;
    if (s->shape != PFS_PAIR_LINE || e->line == PFS_EMIT_LINE_SETTLED || len == 0)
        return 0;
    size_t skip = before_key(e, text, len, literal);
    bool settles = memchr(text + skip, pfs_syntax_sign(s), len - skip) ||
                   (e->line == PFS_EMIT_LINE_EMPTY && pfs_syntax_begins_otherwise(s, text, len));
    if (settles && !literal)
        return pfs_err_set(err, EINVAL, "a value would make another pair of this line of text");
    e->line = settles ? PFS_EMIT_LINE_SETTLED : PFS_EMIT_LINE_BEGUN;
    return 0;
}

int pfs_emit_text(struct pfs_emit *e, const char *text, size_t len, bool literal, struct pfs_err *err)
{
    int r = pfs_emit_check_inside(e, "text", err);
    if (r == 0 && !literal)
        r = pfs_syntax_check_value(e->syntax, e->rules, text, len, err);
    if (r == 0)
        r = settle_line(e, text, len, literal, err);
    if (r < 0)
        return r;
    pfs_emit_begin_child(e);
    if (literal && !e->syntax->is_xml)
        pfs_syntax_encode(e->rules, text, len, e->out); /* the template's own lines, quotes included */
    else
        pfs_emit_escaped(e, text, len);
    return 0;
}

int pfs_emit_comment(struct pfs_emit *e, const char *text, struct pfs_err *err)
{
    if (strpbrk(text, "\r\n") || (e->syntax->is_xml && strstr(text, "--")))
        return pfs_err_set(err, EINVAL, "a comment is one line, without \"--\" in XML");
    pfs_emit_begin_child(e);
    pfs_emit_indent(e, e->depth);
    pfs_buf_str_add(e->out, e->syntax->is_xml ? "<!-- " : e->syntax->comment);
    pfs_syntax_encode(e->rules, text, strlen(text), e->out);
    pfs_buf_str_add(e->out, e->syntax->is_xml ? " -->" : "");
    pfs_emit_end_line(e);
    return 0;
}

static int check_name(const struct pfs_emit *e, const char *name, size_t len, unsigned what,
                      struct pfs_err *err)
{
    if (!(what & PFS_EMIT_SECTION))
        return pfs_syntax_check_name(name, len, what & PFS_EMIT_PREFIXED, err);
    return e->syntax->is_xml ? pfs_syntax_check_key(e->syntax, name, len, false, err)
                             : pfs_syntax_check_section(e->syntax, e->rules, name, len, err);
}

static int check_open(const struct pfs_emit *e, const char *name, size_t len, unsigned what,
                      struct pfs_err *err)
{
    bool section = what & PFS_EMIT_SECTION;
    if (e->depth == PFS_EMIT_DEPTH_MAX)
        return pfs_err_set(err, EINVAL, "elements are nested deeper than %d", PFS_EMIT_DEPTH_MAX);
    if (len >= PFS_EMIT_NAME_MAX)
        return pfs_err_set(err, EINVAL, "the name \"%.40s…\" is longer than %d bytes", name,
                           PFS_EMIT_NAME_MAX - 1);
    if (section ? !e->syntax->has_sections : !e->syntax->is_xml)
        return pfs_err_set(err, EINVAL, "the syntax %s has no %s", e->syntax->name,
                           section ? "sections" : "elements");
    if (section && e->depth && e->levels[e->depth - 1].section)
        return pfs_err_set(err, EINVAL, "a section stands in a section");
    if (!section && e->depth == 0 && e->had_root)
        return pfs_err_set(err, EINVAL, "a second outermost element \"%.*s\"", (int)len, name);
    return check_name(e, name, len, what, err);
}

static void open_section(struct pfs_emit *e, const char *name, size_t len)
{
    if (e->syntax->is_xml) {
        struct pfs_emit_pair pair = {.key = name, .key_len = len};
        pfs_emit_form(e, e->syntax->section, 0, &pair);
        return;
    }
    pfs_buf_str_add(e->out, e->syntax->section_begin);
    pfs_syntax_encode(e->rules, name, len, e->out);
    pfs_buf_str_add(e->out, e->syntax->section_end);
    pfs_emit_end_line(e);
}

/* What stands behind a section's content. */
static void close_section(struct pfs_emit *e, const struct pfs_emit_level *level)
{
    const struct pfs_form *form = e->syntax->section;
    struct pfs_emit_pair pair = {.key = level->name, .key_len = strlen(level->name)};
    size_t i = 0;
    while (i < form->n && form->parts[i].word != PFS_FORM_CONTENT)
        i++;
    pfs_emit_form(e, form, i + 1, &pair);
}

int pfs_emit_open(struct pfs_emit *e, const char *name, size_t len, unsigned what, struct pfs_err *err)
{
    bool section = what & PFS_EMIT_SECTION;
    int r = check_open(e, name, len, what, err);
    if (r == 0 && section)
        r = pfs_emit_check_inside(e, "a section", err);
    if (r < 0)
        return r;
    pfs_emit_begin_child(e);
    pfs_emit_indent(e, e->depth);
    struct pfs_emit_level *level = &e->levels[e->depth++];
    memcpy(level->name, name, len);
    level->name[len] = '\0';
    level->section = section;
    level->has_children = false;
    level->open = e->syntax->is_xml;
    e->had_root = true;
    pfs_emit_begin_tag(e);
    if (section)
        open_section(e, name, len);
    else
        pfs_buf_printf(e->out, "<%.*s", (int)len, name);
    return 0;
}

bool pfs_emit_takes_attributes(const struct pfs_emit *e)
{
    return e->depth && e->levels[e->depth - 1].open;
}

void pfs_emit_close(struct pfs_emit *e)
{
    struct pfs_emit_level *level = &e->levels[--e->depth];
    if (!e->syntax->is_xml)
        return;
    if (level->has_children)
        pfs_emit_indent(e, e->depth);
    if (level->section)
        close_section(e, level);
    else if (level->has_children)
        pfs_buf_printf(e->out, "</%s>", level->name);
    else if (e->syntax->shape == PFS_PAIR_ATTRIBUTE)
        pfs_buf_str_add(e->out, "/>");
    else /* some firmware takes <x/> for "leave as it is" */
        pfs_buf_printf(e->out, "></%s>", level->name);
    pfs_emit_end_line(e);
}

size_t pfs_emit_path(const struct pfs_emit *e, char out[static PFS_EMIT_PATH_MAX])
{
    size_t n = 0;
    for (unsigned i = 0; i < e->depth; i++) {
        const struct pfs_emit_level *level = &e->levels[i];
        if (!level->section && (!e->syntax->is_tree || i == 0))
            continue;
        size_t len = strlen(level->name);
        if (n > 0)
            out[n++] = '/';
        memcpy(out + n, level->name, len);
        n += len;
    }
    out[n] = '\0';
    return n;
}

/* ---- going back ---- */

void pfs_emit_mark(const struct pfs_emit *e, struct pfs_emit_mark *ret)
{
    const struct pfs_emit_level *level = e->depth ? &e->levels[e->depth - 1] : NULL;
    *ret = (struct pfs_emit_mark){
        .len = e->out->len,
        .error = pfs_buf_error(e->out),
        .tag_at = e->tag_at,
        .depth = e->depth,
        .open = level && level->open,
        .has_children = level && level->has_children,
        .had_root = e->had_root,
        .line = e->line,
    };
}

void pfs_emit_rewind(struct pfs_emit *e, const struct pfs_emit_mark *m)
{
    e->out->len = m->len;
    e->out->error = e->out->error == -EFBIG ? m->error : e->out->error;
    e->depth = m->depth;
    e->had_root = m->had_root;
    e->line = m->line;
    e->tag_at = m->tag_at;
    memset(e->seen, 0xff, sizeof e->seen); /* what the tag had may have been forgotten: look in its text */
    struct pfs_emit_level *level = pfs_emit_top(e);
    if (level) {
        level->open = m->open;
        level->has_children = m->has_children;
    }
}
