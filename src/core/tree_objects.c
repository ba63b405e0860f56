/* Devices, profiles, accounts, customers, models and the site as folders. */
#include "base/timefmt.h"
#include "core/tree_types.h"

#include <errno.h>
#include <string.h>

/* The administrators' group may do what root may; see fs/control.c for the owners. */
enum {
    FOLDER = S_IFDIR | 0750,
    FOLDER_RW = S_IFDIR | 0770,
    FILE_RW = S_IFREG | 0660,
    FILE_RO = S_IFREG | 0440
};

static const char *kind_word(const struct pfs_tree_call *call)
{
    return pfs_scope_name(call->type->kind);
}

static int object_id(const struct pfs_tree_call *call, int64_t *ret, struct pfs_err *err)
{
    return pfs_store_find(call->context->store, call->type->kind, call->object, ret, err);
}

/* `key=value` as one word, owned by the caller. */
static char *pair(const char *key, const char *value)
{
    char *word;
    return asprintf(&word, "%s=%s", key, value) < 0 ? NULL : word;
}

/* ---- objects ---- */

/* A MAC is shown, and found, as twelve digits. */
static int find_object(struct pfs_tree_call *call, struct pfs_err *err)
{
    int64_t id;
    uint64_t mac;
    if (call->type->kind == PFS_SCOPE_DEVICE) {
        int r = pfs_mac_parse(call->object, &mac, err);
        if (r < 0)
            return r;
        pfs_mac_format(mac, call->object);
    } else {
        int r = pfs_name_check("name", call->object, err);
        if (r < 0)
            return r;
    }
    return object_id(call, &id, err);
}

struct names {
    int (*fn)(void *arg, const char *name);
    void *arg;
};

static int give_name(void *arg, const struct pfs_object *o)
{
    const struct names *n = arg;
    return n->fn(n->arg, o->name);
}

static int list_objects(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                        struct pfs_err *err)
{
    struct names n = {fn, arg};
    return pfs_store_objects(call->context->store, call->type->kind, give_name, &n, err);
}

static int make_object(struct pfs_tree_call *call, struct pfs_err *err)
{
    const char *words[] = {"add", kind_word(call), "--", call->object};
    return pfs_tree_run(call, 4, words, err);
}

static int remove_object(struct pfs_tree_call *call, struct pfs_err *err)
{
    const char *words[] = {"delete", kind_word(call), "--", call->object};
    return pfs_tree_run(call, 4, words, err);
}

static int rename_object(struct pfs_tree_call *call, const char *to, struct pfs_err *err)
{
    const char *words[] = {"rename", kind_word(call), "--", call->object, to};
    return pfs_tree_run(call, 5, words, err);
}

/* ---- fields ---- */

static int give_field(void *arg, const struct pfs_object *o)
{
    struct {
        int field;
        struct pfs_buf *out;
    } *g = arg;
    if (o->fields[g->field]) {
        pfs_buf_str_add(g->out, o->fields[g->field]);
        pfs_buf_char(g->out, '\n');
    }
    return 0;
}

static int read_field(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    int64_t id;
    struct {
        int field;
        struct pfs_buf *out;
    } g = {call->type->field, out};
    int r = object_id(call, &id, err);
    return r < 0 ? r : pfs_store_object(call->context->store, call->type->kind, id, give_field, &g, err);
}

static int clear_field(struct pfs_tree_call *call, struct pfs_err *err)
{
    const char *words[] = {"unset", kind_word(call), "--", call->object,
                           pfs_field_name((enum pfs_field)call->type->field)};
    return pfs_tree_run(call, 5, words, err);
}

static int write_field(struct pfs_tree_call *call, const char *value, size_t len, struct pfs_err *err)
{
    if (len == 0)
        return clear_field(call, err);
    autofree char *word = pair(pfs_field_name((enum pfs_field)call->type->field), value);
    if (!word)
        return pfs_err_nomem(err);
    const char *words[] = {"set", kind_word(call), "--", call->object, word};
    return pfs_tree_run(call, 5, words, err);
}

/* ---- names with a '/', of native keys and of phones' files: it is written %2F ---- */

