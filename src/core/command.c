#include "core/command_impl.h"

#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

enum { WORDS_MAX = 2048, APPLY_MAX_BYTES = 64 << 20, STDIN_VALUE_MAX = PFS_VALUE_MAX + 2 };

/* ---- splitting ---- */

struct splitter {
    const char *at;
    struct pfs_buf word;
    struct pfs_err *err;
};

static int split_single(struct splitter *s)
{
    const char *end = strchr(++s->at, '\'');
    if (!end)
        return pfs_err_set(s->err, EINVAL, "a quote (') is left open");
    pfs_buf_add(&s->word, s->at, (size_t)(end - s->at));
    s->at = end + 1;
    return 0;
}

static int split_double(struct splitter *s)
{
    for (s->at++; *s->at && *s->at != '"'; s->at++) {
        if (*s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        pfs_buf_char(&s->word, *s->at);
    }
    if (!*s->at)
        return pfs_err_set(s->err, EINVAL, "a quote (\") is left open");
    s->at++;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int split_word(struct splitter *s)
{
    pfs_buf_reset(&s->word);
    int r = 0;
    while (r == 0 && *s->at && !is_blank(*s->at)) {
        if (*s->at == '\'') {
            r = split_single(s);
        } else if (*s->at == '"') {
            r = split_double(s);
        } else if (*s->at == '\\' && s->at[1]) {
            pfs_buf_char(&s->word, s->at[1]);
            s->at += 2;
        } else {
            pfs_buf_char(&s->word, *s->at++);
        }
    }
    return r;
}

int pfs_command_split(const char *line, struct pfs_arena *arena, char **words, size_t max, size_t *ret_n,
                      struct pfs_err *err)
{
    struct splitter s = {.at = line, .word = PFS_BUF_INIT(0), .err = err};
    size_t n = 0;
    int r = 0;
    for (;;) {
        while (is_blank(*s.at))
            s.at++;
        if (!*s.at || *s.at == '#')
            break;
        r = n < max ? split_word(&s) : pfs_err_set(err, EINVAL, "more than %zu words", max);
        if (r < 0)
            break;
        words[n] = pfs_arena_strndup(arena, s.word.data ? s.word.data : "", s.word.len);
        if (!words[n++] || pfs_buf_error(&s.word) < 0) {
            r = pfs_err_nomem(err);
            break;
        }
    }
    pfs_buf_done(&s.word);
    if (r == 0)
        *ret_n = n;
    return r;
}

/* ---- options ---- */

static const struct {
    const char *name;  /* without -- */
    const char *value; /* NULL: a flag */
    const char *text;
} options[PFS_N_OPTIONS] = {
    [PFS_OPTION_FROM] = {"from", "TIME", "from this time on; RFC 3339, or local YYYY-MM-DD HH:MM"},
    [PFS_OPTION_SCHEDULED] = {"scheduled", NULL, "withdraw what is scheduled, leave what holds now"},
    [PFS_OPTION_REASON] = {"reason", "TEXT", "why, for the audit"},
    [PFS_OPTION_STDIN] = {"stdin", "KEY", "read the value of KEY from standard input: no password in argv"},
    [PFS_OPTION_CLEAR] = {"clear", "VENDOR:KEY",
                          "take this native key out of the files; may stand more than once"},
    [PFS_OPTION_JSON] = {"json", NULL, "JSON instead of columns"},
    [PFS_OPTION_QUIET] = {"quiet", NULL, "names only (also -q)"},
    [PFS_OPTION_SECRETS] = {"secrets", NULL, "show secrets; root only"},
    [PFS_OPTION_RECURSIVE] = {"recursive", NULL, "with all that hangs on it"},
    [PFS_OPTION_YES] = {"yes", NULL, "do not ask"},
    [PFS_OPTION_DRY_RUN] = {"dry-run", NULL, "check and report, change nothing"},
    [PFS_OPTION_UPDATE] = {"update", NULL, "what the file names may exist; an empty cell leaves the value"},
    [PFS_OPTION_SYNC] =
        {"sync", "NAME",
         "as --update, and remove what an earlier sync of NAME brought and the file no longer has"},
    [PFS_OPTION_MAX_DELETE] = {"max-delete", "N|N%",
                               "refuse to remove more devices or accounts than this; 1% where not said"},
    [PFS_OPTION_DELIMITER] = {"delimiter", "CHARACTER",
                              "between cells, instead of the comma; 'tab' for a tab"},
    [PFS_OPTION_FORMAT] = {"format", "csv|xml", "what to write; csv where not said"},
    [PFS_OPTION_SINCE] = {"since", "TIME", "only what came at this time or later"},
    [PFS_OPTION_TEMPLATES] = {"templates", "DIR",
                              "with the site's templates from DIR, which is not in service"},
    [PFS_OPTION_NATIVE] = {"native", NULL, "every native key of the device's files, instead of the settings"},
};

static int find_option(const char *name, size_t len)
{
    for (int i = 0; i < PFS_N_OPTIONS; i++)
        if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
            return i;
    return -1;
}

/* ---- verbs ---- */

#define BIT PFS_OPTION_BIT
#define SET_OPTIONS (BIT(PFS_OPTION_REASON) | BIT(PFS_OPTION_STDIN))

const struct pfs_verb pfs_verbs[] = {
    {"init", "init",
     "Makes a new, empty inventory at the place that -d, PROVFS_DATABASE or the configuration names.",
     PFS_VERB_ALONE, 0, 0, 0, pfs_command_init},
    {"mount", "mount [-f] [-o OPTION,…] [DB] MOUNTPOINT",
     "Mounts the inventory. -f stays in the foreground. Options: ro, allow_other, view=all|phones|control, "
     "check=strict|commit, secrets=show|mask, uid=, gid=, admin_gid=, assets=, templates=, threads=, "
     "cache_mb=, plans_mb=, names=.",
     PFS_VERB_ALONE, 0, 0, 0, NULL},
    {"add",
     "add device MAC model=M [profile=P] [customer=C] [FIELD=…] [KEY=…]\nadd profile|account|customer NAME "
     "[FIELD=…] [KEY=…]",
     "Adds an object. A key with a dot or colon is a setting, else a field of the object: model, profile, "
     "customer, enabled, "
     "inventory_id, note of a device; parent, customer, note of a profile; customer, note of an account; "
     "enabled, note of a customer. A "
     "MAC may be in any spelling.",
     PFS_VERB_WRITES, SET_OPTIONS, 2, 0, pfs_command_add},
    {"adopt", "adopt MAC model=M [profile=P] [customer=C] [FIELD=…] [KEY=…]",
     "Adds the device of a phone that asked for its file and was in no inventory: control/unknown of a mount "
     "lists "
     "such phones. The same as add device.",
     PFS_VERB_WRITES, SET_OPTIONS, 1, 0, pfs_command_adopt},
    {"put", "put device|profile|account|customer OBJECT [FIELD=…] [KEY=…]",
     "Adds the object where it is not there, and sets what is said. What holds already is no change.",
     PFS_VERB_WRITES, SET_OPTIONS, 2, 0, pfs_command_put},
    {"set",
     "set site KEY=…\nset model|device|profile|account|customer OBJECT KEY=… [FIELD=…]\nset line MAC/N KEY=…",
     "Sets values, from now on or from a time on. KEY= sets the empty text. What is scheduled stays. `provfs "
     "list keys` shows the keys and "
     "where each may stand; VENDOR:NATIVE-KEY sets one key of that vendor's files, with the value --clear it "
     "takes the key out.",
     PFS_VERB_WRITES, SET_OPTIONS | BIT(PFS_OPTION_FROM) | BIT(PFS_OPTION_CLEAR), 1, 0, pfs_command_set},
    {"unset",
     "unset site KEY…\nunset model|device|profile|account|customer OBJECT KEY|FIELD…\nunset line MAC/N KEY…",
     "Takes values away: what a weaker scope sets counts again. With --from they end then; with --scheduled "
     "what is scheduled is withdrawn, with both what is scheduled for that time.",
     PFS_VERB_WRITES, BIT(PFS_OPTION_REASON) | BIT(PFS_OPTION_FROM) | BIT(PFS_OPTION_SCHEDULED), 2, 0,
     pfs_command_unset},
    {"assign", "assign MAC N=ACCOUNT…",
     "Puts accounts on lines of a device. N= leaves the line without account.", PFS_VERB_WRITES,
     BIT(PFS_OPTION_REASON), 2, 0, pfs_command_assign},
    {"release", "release MAC N…|all",
     "Takes lines away from a device, with their settings. The accounts stay.", PFS_VERB_WRITES,
     BIT(PFS_OPTION_REASON), 2, 0, pfs_command_release},
    {"replace", "replace OLD NEW [model=M]",
     "A broken phone: profile, customer, lines and settings of OLD go to NEW, which is added where it is not "
     "there and must have no lines. "
     "Inventory id and note stay with the hardware.",
     PFS_VERB_WRITES, BIT(PFS_OPTION_REASON), 2, 3, pfs_command_replace},
    {"rename", "rename device|account|profile|customer OLD NEW",
     "Gives an object another name, a device another MAC; all that hangs on it stays.", PFS_VERB_WRITES,
     BIT(PFS_OPTION_REASON), 3, 3, pfs_command_rename},
    {"delete", "delete device|profile|account|customer OBJECT",
     "Deletes an object. What is in use is refused, unless --recursive deletes or releases all that hangs on "
     "it; without a terminal that "
     "needs --yes too.",
     PFS_VERB_WRITES, BIT(PFS_OPTION_REASON) | BIT(PFS_OPTION_RECURSIVE) | BIT(PFS_OPTION_YES), 2, 2,
     pfs_command_delete, pfs_command_before_delete},
    {"list",
     "list devices|profiles|accounts|customers|models|keys|unknown [FIELD=GLOB…]\nlist values KEY[=GLOB]",
     "Lists objects, or every row that sets a key: scope, object, value, from when, devices reached. "
     "unknown: "
     "phones that asked a mount for files and are in no inventory, with the vendor that their MAC is of.",
     PFS_VERB_READS, BIT(PFS_OPTION_QUIET) | BIT(PFS_OPTION_JSON), 1, 0, pfs_command_list},
    {"show", "show site\nshow model|device|profile|account|customer|line OBJECT",
     "Shows an object: its fields, settings, lines.", PFS_VERB_READS,
     BIT(PFS_OPTION_JSON) | BIT(PFS_OPTION_SECRETS), 1, 2, pfs_command_show},
    {"render", "render MAC [FILE]",
     "Writes a file's bytes as the mount gives them: the device's main file, or the one named, in any "
     "spelling.",
     PFS_VERB_OWN, BIT(PFS_OPTION_TEMPLATES), 1, 2, pfs_command_render},
    {"explain", "explain MAC [KEY|VENDOR:NATIVE-KEY]",
     "Shows for each setting and line the value that counts, where it comes from, what it hides, and to "
     "which native key and file it is "
     "written, or that it is not. For a native key: its value in the device's files, and the settings that "
     "it was "
     "made of.",
     PFS_VERB_OWN, BIT(PFS_OPTION_SECRETS) | BIT(PFS_OPTION_NATIVE), 1, 2, pfs_command_explain},
    {"import", "import FILE|-",
     "Takes a file as one transaction: a CSV of devices, or the whole inventory as XML (export --format xml; "
     "schema/inventory.rng). CSV: a row a line; columns mac model profile customer enabled "
     "inventory_id note line account, "
     "and settings as SCOPE/KEY (customer, account, device, line), bare where a key has a home. Bad rows are "
     "all named and then nothing is "
     "imported. Plain import wants new MACs, or for XML an inventory without these objects; in XML --update "
     "changes what the document says, and a secret that is ******** stays as it is.",
     PFS_VERB_OWN,
     BIT(PFS_OPTION_REASON) | BIT(PFS_OPTION_DRY_RUN) | BIT(PFS_OPTION_UPDATE) | BIT(PFS_OPTION_SYNC) |
         BIT(PFS_OPTION_MAX_DELETE) | BIT(PFS_OPTION_DELIMITER),
     1, 1, pfs_command_import},
    {"export", "export",
     "Writes the devices as CSV in order of MAC, which goes back where the profiles exist; or the whole "
     "inventory as XML, which goes back into an empty one with equal bytes where --secrets wrote the "
     "secrets. "
     "Else they are masked.",
     PFS_VERB_READS, BIT(PFS_OPTION_FORMAT) | BIT(PFS_OPTION_SECRETS) | BIT(PFS_OPTION_DELIMITER), 0, 0,
     pfs_command_export},
    {"apply", "apply FILE|-", "Runs the writing commands of a file, a command a line, as one transaction.",
     PFS_VERB_OWN, BIT(PFS_OPTION_REASON), 1, 1, pfs_command_apply_file},
    {"log", "log [KIND NAME]", "Shows the audit, newest last.", PFS_VERB_READS,
     BIT(PFS_OPTION_SINCE) | BIT(PFS_OPTION_JSON), 0, 2, pfs_command_log},
    {"check", "check",
     "Tries every template: each model's files, with every setting set, are read back and compared. Renders "
     "every file of "
     "every device. Warns of settings of a profile that a "
     "model of its "
     "devices has no place for.",
     PFS_VERB_OWN, BIT(PFS_OPTION_TEMPLATES), 0, 0, pfs_command_check},
};
const size_t pfs_n_verbs = PFS_N_ELEMENTS(pfs_verbs);

/* max_words 0 means any number, but for the verbs that take no operand at all. */
static bool takes_no_words(const struct pfs_verb *v)
{
    return v->max_words == 0 && v->min_words == 0;
}

static const struct pfs_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < pfs_n_verbs; i++)
        if (strcmp(pfs_verbs[i].name, name) == 0)
            return &pfs_verbs[i];
    return NULL;
}

