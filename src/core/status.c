#include "core/status.h"
#include "base/timefmt.h"
#include "base/utf8.h"
#include "model/mac.h"

#include <errno.h>
#include <string.h>

enum { LINES_MAX = 1000 };

/* ---- status ---- */

static void print_number(struct pfs_buf *out, const char *key, uint64_t n)
{
    pfs_buf_printf(out, "%s %llu\n", key, (unsigned long long)n);
}

static int count_name(void *arg, const char *name)
{
    ++*(uint64_t *)arg;
    return 0;
}

static int print_inventory(struct pfs_store *s, uint64_t *ret_devices, struct pfs_buf *out,
                           struct pfs_err *err)
{
    static const struct {
        enum pfs_scope kind;
        const char *key;
    } kinds[] = {{PFS_SCOPE_DEVICE, "devices"},
                 {PFS_SCOPE_PROFILE, "profiles"},
                 {PFS_SCOPE_ACCOUNT, "accounts"},
                 {PFS_SCOPE_CUSTOMER, "customers"}};
    struct pfs_watermark at;
    uint64_t models = 0;
    int64_t n;
    int r = pfs_store_watermark(s, &at, err);
    if (r == 0)
        print_number(out, "gen", (uint64_t)at.gen);
    for (size_t i = 0; i < PFS_N_ELEMENTS(kinds) && r == 0; i++) {
        r = pfs_store_count(s, kinds[i].kind, &n, err);
        if (r == 0)
            print_number(out, kinds[i].key, (uint64_t)n);
        if (r == 0 && kinds[i].kind == PFS_SCOPE_DEVICE)
            *ret_devices = (uint64_t)n;
    }
    if (r == 0)
        r = pfs_store_models_in_use(s, count_name, &models, err);
    if (r == 0)
        print_number(out, "models", models);
    return r;
}

static void print_counts(const struct pfs_status *st, struct pfs_buf *out)
{
    struct pfs_content_counts n;
    pfs_content_counts(st->content, &n);
    print_number(out, "names", n.entries);
    if (st->count_nodes)
        print_number(out, "nodes", st->count_nodes(st->arg));
    print_number(out, "lookups", n.lookups);
    print_number(out, "hits", n.hits);
    print_number(out, "renders", n.renders);
    if (st->opens)
        print_number(out, "opens", __atomic_load_n(st->opens, __ATOMIC_RELAXED));
    print_number(out, "failures", n.failures);
    print_number(out, "failing", n.failing);
    print_number(out, "unknown", n.unknown);
    print_number(out, "unknown_names", n.unknown_names);
    print_number(out, "cache_bytes", n.cache.bytes);
    print_number(out, "cache_limit", n.cache.limit);
    print_number(out, "cache_hits", n.cache.hits);
    print_number(out, "cache_misses", n.cache.misses);
    print_number(out, "plans", n.plans.n);
    print_number(out, "plans_bytes", n.plans.bytes);
    print_number(out, "plans_limit", n.plans.limit);
    print_number(out, "plans_hits", n.plans.hits);
    print_number(out, "plans_misses", n.plans.misses);
    print_number(out, "templates", n.templates);
    print_number(out, "problems", n.problems);
}

/* Devices that have yet to fetch their file as it is now. */
static void print_not_fetched(const char *prefix, uint64_t devices, uint64_t fetched, struct pfs_buf *out)
{
    pfs_buf_printf(out, "%s", prefix);
    print_number(out, "not_fetched", devices > fetched ? devices - fetched : 0);
}

static void print_own(const struct pfs_status *st, struct pfs_buf *out)
{
    char started[PFS_TIME_STR];
    pfs_time_format(st->started, started);
    print_counts(st, out);
    pfs_buf_printf(out, "state_owner %s\n", st->state && pfs_state_is_owner(st->state) ? "yes" : "no");
    pfs_buf_printf(out, "started %s\n", started);
}

