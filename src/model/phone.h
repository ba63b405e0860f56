/* A device resolved: which value counts for each setting, and what it hides.
 *
 * A *layer* is what one scope sets. Layers from weakest to strongest are a *chain*. What many devices share
 * (default, site, model, profiles, customer) is one `struct pfs_base`, folded once into a table by key; what
 * a device has of its own is a `struct pfs_device` as the store yields it. A `struct pfs_phone` joins the two
 * for one render. All are immutable once built: any thread may read them. Nothing is copied; pointers stay
 * valid as long as their owner. */
#pragma once

#include "model/catalogue.h"

/* One row: a value of a key in a scope, from a second on. */
struct pfs_setting {
    const char *key;
    int id;            /* the plain key's id, or -1 */
    const char *value; /* NULL: from then on not set here */
    int64_t from;      /* seconds since 1970; 0: always */
};

struct pfs_layer {
    enum pfs_scope scope;
    int64_t object;   /* id of the object in the store */
    const char *name; /* its name; for a line MAC/N */
    size_t n;
    const struct pfs_setting *settings; /* sorted by key (strcmp), then `from` ascending */
};

/* A value and where it came from. */
struct pfs_value {
    const char *text;              /* never NULL where found */
    const struct pfs_layer *layer; /* NULL: the catalogue's default */
};

/* The row of a layer that is in force at `now`; NULL where none is, or where the key has ended. */
const struct pfs_setting *pfs_layer_find(const struct pfs_layer *l, const char *key, int64_t now);

/* The latest `from` up to `now` in a layer, 0 where none is. */
int64_t pfs_layer_came(const struct pfs_layer *l, int64_t now);

/* The earliest `from` after `now` in a layer, INT64_MAX where none is. */
int64_t pfs_layer_next(const struct pfs_layer *l, int64_t now);

/* What many devices share: chain[0] is the weakest. Counted, as versions keep it. */
struct pfs_base {
    unsigned refs;                         /* atomic */
    const struct pfs_catalogue *catalogue; /* borrowed */
    int64_t now;                           /* resolved for this second … */
    int64_t next; /* … and the same until this one (exclusive); INT64_MAX: for ever */
    size_t n_layers;
    const struct pfs_layer **layers;
    struct pfs_value *plain; /* by plain id; text NULL: set nowhere in the chain */
    size_t n_others;
    struct pfs_other { /* indexed keys and overrides, sorted by key */
        const char *key;
        struct pfs_value value;
    } * others;
    void *owner; /* what keeps the layers alive, handed to owner_unref when refs reach 0; may be NULL */
    void (*owner_unref)(void *owner);
};

/* layers: n borrowed pointers, copied. Refs 1. 0 or -ENOMEM. */
int pfs_base_new(const struct pfs_catalogue *c, const struct pfs_layer *const *layers, size_t n, int64_t now,
                 struct pfs_base **ret);
struct pfs_base *pfs_base_ref(struct pfs_base *b);
void pfs_base_unref(struct pfs_base *b);

/* A line of a device with the account on it. */
struct pfs_line {
    unsigned number;                   /* 1 and up */
    int64_t account_id;                /* 0: no account */
    const char *account;               /* its name, NULL: none */
    int64_t account_customer;          /* its customer's id, 0: none */
    struct pfs_layer settings;         /* the line's own */
    struct pfs_layer account_settings; /* n 0 where there is no account */
};

/* A device's own rows, in one arena; counted, as versions keep it as their input. */
struct pfs_device {
    unsigned refs; /* atomic */
    struct pfs_arena arena;
    uint64_t mac;
    const char *mac_text;      /* twelve lower-case digits */
    const char *model;         /* NULL: none yet */
    int64_t model_id;          /* 0: none */
    int64_t profile, customer; /* ids, 0: none */
    const char *customer_name; /* "": none */
    bool enabled;              /* the device and its customer are */
    struct pfs_layer settings;
    size_t n_lines;
    struct pfs_line *lines; /* by number ascending; only lines that exist in the inventory */
    size_t n_references;
    struct pfs_reference { /* accounts that settings of type *account* name: key.3.account=1002@acme */
        const char *account;
        struct pfs_layer settings;
    } * references; /* by account name */
};

struct pfs_device *pfs_device_new(void); /* refs 1, empty; NULL: out of memory */
/* A device that nobody has, of which each of so many lines is in use and sets nothing: for what is asked of a
 * model. NULL: out of memory. */
struct pfs_device *pfs_device_new_full(unsigned n_lines);
struct pfs_device *pfs_device_ref(struct pfs_device *d);
void pfs_device_unref(struct pfs_device *d);

struct pfs_directory; /* model/directory.h */

/* One render's view. On the stack; borrows everything. */
struct pfs_phone {
    const struct pfs_catalogue *catalogue;
    const struct pfs_base *base;
    const struct pfs_device *device; /* NULL: a file common to a model */
    int64_t now;
    size_t n_customer_layers;                      /* for each of device->lines: */
    const struct pfs_layer *const *line_customers; /* the account's customer's layer where it is not the
                                                      device's, else NULL; may be NULL */
    const struct pfs_directory *directory;         /* of the device's customer; NULL: nobody stands in it */
    size_t max_contacts;                           /* how many of it are taken at most; 0: all. For checks */
    const char *mask; /* stands in the place of every secret; NULL: they are shown */
};

/* The line with this number, NULL where the device has none. */
const struct pfs_line *pfs_phone_line(const struct pfs_phone *p, unsigned number);

/* Which value counts for a key on a line (NULL: the device), weakest to strongest: base, device; then
 * account's other customer (keys that may stand on a line only), account, line. True and *ret where some
 * scope sets it ("" is set). */
bool pfs_phone_find(const struct pfs_phone *p, const struct pfs_line *line, const char *key, int id,
                    struct pfs_value *ret);

/* The same with the catalogue's default behind it, "" where there is none; layer NULL then, also where the
 * default is the value of another key. Keys of the form `….value` and `….label` beside a `….account` follow
 * that account: its sip.user and line.display_name. entry is the key's. scratch (PFS_KEY_MAX bytes) holds a
 * default that is computed (the account's user part) and must live as long as *ret. */
void pfs_phone_get(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                   const struct pfs_catalogue_entry *entry, char *scratch, struct pfs_value *ret);

/* Whether every phone of this base whose own layers set the same keys gets the same value for the key: what
 * the base or the catalogue says, not device, account or line. For a phone without lines of other customers.
 */
bool pfs_phone_is_shared(const struct pfs_phone *p, const struct pfs_line *line, const char *key,
                         const struct pfs_catalogue_entry *entry);

/* Every layer that could set a key for this line (NULL: the device), weakest first, for explain. fn is called
 * for each. */
void pfs_phone_layers(const struct pfs_phone *p, const struct pfs_line *line,
                      void (*fn)(void *arg, const struct pfs_layer *layer), void *arg);

/* The first second after now at which a scheduled value of device, lines, references, other customers or base
 * comes or ends; INT64_MAX: none. */
int64_t pfs_phone_next(const struct pfs_phone *p);

/* The last second up to now at which a scheduled value of the same layers came or ended; 0: none. */
int64_t pfs_phone_came(const struct pfs_phone *p);

/* Calls fn for each override of this vendor (key after `vendor:`) that counts for the device, and with line
 * set for what a line adds or changes: at device level when line is NULL. In order of key. Stops at a
 * non-zero return, and returns it. */
int pfs_phone_overrides(const struct pfs_phone *p, const struct pfs_line *line, const char *vendor,
                        int (*fn)(void *arg, const char *native_key, const struct pfs_value *value),
                        void *arg);