/* ---- help ---- */

enum { HELP_WIDTH = 100, OPTION_COLUMN = 24 };

static void print_usage(const struct pfs_verb *v, FILE *out)
{
    for (const char *line = v->usage; line;) {
        const char *end = strchr(line, '\n');
        fprintf(out, "  provfs %.*s\n", end ? (int)(end - line) : (int)strlen(line), line);
        line = end ? end + 1 : NULL;
    }
}

static void print_wrapped(const char *text, FILE *out)
{
    size_t column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column > 0 && column + 1 + n > HELP_WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_options(const struct pfs_verb *v, FILE *out)
{
    if (v->options)
        fputc('\n', out);
    for (int i = 0; i < PFS_N_OPTIONS; i++) {
        char head[64];
        if (!(v->options & BIT(i)))
            continue;
        snprintf(head, sizeof head, "--%s%s%s", options[i].name, options[i].value ? " " : "",
                 options[i].value ? options[i].value : "");
        fprintf(out, "  %-*s %s\n", OPTION_COLUMN, head, options[i].text);
    }
}

int pfs_command_help(const char *verb, FILE *out)
{
    if (!verb) {
        for (size_t i = 0; i < pfs_n_verbs; i++)
            print_usage(&pfs_verbs[i], out);
        return 0;
    }
    const struct pfs_verb *v = find_verb(verb);
    if (!v)
        return -ENOENT;
    print_usage(v, out);
    fputc('\n', out);
    print_wrapped(v->text, out);
    print_options(v, out);
    return 0;
}

/* ---- words into a command ---- */

int pfs_command_usage(const struct pfs_command *cmd, struct pfs_err *err)
{
    const char *usage = cmd->verb->usage;
    struct pfs_err text = {0};
    for (const char *line = usage; line;) {
        const char *end = strchr(line, '\n');
        size_t used = strlen(text.msg);
        snprintf(text.msg + used, sizeof text.msg - used, "%sprovfs %.*s", used ? ", or " : "",
                 end ? (int)(end - line) : (int)strlen(line), line);
        line = end ? end + 1 : NULL;
    }
    return pfs_err_set(err, ENOEXEC, "usage: %s", text.msg);
}

static int take_option(struct pfs_command *cmd, const char *word, const char *next, bool *ret_took_next,
                       struct pfs_err *err)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    int i = find_option(name, equals ? (size_t)(equals - name) : strlen(name));
    if (strcmp(word, "-q") == 0)
        i = PFS_OPTION_QUIET;
    *ret_took_next = false;
    if (i < 0 || !(cmd->verb->options & BIT(i)))
        return pfs_err_set(err, ENOEXEC, "%s has no option %s (provfs help %s)", cmd->verb->name, word,
                           cmd->verb->name);
    if (!options[i].value) {
        cmd->options[i] = "";
        return equals ? pfs_err_set(err, ENOEXEC, "--%s takes no value", options[i].name) : 0;
    }
    if (!equals && !next)
        return pfs_err_set(err, ENOEXEC, "--%s needs a value: %s", options[i].name, options[i].value);
    cmd->options[i] = equals ? equals + 1 : next;
    if (i == PFS_OPTION_CLEAR)
        cmd->clears[cmd->n_clears++] = cmd->options[i];
    *ret_took_next = !equals;
    return 0;
}