static void encode_name(const char *name, struct pfs_buf *out)
{
    for (; *name; name++) {
        if (*name == '/')
            pfs_buf_str_add(out, "%2F");
        else
            pfs_buf_char(out, *name);
    }
}

static void decode_name(char *name)
{
    for (char *from = name, *to = name;; from++) {
        bool slash = strncasecmp(from, "%2F", 3) == 0;
        *to++ = slash ? '/' : *from;
        from += slash ? 2 : 0;
        if (!*from)
            return;
    }
}

/* ---- settings: KEY is what is in force, KEY@TIME what is scheduled ---- */

/* Takes a file's name apart into the key, in place, and the time (0: none). */
static int decode_key(char *name, int64_t *ret_from, struct pfs_err *err)
{
    char *at = strrchr(name, '@');
    *ret_from = 0;
    if (at) {
        int r = pfs_time_parse(at + 1, ret_from, err);
        if (r < 0)
            return r;
        *at = '\0';
    }
    decode_name(name);
    return 0;
}

/* What of an object's settings is looked for, and what was found. */
struct seek {
    const char *key;
    int64_t from; /* 0: what is in force at now */
    int64_t now;
    bool found;
    struct pfs_buf *out; /* may be NULL */
};

static int seek_row(void *arg, const struct pfs_setting_row *row)
{
    struct seek *s = arg;
    bool wanted = s->from ? row->from == s->from : row->from <= s->now;
    if (!wanted || strcmp(row->key, s->key) != 0)
        return 0;
    s->found = row->value != NULL; /* the last one that is in force counts: rows come in order of time */
    if (s->out) {
        pfs_buf_reset(s->out);
        pfs_buf_str_add(s->out, row->value ? row->value : "");
    }
    return 0;
}

/* The id of the object whose settings these are; -ENOENT for a model that was never used: it sets nothing. */
static int settings_id(const struct pfs_tree_call *call, int64_t *ret, struct pfs_err *err)
{
    if (call->type->kind == PFS_SCOPE_SITE) {
        *ret = 0;
        return 0;
    }
    return object_id(call, ret, err);
}

static int seek_setting(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_key *ret_key,
                        struct pfs_err *err)
{
    char name[PFS_FILE_NAME_MAX + 1];
    struct seek s = {.key = name, .now = time(NULL), .out = out};
    int64_t id;
    memcpy(name, call->item, sizeof name);
    int r = decode_key(name, &s.from, err);
    if (r == 0)
        r = pfs_catalogue_find(call->context->catalogue, name, ret_key, err);
    if (r == 0)
        r = settings_id(call, &id, err);
    if (r == 0)
        r = pfs_store_settings(call->context->store, call->type->kind, id, seek_row, &s, err);
    if (r == 0 && !s.found)
        return pfs_err_set(err, ENOENT, "%s is not set here", call->item);
    return r;
}

static int find_setting(struct pfs_tree_call *call, struct pfs_err *err)
{
    struct pfs_key key;
    return seek_setting(call, NULL, &key, err);
}

static int read_setting(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    struct pfs_key key;
    int r = seek_setting(call, out, &key, err);
    if (r < 0)
        return r;
    bool clears = key.override && strcmp(pfs_buf_str(out), PFS_VALUE_CLEAR) == 0; /* that is none */
    if (key.secret && !clears && !call->tree->show_secrets) {
        pfs_buf_reset(out);
        pfs_buf_str_add(out, PFS_MASK);
    }
    pfs_buf_char(out, '\n');
    return 0;
}

/* set|unset KIND [OBJECT] [--from TIME] WORD; to unset what is scheduled withdraws it. */
static int run_setting(struct pfs_tree_call *call, const char *verb, const char *word, int64_t from,
                       struct pfs_err *err)
{
    char time_text[PFS_TIME_STR];
    const char *words[10];
    size_t n = 0;
    words[n++] = verb;
    words[n++] = kind_word(call);
    if (from) {
        pfs_time_format(from, time_text);
        words[n++] = "--from";
        words[n++] = time_text;
        if (strcmp(verb, "unset") == 0)
            words[n++] = "--scheduled";
    }
    words[n++] = "--";
    if (call->type->kind != PFS_SCOPE_SITE)
        words[n++] = call->object;
    words[n++] = word;
    return pfs_tree_run(call, n, words, err);
}

