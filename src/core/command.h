/* The one command language: for the program, for control/ctl and for command files.
 *
 * A command is words: a verb, what it is about, and the rest (docs/commands.md; `provfs help`). Writing
 * commands run inside one write of the store, made by pfs_command_run() for one command or by
 * pfs_command_apply() for all lines of a text. */
#pragma once

#include "core/context.h"

/* What an import may have. */
enum { PFS_IMPORT_MAX_BYTES = 1 << 30 };

struct pfs_command_io {
    FILE *out;     /* what a query prints */
    FILE *notes;   /* notes and progress for people; NULL: none */
    FILE *in;      /* for --stdin and FILE `-`; NULL: none */
    bool terminal; /* notes go to a terminal: progress may be drawn, yes/no asked */
};

/* Splits a line as a shell does, without expansions: blanks, '…', "…" with \" and \\, # begins a comment.
 * words: an array of at most max strings in the arena; *ret_n their number, 0 for a blank line. -EINVAL a
 * quote left open, a NUL, too many words. */
int pfs_command_split(const char *line, struct pfs_arena *arena, char **words, size_t max, size_t *ret_n,
                      struct pfs_err *err);

/* Runs one command (words[0] is the verb). 0 done; 2 for `plan`-like answers; -EINVAL and others refused:
 * nothing has changed. -ENOEXEC: usage (unknown verb or option, missing words): exit code 2; err has the
 * sentence. */
int pfs_command_run(struct pfs_context *c, struct pfs_command_io *io, size_t n_words, char *const *words,
                    struct pfs_err *err);

/* All lines of a text as one transaction; only writing commands. Errors begin with "line N: ". */
int pfs_command_apply(struct pfs_context *c, struct pfs_command_io *io, const char *text, size_t len,
                      const char *via, struct pfs_err *err);

/* The same as one compare-and-set: nothing happens, -EAGAIN, unless the newest gen is if_gen (0: any).
 * *ret_gen (may be NULL): the gen it made. */
int pfs_command_apply_if(struct pfs_context *c, struct pfs_command_io *io, const char *text, size_t len,
                         const char *via, int64_t if_gen, int64_t *ret_gen, struct pfs_err *err);

/* Usage of all (verb NULL) or of one verb, on out. -ENOENT unknown. */
int pfs_command_help(const char *verb, FILE *out);