/* Options may stand anywhere; behind `--` everything is a word; so is a lone `-`. */
static int parse(struct pfs_command *cmd, size_t n_words, char *const *words, struct pfs_err *err)
{
    if (n_words == 0)
        return pfs_err_set(err, ENOEXEC, "a command is missing (provfs --help)");
    cmd->verb = find_verb(words[0]);
    if (!cmd->verb)
        return pfs_err_set(err, ENOEXEC, "no such command: %s (provfs --help)", words[0]);
    cmd->words = pfs_arena_alloc(&cmd->arena, (n_words + 1) * sizeof *cmd->words);
    cmd->clears = pfs_arena_alloc(&cmd->arena, n_words * sizeof *cmd->clears);
    if (!cmd->words || !cmd->clears)
        return pfs_err_nomem(err);
    bool only_words = false;
    for (size_t i = 1; i < n_words; i++) {
        if (only_words || words[i][0] != '-' || words[i][1] == '\0') {
            cmd->words[cmd->n++] = words[i];
        } else if (strcmp(words[i], "--") == 0) {
            only_words = true;
        } else {
            bool took_next;
            int r = take_option(cmd, words[i], i + 1 < n_words ? words[i + 1] : NULL, &took_next, err);
            if (r < 0)
                return r;
            i += took_next;
        }
    }
    size_t max = takes_no_words(cmd->verb) ? 0 : cmd->verb->max_words ? cmd->verb->max_words : SIZE_MAX;
    return cmd->n < cmd->verb->min_words || cmd->n > max ? pfs_command_usage(cmd, err) : 0;
}