/* A line that another mount left. */
static void print_reported(const char *line, uint64_t devices, struct pfs_buf *out)
{
    static const char *const keys[] = {"fetched ", "names ",         "nodes ",    "lookups ",
                                       "hits ",    "renders ",       "failures ", "failing ",
                                       "unknown ", "unknown_names ", "started "};
    for (size_t i = 0; i < PFS_N_ELEMENTS(keys); i++)
        if (strncmp(line, keys[i], strlen(keys[i])) == 0)
            pfs_buf_printf(out, "phones_%s\n", line);
    if (strncmp(line, "fetched ", 8) == 0)
        print_not_fetched("phones_", devices, strtoull(line + 8, NULL, 10), out);
}

static void print_owner(struct pfs_state *state, uint64_t devices, struct pfs_buf *out)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    if (!state || pfs_state_is_owner(state))
        return;
    pfs_state_report_get(state, "status", &text);
    char *rest = (char *)pfs_buf_str(&text);
    for (char *line; (line = strsep(&rest, "\n"));)
        print_reported(line, devices, out);
}

int pfs_status_print(const struct pfs_status *st, struct pfs_store *s, struct pfs_buf *out,
                     struct pfs_err *err)
{
    uint64_t devices = 0, fetched = 0;
    pfs_buf_printf(out, "version %s\n", PFS_VERSION);
    print_number(out, "schema", PFS_SCHEMA_VERSION);
    int r = print_inventory(s, &devices, out, err);
    if (r == 0)
        r = pfs_content_fetched(st->content, s, &fetched, err);
    if (r < 0)
        return r;
    print_number(out, "fetched", fetched);
    print_not_fetched("", devices, fetched, out);
    print_own(st, out);
    print_owner(st->state, devices, out);
    return pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

int pfs_status_report(const struct pfs_status *st, struct pfs_store *s, struct pfs_buf *out,
                      struct pfs_err *err)
{
    uint64_t fetched;
    int r = pfs_content_fetched(st->content, s, &fetched, err);
    if (r < 0)
        return r;
    print_number(out, "fetched", fetched);
    print_own(st, out);
    return pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

/* ---- errors ---- */

struct errors {
    struct pfs_content *content;
    struct pfs_store *store;
    struct pfs_buf *out;
    struct pfs_err *err;
    uint64_t n; /* devices without a model */
};

static void print_error(struct pfs_buf *out, const char *file, const char *device, const char *cause)
{
    pfs_buf_printf(out, "%s\t%s\t%s\n", file ? file : "-", device ? device : "-", cause);
}

static int print_template(void *arg, const struct pfs_failure *what)
{
    const struct errors *e = arg;
    if (what->file)
        return 1; /* templates come first */
    print_error(e->out, NULL, NULL, what->cause);
    return 0;
}

static int print_file(void *arg, const struct pfs_failure *what)
{
    const struct errors *e = arg;
    if (!what->file)
        return 0;
    pfs_buf_printf(e->out, "%s\t%s\t%s; %s\n", what->file, what->device ? what->device : "-", what->cause,
                   what->served ? "the last good version stays in service" : "it cannot be read");
    return 0;
}

static int print_model(void *arg, const char *model)
{
    const struct errors *e = arg;
    int64_t id, devices = 0, stronger = 0;
    if (pfs_content_has_model(e->content, model))
        return 0;
    int r = pfs_store_find(e->store, PFS_SCOPE_MODEL, model, &id, e->err);
    if (r == 0)
        r = pfs_store_reach(e->store, PFS_SCOPE_MODEL, id, "", 0, &devices, &stronger, e->err);
    if (r < 0)
        return r;
    pfs_buf_printf(e->out, "-\t-\tno template has the model %s: %lld device%s no file\n", model,
                   (long long)devices, devices == 1 ? " has" : "s have");
    return 0;
}

static int print_device(void *arg, uint64_t mac)
{
    struct errors *e = arg;
    char text[PFS_MAC_STR];
    if (e->n++ >= LINES_MAX)
        return 0;
    pfs_mac_format(mac, text);
    print_error(e->out, NULL, text, "has no model, and so no file");
    return 0;
}

static int print_devices(struct errors *e)
{
    int r = pfs_store_models_in_use(e->store, print_model, e, e->err);
    if (r == 0)
        r = pfs_store_without_model(e->store, print_device, e, e->err);
    if (r == 0 && e->n > LINES_MAX)
        pfs_buf_printf(e->out, "-\t-\t%llu more devices have no model\n",
                       (unsigned long long)e->n - LINES_MAX);
    return r;
}

int pfs_errors_print(struct pfs_content *c, struct pfs_store *s, struct pfs_buf *out, struct pfs_err *err)
{
    struct errors e = {.content = c, .store = s, .out = out, .err = err};
    pfs_content_recheck(c, s);
    int r = pfs_content_errors(c, print_template, &e);
    if (r >= 0)
        r = pfs_store_begin(s, err);
    if (r < 0)
        return r;
    r = print_devices(&e);
    pfs_store_end(s);
    if (r == 0)
        r = pfs_content_errors(c, print_file, &e);
    struct pfs_content_counts counts;
    pfs_content_counts(c, &counts);
    if (counts.failing >= PFS_FAILURES_MAX)
        pfs_buf_str_add(out, "-\t-\tthere may be more files that cannot be made\n");
    return r < 0 ? r : pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

/* ---- unknown ---- */

/* A name as anybody may ask for it: what would break the line, or is no text, is shown as '?'. */
static void print_name(struct pfs_buf *out, const char *s)
{
    for (size_t left = strlen(s), n; left > 0; s += n, left -= n) {
        uint32_t code = 0;
        n = pfs_utf8_decode(s, left, &code);
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
            pfs_buf_char(out, '?');
        else
            pfs_buf_add(out, s, n);
        n = n ? n : 1;
    }
}

static int print_unknown(void *arg, const struct pfs_unknown_name *n)
{
    const struct errors *e = arg;
    char mac[PFS_MAC_STR], last[PFS_TIME_STR], vendors[PFS_VENDORS_STR];
    int64_t id;
    pfs_mac_format(n->mac, mac);
    int r = pfs_store_find(e->store, PFS_SCOPE_DEVICE, mac, &id, e->err);
    if (r == 0)
        pfs_content_adopted(e->content, n->mac);
    if (r != -ENOENT)
        return r;
    pfs_time_format(n->last, last);
    pfs_buf_printf(e->out, "%s\t", mac);
    print_name(e->out, n->name);
    pfs_content_vendors(e->content, n->mac, vendors);
    pfs_buf_printf(e->out, "\t%llu\t%s\t%s\n", (unsigned long long)n->count, last, *vendors ? vendors : "-");
    return 0;
}

int pfs_unknown_print(struct pfs_content *c, struct pfs_store *s, struct pfs_buf *out, struct pfs_err *err)
{
    struct errors e = {.content = c, .store = s, .out = out, .err = err};
    int r = pfs_content_unknown(c, print_unknown, &e);
    return r < 0 ? r : pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}

/* ---- what another mount tells ---- */

/* Whether a line of `unknown` names a MAC that is in the inventory now. */
static bool is_known_now(struct pfs_store *s, const char *line, size_t len)
{
    uint64_t mac;
    struct pfs_device *d;
    if (pfs_mac_scan(line, len, &mac) == 0 || pfs_store_device(s, mac, &d, NULL) < 0)
        return false;
    pfs_device_unref(d);
    return true;
}

void pfs_reported_print(struct pfs_state *state, const char *kind, struct pfs_store *s, struct pfs_buf *out)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    if (!state || pfs_state_is_owner(state))
        return;
    pfs_state_report_get(state, kind, &text);
    bool names = strcmp(kind, "unknown") == 0;
    size_t own_len = out->len;
    for (size_t at = 0; at < text.len;) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.len - at);
        size_t len = end ? (size_t)(end - line) + 1 : text.len - at;
        bool again = own_len > 0 && memmem(out->data, own_len, line, len);
        if (!again && !(names && is_known_now(s, line, len)))
            pfs_buf_add(out, line, len);
        at += len;
    }
}
