/* explain: which value counts, where it came from, what it hides, and where it is written.
 *
 * The device's files are rendered once with a callback for each pair (core/explain_native.c), which tells
 * what settings a native key was made of. Turned around, that says for each setting and line where it went.
 * The layers of the phone say which value counts and which are hidden. */
#include "core/explain.h"
#include "base/timefmt.h"

#include <errno.h>
#include <string.h>

enum { PLACES_SHOWN = 4, LAYERS_MAX = 64, KEY_LINE_MAX = PFS_KEY_MAX + 16 };

/* A native key to which a setting was written. */
struct place {
    struct place *next;
    const char *native, *file;
};

/* A setting at the device (line 0) or on a line. */
struct subject {
    const char *key;
    unsigned line;
    struct place *places, **last_place, *last;
    size_t n_places;
};

/* A file of contacts, and how many stand in it. */
struct book {
    struct book *next;
    const char *file;
    size_t n;
};

struct explain {
    struct pfs_command *cmd;
    const struct pfs_inputs *inputs;
    struct pfs_phone phone;
    const struct pfs_model *model;
    struct pfs_map subjects; /* "line NUL key" to struct subject */
    const char *file;        /* whose pair is at hand */
    const char *only;        /* the key asked for; NULL: all */
    struct book *books;
    unsigned line; /* of the layers being collected */
    bool no_memory;
    struct pfs_err *err;
};

static struct subject *subject_of(struct explain *x, const char *key, unsigned line)
{
    char name[KEY_LINE_MAX];
    int len = snprintf(name, sizeof name, "%03u/%s", line, key);
    if (len < 0 || (size_t)len >= sizeof name)
        return NULL;
    struct subject *s = pfs_map_get(&x->subjects, name, (size_t)len);
    if (s)
        return s;
    s = pfs_arena_alloc(&x->cmd->arena, sizeof *s);
    if (s)
        s->key = pfs_arena_strdup(&x->cmd->arena, key);
    if (!s || !s->key || pfs_map_put(&x->subjects, name, (size_t)len, s, NULL) < 0) {
        x->no_memory = true;
        return NULL;
    }
    s->line = line;
    s->last_place = &s->places;
    return s;
}

/* ---- what is written ---- */

static void add_place(struct explain *x, const char *key, unsigned line, const char *native)
{
    if (x->only && strcmp(x->only, key) != 0)
        return;
    if (line > 0 && !pfs_phone_line(&x->phone, line)) {
        if (x->phone.device->n_lines > 0)
            return; /* an unused line, written as off */
        line = 0;
    }
    struct subject *s = subject_of(x, key, line);
    if (s && s->last && s->last->file == x->file && strcmp(s->last->native, native) == 0)
        return; /* used twice in one expression */
    struct place *p = s ? pfs_arena_alloc(&x->cmd->arena, sizeof *p) : NULL;
    const char *copy = p ? pfs_arena_strdup(&x->cmd->arena, native) : NULL;
    if (!copy) {
        x->no_memory = true;
        return;
    }
    *p = (struct place){.native = copy, .file = x->file};
    *s->last_place = p;
    s->last_place = &p->next;
    s->last = p;
    s->n_places++;
}

/* A file that has contacts. */
static void add_book(struct explain *x, size_t n)
{
    struct book *b = pfs_arena_alloc(&x->cmd->arena, sizeof *b);
    if (!b) {
        x->no_memory = true;
        return;
    }
    *b = (struct book){.next = x->books, .file = x->file, .n = n};
    x->books = b;
}

static void on_pair(void *arg, const char *file, const struct pfs_pair *pair)
{
    struct explain *x = arg;
    x->file = file;
    if (!pair->key)
        add_book(x, pair->n_contacts);
    for (size_t i = 0; i < pair->n_used; i++)
        add_place(x, pair->used[i].key, pair->used[i].line, pair->key);
}

static int render_all(struct explain *x)
{
    int r = pfs_explain_pairs(x->cmd, x->model, &x->phone, on_pair, x, x->err);
    return r < 0 || !x->no_memory ? r : pfs_err_nomem(x->err);
}

/* ---- what is set ---- */