/* ---- running ---- */

static int run_reading(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_store *s = cmd->context->store;
    int r = pfs_store_begin(s, err);
    if (r < 0)
        return r;
    r = cmd->verb->fn(cmd, err);
    pfs_store_end(s);
    return r;
}

int pfs_transaction_begin(struct pfs_transaction *t, struct pfs_context *c, const char *via,
                          const char *reason, struct pfs_err *err)
{
    *t = (struct pfs_transaction){.c = c};
    struct pfs_writer who = {.login = c->login, .via = via, .reason = reason};
    struct pfs_watermark at;
    int r = pfs_store_write(c->store, &who, err);
    if (r < 0)
        return r;
    r = pfs_store_watermark(c->store, &at, err);
    if (r < 0) {
        pfs_store_rollback(c->store);
        return r;
    }
    t->check.since = at.gen;
    return 0;
}

int pfs_transaction_end(struct pfs_transaction *t, int r, struct pfs_command_io *io, struct pfs_err *err)
{
    if (r == 0)
        r = pfs_check_run(&t->check, t->c, err);
    if (r == 0 && io->notes)
        r = pfs_check_notes(&t->check, t->c, &t->notes, err);
    if (r == 0)
        r = pfs_store_commit(t->c->store, &t->gen, err);
    else
        pfs_store_rollback(t->c->store);
    if (r != 0)
        pfs_resolver_reset(t->c->resolver);
    if (r == 0 && io->notes && t->notes.len > 0)
        fputs(pfs_buf_str(&t->notes), io->notes);
    pfs_check_done(&t->check);
    pfs_buf_done(&t->notes);
    return r > 0 ? 0 : r;
}

