#include "model/catalogue.h"
#include "base/near.h"
#include "base/utf8.h"
#include "model/tz.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { QUOTED_MAX = 40, NAME_MAX_LEN = 64, HOST_MAX_LEN = 253, LABEL_MAX_LEN = 63, LIST_MAX_ITEMS = 64 };

#define ALL_STORED_SCOPES ((PFS_SCOPE_BIT(PFS_N_SCOPES) - 1) & ~PFS_SCOPE_BIT(PFS_SCOPE_DEFAULT))

static const char DIGITS[] = "0123456789";

void pfs_catalogue_free(struct pfs_catalogue *c)
{
    if (!c)
        return;
    pfs_map_done(&c->by_key);
    pfs_arena_done(&c->arena);
    free(c);
}

/* ---- Words ---- */

static const char *const scope_names[PFS_N_SCOPES] = {
    [PFS_SCOPE_DEFAULT] = "default", [PFS_SCOPE_SITE] = "site",         [PFS_SCOPE_MODEL] = "model",
    [PFS_SCOPE_PROFILE] = "profile", [PFS_SCOPE_CUSTOMER] = "customer", [PFS_SCOPE_DEVICE] = "device",
    [PFS_SCOPE_ACCOUNT] = "account", [PFS_SCOPE_LINE] = "line",
};

static const char *const type_names[] = {
    [PFS_TYPE_TEXT] = "text",     [PFS_TYPE_INT] = "int",         [PFS_TYPE_SWITCH] = "switch",
    [PFS_TYPE_CHOICE] = "choice", [PFS_TYPE_LIST] = "list",       [PFS_TYPE_HOST] = "host",
    [PFS_TYPE_URL] = "url",       [PFS_TYPE_ZONE] = "zone",       [PFS_TYPE_TIME] = "time",
    [PFS_TYPE_USER] = "user",     [PFS_TYPE_ACCOUNT] = "account",
};

static int parse_word(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return (int)i;
    return -ENOENT;
}

const char *pfs_scope_name(enum pfs_scope scope)
{
    return (unsigned)scope < PFS_N_SCOPES ? scope_names[scope] : "?";
}

int pfs_scope_parse(const char *name, enum pfs_scope *ret)
{
    int i = parse_word(scope_names, PFS_N_ELEMENTS(scope_names), name);
    if (i < 0)
        return i;
    *ret = (enum pfs_scope)i;
    return 0;
}

const char *pfs_type_name(enum pfs_type type)
{
    return (unsigned)type < PFS_N_ELEMENTS(type_names) ? type_names[type] : "?";
}

int pfs_type_parse(const char *name, enum pfs_type *ret)
{
    int i = parse_word(type_names, PFS_N_ELEMENTS(type_names), name);
    if (i < 0)
        return i;
    *ret = (enum pfs_type)i;
    return 0;
}

/* ---- Quoting in sentences ---- */

struct quoted {
    char text[QUOTED_MAX + 8];
};

/* A value between quotation marks, shortened at a character's boundary; without its bytes where they are no
 * text. */
