#include "model/directory.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

enum {
    PART_CONTACTS = 64,     /* on average: a part ends behind an account whose hash is a multiple of it */
    PART_CONTACTS_MAX = 256 /* and in any case here */
};

/* Some contacts that follow each other. */
struct pfs_directory_part {
    unsigned refs; /* atomic */
    size_t len;
    char texts[]; /* name, number and account of each, a NUL behind every one */
};

static void part_unref(struct pfs_directory_part *p)
{
    if (p && __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(p);
}

static struct pfs_directory_part *part_ref(struct pfs_directory_part *p)
{
    __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

struct pfs_directory *pfs_directory_ref(struct pfs_directory *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

void pfs_directory_unref(struct pfs_directory *d)
{
    if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < d->n_parts; i++)
        part_unref(d->parts[i]);
    free(d);
}

/* ---- walking ---- */

static const char *take_text(const struct pfs_directory_part *p, size_t *at)
{
    const char *text = p->texts + *at;
    *at += strlen(text) + 1;
    return text;
}

bool pfs_directory_next(const struct pfs_directory *d, struct pfs_directory_cursor *c,
                        struct pfs_contact *ret)
{
    if (c->part < d->n_parts && c->at == d->parts[c->part]->len)
        *c = (struct pfs_directory_cursor){.part = c->part + 1};
    if (c->part >= d->n_parts)
        return false;
    const struct pfs_directory_part *p = d->parts[c->part];
    ret->name = take_text(p, &c->at);
    ret->number = take_text(p, &c->at);
    ret->account = take_text(p, &c->at);
    return true;
}

/* ---- an account to a contact ---- */

static const char listed[] = "directory.listed", name[] = "line.display_name", user[] = "sip.user";

bool pfs_directory_uses(const char *key)
{
    return strcmp(key, listed) == 0 || strcmp(key, name) == 0 || strcmp(key, user) == 0;
}

void pfs_directory_draft_init(struct pfs_directory_draft *d, const struct pfs_catalogue *c, int64_t now)
{
    *d = (struct pfs_directory_draft){.catalogue = c, .now = now, .next = INT64_MAX};
}

void pfs_directory_draft_done(struct pfs_directory_draft *d)
{
    pfs_arena_done(&d->arena);
    free(d->contacts);
    *d = (struct pfs_directory_draft){0};
}

/* What a key is for an account that is on a line of a device of which nothing else is known. */
static const char *value_of(const struct pfs_directory_draft *d, const struct pfs_line *line, const char *key,
                            char *scratch)
{
    const struct pfs_phone nobody = {.catalogue = d->catalogue, .now = d->now};
    const struct pfs_catalogue_entry *entry = pfs_map_get(&d->catalogue->by_key, key, strlen(key));
    struct pfs_value value = {.text = ""};
    if (entry)
        pfs_phone_get(&nobody, line, key, entry, scratch, &value);
    return value.text;
}

static bool make_room(struct pfs_directory_draft *d)
{
    if (d->n < d->cap)
        return true;
    size_t cap = d->cap ? d->cap * 2 : 64;
    struct pfs_contact *contacts = reallocarray(d->contacts, cap, sizeof *contacts);
    if (!contacts)
        return false;
    d->contacts = contacts;
    d->cap = cap;
    return true;
}

/* The text, or as much of it as is taken: whole characters. */
static char *copy_cut(struct pfs_arena *a, const char *text)
{
    size_t len = strnlen(text, PFS_CONTACT_TEXT_MAX + 1);
    if (len > PFS_CONTACT_TEXT_MAX)
        for (len = PFS_CONTACT_TEXT_MAX; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
            len--;
    return pfs_arena_strndup(a, text, len);
}

int pfs_directory_draft_add(struct pfs_directory_draft *d, const char *account,
                            const struct pfs_layer *settings)
{
    const struct pfs_line line = {.account = account, .account_settings = *settings};
    char scratch[PFS_KEY_MAX], unused[PFS_KEY_MAX];
    d->next = PFS_MIN(d->next, pfs_layer_next(settings, d->now));
    d->came = PFS_MAX(d->came, pfs_layer_came(settings, d->now));
    const char *number = value_of(d, &line, user, scratch);
    if (!*number || strlen(number) > PFS_CONTACT_TEXT_MAX ||
        strcmp(value_of(d, &line, listed, unused), "off") == 0)
        return 0;
    const char *shown = value_of(d, &line, name, unused);
    if (!make_room(d))
        return -ENOMEM;
    struct pfs_contact *c = &d->contacts[d->n];
    c->number = pfs_arena_strdup(&d->arena, number);
    c->name = *shown ? copy_cut(&d->arena, shown) : c->number;
    c->account = pfs_arena_strdup(&d->arena, account);
    if (!c->number || !c->name || !c->account)
        return -ENOMEM;
    d->n++;
    return 0;
}

/* ---- contacts to parts ---- */

static int compare(const void *left, const void *right)
{
    const struct pfs_contact *a = left, *b = right;
    int order = pfs_utf8_compare_folded(a->name, b->name);
    return order ? order : strcmp(a->account, b->account);
}

static bool ends_part(const struct pfs_contact *c)
{
    unsigned hash = 5381;
    for (const char *s = c->account; *s; s++)
        hash = hash * 33 + (unsigned char)*s;
    return (hash ^ hash >> 16) % PART_CONTACTS == 0;
}

/* How many contacts the part has that begins at i. */
static size_t measure_part(const struct pfs_directory_draft *d, size_t i)
{
    size_t most = PFS_MIN(d->n - i, (size_t)PART_CONTACTS_MAX), n = 1;
    while (n < most && !ends_part(&d->contacts[i + n - 1]))
        n++;
    return n;
}

static size_t put_text(char *to, const char *text)
{
    size_t size = strlen(text) + 1;
    if (to)
        memcpy(to, text, size);
    return size;
}

/* Writes the texts of n contacts (to NULL: only counts); the bytes. */
static size_t write_contacts(char *to, const struct pfs_contact *contacts, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        len += put_text(to ? to + len : NULL, contacts[i].name);
        len += put_text(to ? to + len : NULL, contacts[i].number);
        len += put_text(to ? to + len : NULL, contacts[i].account);
    }
    return len;
}

/* A part with these contacts: of `known` (texts to part) where one has the same. NULL: out of memory. */
static struct pfs_directory_part *make_part(const struct pfs_map *known, const struct pfs_contact *contacts,
                                            size_t n)
{
    size_t len = write_contacts(NULL, contacts, n);
    struct pfs_directory_part *p = malloc(sizeof *p + len);
    if (!p)
        return NULL;
    p->refs = 1;
    p->len = len;
    write_contacts(p->texts, contacts, n);
    struct pfs_directory_part *same = pfs_map_get(known, p->texts, len);
    if (!same)
        return p;
    free(p);
    return part_ref(same);
}

static int make_parts(struct pfs_directory_draft *draft, const struct pfs_map *known, struct pfs_directory *d)
{
    for (size_t i = 0, n; i < draft->n; i += n) {
        n = measure_part(draft, i);
        d->parts[d->n_parts] = make_part(known, &draft->contacts[i], n);
        if (!d->parts[d->n_parts])
            return -ENOMEM;
        d->n_parts++;
    }
    return 0;
}

static int know_parts(const struct pfs_directory *like, struct pfs_map *ret)
{
    int r = 0;
    for (size_t i = 0; like && i < like->n_parts && r == 0; i++)
        r = pfs_map_put(ret, like->parts[i]->texts, like->parts[i]->len, like->parts[i], NULL);
    return r;
}

int pfs_directory_new(struct pfs_directory_draft *draft, const struct pfs_directory *like,
                      struct pfs_directory **ret)
{
    size_t n_parts = 0;
    PFS_CLEANUP(pfs_map_done) struct pfs_map known = {0};
    if (draft->n > 0)
        qsort(draft->contacts, draft->n, sizeof *draft->contacts, compare);
    for (size_t i = 0; i < draft->n; i += measure_part(draft, i))
        n_parts++;
    struct pfs_directory *d = calloc(1, sizeof *d + n_parts * sizeof(void *));
    if (!d)
        return -ENOMEM;
    *d = (struct pfs_directory){
        .refs = 1, .now = draft->now, .next = draft->next, .came = draft->came, .n = draft->n};
    if (know_parts(like, &known) < 0 || make_parts(draft, &known, d) < 0) {
        pfs_directory_unref(d);
        return -ENOMEM;
    }
    *ret = d;
    return 0;
}