static int run_writing(struct pfs_command *cmd, struct pfs_err *err)
{
    struct pfs_transaction t;
    int r = cmd->verb->before ? cmd->verb->before(cmd, err) : 0;
    if (r == 0)
        r = pfs_transaction_begin(&t, cmd->context, cmd->context->via, cmd->options[PFS_OPTION_REASON], err);
    if (r < 0)
        return r;
    cmd->check = &t.check;
    cmd->notes = &t.notes;
    cmd->alone = true;
    return pfs_transaction_end(&t, cmd->verb->fn(cmd, err), cmd->io, err);
}

static int run_parsed(struct pfs_command *cmd, struct pfs_err *err)
{
    if (!cmd->verb->fn)
        return pfs_err_set(err, ENOEXEC, "%s is not run from here", cmd->verb->name);
    if (cmd->verb->way == PFS_VERB_ALONE)
        return cmd->verb->fn(cmd, err);
    int r = cmd->context->store ? 0 : pfs_context_open_store(cmd->context, err);
    if (r < 0)
        return r;
    if (cmd->verb->way == PFS_VERB_WRITES)
        return run_writing(cmd, err);
    return cmd->verb->way == PFS_VERB_READS ? run_reading(cmd, err) : cmd->verb->fn(cmd, err);
}

int pfs_command_run(struct pfs_context *c, struct pfs_command_io *io, size_t n_words, char *const *words,
                    struct pfs_err *err)
{
    struct pfs_command cmd = {.context = c, .io = io, .now = time(NULL)};
    int r = parse(&cmd, n_words, words, err);
    if (r == 0)
        r = run_parsed(&cmd, err);
    if (r >= 0 && io->out && (fflush(io->out) != 0 || ferror(io->out)))
        r = pfs_err_sys(err, errno ? errno : EIO, "standard output");
    pfs_arena_done(&cmd.arena);
    return r;
}

/* ---- a text of commands ---- */