static const char *quote(const char *s, struct quoted *q)
{
    size_t len = strlen(s);
    if (!pfs_utf8_valid(s, len))
        return "this";
    size_t n = PFS_MIN(len, (size_t)QUOTED_MAX);
    while (n < len && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    snprintf(q->text, sizeof q->text, "\"%.*s%s\"", (int)n, s, n < len ? "…" : "");
    return q->text;
}

/* The same for a setting's value: never a secret, nor a URL that may carry a password before its '@'. */
static const char *quote_value(const struct pfs_key *k, const char *value, struct quoted *q)
{
    bool url = k->entry && k->entry->type == PFS_TYPE_URL;
    if (k->secret || (url && strchr(value, '@')))
        return "this value";
    return quote(value, q);
}

/* ---- Finding a key ---- */

/* What a native key contains, in any case, when its value is a password or a key. The store's views hide
 * values by the same list (as SQL patterns): change both. */
const char *const pfs_secret_words[] = {"passw",    "passphrase",  "secret", "pwd", "_pin", ".pin",
                                        "auth_key", "private_key", "psk",    "ha1", NULL};

static bool looks_secret(const char *native)
{
    for (size_t i = 0; pfs_secret_words[i]; i++)
        if (strcasestr(native, pfs_secret_words[i]))
            return true;
    return false;
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Printable ASCII; blanks only one by one between others. */
static bool is_native(const char *native)
{
    bool blank = true;
    for (const char *c = native; *c; c++) {
        if (*c < 0x20 || *c >= 0x7f || (*c == ' ' && blank))
            return false;
        blank = *c == ' ';
    }
    return !blank;
}

static int find_override(const char *key, const char *colon, struct pfs_key *ret, struct pfs_err *err)
{
    struct quoted q;
    size_t vendor_len = 0;
    while (is_lower_or_digit(key[vendor_len]) || key[vendor_len] == '-')
        vendor_len++;
    if (vendor_len == 0 || key + vendor_len != colon)
        return pfs_err_set(err, EINVAL, "no such setting: %s: the vendor before ':' is of a-z, 0-9 and '-'",
                           quote(key, &q));
    const char *native = colon + 1;
    if (*native == '\0')
        return pfs_err_set(err, EINVAL, "no such setting: %s: the vendor's own key is missing behind ':'",
                           quote(key, &q));
    if (!is_native(native))
        return pfs_err_set(
            err, EINVAL,
            "no such setting: %s: the vendor's own key is of printable ASCII, with single blanks "
            "inside at most",
            quote(key, &q));
    *ret = (struct pfs_key){.override = true, .secret = looks_secret(native), .scopes = ALL_STORED_SCOPES};
    return 0;
}

static bool is_placeholder(const char *segment, size_t len)
{
    return len == 1 && (*segment == 'N' || *segment == 'M');
}

enum match { NO_MATCH, MATCH, MATCH_BAD_NUMBER, MATCH_PLACEHOLDER };

/* What stands in place of a placeholder: 1 to PFS_KEY_NUMBER_MAX without leading zeros. */
static enum match match_number(const char *s, size_t len)
{
    if (is_placeholder(s, len))
        return MATCH_PLACEHOLDER;
    if (len == 0 || strspn(s, DIGITS) < len)
        return NO_MATCH;
    long number = len <= 4 ? strtol(s, NULL, 10) : PFS_KEY_NUMBER_MAX + 1;
    return s[0] != '0' && number <= PFS_KEY_NUMBER_MAX ? MATCH : MATCH_BAD_NUMBER;
}

/* Compares a key, segment by segment, with an indexed entry's. */
static enum match match_indexed(const char *entry_key, const char *key)
{
    enum match result = MATCH;
    for (;;) {
        size_t entry_len = strcspn(entry_key, "."), len = strcspn(key, ".");
        if (is_placeholder(entry_key, entry_len)) {
            enum match m = match_number(key, len);
            if (m == NO_MATCH)
                return NO_MATCH;
            if (m != MATCH)
                result = m;
        } else if (entry_len != len || memcmp(entry_key, key, len) != 0) {
            return NO_MATCH;
        }
        entry_key += entry_len;
        key += len;
        if (*entry_key == '\0' || *key == '\0')
            return *entry_key == *key ? result : NO_MATCH;
        entry_key++;
        key++;
    }
}

/* The entry's key nearest to what was asked for, NULL where none is near. Numbers count as the placeholder N.
 */
static const char *nearest(const struct pfs_catalogue *c, const char *key)
{
    unsigned best = pfs_near_limit(strlen(key)) + 1;
    const char *found = NULL;
    for (size_t i = 0; i < c->n_entries; i++) {
        unsigned distance = pfs_near_distance(key, c->entries[i].key);
        if (distance < best) {
            best = distance;
            found = c->entries[i].key;
        }
    }
    return found;
}

static void numbers_to_placeholders(const char *key, char out[static PFS_KEY_MAX + 1])
{
    for (;;) {
        size_t len = strcspn(key, ".");
        if (len > 0 && strspn(key, DIGITS) == len) {
            *out++ = 'N';
        } else {
            memcpy(out, key, len);
            out += len;
        }
        key += len;
        *out = *key;
        if (*key == '\0')
            return;
        key++;
        out++;
    }
}

static int unknown(const struct pfs_catalogue *c, const char *key, struct pfs_err *err)
{
    char shape[PFS_KEY_MAX + 1];
    numbers_to_placeholders(key, shape);
    const char *near = nearest(c, shape);
    return near ? pfs_err_set(err, ENOENT, "no such setting: %s (did you mean %s?)", key, near)
                : pfs_err_set(err, ENOENT, "no such setting: %s", key);
}

static int find_indexed(const struct pfs_catalogue *c, const char *key,
                        const struct pfs_catalogue_entry **ret, struct pfs_err *err)
{
    for (size_t i = 0; i < c->n_entries; i++) {
        const struct pfs_catalogue_entry *e = &c->entries[i];
        enum match m = e->id < 0 ? match_indexed(e->key, key) : NO_MATCH;
        if (m == MATCH) {
            *ret = e;
            return 0;
        }
        if (m == MATCH_BAD_NUMBER)
            return pfs_err_set(err, ENOENT,
                               "no such setting: %s (numbers go from 1 to %d, without leading zeros)", key,
                               PFS_KEY_NUMBER_MAX);
        if (m == MATCH_PLACEHOLDER)
            return pfs_err_set(err, ENOENT,
                               "no such setting: %s (write a number, 1 to %d, in place of N and M)", key,
                               PFS_KEY_NUMBER_MAX);
    }
    return unknown(c, key, err);
}

/* Behind the '@' of an attribute: what follows NAME=VALUE; NULL: it is none. */
static const char *skip_attribute(const char *text)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:";
    size_t name_len = strspn(text, name), value_len;
    if (name_len == 0 || text[name_len] != '=')
        return NULL;
    text += name_len + 1;
    value_len = strcspn(text, "@=");
    return value_len ? text + value_len : NULL;
}

size_t pfs_key_len(const char *text)
{
    size_t len = strcspn(text, "=");
    const char *colon = memchr(text, ':', len);
    const char *at = colon ? memchr(colon, '@', len - (size_t)(colon - text)) : NULL;
    while (at && *at == '@')
        at = skip_attribute(at + 1);
    return at ? (size_t)(at - text) : len;
}

int pfs_catalogue_find(const struct pfs_catalogue *c, const char *key, struct pfs_key *ret,
                       struct pfs_err *err)
{
    struct quoted q;
    size_t len = strlen(key);
    if (len == 0)
        return pfs_err_set(err, ENOENT, "no such setting: the key is empty");
    if (len > PFS_KEY_MAX)
        return pfs_err_set(err, ENOENT, "no such setting: %s is longer than %d bytes", quote(key, &q),
                           PFS_KEY_MAX);
    const char *colon = strchr(key, ':');
    if (colon)
        return find_override(key, colon, ret, err);
    const struct pfs_catalogue_entry *e = pfs_map_get(&c->by_key, key, len);
    if (!e || e->id < 0) {
        int r = find_indexed(c, key, &e, err);
        if (r < 0)
            return r;
    }
    *ret = (struct pfs_key){.entry = e, .secret = e->secret, .scopes = e->scopes};
    return 0;
}

/* ---- Checking a value ---- */

typedef int check_fn(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err);

static int check_text(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    return 0; /* length and UTF-8 were checked */
}

static int check_int(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    const char *digits = value + (*value == '-');
    size_t n = strspn(digits, DIGITS);
    bool padded = digits[0] == '0' && (n > 1 || digits != value);
    if (n == 0 || digits[n] != '\0' || padded)
        return pfs_err_set(err, EINVAL,
                           "%s: %s is no whole number: digits alone, without leading zeros, are right", key,
                           quote_value(k, value, &q));
    errno = 0;
    long long number = strtoll(value, NULL, 10);
    if (errno != 0 || number < k->entry->min || number > k->entry->max)
        return pfs_err_set(err, EINVAL, "%s: %s is out of range: %lld to %lld is right", key,
                           quote_value(k, value, &q), (long long)k->entry->min, (long long)k->entry->max);
    return 0;
}

static int check_switch(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    if (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)
        return 0;
    return pfs_err_set(err, EINVAL, "%s: %s is neither on nor off", key, quote_value(k, value, &q));
}

static int find_choice(const struct pfs_catalogue_entry *e, const char *s, size_t len)
{
    for (int i = 0; e->choices && e->choices[i]; i++)
        if (strlen(e->choices[i]) == len && memcmp(e->choices[i], s, len) == 0)
            return i;
    return -1;
}

static const char *list_choices(const struct pfs_catalogue_entry *e, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; e->choices && e->choices[i]; i++) {
        int n = snprintf(out + len, size - len, "%s%s", i ? ", " : "", e->choices[i]);
        if (n < 0 || (size_t)n >= size - len) {
            memcpy(out + size - sizeof "…", "…", sizeof "…");
            break;
        }
        len += (size_t)n;
    }
    return out;
}

