/* JSON (RFC 8259) as it is written: one escaper, and a writer that puts the commas. */
#pragma once

#include "base/buf.h"

/* Writes a string with its quotes. Bytes that are no UTF-8 become U+FFFD. NULL: null. */
void pfs_json_string(FILE *out, const char *s);

/* The same, appended; not NULL. */
void pfs_json_add(struct pfs_buf *out, const char *s);

/* Objects and arrays in one another, at most 16 deep. Zero it first. */
struct pfs_json {
    FILE *out;
    unsigned depth;
    bool has_items[16];
};

void pfs_json_open(struct pfs_json *j, const char *key,
                   char bracket);                      /* '{' or '['; key NULL in an array or outermost */
void pfs_json_close(struct pfs_json *j, char bracket); /* '}' or ']' */
void pfs_json_text(struct pfs_json *j, const char *key, const char *value);
void pfs_json_int(struct pfs_json *j, const char *key, int64_t value);
void pfs_json_bool(struct pfs_json *j, const char *key, bool value);