static int write_setting(struct pfs_tree_call *call, const char *value, size_t len, struct pfs_err *err)
{
    char key[PFS_FILE_NAME_MAX + 1];
    int64_t from;
    memcpy(key, call->item, sizeof key);
    int r = decode_key(key, &from, err);
    if (r < 0)
        return r;
    autofree char *word = pair(key, value);
    return word ? run_setting(call, "set", word, from, err) : pfs_err_nomem(err);
}

static int remove_setting(struct pfs_tree_call *call, struct pfs_err *err)
{
    char key[PFS_FILE_NAME_MAX + 1];
    int64_t from;
    memcpy(key, call->item, sizeof key);
    int r = decode_key(key, &from, err);
    if (r < 0)
        return r;
    return run_setting(call, "unset", key, from, err);
}

/* Whether a key may be set here: its name, and that it may stand in this scope. */
static int may_create_setting(struct pfs_tree_call *call, struct pfs_err *err)
{
    char name[PFS_FILE_NAME_MAX + 1];
    int64_t from;
    struct pfs_key key;
    memcpy(name, call->item, sizeof name);
    int r = decode_key(name, &from, err);
    if (r == 0)
        r = pfs_catalogue_find(call->context->catalogue, name, &key, err);
    if (r == 0 && !(key.scopes & PFS_SCOPE_BIT(call->type->kind)))
        r = pfs_err_set(err, EINVAL, "%s may not stand in scope %s", name, kind_word(call));
    return r;
}

/* Rows of one object: the one in force of each key, and those to come. */
struct setting_list {
    int (*fn)(void *arg, const char *name);
    void *arg;
    int64_t now;
    char key[PFS_KEY_MAX + 1]; /* the key whose row in force is held back, until a later row or key says
                                  whether it is the last */
    bool has_value;
};

static int give_setting(struct setting_list *l, const char *key, int64_t from)
{
    struct pfs_buf name autobuf = PFS_BUF_INIT(PFS_FILE_NAME_MAX);
    char time_text[PFS_TIME_STR];
    encode_name(key, &name);
    if (from) {
        pfs_time_format(from, time_text);
        pfs_buf_printf(&name, "@%s", time_text);
    }
    return pfs_buf_error(&name)
               ? 0
               : l->fn(l->arg, pfs_buf_str(&name)); /* a name too long for a file is not listed */
}

static int give_held_back(struct setting_list *l)
{
    bool give = l->key[0] && l->has_value;
    int r = give ? give_setting(l, l->key, 0) : 0;
    l->key[0] = '\0';
    return r;
}

static int list_row(void *arg, const struct pfs_setting_row *row)
{
    struct setting_list *l = arg;
    int r = 0;
    if (strcmp(l->key, row->key) != 0 || row->from > l->now)
        r = strcmp(l->key, row->key) != 0 ? give_held_back(l) : 0;
    if (r != 0)
        return r;
    if (row->from > l->now)
        return give_setting(l, row->key, row->from);
    snprintf(l->key, sizeof l->key, "%s", row->key);
    l->has_value = row->value != NULL;
    return 0;
}

static int list_settings(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                         struct pfs_err *err)
{
    struct setting_list l = {.fn = fn, .arg = arg, .now = time(NULL)};
    int64_t id;
    int r = settings_id(call, &id, err);
    if (r == -ENOENT && call->type->kind == PFS_SCOPE_MODEL)
        return 0;
    if (r == 0)
        r = pfs_store_settings(call->context->store, call->type->kind, id, list_row, &l, err);
    return r == 0 ? give_held_back(&l) : r;
}

/* ---- lines of a device: the account on each ---- */

static int find_line(struct pfs_tree_call *call, struct pfs_err *err)
{
    int64_t id;
    char name[2 * PFS_FILE_NAME_MAX + 4];
    snprintf(name, sizeof name, "%s/%s", call->object, call->item);
    return pfs_store_find(call->context->store, PFS_SCOPE_LINE, name, &id, err);
}