static int check_choice(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    char choices[256];
    if (find_choice(k->entry, value, strlen(value)) >= 0)
        return 0;
    return pfs_err_set(err, EINVAL, "%s: %s is none of %s", key, quote_value(k, value, &q),
                       list_choices(k->entry, choices, sizeof choices));
}

static int bad_item(const char *key, const struct pfs_key *k, const char *item, size_t len,
                    struct pfs_err *err)
{
    struct quoted q;
    char choices[256];
    list_choices(k->entry, choices, sizeof choices);
    if (len == 0)
        return pfs_err_set(err, EINVAL,
                           "%s: an item of the list is empty: %s, with single commas between, are right", key,
                           choices);
    char text[QUOTED_MAX * 2]; /* quote() shortens what is still too long */
    snprintf(text, sizeof text, "%.*s", (int)PFS_MIN(len, sizeof text - 1), item);
    bool blank = item[0] == ' ' || item[len - 1] == ' ';
    return pfs_err_set(err, EINVAL, "%s: %s is none of %s%s", key, quote_value(k, text, &q), choices,
                       blank ? " (no blanks around the commas)" : "");
}

static int check_list(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    uint64_t seen = 0;
    for (const char *item = value;; item++) {
        size_t len = strcspn(item, ",");
        int i = find_choice(k->entry, item, len);
        if (i < 0)
            return bad_item(key, k, item, len, err);
        if (i < LIST_MAX_ITEMS && (seen >> i & 1))
            return pfs_err_set(err, EINVAL, "%s: %s stands twice in the list: once is right", key,
                               k->entry->choices[i]);
        if (i < LIST_MAX_ITEMS)
            seen |= 1ull << i;
        item += len;
        if (*item == '\0')
            return 0;
    }
}

