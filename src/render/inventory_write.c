/* The inventory's XML as it is written. */
#include "base/timefmt.h"
#include "base/utf8.h"
#include "render/inventory_xml.h"
#include "render/syntax.h"

static void escape(struct pfs_inventory_writer *w, const char *text, bool in_attribute)
{
    static const struct pfs_value_rules rules = {0};
    pfs_syntax_escape(pfs_syntax_find("xml-element"), &rules, text, strlen(text), in_attribute, w->out);
}

/* ---- elements ---- */

static void indent(struct pfs_inventory_writer *w)
{
    for (unsigned i = 0; i < w->depth; i++)
        pfs_buf_str_add(w->out, "  ");
}

/* Up to before the attributes. */
static void open_tag(struct pfs_inventory_writer *w, const char *name)
{
    if (w->tag_is_open)
        pfs_buf_str_add(w->out, ">\n");
    indent(w);
    pfs_buf_char(w->out, '<');
    pfs_buf_str_add(w->out, name);
    w->tag_is_open = true;
    w->depth++;
}

static void attribute(struct pfs_inventory_writer *w, const char *name, const char *value)
{
    if (!value)
        return;
    pfs_buf_char(w->out, ' ');
    pfs_buf_str_add(w->out, name);
    pfs_buf_str_add(w->out, "=\"");
    escape(w, value, true);
    pfs_buf_char(w->out, '"');
}

static void close_tag(struct pfs_inventory_writer *w, const char *name)
{
    w->depth--;
    if (w->tag_is_open) {
        pfs_buf_str_add(w->out, "/>\n");
    } else {
        indent(w);
        pfs_buf_printf(w->out, "</%s>\n", name);
    }
    w->tag_is_open = false;
}

/* ---- texts ---- */

/* XML 1.0 section 2.2, Char; bytes that are no UTF-8 have no character at all. */
static bool has_characters_of_xml(const char *text, size_t len)
{
    uint32_t code = 0;
    for (size_t i = 0, n; i < len; i += n) {
        n = pfs_utf8_decode(text + i, len - i, &code);
        if (n == 0 || (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0xfffe ||
            code == 0xffff)
            return false;
    }
    return true;
}

static void base64(struct pfs_inventory_writer *w, const char *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = PFS_MIN(len - i, (size_t)3);
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < n ? (unsigned char)text[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            pfs_buf_char(w->out, j <= n ? digits[bits >> (18 - 6 * j) & 63] : '=');
    }
}

/* The text of an element whose tag is open, and its end. */
static void text_and_end(struct pfs_inventory_writer *w, const char *name, const char *text)
{
    size_t len = strlen(text);
    if (len == 0) {
        close_tag(w, name);
        return;
    }
    bool plain = has_characters_of_xml(text, len);
    pfs_buf_str_add(w->out, plain ? ">" : " encoding=\"base64\">");
    if (plain)
        escape(w, text, false);
    else
        base64(w, text, len);
    pfs_buf_printf(w->out, "</%s>\n", name);
    w->depth--;
    w->tag_is_open = false;
}

static void text_element(struct pfs_inventory_writer *w, const char *name, const char *text)
{
    if (!text)
        return;
    open_tag(w, name);
    text_and_end(w, name, text);
}

/* ---- the document ---- */

void pfs_inventory_write_begin(struct pfs_inventory_writer *w, struct pfs_buf *out)
{
    *w = (struct pfs_inventory_writer){.out = out};
    pfs_buf_str_add(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    open_tag(w, "inventory");
}

void pfs_inventory_write_end(struct pfs_inventory_writer *w)
{
    close_tag(w, "inventory");
}

void pfs_inventory_write_object(struct pfs_inventory_writer *w, const struct pfs_inventory_object *o)
{
    open_tag(w, pfs_scope_name(o->kind));
    if (o->kind != PFS_SCOPE_SITE)
        attribute(w, o->kind == PFS_SCOPE_DEVICE ? "mac" : "name", o->name);
    attribute(w, "model", o->words[PFS_INVENTORY_MODEL]);
    attribute(w, "profile", o->words[PFS_INVENTORY_PROFILE]);
    attribute(w, "parent", o->words[PFS_INVENTORY_PARENT]);
    attribute(w, "customer", o->words[PFS_INVENTORY_CUSTOMER]);
    attribute(w, "enabled", o->words[PFS_INVENTORY_ENABLED]);
    text_element(w, "inventory_id", o->words[PFS_INVENTORY_ID]);
    text_element(w, "source", o->words[PFS_INVENTORY_SOURCE]);
    text_element(w, "note", o->words[PFS_INVENTORY_NOTE]);
}

void pfs_inventory_write_object_end(struct pfs_inventory_writer *w, enum pfs_scope kind)
{
    close_tag(w, pfs_scope_name(kind));
}

void pfs_inventory_write_line(struct pfs_inventory_writer *w, unsigned number, const char *account)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    open_tag(w, "line");
    attribute(w, "number", text);
    attribute(w, "account", account);
}

void pfs_inventory_write_line_end(struct pfs_inventory_writer *w)
{
    close_tag(w, "line");
}

void pfs_inventory_write_setting(struct pfs_inventory_writer *w, const char *key, const char *value,
                                 int64_t from)
{
    char when[PFS_TIME_STR];
    open_tag(w, "setting");
    attribute(w, "key", key);
    if (from) {
        pfs_time_format(from, when);
        attribute(w, "from", when);
    }
    attribute(w, "ends", value ? NULL : "yes");
    text_and_end(w, "setting", value ? value : "");
}