/* Where a key that is set for a line belongs: to the line where it may stand on one. */
static bool stands_on_lines(const struct explain *x, const char *key)
{
    struct pfs_key k;
    return pfs_catalogue_find(x->cmd->context->catalogue, key, &k, NULL) == 0 && !k.override &&
           (k.scopes & PFS_SCOPE_BIT(PFS_SCOPE_LINE));
}

static void collect_layer(void *arg, const struct pfs_layer *l)
{
    struct explain *x = arg;
    bool of_line = l->scope == PFS_SCOPE_LINE || l->scope == PFS_SCOPE_ACCOUNT;
    for (size_t i = 0; i < l->n; i++) {
        const char *key = l->settings[i].key;
        if ((x->only && strcmp(x->only, key) != 0) || (i > 0 && strcmp(l->settings[i - 1].key, key) == 0))
            continue;
        bool on_line = x->line > 0 && (of_line || stands_on_lines(x, key));
        bool has_lines = x->phone.device->n_lines > 0;
        if (on_line || (x->line == 0 && !(has_lines && stands_on_lines(x, key))))
            subject_of(x, key, x->line);
    }
}

static void collect_set(struct explain *x)
{
    const struct pfs_device *d = x->phone.device;
    x->line = 0;
    pfs_phone_layers(&x->phone, NULL, collect_layer, x);
    for (size_t i = 0; i < d->n_lines; i++) {
        x->line = d->lines[i].number;
        pfs_phone_layers(&x->phone, &d->lines[i], collect_layer, x);
    }
}

/* A key asked for that nobody sets and no file has is shown all the same. */
static void collect_asked(struct explain *x)
{
    const struct pfs_device *d = x->phone.device;
    if (!x->only || x->subjects.n > 0)
        return;
    bool on_lines = stands_on_lines(x, x->only) && d->n_lines > 0;
    if (!on_lines)
        subject_of(x, x->only, 0);
    for (size_t i = 0; on_lines && i < d->n_lines; i++)
        subject_of(x, x->only, d->lines[i].number);
}

/* ---- printing ---- */

struct layers {
    size_t n;
    const struct pfs_layer *layers[LAYERS_MAX]; /* the weakest first */
};

static void collect(void *arg, const struct pfs_layer *l)
{
    struct layers *all = arg;
    if (all->n < LAYERS_MAX)
        all->layers[all->n++] = l;
}

void pfs_explain_print(FILE *out, const char *s)
{
    for (; *s; s++)
        fputc((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s, out);
}

static void print_padded(FILE *out, const char *s, size_t width)
{
    size_t n = pfs_command_width(s);
    pfs_explain_print(out, s);
    fprintf(out, "%*s", (int)(n < width ? width - n : 0), "");
}

/* The newest row of the audit: `gen 212  import fleet.csv`, `gen 901  set by ann`. */
struct origin {
    char text[256];
};

/* How much of `import fleet.csv (xxh3 …)` people want to see here. */
static int without_digest(const char *via)
{
    const char *digest = strstr(via, " (");
    return digest ? (int)(digest - via) : (int)strlen(via);
}

static int newest(void *arg, const struct pfs_log_row *row)
{
    struct origin *o = arg;
    if (strncmp(row->via, "import", 6) == 0)
        snprintf(o->text, sizeof o->text, "gen %lld  %.*s", (long long)row->gen, without_digest(row->via),
                 row->via);
    else
        snprintf(o->text, sizeof o->text, "gen %lld  set by %s%s%s", (long long)row->gen,
                 row->login[0] ? row->login : "?", row->reason ? ": " : "", row->reason ? row->reason : "");
    return 1;
}

static void find_origin(struct explain *x, const struct pfs_layer *l, const char *key, struct origin *ret)
{
    struct pfs_log_filter f = {
        .kind = pfs_scope_name(l->scope), .object = l->name ? l->name : "", .key = key, .newest_first = true};
    ret->text[0] = '\0';
    pfs_store_log(x->cmd->context->store, &f, newest, ret, NULL);
}

struct widths {
    size_t object, value;
};

static void print_row(struct explain *x, const struct pfs_layer *l, const struct pfs_setting *s,
                      const struct widths *w, bool counts, const char *state)
{
    FILE *out = x->cmd->io->out;
    struct origin origin;
    char from[PFS_TIME_STR] = "";
    const char *value = s->value ? pfs_command_shown(x->cmd, s->key, s->value) : "(ends)";
    find_origin(x, l, s->key, &origin);
    if (s->from > 0)
        pfs_time_format(s->from, from);
    fprintf(out, "  %s %-9s ", counts ? ">" : " ", pfs_scope_name(l->scope));
    print_padded(out, l->name ? l->name : "", w->object);
    fputs("  ", out);
    print_padded(out, value, w->value);
    fputs("  ", out);
    pfs_explain_print(out, origin.text);
    fprintf(out, "%s%s%s%s\n", s->from > 0 ? "  from " : "", from, *state ? "  " : "", state);
}

static void measure(struct explain *x, const struct pfs_layer *l, const char *key, struct widths *w)
{
    w->object = PFS_MAX(w->object, pfs_command_width(l->name ? l->name : ""));
    const struct pfs_setting *s = pfs_layer_find(l, key, x->cmd->now);
    if (s)
        w->value = PFS_MAX(w->value,
                           PFS_MIN(pfs_command_width(pfs_command_shown(x->cmd, key, s->value)), (size_t)40));
}

static bool sets_ever(const struct pfs_layer *l, const char *key)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->settings[i].key, key) == 0)
            return true;
    return false;
}

