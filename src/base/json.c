#include "base/json.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

static void escape(struct pfs_buf *out, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *at = c ? strchr(plain, c) : NULL;
    if (at)
        pfs_buf_char(out, '\\');
    if (at || c >= 0x20)
        pfs_buf_char(out, at ? letter[at - plain] : (char)c);
    else
        pfs_buf_printf(out, "\\u%04x", c);
}

void pfs_json_add(struct pfs_buf *out, const char *s)
{
    pfs_buf_char(out, '"');
    for (size_t left = strlen(s); left > 0;) {
        uint32_t code;
        size_t n = pfs_utf8_decode(s, left, &code);
        if (n == 1)
            escape(out, (unsigned char)*s);
        else if (n > 1)
            pfs_buf_add(out, s, n);
        else
            pfs_buf_str_add(out, "\\ufffd");
        s += n ? n : 1;
        left -= n ? n : 1;
    }
    pfs_buf_char(out, '"');
}

void pfs_json_string(FILE *out, const char *s)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    if (s)
        pfs_json_add(&text, s);
    fputs(s ? pfs_buf_str(&text) : "null", out);
}

static void begin_item(struct pfs_json *j, const char *key)
{
    if (j->has_items[j->depth])
        fputs(j->depth == 1 ? ",\n" : ", ", j->out);
    j->has_items[j->depth] = true;
    if (key) {
        pfs_json_string(j->out, key);
        fputs(": ", j->out);
    }
}

void pfs_json_open(struct pfs_json *j, const char *key, char bracket)
{
    begin_item(j, key);
    fputc(bracket, j->out);
    if (j->depth + 1 < PFS_N_ELEMENTS(j->has_items))
        j->depth++;
    j->has_items[j->depth] = false;
}

void pfs_json_close(struct pfs_json *j, char bracket)
{
    fputc(bracket, j->out);
    if (j->depth > 0)
        j->depth--;
    if (j->depth == 0)
        fputc('\n', j->out);
}

void pfs_json_text(struct pfs_json *j, const char *key, const char *value)
{
    begin_item(j, key);
    pfs_json_string(j->out, value);
}

void pfs_json_int(struct pfs_json *j, const char *key, int64_t value)
{
    begin_item(j, key);
    fprintf(j->out, "%" PRId64, value);
}

void pfs_json_bool(struct pfs_json *j, const char *key, bool value)
{
    begin_item(j, key);
    fputs(value ? "true" : "false", j->out);
}