static int give_line(void *arg, const struct pfs_line_row *row)
{
    const struct names *n = arg;
    char number[16];
    snprintf(number, sizeof number, "%u", row->number);
    return n->fn(n->arg, number);
}

static int list_lines(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                      struct pfs_err *err)
{
    struct names n = {fn, arg};
    uint64_t mac;
    int r = pfs_mac_parse(call->object, &mac, err);
    return r < 0 ? r : pfs_store_lines(call->context->store, mac, give_line, &n, err);
}

struct line_seek {
    unsigned long number;
    struct pfs_buf *out;
};

static int give_account(void *arg, const struct pfs_line_row *row)
{
    struct line_seek *s = arg;
    if (row->number == s->number && row->account) {
        pfs_buf_str_add(s->out, row->account);
        pfs_buf_char(s->out, '\n');
    }
    return 0;
}

static int read_line(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    struct line_seek s = {strtoul(call->item, NULL, 10), out};
    uint64_t mac;
    int r = pfs_mac_parse(call->object, &mac, err);
    return r < 0 ? r : pfs_store_lines(call->context->store, mac, give_account, &s, err);
}

static int write_line(struct pfs_tree_call *call, const char *value, size_t len, struct pfs_err *err)
{
    autofree char *word = pair(call->item, value);
    if (!word)
        return pfs_err_nomem(err);
    const char *words[] = {"assign", call->object, word};
    return pfs_tree_run(call, 3, words, err);
}

static int remove_line(struct pfs_tree_call *call, struct pfs_err *err)
{
    const char *words[] = {"release", call->object, call->item};
    return pfs_tree_run(call, 3, words, err);
}

static int may_create_line(struct pfs_tree_call *call, struct pfs_err *err)
{
    char *end;
    unsigned long n = strtoul(call->item, &end, 10);
    if (call->item[0] < '1' || call->item[0] > '9' || *end || n > PFS_MODEL_LINES_MAX)
        return pfs_err_set(err, EINVAL, "a line is a number from 1, not %s", call->item);
    return 0;
}

/* ---- what commands print: explain; the files of a device ---- */

static int read_explain(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    const char *words[] = {"explain", call->object, "--secrets"};
    return pfs_tree_print(call, call->tree->show_secrets ? 3 : 2, words, out, err);
}

/* ---- the device's files, under their real names ---- */

static int resolve(struct pfs_tree_call *call, struct pfs_inputs **ret, const struct pfs_model **ret_model,
                   struct pfs_err *err)
{
    uint64_t mac;
    int r = pfs_mac_parse(call->object, &mac, err);
    if (r == 0)
        r = pfs_resolve_device(call->context->resolver, call->context->store, mac, time(NULL), ret, err);
    if (r < 0)
        return r;
    const char *model = (*ret)->device->model;
    *ret_model = model ? pfs_library_model(call->context->library, model) : NULL;
    return 0;
}

/* A name that is too long with its slashes written out has no file here. */
static int list_file(const struct pfs_file *f, uint64_t mac, int (*fn)(void *arg, const char *name),
                     void *arg)
{
    char path[PFS_FILE_NAME_MAX + 1];
    struct pfs_buf name autobuf = PFS_BUF_INIT(0);
    pfs_pattern_format(&f->name, mac, path);
    encode_name(path, &name);
    if (pfs_buf_error(&name))
        return -ENOMEM;
    return name.len > PFS_FILE_NAME_MAX ? 0 : fn(arg, pfs_buf_str(&name));
}

static int list_files(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                      struct pfs_err *err)
{
    struct pfs_inputs *inputs;
    const struct pfs_model *m;
    int r = resolve(call, &inputs, &m, err);
    if (r < 0)
        return r;
    for (size_t i = 0; m && i < m->n_files && r == 0; i++)
        if (m->files[i].spec->per == PFS_PER_DEVICE)
            r = list_file(&m->files[i], inputs->device->mac, fn, arg);
    pfs_inputs_unref(inputs);
    return r;
}