static void print_scheduled(struct explain *x, const struct pfs_layer *l, const char *key,
                            const struct widths *w)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->settings[i].from > x->cmd->now && strcmp(l->settings[i].key, key) == 0)
            print_row(x, l, &l->settings[i], w, false, "scheduled");
}

/* From the value that counts down to the weakest it hides. What stands above it does not reach this line. */
static void print_layers(struct explain *x, const struct subject *s, const struct layers *all,
                         const struct pfs_layer *winner)
{
    struct widths w = {0};
    for (size_t i = 0; i < all->n; i++)
        if (sets_ever(all->layers[i], s->key))
            measure(x, all->layers[i], s->key, &w);
    bool reached = !winner;
    for (size_t i = all->n; i-- > 0;) {
        const struct pfs_layer *l = all->layers[i];
        reached |= l == winner;
        const struct pfs_setting *in_force = pfs_layer_find(l, s->key, x->cmd->now);
        print_scheduled(x, l, s->key, &w);
        if (in_force && reached)
            print_row(x, l, in_force, &w, l == winner, l == winner ? "" : "hidden");
    }
}

static void print_places(struct explain *x, const struct subject *s)
{
    FILE *out = x->cmd->io->out;
    if (s->n_places == 0) {
        fprintf(out, "   not written: %s%s%s\n", x->model ? "no file of " : "the device has no model",
                x->model ? x->model->name : "", x->model ? " takes it here" : "");
        return;
    }
    fputs("   written:", out);
    size_t n = 0;
    for (const struct place *p = s->places; p; p = p->next) {
        if (n++ == PLACES_SHOWN) {
            fprintf(out, " and %zu more", s->n_places - PLACES_SHOWN);
            break;
        }
        fputs(n > 1 ? ", " : " ", out);
        pfs_explain_print(out, p->native);
        if (!p->next || p->next->file != p->file || n == PLACES_SHOWN)
            fprintf(out, " in %s", p->file);
    }
    fputc('\n', out);
}

static const char *value_of(struct explain *x, const struct subject *s, const struct pfs_line *line,
                            char *scratch, const struct pfs_layer **ret_winner)
{
    struct pfs_key k;
    struct pfs_value v = {.text = ""};
    if (pfs_catalogue_find(x->cmd->context->catalogue, s->key, &k, NULL) < 0)
        k = (struct pfs_key){.override = true};
    if (k.entry)
        pfs_phone_get(&x->phone, line, s->key, k.entry, scratch, &v);
    else
        pfs_phone_find(&x->phone, line, s->key, -1, &v);
    *ret_winner = v.layer;
    return v.text;
}

static void print_subject(struct explain *x, const struct subject *s)
{
    FILE *out = x->cmd->io->out;
    const struct pfs_line *line = s->line ? pfs_phone_line(&x->phone, s->line) : NULL;
    char scratch[PFS_KEY_MAX];
    const struct pfs_layer *winner;
    struct layers all = {0};
    const char *value = value_of(x, s, line, scratch, &winner);
    if (s->line > 0)
        fprintf(out, "line %u %s  ", s->line, line && line->account ? line->account : "(no account)");
    else
        fputs("device  ", out);
    fprintf(out, "%s = ", s->key);
    pfs_explain_print(out, *value   ? pfs_command_shown(x->cmd, s->key, value)
                           : winner ? "(empty)"
                                    : "(nothing)");
    if (!winner)
        fputs("  (default)", out);
    print_places(x, s);
    pfs_phone_layers(&x->phone, line, collect, &all);
    print_layers(x, s, &all, winner);
}

