/* Inside the command language: one command being run, the table of verbs, and what several of them need. */
#pragma once

#include "base/json.h"
#include "core/check.h"
#include "core/command.h"

enum pfs_option {
    PFS_OPTION_FROM,
    PFS_OPTION_SCHEDULED,
    PFS_OPTION_REASON,
    PFS_OPTION_STDIN,
    PFS_OPTION_CLEAR,
    PFS_OPTION_JSON,
    PFS_OPTION_QUIET,
    PFS_OPTION_SECRETS,
    PFS_OPTION_RECURSIVE,
    PFS_OPTION_YES,
    PFS_OPTION_DRY_RUN,
    PFS_OPTION_UPDATE,
    PFS_OPTION_SYNC,
    PFS_OPTION_MAX_DELETE,
    PFS_OPTION_DELIMITER,
    PFS_OPTION_FORMAT,
    PFS_OPTION_SINCE,
    PFS_OPTION_TEMPLATES,
    PFS_OPTION_NATIVE,
    PFS_N_OPTIONS
};
#define PFS_OPTION_BIT(option) (1u << (option))

enum pfs_verb_way {
    PFS_VERB_WRITES, /* inside one write of the store; may stand in a command file */
    PFS_VERB_READS,  /* inside one snapshot */
    PFS_VERB_OWN,    /* makes its own transactions */
    PFS_VERB_ALONE,  /* without a store */
};

struct pfs_command;
typedef int (*pfs_verb_fn)(struct pfs_command *cmd, struct pfs_err *err);

struct pfs_verb {
    const char *name;
    const char *usage; /* one or several lines, each without "provfs " */
    const char *text;  /* one paragraph */
    enum pfs_verb_way way;
    unsigned options;            /* PFS_OPTION_BIT()s */
    size_t min_words, max_words; /* operands; max 0: any number */
    pfs_verb_fn fn;              /* NULL: run by cli.c */
    pfs_verb_fn before;          /* WRITES: called before the write begins, to ask; may be NULL */
};
extern const struct pfs_verb pfs_verbs[];
extern const size_t pfs_n_verbs;

/* One transaction of writing commands. */
struct pfs_transaction {
    struct pfs_context *c;
    struct pfs_check check;
    struct pfs_buf notes;
    int64_t gen; /* once committed */
};

/* Takes the writer lock. After an error there is nothing to end. */
int pfs_transaction_begin(struct pfs_transaction *t, struct pfs_context *c, const char *via,
                          const char *reason, struct pfs_err *err);
/* r 0: checks, commits and shows the notes; negative: rolls back and returns it; 1: rolls back and returns 0
 * (a dry run). */
int pfs_transaction_end(struct pfs_transaction *t, int r, struct pfs_command_io *io, struct pfs_err *err);

struct pfs_command {
    struct pfs_context *context;
    struct pfs_command_io *io;
    const struct pfs_verb *verb;
    struct pfs_arena arena;
    size_t n; /* operands */
    const char **words;
    size_t n_clears;
    const char **clears;                /* of each --clear */
    const char *options[PFS_N_OPTIONS]; /* NULL: not given; "" for one without value */
    int64_t now;
    struct pfs_check *check; /* writes; NULL: the command checks what it touched itself */
    struct pfs_buf *notes;   /* writes: lines for people, shown once it is committed */
    bool alone;              /* the only command of its transaction */
};

static inline bool pfs_command_has(const struct pfs_command *cmd, enum pfs_option option)
{
    return cmd->options[option] != NULL;
}

int pfs_command_usage(const struct pfs_command *cmd,
                      struct pfs_err *err); /* -ENOEXEC with the verb's usage */

/* An object that words name. */
struct pfs_target {
    enum pfs_scope kind;
    int64_t id;
    const char *name; /* canonical: in the command's arena */
};

/* A kind by its word, singular; -ENOEXEC where it is none of the `kinds` bits. */
int pfs_command_kind(struct pfs_command *cmd, const char *word, unsigned kinds, enum pfs_scope *ret,
                     struct pfs_err *err);
/* The canonical name: a MAC as twelve digits; NULL with err set where it cannot be one. */
const char *pfs_command_name(struct pfs_command *cmd, enum pfs_scope kind, const char *word,
                             struct pfs_err *err);
/* Finds kind and object at words[0], words[1] (site: only words[0]); *ret_used: how many words that were.
 * MODEL: id 0 where the model was never used. */
int pfs_command_target(struct pfs_command *cmd, unsigned kinds, struct pfs_target *ret, size_t *ret_used,
                       struct pfs_err *err);

/* A copy of an object in the command's arena. */
int pfs_command_object(struct pfs_command *cmd, enum pfs_scope kind, int64_t id, struct pfs_object *ret,
                       struct pfs_err *err);

/* Whether the key may be set in this scope: it exists, may stand there, and an override's vendor has
 * templates. */
int pfs_command_key(const struct pfs_context *c, enum pfs_scope scope, const char *key, struct pfs_key *ret,
                    struct pfs_err *err);

/* The text to show for a value: masked where the key is secret. NULL stays NULL. */
const char *pfs_command_shown(const struct pfs_command *cmd, const char *key, const char *value);
/* -EPERM where --secrets is asked for by another than root. */
int pfs_command_may_see_secrets(const struct pfs_command *cmd, struct pfs_err *err);

/* 4,812 */
const char *pfs_command_number(struct pfs_command *cmd, int64_t n);

/* Reads a file, or io->in for "-", whole. The path begins the sentence. */
int pfs_command_read(struct pfs_command *cmd, const char *path, size_t limit, struct pfs_buf *out,
                     struct pfs_err *err);

/* Characters that a text takes on a terminal, taken as one each. */
size_t pfs_command_width(const char *s);

/* Draws `what: n of total` on a terminal, at most ten times a second; total 0 ends the line. */
void pfs_command_progress(struct pfs_command *cmd, const char *what, int64_t n, int64_t total);

/* Notes where a device's MAC is not of its model's vendor but of another one: perhaps a slip. */
void pfs_command_note_vendor(struct pfs_command *cmd, const struct pfs_target *t, const char *model);
/* Sets fields by text, those that are not NULL; an empty text clears. Customer and profile in the order that
 * goes. 1 where something changed, else 0. */
int pfs_command_set_fields(struct pfs_command *cmd, const struct pfs_target *t, const char *const *fields,
                           struct pfs_err *err);

int pfs_command_init(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_add(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_adopt(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_put(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_set(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_unset(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_assign(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_release(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_replace(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_rename(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_delete(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_before_delete(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_list(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_show(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_log(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_render(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_check(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_explain(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_import(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_export(struct pfs_command *cmd, struct pfs_err *err);
int pfs_export_xml(struct pfs_command *cmd, struct pfs_err *err);
int pfs_command_apply_file(struct pfs_command *cmd, struct pfs_err *err);
