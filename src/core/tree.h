/* The control tree: the inventory as folders and files that a shell can edit.
 *
 * A place in the tree is a type (an operations table, in one of the tables of tree_*.c) and the names on the
 * way to it. To add a control file is to add one table entry. What a write does is a command of
 * core/command.h, so that tree, program and control/ctl follow one set of rules.
 *
 *   control/devices/001565aabbcc/settings/sip.server   type: a device's setting; object 001565aabbcc, item
 * sip.server
 *
 * Paths here are relative to control/, "" is the folder itself. Each call brings its thread's context (a
 * store of its own). */
#pragma once

#include "core/command.h"
#include "core/content.h"
#include "core/events.h"

#include <pthread.h>
#include <sys/stat.h>

enum { PFS_TREE_WRITE_MAX = 65536, PFS_TREE_PATH_MAX = 1024 };

/* What stands in the place of a secret. */
#define PFS_MASK "********"

struct pfs_tree_type;
struct pfs_import_report;
struct pfs_status;

/* What one mount's tree is made with; borrowed. */
struct pfs_tree {
    struct pfs_content *content;
    struct pfs_outcomes *outcomes;
    struct pfs_import_report *import_report;
    struct pfs_events *events;
    const struct pfs_status *status;
    bool show_secrets;
};

/* One request: where, by whom, with what. */
struct pfs_tree_call {
    const struct pfs_tree *tree;
    struct pfs_context *context; /* its store is open; login is who asked */
    const struct pfs_tree_type *type;
    const struct pfs_tree_type *parent;
    char path[PFS_TREE_PATH_MAX];
    char object[PFS_FILE_NAME_MAX + 1]; /* the object on the way: a MAC as twelve digits, a name; "" none */
    char item[PFS_FILE_NAME_MAX +
              1]; /* the last name where the type is a dynamic one below the object: a key, a line, a file */
};

/* A type: what can be done at such a place. NULL: cannot be done (EPERM, or EISDIR and the like). All return
 * 0 or a negative errno with a sentence. */
struct pfs_tree_type {
    const char *name;    /* in its folder; NULL: a dynamic child, any name that `find` takes */
    bool names_object;   /* a dynamic child: its name is call->object, else call->item */
    enum pfs_scope kind; /* of the object on the way, or of the folder's objects */
    int field;           /* what the functions below are told apart by, where several types share them */
    mode_t mode;         /* S_IFDIR or S_IFREG and permissions */
    const struct pfs_tree_type *const
        *children; /* folders: fixed ones by name, then at most one dynamic; NULL-terminated */

    /* A dynamic child: whether call->object or call->item is there; may rewrite it to its canonical spelling.
     * -ENOENT. */
    int (*find)(struct pfs_tree_call *call, struct pfs_err *err);
    /* A folder: calls fn for each dynamic child. */
    int (*list)(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name), void *arg,
                struct pfs_err *err);
    /* A file's content, whole; inside a snapshot, unless `alone`: then it makes its own. */
    bool alone;
    bool unsized; /* costly to make, or never twice the same: stat(2) says 0, reads go to the end all the same
                   */
    int (*read)(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err);
    /* A value written: len bytes, without the final newline, NUL-terminated and free of NULs. */
    int (*write)(struct pfs_tree_call *call, const char *value, size_t len, struct pfs_err *err);
    /* Makes the dynamic child (mkdir; create of a file makes nothing until it is written). */
    int (*make)(struct pfs_tree_call *call, struct pfs_err *err);
    /* Deletes it (rmdir, unlink). */
    int (*remove)(struct pfs_tree_call *call, struct pfs_err *err);
    /* Gives it another name in the same folder. */
    int (*rename)(struct pfs_tree_call *call, const char *to, struct pfs_err *err);
    /* A dynamic file: whether a file that is not there may be created under this name. */
    int (*may_create)(struct pfs_tree_call *call, struct pfs_err *err);
    /* A special file (ctl, import, events): what a handle of it does. */
    const struct pfs_handle_ops *handle;
};

/* Finds the place of a path. -ENOENT (also for a file that may be created: *ret_creatable then says so, and
 * call is filled). */
int pfs_tree_find(const struct pfs_tree *t, struct pfs_context *c, const char *path,
                  struct pfs_tree_call *ret, bool *ret_creatable, struct pfs_err *err);

static inline bool pfs_tree_is_folder(const struct pfs_tree_type *t)
{
    return S_ISDIR(t->mode);
}