/* The files of contacts, where all is asked for, or what a directory is made of. */
static void print_books(struct explain *x)
{
    FILE *out = x->cmd->io->out;
    if (x->only && strncmp(x->only, "directory.", 10) != 0)
        return;
    for (const struct book *b = x->books; b; b = b->next) {
        fputs("device  phone book = ", out);
        pfs_explain_contacts(x->cmd, &x->phone, b->n);
        fprintf(out, "   written: %s\n", b->file);
    }
}

struct named {
    const char *name; /* line, then key */
    const struct subject *subject;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static int print_all(struct explain *x)
{
    size_t n = 0;
    autofree struct named *sorted = calloc(x->subjects.n + 1, sizeof *sorted);
    if (!sorted)
        return pfs_err_nomem(x->err);
    for (struct pfs_map_entry *e = NULL; (e = pfs_map_next(&x->subjects, e));)
        sorted[n++] = (struct named){.name = e->key, .subject = e->value};
    qsort(sorted, n, sizeof *sorted, by_name);
    int r = pfs_store_begin(x->cmd->context->store, x->err);
    if (r < 0)
        return r;
    print_books(x);
    for (size_t i = 0; i < n; i++)
        print_subject(x, sorted[i].subject);
    pfs_store_end(x->cmd->context->store);
    return 0;
}

static int explain_device(struct explain *x)
{
    const struct pfs_device *d = x->inputs->device;
    pfs_inputs_phone(x->inputs, &x->phone);
    x->books = NULL;
    x->model = d->model ? pfs_library_model(x->cmd->context->library, d->model) : NULL;
    int r = render_all(x);
    if (r < 0)
        return r;
    collect_set(x);
    collect_asked(x);
    return x->no_memory ? pfs_err_nomem(x->err) : print_all(x);
}

/* Each setting once that the native keys shown were made of. */
static int explain_used(struct explain *x, struct pfs_map *used)
{
    int r = 0;
    for (struct pfs_map_entry *e = NULL; r == 0 && (e = pfs_map_next(used, e));) {
        x->only = e->key;
        r = explain_device(x);
        pfs_map_done(&x->subjects);
        x->subjects = (struct pfs_map){0};
    }
    return r;
}

/* A native key, and what it was made of; or (no key) every native key of the device's files. */
static int explain_native(struct explain *x, const char *key)
{
    struct pfs_map used = {0};
    size_t n = 0;
    int r = pfs_explain_native(x->cmd, x->inputs, key, &n, &used, x->err);
    if (r == 0 && key && n > 0)
        r = explain_used(x, &used);
    pfs_map_done(&used);
    x->only = key;
    return r < 0 || !key || n > 0 ? r : explain_device(x); /* of another vendor, or in no file */
}

static int run(struct explain *x)
{
    const char *key = x->cmd->n > 1 ? x->cmd->words[1] : NULL;
    bool native = key && strchr(key, ':');
    if (!key && pfs_command_has(x->cmd, PFS_OPTION_NATIVE))
        return explain_native(x, NULL);
    if (native)
        return explain_native(x, key);
    x->only = key;
    return explain_device(x);
}

int pfs_command_explain(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_context *c = cmd->context;
    struct explain x = {.cmd = cmd, .err = err};
    struct pfs_inputs *inputs = NULL;
    struct pfs_key k;
    uint64_t mac;
    int r = pfs_command_may_see_secrets(cmd, err);
    if (r == 0)
        r = pfs_mac_parse(cmd->words[0], &mac, err);
    if (r == 0 && cmd->n > 1)
        r = pfs_catalogue_find(c->catalogue, cmd->words[1], &k, err);
    if (r == 0)
        r = pfs_resolve_now(c->resolver, c->store, c->library, mac, cmd->now, &inputs, err);
    if (r < 0 || !inputs)
        return r;
    x.inputs = inputs;
    r = run(&x);
    pfs_map_done(&x.subjects);
    pfs_inputs_unref(inputs);
    return r;
}
