/* The catalogue of settings: which keys there are, what they may hold and where they may stand.
 *
 * The catalogue is read from schema/settings.xml (render/catalogue_xml.h) and is immutable afterwards, so any
 * thread may read it. Three shapes of key:
 *   plain      sip.server                one value a scope; has a dense id, 0 to n_plain - 1
 *   indexed    key.3.type                an entry `key.N.type` of the catalogue with numbers in place of N, M
 *   override   yealink:features.dnd      VENDOR:NATIVE-KEY, not in the catalogue; text; one native key of
 * that vendor
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

/* Where a setting may stand, from weakest to strongest for one device and line. The values are stored: never
 * renumber. */
enum pfs_scope {
    PFS_SCOPE_DEFAULT = 0, /* the catalogue itself; never stored */
    PFS_SCOPE_SITE = 1,
    PFS_SCOPE_MODEL = 2,
    PFS_SCOPE_PROFILE = 3, /* shared, or owned by a customer */
    PFS_SCOPE_CUSTOMER = 4,
    PFS_SCOPE_DEVICE = 5,
    PFS_SCOPE_ACCOUNT = 6,
    PFS_SCOPE_LINE = 7,
    PFS_N_SCOPES
};

#define PFS_SCOPE_BIT(scope) (1u << (scope))

/* The value of an override that takes the native key out of the file. */
#define PFS_VALUE_CLEAR "--clear"

enum pfs_type {
    PFS_TYPE_TEXT,    /* UTF-8 without NUL */
    PFS_TYPE_INT,     /* decimal, min to max */
    PFS_TYPE_SWITCH,  /* on | off */
    PFS_TYPE_CHOICE,  /* one of the choices */
    PFS_TYPE_LIST,    /* comma-separated, each one of the choices, none twice */
    PFS_TYPE_HOST,    /* a host name, an IPv4 or IPv6 address, without port */
    PFS_TYPE_URL,     /* scheme://…, no blanks or control characters */
    PFS_TYPE_ZONE,    /* a time zone of the system's tz database */
    PFS_TYPE_TIME,    /* HH:MM */
    PFS_TYPE_USER,    /* the user part of a SIP URI: no blanks, no control characters */
    PFS_TYPE_ACCOUNT, /* the name of an account: a reference */
};

/* What an unset key yields. */
enum pfs_default {
    PFS_DEFAULT_TEXT,    /* a fixed text, also the empty one */
    PFS_DEFAULT_KEY,     /* the value of another key */
    PFS_DEFAULT_ACCOUNT, /* the name of the line's account up to '@' */
};

enum { PFS_KEY_MAX = 128, PFS_VALUE_MAX = 65536, PFS_KEY_NUMBER_MAX = 999 };

struct pfs_catalogue_entry {
    const char *key; /* `sip.server`, `key.N.type` */
    int id;          /* plain: 0 to n_plain - 1; indexed: -1 */
    enum pfs_type type;
    int64_t min, max;     /* INT */
    const char **choices; /* CHOICE and LIST; NULL-terminated */
    unsigned scopes;      /* PFS_SCOPE_BIT()s in which it may stand */
    enum pfs_scope home;  /* the scope of a bare column in an import; PFS_SCOPE_DEFAULT: none */
    bool secret;          /* never shown, logged as "changed" */
    bool user;            /* belongs to the phone's user: written only where set */
    enum pfs_default default_kind;
    const char *default_text; /* the text, or the other key; "" where none */
    int default_id;           /* DEFAULT_KEY: the id of the other key */
    const char *text;         /* one sentence for the manual */
};

struct pfs_catalogue {
    struct pfs_arena arena;
    struct pfs_catalogue_entry *entries; /* all, in the order of the file */
    size_t n_entries;
    size_t n_plain;
    const struct pfs_catalogue_entry **plain; /* by id */
    struct pfs_map by_key;                    /* entry key (with N, M; without its NUL) to entry */
};

/* What a key given by a user is. */
struct pfs_key {
    const struct pfs_catalogue_entry *entry; /* NULL: an override */
    bool override;
    bool secret;     /* of the entry; for an override: its native key looks like a password */
    unsigned scopes; /* where it may stand: PFS_SCOPE_BIT()s */
};

/* What a vendor's native key contains, in any case, when its value is a secret; NULL-terminated. The store
 * hides values by the same list, as SQL patterns. */
extern const char *const pfs_secret_words[];

/* c is one calloc(); all else (entries, plain, texts) is in its arena. NULL is taken. */
void pfs_catalogue_free(struct pfs_catalogue *c);

/* How long the key is at the beginning of KEY=VALUE: up to the '='. A native key that carries attributes has
 * such itself: `acme:user_name@idx=1=VALUE`; where nothing follows these the text is a key alone. */
size_t pfs_key_len(const char *text);

/* Finds a key of any shape. -ENOENT "no such setting: sip.sever" (with the nearest key where one is near),
 * also for numbers out of range and too long a key; -EINVAL for a malformed override. An override is taken
 * for any vendor word of a-z, 0-9, '-'; whether such a vendor exists is the library's to say. */
int pfs_catalogue_find(const struct pfs_catalogue *c, const char *key, struct pfs_key *ret,
                       struct pfs_err *err);

/* Whether the value may be set for this key: its type, length and bytes, "" included for every type
 * (cleared). -EINVAL with a sentence that names key, and the right form; secrets' values are not quoted. */
int pfs_catalogue_check(const char *key, const struct pfs_key *k, const char *value, struct pfs_err *err);

/* site, model, profile, customer, device, account, line, default. */
const char *pfs_scope_name(enum pfs_scope scope);
int pfs_scope_parse(const char *name, enum pfs_scope *ret); /* 0 or -ENOENT */
const char *pfs_type_name(enum pfs_type type);
int pfs_type_parse(const char *name, enum pfs_type *ret); /* 0 or -ENOENT */

/* Names of objects: 1 to 64 of A-Za-z0-9._@+-, not "." or "..". `what` begins the sentence ("profile name").
 */
int pfs_name_check(const char *what, const char *name, struct pfs_err *err);