/* Calls fn for each name in a folder. */
int pfs_tree_list(struct pfs_tree_call *call, int (*fn)(void *arg, const char *name, mode_t mode), void *arg,
                  struct pfs_err *err);

/* Runs a command for a call: who asked, and the path as `via`. -EINVAL for what the program would call usage.
 */
int pfs_tree_run(struct pfs_tree_call *call, size_t n_words, const char *const *words, struct pfs_err *err);

/* Runs a command that prints, into a buffer. Outside a snapshot. */
int pfs_tree_print(struct pfs_tree_call *call, size_t n_words, const char *const *words, struct pfs_buf *out,
                   struct pfs_err *err);

/* The report of the last import; made once a mount. */
int pfs_import_report_new(struct pfs_import_report **ret);
void pfs_import_report_free(struct pfs_import_report *r);

/* ---- open files ---- */

/* What an open file is read from and written to. A value file needs none of its own: its type's read and
 * write serve. */
struct pfs_handle;
struct pfs_handle_ops {
    size_t size; /* of the handle's own part */
    int (*open)(struct pfs_handle *h, struct pfs_err *err);
    int (*read)(struct pfs_handle *h, size_t size, const char **ret, size_t *ret_len,
                struct pfs_err *err); /* from its own cursor */
    int (*write)(struct pfs_handle *h, const char *data, size_t len, struct pfs_err *err);
    int (*flush)(struct pfs_handle *h, struct pfs_err *err);
    void (*release)(struct pfs_handle *h);
};

struct pfs_handle {
    struct pfs_tree_call call;        /* of the open; its context is set anew for each request */
    const struct pfs_handle_ops *ops; /* NULL: a value file */
    pthread_mutex_t lock;             /* one request of a handle at a time */
    struct pfs_buf content;           /* what reads yield, made at the first */
    bool has_content;
    bool written;       /* a value file: its one write has come */
    size_t written_len; /* the bytes it had */
    bool spoiled;       /* a process that had it open was killed */
    int64_t opener;     /* the process that opened it */
    void *own;          /* size bytes, zeroed */
};

int pfs_handle_open(const struct pfs_tree_call *call, int64_t opener, struct pfs_handle **ret,
                    struct pfs_err *err);
/* Bytes at an offset (special files: from the handle's own cursor), copied to out, at most size. The number
 * of bytes; 0 the end. */
ssize_t pfs_handle_read(struct pfs_handle *h, struct pfs_context *c, char *out, size_t size, off_t off,
                        struct pfs_err *err);
/* The whole write, or an error: its errno is the answer. */
int pfs_handle_write(struct pfs_handle *h, struct pfs_context *c, const char *data, size_t len, off_t off,
                     struct pfs_err *err);
/* Whether a file may be cut to this size: to nothing, which waits for the write that follows; to what it has,
 * as rsync does after writing. h: the handle it is cut by, may be NULL. -EINVAL. */
int pfs_handle_truncate(struct pfs_handle *h, struct pfs_tree_call *call, off_t size, struct pfs_err *err);
/* A close(2) by process `closer`; dying: it is being killed by a signal. */
int pfs_handle_flush(struct pfs_handle *h, struct pfs_context *c, int64_t closer, bool dying,
                     struct pfs_err *err);
/* The cursor of control/events; NULL for other files. Such a read gives -EWOULDBLOCK where there is nothing
 * yet. */
struct pfs_events_cursor *pfs_handle_events(struct pfs_handle *h);
void pfs_handle_release(struct pfs_handle *h, struct pfs_context *c);

/* The content of a file at a place, whole: for its size. -EINVAL a special file has none. */
int pfs_tree_read(struct pfs_tree_call *call, struct pfs_buf *out, struct pfs_err *err);

/* ---- outcomes: the sentence of what a login did last ---- */

struct pfs_outcomes;
int pfs_outcomes_new(struct pfs_outcomes **ret);
void pfs_outcomes_free(struct pfs_outcomes *o);
/* r 0: done, at this gen; else refused, with the sentence. */
void pfs_outcomes_note(struct pfs_outcomes *o, const char *login, int r, const char *text);
/* The line that is noted, appended. */
void pfs_outcomes_line(int r, const char *text, struct pfs_buf *out);
/* Appends the last one of a login; nothing where it did nothing yet. */
void pfs_outcomes_read(struct pfs_outcomes *o, const char *login, struct pfs_buf *out);