static int run_line(struct pfs_transaction *t, struct pfs_command_io *io, const char *line,
                    struct pfs_err *err)
{
    struct pfs_command cmd = {
        .context = t->c, .io = io, .now = time(NULL), .check = &t->check, .notes = &t->notes};
    char *words[WORDS_MAX];
    size_t n = 0;
    int r = pfs_command_split(line, &cmd.arena, words, WORDS_MAX, &n, err);
    if (r == 0 && n > 0)
        r = parse(&cmd, n, words, err);
    if (r == 0 && n > 0 && cmd.verb->way != PFS_VERB_WRITES)
        r = pfs_err_set(err, EINVAL, "%s may not stand in a command file", cmd.verb->name);
    if (r == 0 && n > 0 && cmd.verb->before)
        r = cmd.verb->before(&cmd, err);
    if (r == 0 && n > 0)
        r = cmd.verb->fn(&cmd, err);
    pfs_arena_done(&cmd.arena);
    return r == -ENOEXEC ? -EINVAL : r;
}

/* Inside the write: whether the inventory is still at this gen. */
static int check_gen(struct pfs_context *c, int64_t wanted, struct pfs_err *err)
{
    struct pfs_watermark now;
    int r = pfs_store_watermark(c->store, &now, err);
    if (r < 0 || now.gen == wanted)
        return r;
    return pfs_err_set(err, EAGAIN, "the inventory is at gen %lld, not %lld: nothing was done",
                       (long long)now.gen, (long long)wanted);
}

static int apply_text(struct pfs_context *c, struct pfs_command_io *io, const char *text, size_t len,
                      const char *via, const char *reason, int64_t if_gen, int64_t *ret_gen,
                      struct pfs_err *err)
{
    struct pfs_transaction t;
    int r = pfs_transaction_begin(&t, c, via, reason, err);
    if (r < 0)
        return r;
    r = if_gen ? check_gen(c, if_gen, err) : 0;
    autobuf struct pfs_buf line = PFS_BUF_INIT(0);
    size_t number = 0;
    for (size_t at = 0; r == 0 && at < len;) {
        const char *end_of_line = memchr(text + at, '\n', len - at);
        size_t n = end_of_line ? (size_t)(end_of_line - text) - at : len - at;
        pfs_buf_reset(&line);
        pfs_buf_add(&line, text + at, n);
        number++;
        r = memchr(text + at, '\0', n) ? pfs_err_set(err, EINVAL, "has a NUL byte")
                                       : run_line(&t, io, pfs_buf_str(&line), err);
        if (r < 0)
            pfs_err_prefix(err, "line %zu", number);
        at += n + 1;
    }
    r = pfs_transaction_end(&t, r, io, err);
    if (r == 0 && ret_gen)
        *ret_gen = t.gen;
    return r;
}

int pfs_command_apply(struct pfs_context *c, struct pfs_command_io *io, const char *text, size_t len,
                      const char *via, struct pfs_err *err)
{
    return apply_text(c, io, text, len, via, NULL, 0, NULL, err);
}

int pfs_command_apply_file(struct pfs_command *cmd, struct pfs_err *err)
{
    autobuf struct pfs_buf text = PFS_BUF_INIT(0);
    int r = pfs_command_read(cmd, cmd->words[0], APPLY_MAX_BYTES, &text, err);
    if (r < 0)
        return r;
    struct pfs_command_io io = *cmd->io;
    io.terminal = false; /* nobody is asked within a transaction */
    if (strcmp(cmd->words[0], "-") == 0)
        io.in = NULL; /* it has been read */
    return apply_text(cmd->context, &io, pfs_buf_str(&text), text.len, cmd->context->via,
                      cmd->options[PFS_OPTION_REASON], 0, NULL, err);
}

int pfs_command_apply_if(struct pfs_context *c, struct pfs_command_io *io, const char *text, size_t len,
                         const char *via, int64_t if_gen, int64_t *ret_gen, struct pfs_err *err)
{
    return apply_text(c, io, text, len, via, NULL, if_gen, ret_gen, err);
}

int pfs_command_init(struct pfs_command *cmd, struct pfs_err *err)
{
    return pfs_store_create(cmd->context->config->database, cmd->context->catalogue, err);
}

/* ---- what several commands need ---- */

static const char *const kind_words[PFS_N_SCOPES][2] = {
    [PFS_SCOPE_SITE] = {"site", "site"},           [PFS_SCOPE_MODEL] = {"model", "models"},
    [PFS_SCOPE_PROFILE] = {"profile", "profiles"}, [PFS_SCOPE_CUSTOMER] = {"customer", "customers"},
    [PFS_SCOPE_DEVICE] = {"device", "devices"},    [PFS_SCOPE_ACCOUNT] = {"account", "accounts"},
    [PFS_SCOPE_LINE] = {"line", "lines"},
};