/* A label of a host name: RFC 1123 2.1. */
static bool is_label(const char *s, size_t len)
{
    if (len == 0 || len > LABEL_MAX_LEN || s[0] == '-' || s[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isascii(s[i]) || (!isalnum((unsigned char)s[i]) && s[i] != '-'))
            return false;
    return true;
}

static bool is_host_name(const char *s)
{
    if (strlen(s) > HOST_MAX_LEN)
        return false;
    for (;;) {
        size_t len = strcspn(s, ".");
        if (!is_label(s, len))
            return false;
        s += len;
        if (*s == '\0')
            return true;
        s++;
    }
}

/* Digits and dots alone: meant as an IPv4 address, whatever RFC 1123 would make of it. */
static bool looks_like_ipv4(const char *s)
{
    const char *dot = strrchr(s, '.');
    const char *last = dot ? dot + 1 : s;
    return *last && strspn(last, DIGITS) == strlen(last);
}

/* The setting that takes the port of this one; NULL where it has none. */
static const char *port_key(const char *key)
{
    static const char *const pairs[][2] = {
        {"sip.server", "sip.port"},
        {"sip.backup_server", "sip.backup_port"},
        {"sip.outbound_proxy", "sip.outbound_port"},
        {"ldap.server", "ldap.port"},
    };
    for (size_t i = 0; i < PFS_N_ELEMENTS(pairs); i++)
        if (strcmp(pairs[i][0], key) == 0)
            return pairs[i][1];
    return NULL;
}

static bool has_port(const char *s)
{
    const char *colon = strchr(s, ':');
    return colon && colon > s && colon[1] && strspn(colon + 1, DIGITS) == strlen(colon + 1);
}

static int check_host(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    unsigned char address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, value, address) == 1 || inet_pton(AF_INET6, value, address) == 1)
        return 0;
    if (value[0] == '[')
        return pfs_err_set(err, EINVAL, "%s: an IPv6 address is written without brackets and port here", key);
    if (has_port(value)) {
        const char *port = port_key(key);
        return pfs_err_set(err, EINVAL, "%s: host:port is not taken here%s%s", key, port ? ", use " : "",
                           port ? port : "");
    }
    if (strstr(value, "://"))
        return pfs_err_set(err, EINVAL,
                           "%s: a URL is not taken here: the host's name or address alone is right", key);
    if (strchr(value, ':'))
        return pfs_err_set(err, EINVAL, "%s: %s is no IPv6 address", key, quote_value(k, value, &q));
    if (looks_like_ipv4(value))
        return pfs_err_set(err, EINVAL, "%s: %s is no IPv4 address: four numbers from 0 to 255 are right",
                           key, quote_value(k, value, &q));
    if (!is_host_name(value))
        return pfs_err_set(
            err, EINVAL,
            "%s: %s is no host name: letters, digits and '-' between dots, or an IP address, are right", key,
            quote_value(k, value, &q));
    return 0;
}

