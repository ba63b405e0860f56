/* How many files a second one core renders: the devices of an inventory, resolved beforehand, their main file each,
 * in turn, without a mount.
 *
 * usage: render [--full] [--seconds N] [--max DEVICES]
 *   --full  without plans, as the first two renders of a shape are made
 * The inventory, templates and so on are the configured ones (PROVFS_*). Writes one JSON object. */
#include "core/context.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_MAX = 2000 };

struct bench {
    struct pfs_config config;
    struct pfs_context context;
    size_t n, max;
    struct pfs_inputs **inputs;
    const struct pfs_file **files;
    struct pfs_err err;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int take(void *arg, uint64_t mac, const char *model, bool enabled)
{
    struct bench *b = arg;
    const struct pfs_model *m = model ? pfs_library_model(b->context.library, model) : NULL;
    if (!m || b->n == b->max)
        return b->n == b->max;
    int r = pfs_resolve_device(b->context.resolver, b->context.store, mac, time(NULL), &b->inputs[b->n], &b->err);
    if (r < 0)
        return r;
    b->files[b->n++] = &m->files[0];
    return 0;
}

static int load(struct bench *b)
{
    int r = pfs_config_load(&b->config, &b->err);
    if (r == 0)
        r = pfs_context_open(&b->config, &b->context, &b->err);
    if (r == 0)
        r = pfs_context_open_store(&b->context, &b->err);
    if (r == 0)
        r = pfs_store_begin(b->context.store, &b->err);
    if (r < 0)
        return r;
    b->inputs = calloc(b->max, sizeof *b->inputs);
    b->files = calloc(b->max, sizeof *b->files);
    r = b->inputs && b->files ? pfs_store_list(b->context.store, 0, take, b, &b->err) : pfs_err_nomem(&b->err);
    pfs_store_end(b->context.store);
    return r < 0 ? r : 0;
}

static int run(struct bench *b, struct pfs_plans *plans, double seconds)
{
    struct pfs_buf out autobuf = PFS_BUF_INIT(0);
    size_t files = 0, bytes = 0;
    double start = now(), elapsed;
    do {
        for (size_t i = 0; i < b->n; i++) {
            struct pfs_phone phone;
            pfs_inputs_phone(b->inputs[i], &phone);
            pfs_buf_reset(&out);
            int r = pfs_plans_render(plans, b->files[i], &phone, b->context.library->zones, &out, &b->err);
            if (r < 0)
                return r;
            bytes += out.len;
        }
        files += b->n;
        elapsed = now() - start;
    } while (elapsed < seconds);
    printf("{\"devices\": %zu, \"files\": %zu, \"seconds\": %.3f, \"files_per_second\": %.0f, \"bytes_per_file\": %.0f}\n", b->n,
           files, elapsed, (double)files / elapsed, (double)bytes / (double)files);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.max = DEFAULT_MAX};
    bool full = false;
    double seconds = 2;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0)
            full = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--max") == 0 && i + 1 < argc)
            b.max = strtoul(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: render [--full] [--seconds N] [--max DEVICES]\n"), 2;
    }
    int r = load(&b);
    if (r == 0 && b.n == 0)
        r = pfs_err_set(&b.err, ENOENT, "no device has a model");
    if (r == 0)
        r = run(&b, full ? NULL : b.context.plans, seconds);
    if (r < 0)
        fprintf(stderr, "render: %s\n", pfs_err_text(&b.err, r));
    return r < 0;
}