int pfs_command_kind(struct pfs_command *cmd, const char *word, unsigned kinds, enum pfs_scope *ret,
                     struct pfs_err *err)
{
    for (int i = PFS_SCOPE_SITE; i < PFS_N_SCOPES; i++)
        if ((kinds & PFS_SCOPE_BIT(i)) && strcmp(kind_words[i][0], word) == 0) {
            *ret = (enum pfs_scope)i;
            return 0;
        }
    pfs_command_usage(cmd, err);
    pfs_err_prefix(err, "%s %s", cmd->verb->name, word);
    return -ENOEXEC;
}

static const char *line_name(struct pfs_command *cmd, const char *word, struct pfs_err *err)
{
    const char *slash = strrchr(word, '/');
    char mac_text[PFS_MAC_STR],
        *mac_word = slash ? pfs_arena_strndup(&cmd->arena, word, (size_t)(slash - word)) : NULL;
    uint64_t mac;
    if (!slash) {
        pfs_err_set(err, EINVAL, "a line is named MAC/N: %s is none", word);
        return NULL;
    }
    if (!mac_word || pfs_mac_parse(mac_word, &mac, err) < 0)
        return NULL;
    pfs_mac_format(mac, mac_text);
    size_t size = PFS_MAC_STR + strlen(slash);
    char *name = pfs_arena_alloc(&cmd->arena, size);
    if (!name) {
        pfs_err_nomem(err);
        return NULL;
    }
    snprintf(name, size, "%s%s", mac_text, slash);
    return name;
}

const char *pfs_command_name(struct pfs_command *cmd, enum pfs_scope kind, const char *word,
                             struct pfs_err *err)
{
    uint64_t mac;
    char text[PFS_MAC_STR];
    if (kind == PFS_SCOPE_LINE)
        return line_name(cmd, word, err);
    if (kind != PFS_SCOPE_DEVICE)
        return word;
    if (pfs_mac_parse(word, &mac, err) < 0)
        return NULL;
    pfs_mac_format(mac, text);
    const char *name = pfs_arena_strdup(&cmd->arena, text);
    if (!name)
        pfs_err_nomem(err);
    return name;
}

static int find_model(struct pfs_command *cmd, struct pfs_target *t, struct pfs_err *err)
{
    const struct pfs_model *m;
    int r = pfs_library_find_model(cmd->context->library, t->name, &m, err);
    if (r < 0)
        return r;
    t->name = m->name;
    r = pfs_store_find(cmd->context->store, PFS_SCOPE_MODEL, m->name, &t->id, NULL);
    if (r == -ENOENT) {
        t->id = 0;
        return 0;
    }
    return r < 0 ? pfs_err_set(err, -r, "model %s cannot be read", m->name) : 0;
}

int pfs_command_target(struct pfs_command *cmd, unsigned kinds, struct pfs_target *ret, size_t *ret_used,
                       struct pfs_err *err)
{
    struct pfs_target t = {.name = ""};
    int r = pfs_command_kind(cmd, cmd->words[0], kinds, &t.kind, err);
    if (r < 0)
        return r;
    *ret_used = t.kind == PFS_SCOPE_SITE ? 1 : 2;
    if (cmd->n < *ret_used)
        return pfs_command_usage(cmd, err);
    if (t.kind != PFS_SCOPE_SITE)
        t.name = pfs_command_name(cmd, t.kind, cmd->words[1], err);
    if (!t.name)
        return -EINVAL;
    r = t.kind == PFS_SCOPE_MODEL ? find_model(cmd, &t, err)
                                  : pfs_store_find(cmd->context->store, t.kind, t.name, &t.id, err);
    if (r == 0)
        *ret = t;
    return r;
}

static int copy_object(void *arg, const struct pfs_object *o)
{
    struct {
        struct pfs_arena *arena;
        struct pfs_object *to;
    } *copy = arg;
    *copy->to = *o;
    copy->to->name = pfs_arena_strdup(copy->arena, o->name);
    bool ok = copy->to->name != NULL;
    for (int i = 0; i < PFS_N_FIELDS && ok; i++)
        if (o->fields[i])
            ok = (copy->to->fields[i] = pfs_arena_strdup(copy->arena, o->fields[i])) != NULL;
    return ok ? 0 : -ENOMEM;
}