/* Blanks and control characters of Unicode's first pages: nothing that a URL or a user part holds. */
static bool has_blank_or_control(const char *s)
{
    uint32_t code;
    for (size_t n = strlen(s), len; n > 0; s += len, n -= len) {
        len = pfs_utf8_decode(s, n, &code);
        if (len == 0 || code <= 0x20 || (code >= 0x7f && code <= 0xa0))
            return true;
    }
    return false;
}

static int check_url(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    if (has_blank_or_control(value))
        return pfs_err_set(err, EINVAL,
                           "%s: a URL has no blanks or control characters: write %%20 for a blank", key);
    size_t scheme = isascii(*value) && isalpha((unsigned char)*value) ? 1 : 0;
    while (scheme > 0 && (isascii(value[scheme]) && (isalnum((unsigned char)value[scheme]) ||
                                                     (value[scheme] && strchr("+.-", value[scheme])))))
        scheme++;
    if (scheme == 0 || strncmp(value + scheme, "://", 3) != 0 || value[scheme + 3] == '\0')
        return pfs_err_set(err, EINVAL, "%s: %s is no URL: SCHEME://HOST/PATH is right", key,
                           quote_value(k, value, &q));
    return 0;
}

static int check_zone(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct pfs_tz tz;
    int r = pfs_tz_load(value, &tz, err);
    if (r < 0)
        pfs_err_prefix(err, "%s", key);
    return r;
}

static int check_time(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    bool shape =
        strlen(value) == 5 && strspn(value, DIGITS) == 2 && value[2] == ':' && strspn(value + 3, DIGITS) == 2;
    if (shape && strncmp(value, "24", 2) < 0 && strcmp(value + 3, "60") < 0)
        return 0;
    return pfs_err_set(err, EINVAL, "%s: %s is no time of day: 00:00 to 23:59 is right", key,
                       quote_value(k, value, &q));
}

static int check_user(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    struct quoted q;
    if (has_blank_or_control(value))
        return pfs_err_set(err, EINVAL, "%s: %s has a blank or control character, which no SIP user name has",
                           key, quote_value(k, value, &q));
    return 0;
}

static int check_account(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    int r = pfs_name_check("account name", value, err);
    if (r < 0)
        pfs_err_prefix(err, "%s", key);
    return r;
}

int pfs_catalogue_check(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err)
{
    static check_fn *const checks[] = {
        [PFS_TYPE_TEXT] = check_text,       [PFS_TYPE_INT] = check_int,
        [PFS_TYPE_SWITCH] = check_switch,   [PFS_TYPE_CHOICE] = check_choice,
        [PFS_TYPE_LIST] = check_list,       [PFS_TYPE_HOST] = check_host,
        [PFS_TYPE_URL] = check_url,         [PFS_TYPE_ZONE] = check_zone,
        [PFS_TYPE_TIME] = check_time,       [PFS_TYPE_USER] = check_user,
        [PFS_TYPE_ACCOUNT] = check_account,
    };
    if (*value == '\0')
        return 0;
    size_t len = strlen(value);
    if (len > PFS_VALUE_MAX)
        return pfs_err_set(err, EINVAL, "%s: the value has %zu bytes, %d are the most", key, len,
                           PFS_VALUE_MAX);
    if (!pfs_utf8_valid(value, len))
        return pfs_err_set(err, EINVAL, "%s: the value is no UTF-8 text", key);
    return checks[k->entry ? k->entry->type : PFS_TYPE_TEXT](key, k, value, err);
}

/* ---- Names ---- */

int pfs_name_check(const char *what, const char *name, struct pfs_err *err)
{
    struct quoted q;
    size_t len = strlen(name);
    if (len == 0)
        return pfs_err_set(err, EINVAL, "%s is empty", what);
    if (len > NAME_MAX_LEN)
        return pfs_err_set(err, EINVAL, "%s %s has %zu characters, %d are the most", what, quote(name, &q),
                           len, NAME_MAX_LEN);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return pfs_err_set(err, EINVAL, "%s \"%s\" is no name: it would be a folder's own", what, name);
    for (const char *c = name; *c; c++)
        if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._@+-", *c)))
            return pfs_err_set(err, EINVAL,
                               "%s %s has a character that names do not: A-Z a-z 0-9 . _ @ + - are right",
                               what, quote(name, &q));
    return 0;
}