/* The device's file that the item names. */
static int choose_file(const struct pfs_tree_call *call, const struct pfs_inputs *inputs,
                       const struct pfs_model *m, const struct pfs_file **ret, struct pfs_err *err)
{
    char name[PFS_FILE_NAME_MAX + 1];
    uint64_t mac = 0;
    memcpy(name, call->item, sizeof name);
    decode_name(name);
    *ret = m ? pfs_model_file(m, name, &mac) : NULL;
    if (!*ret || mac != inputs->device->mac)
        return pfs_err_set(err, ENOENT, "the device has no file %s", name);
    return 0;
}

static int find_file(struct pfs_tree_call *call, struct pfs_err *err)
{
    struct pfs_inputs *inputs;
    const struct pfs_model *m;
    const struct pfs_file *f;
    int r = resolve(call, &inputs, &m, err);
    if (r < 0)
        return r;
    r = choose_file(call, inputs, m, &f, err);
    pfs_inputs_unref(inputs);
    return r;
}

/* A copy of the device in which every secret is the mask: what it renders to shows none. */
static int read_file(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    struct pfs_inputs *inputs;
    const struct pfs_model *m;
    const struct pfs_file *f;
    struct pfs_phone phone;
    int r = resolve(call, &inputs, &m, err);
    if (r < 0)
        return r;
    r = choose_file(call, inputs, m, &f, err);
    if (r == 0 && f->spec->has_contacts)
        r = pfs_resolve_directory(call->context->resolver, call->context->store, inputs, err);
    pfs_inputs_phone(inputs, &phone);
    phone.mask = call->tree->show_secrets ? NULL : PFS_MASK;
    if (r == 0)
        r = pfs_render(f, &phone, call->context->library->zones, out, NULL, NULL, err);
    pfs_inputs_unref(inputs);
    return r;
}

/* ---- lists: the devices of a profile, the lines of an account ---- */

static int print_mac(void *arg, uint64_t mac)
{
    char text[PFS_MAC_STR];
    pfs_mac_format(mac, text);
    pfs_buf_printf(arg, "%s\n", text);
    return 0;
}

static int read_devices_of(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    int64_t id;
    int r = object_id(call, &id, err);
    return r < 0 ? r : pfs_store_devices_of(call->context->store, call->type->kind, id, print_mac, out, err);
}

static int print_line(void *arg, const struct pfs_line_row *row)
{
    char text[PFS_MAC_STR];
    pfs_mac_format(row->mac, text);
    pfs_buf_printf(arg, "%s/%u\n", text, row->number);
    return 0;
}

static int read_lines_of(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    int64_t id;
    int r = object_id(call, &id, err);
    return r < 0 ? r : pfs_store_lines_of_account(call->context->store, id, print_line, out, err);
}

/* ---- models: what the templates say, and settings ---- */

static int find_model(struct pfs_tree_call *call, struct pfs_err *err)
{
    const struct pfs_model *m;
    return pfs_library_find_model(call->context->library, call->object, &m, err);
}

static int give_model(void *arg, const struct pfs_model *m)
{
    const struct names *n = arg;
    return n->fn(n->arg, m->name);
}

static int list_models(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                       struct pfs_err *err)
{
    struct names n = {fn, arg};
    return pfs_library_models(call->context->library, give_model, &n);
}

enum model_fact { MODEL_VENDOR, MODEL_TITLE, MODEL_LINES, MODEL_KEYS, MODEL_FILES, MODEL_TEMPLATE };

static int read_model(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err)
{
    const struct pfs_model *m;
    int r = pfs_library_find_model(call->context->library, call->object, &m, err);
    if (r < 0)
        return r;
    switch ((enum model_fact)call->type->field) {
    case MODEL_VENDOR:
        pfs_buf_printf(out, "%s\n", m->tmpl->vendor);
        break;
    case MODEL_TITLE:
        pfs_buf_printf(out, "%s\n", m->title);
        break;
    case MODEL_LINES:
        pfs_buf_printf(out, "%u\n", m->lines);
        break;
    case MODEL_KEYS:
        pfs_buf_printf(out, "%u\n", m->keys);
        break;
    case MODEL_FILES:
        for (size_t i = 0; i < m->n_files; i++)
            pfs_buf_printf(out, "%s\n", m->files[i].name.text);
        break;
    case MODEL_TEMPLATE:
        pfs_buf_printf(out, "%s:%u\n", m->tmpl->sources[pfs_line_source(m->line)], pfs_line_number(m->line));
        break;
    }
    return 0;
}