int pfs_command_object(struct pfs_command *cmd, enum pfs_scope kind, int64_t id, struct pfs_object *ret,
                       struct pfs_err *err)
{
    struct {
        struct pfs_arena *arena;
        struct pfs_object *to;
    } copy = {&cmd->arena, ret};
    return pfs_store_object(cmd->context->store, kind, id, copy_object, &copy, err);
}

static void name_scopes(unsigned scopes, char *out, size_t size)
{
    out[0] = '\0';
    for (int i = PFS_SCOPE_SITE; i < PFS_N_SCOPES; i++) {
        size_t used = strlen(out);
        if (scopes & PFS_SCOPE_BIT(i))
            snprintf(out + used, size - used, "%s%s", used ? ", " : "", pfs_scope_name((enum pfs_scope)i));
    }
}

int pfs_command_key(const struct pfs_context *c, enum pfs_scope scope, const char *key, struct pfs_key *ret,
                    struct pfs_err *err)
{
    int r = pfs_catalogue_find(c->catalogue, key, ret, err);
    if (r < 0)
        return r;
    if (ret->override && !pfs_library_has_vendor(c->library, key, strcspn(key, ":")))
        return pfs_err_set(err, ENOENT, "%s: no template is of vendor %.*s", key, (int)strcspn(key, ":"),
                           key);
    if (ret->scopes & PFS_SCOPE_BIT(scope))
        return 0;
    char where[128];
    name_scopes(ret->scopes, where, sizeof where);
    return pfs_err_set(err, EINVAL, "%s may not stand in scope %s: it may in %s", key, pfs_scope_name(scope),
                       where);
}

int pfs_command_may_see_secrets(const struct pfs_command *cmd, struct pfs_err *err)
{
    if (!pfs_command_has(cmd, PFS_OPTION_SECRETS) || geteuid() == 0)
        return 0;
    return pfs_err_set(err, EPERM, "--secrets is for root");
}

const char *pfs_command_shown(const struct pfs_command *cmd, const char *key, const char *value)
{
    struct pfs_key k = {0};
    bool secret = pfs_catalogue_find(cmd->context->catalogue, key, &k, NULL) == 0 && k.secret;
    bool clears = value && k.override && strcmp(value, PFS_VALUE_CLEAR) == 0; /* that is none */
    return value && secret && !clears && !pfs_command_has(cmd, PFS_OPTION_SECRETS) ? "********" : value;
}

const char *pfs_command_number(struct pfs_command *cmd, int64_t n)
{
    char digits[24], *out = pfs_arena_alloc(&cmd->arena, 40);
    if (!out)
        return "?";
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    char *at = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-')
            *at++ = ',';
        *at++ = digits[i];
    }
    *at = '\0';
    return out;
}

static int read_all(FILE *f, const char *name, size_t limit, struct pfs_buf *out, struct pfs_err *err)
{
    enum { CHUNK = 1 << 16 };
    size_t n;
    do {
        char *to = pfs_buf_reserve(out, CHUNK);
        if (!to)
            return pfs_err_nomem(err);
        n = fread(to, 1, CHUNK, f);
        out->len += n;
        if (out->len > limit)
            return pfs_err_set(err, EFBIG, "%s: more than %zu bytes", name, limit);
    } while (n > 0);
    return ferror(f) ? pfs_err_sys(err, errno ? errno : EIO, name) : 0;
}

int pfs_command_read(struct pfs_command *cmd, const char *path, size_t limit, struct pfs_buf *out,
                     struct pfs_err *err)
{
    if (strcmp(path, "-") == 0)
        return cmd->io->in ? read_all(cmd->io->in, "standard input", limit, out, err)
                           : pfs_err_set(err, EINVAL, "there is no standard input here");
    autofile FILE *f = fopen(path, "re");
    if (!f)
        return pfs_err_sys(err, errno, path);
    return read_all(f, path, limit, out, err);
}

size_t pfs_command_width(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

void pfs_command_progress(struct pfs_command *cmd, const char *what, int64_t n, int64_t total)
{
    static __thread struct timespec last;
    struct timespec now;
    if (!cmd->io->terminal || !cmd->io->notes)
        return;
    if (total == 0) {
        fputs("\r\033[K", cmd->io->notes);
        fflush(cmd->io->notes);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (n < total && now.tv_sec == last.tv_sec && now.tv_nsec / 100000000 == last.tv_nsec / 100000000)
        return;
    last = now;
    fprintf(cmd->io->notes, "\r%s: %s, %lld %%\033[K", what, pfs_command_number(cmd, n),
            (long long)(n * 100 / total));
    fflush(cmd->io->notes);
}