/* ---- the types ---- */

#define TYPES(...) ((const struct pfs_tree_type *const[]){__VA_ARGS__, NULL})

#define FIELD_FILE(variable, kind_, field_)                                                                  \
    static const struct pfs_tree_type variable = {.name = NAME_OF_##field_,                                  \
                                                  .mode = FILE_RW,                                           \
                                                  .kind = kind_,                                             \
                                                  .field = field_,                                           \
                                                  .read = read_field,                                        \
                                                  .write = write_field,                                      \
                                                  .remove = clear_field}
#define NAME_OF_PFS_FIELD_MODEL "model"
#define NAME_OF_PFS_FIELD_PROFILE "profile"
#define NAME_OF_PFS_FIELD_PARENT "parent"
#define NAME_OF_PFS_FIELD_CUSTOMER "customer"
#define NAME_OF_PFS_FIELD_ENABLED "enabled"
#define NAME_OF_PFS_FIELD_INVENTORY_ID "inventory_id"
#define NAME_OF_PFS_FIELD_NOTE "note"

/* settings/ of an object: a file a key. */
#define SETTINGS(variable, kind_)                                                                            \
    static const struct pfs_tree_type variable##_key = {.mode = FILE_RW,                                     \
                                                        .kind = kind_,                                       \
                                                        .find = find_setting,                                \
                                                        .read = read_setting,                                \
                                                        .write = write_setting,                              \
                                                        .remove = remove_setting,                            \
                                                        .may_create = may_create_setting};                   \
    static const struct pfs_tree_type variable = {.name = "settings",                                        \
                                                  .mode = FOLDER_RW,                                         \
                                                  .kind = kind_,                                             \
                                                  .children = TYPES(&variable##_key),                        \
                                                  .list = list_settings}

/* A folder of objects of one kind that can be made, deleted and renamed; then what each holds. */
#define OBJECTS(variable, name_, one, kind_, ...)                                                            \
    static const struct pfs_tree_type one = {.names_object = true,                                           \
                                             .mode = FOLDER_RW,                                              \
                                             .kind = kind_,                                                  \
                                             .find = find_object,                                            \
                                             .make = make_object,                                            \
                                             .remove = remove_object,                                        \
                                             .rename = rename_object,                                        \
                                             .children = TYPES(__VA_ARGS__)};                                \
    const struct pfs_tree_type variable = {                                                                  \
        .name = name_, .mode = FOLDER_RW, .kind = kind_, .children = TYPES(&one), .list = list_objects}

FIELD_FILE(device_model, PFS_SCOPE_DEVICE, PFS_FIELD_MODEL);
FIELD_FILE(device_profile, PFS_SCOPE_DEVICE, PFS_FIELD_PROFILE);
FIELD_FILE(device_customer, PFS_SCOPE_DEVICE, PFS_FIELD_CUSTOMER);
FIELD_FILE(device_enabled, PFS_SCOPE_DEVICE, PFS_FIELD_ENABLED);
FIELD_FILE(device_inventory_id, PFS_SCOPE_DEVICE, PFS_FIELD_INVENTORY_ID);
FIELD_FILE(device_note, PFS_SCOPE_DEVICE, PFS_FIELD_NOTE);
SETTINGS(device_settings, PFS_SCOPE_DEVICE);
static const struct pfs_tree_type device_line = {.mode = FILE_RW,
                                                 .kind = PFS_SCOPE_DEVICE,
                                                 .find = find_line,
                                                 .read = read_line,
                                                 .write = write_line,
                                                 .remove = remove_line,
                                                 .may_create = may_create_line};
static const struct pfs_tree_type device_lines = {.name = "lines",
                                                  .mode = FOLDER_RW,
                                                  .kind = PFS_SCOPE_DEVICE,
                                                  .children = TYPES(&device_line),
                                                  .list = list_lines};
static const struct pfs_tree_type device_file = {
    .mode = FILE_RO, .kind = PFS_SCOPE_DEVICE, .find = find_file, .read = read_file};
static const struct pfs_tree_type device_files = {.name = "files",
                                                  .mode = FOLDER,
                                                  .kind = PFS_SCOPE_DEVICE,
                                                  .children = TYPES(&device_file),
                                                  .list = list_files};
static const struct pfs_tree_type device_explain = {
    .name = "explain", .mode = FILE_RO, .kind = PFS_SCOPE_DEVICE, .alone = true, .read = read_explain};
OBJECTS(pfs_tree_devices, "devices", device, PFS_SCOPE_DEVICE, &device_model, &device_profile,
        &device_customer, &device_enabled, &device_inventory_id, &device_note, &device_lines,
        &device_settings, &device_files, &device_explain);

FIELD_FILE(profile_parent, PFS_SCOPE_PROFILE, PFS_FIELD_PARENT);
FIELD_FILE(profile_customer, PFS_SCOPE_PROFILE, PFS_FIELD_CUSTOMER);
FIELD_FILE(profile_note, PFS_SCOPE_PROFILE, PFS_FIELD_NOTE);
SETTINGS(profile_settings, PFS_SCOPE_PROFILE);
static const struct pfs_tree_type profile_devices = {
    .name = "devices", .mode = FILE_RO, .kind = PFS_SCOPE_PROFILE, .read = read_devices_of};
OBJECTS(pfs_tree_profiles, "profiles", profile, PFS_SCOPE_PROFILE, &profile_parent, &profile_customer,
        &profile_note, &profile_settings, &profile_devices);

FIELD_FILE(account_customer, PFS_SCOPE_ACCOUNT, PFS_FIELD_CUSTOMER);
FIELD_FILE(account_note, PFS_SCOPE_ACCOUNT, PFS_FIELD_NOTE);
SETTINGS(account_settings, PFS_SCOPE_ACCOUNT);
static const struct pfs_tree_type account_lines = {
    .name = "lines", .mode = FILE_RO, .kind = PFS_SCOPE_ACCOUNT, .read = read_lines_of};
OBJECTS(pfs_tree_accounts, "accounts", account, PFS_SCOPE_ACCOUNT, &account_customer, &account_note,
        &account_settings, &account_lines);

FIELD_FILE(customer_enabled, PFS_SCOPE_CUSTOMER, PFS_FIELD_ENABLED);
FIELD_FILE(customer_note, PFS_SCOPE_CUSTOMER, PFS_FIELD_NOTE);
SETTINGS(customer_settings, PFS_SCOPE_CUSTOMER);
OBJECTS(pfs_tree_customers, "customers", customer, PFS_SCOPE_CUSTOMER, &customer_enabled, &customer_note,
        &customer_settings);

#define MODEL_FILE(variable, name_, fact)                                                                    \
    static const struct pfs_tree_type variable = {                                                           \
        .name = name_, .mode = FILE_RO, .kind = PFS_SCOPE_MODEL, .field = fact, .read = read_model}
MODEL_FILE(model_vendor, "vendor", MODEL_VENDOR);
MODEL_FILE(model_title, "title", MODEL_TITLE);
MODEL_FILE(model_lines, "lines", MODEL_LINES);
MODEL_FILE(model_keys, "keys", MODEL_KEYS);
MODEL_FILE(model_files, "files", MODEL_FILES);
MODEL_FILE(model_template, "template", MODEL_TEMPLATE);
SETTINGS(model_settings, PFS_SCOPE_MODEL);
static const struct pfs_tree_type model = {.names_object = true,
                                           .mode = FOLDER,
                                           .kind = PFS_SCOPE_MODEL,
                                           .find = find_model,
                                           .children =
                                               TYPES(&model_vendor, &model_title, &model_lines, &model_keys,
                                                     &model_files, &model_template, &model_settings)};
const struct pfs_tree_type pfs_tree_models = {.name = "models",
                                              .mode = FOLDER,
                                              .kind = PFS_SCOPE_MODEL,
                                              .children = TYPES(&model),
                                              .list = list_models};

SETTINGS(site_settings, PFS_SCOPE_SITE);
const struct pfs_tree_type pfs_tree_site = {
    .name = "site", .mode = FOLDER, .kind = PFS_SCOPE_SITE, .children = TYPES(&site_settings)};
