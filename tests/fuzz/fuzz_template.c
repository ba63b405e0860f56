/* Any bytes as a template: it is refused with a sentence, or each of its files renders for a device with
 * hostile values to a file that can be read back, or is refused. */
#include "model/directory.h"
#include "read_back.h"
#include "render/catalogue_xml.h"
#include "render/render.h"

#include "fuzz.h"

#include <string.h>

static struct pfs_catalogue *catalogue;
static struct pfs_zones *zones;
static struct pfs_directory *directory;
static const char secret[] = "s3cret-v4lue";
static bool template_has_secret;

/* Contacts with hostile names, and more than small files take. */
static void make_directory(void)
{
    static const char *const names[] = {"</c>]]>&\"'", "x\ny = z", "=[a]", "\xc3\xa4 \xe2\x82\xac", " edge "};
    struct pfs_directory_draft draft;
    pfs_directory_draft_init(&draft, catalogue, 0);
    for (int i = 0; i < 40; i++) {
        char account[32];
        snprintf(account, sizeof account, "%d@a", 1001 + i);
        const struct pfs_setting name = {.key = "line.display_name", .value = names[i % 5]};
        const struct pfs_layer layer = {.scope = PFS_SCOPE_ACCOUNT, .n = i < 25 ? 1 : 0, .settings = &name};
        fuzz_check(pfs_directory_draft_add(&draft, account, &layer) == 0, "out of memory");
    }
    fuzz_check(pfs_directory_new(&draft, NULL, &directory) == 0, "out of memory");
    pfs_directory_draft_done(&draft);
}

static void set_up(void)
{
    const char *root = getenv("PROVFS_DATADIR");
    char path[4096];
    struct pfs_err err = {""};
    snprintf(path, sizeof path, "%s/schema/settings.xml", root ? root : ".");
    fuzz_check(pfs_catalogue_load(path, &catalogue, &err) == 0 && pfs_zones_new(&zones) == 0, err.msg);
    make_directory();
}

static void check_file(const struct pfs_file *f, const struct pfs_phone *phone)
{
    struct pfs_buf out autobuf = PFS_BUF_INIT(0), again autobuf = PFS_BUF_INIT(0);
    struct pfs_err err = {""};
    int r = pfs_render(f, phone, zones, &out, NULL, NULL, &err);
    fuzz_check(r == 0 || (err.msg[0] && strncmp(err.msg, "fuzz.xml:", 9) == 0), "an error without a place");
    fuzz_check(r == 0 || !strstr(err.msg, secret) || template_has_secret, "a secret in a sentence");
    if (r < 0)
        return;
    fuzz_check(out.len <= f->spec->max_size, "too large a file");
    fuzz_check(pfs_render(f, phone, zones, &again, NULL, NULL, &err) == 0 && again.len == out.len &&
                   (out.len == 0 || memcmp(out.data, again.data, out.len) == 0),
               "other bytes the second time");
    struct pairs pairs = {0};
    if (f->spec->syntax->is_xml &&
        !read_back(f->spec->syntax, NULL, f->spec->rules.latin1, out.data, out.len, &pairs))
        fuzz_check(strncmp(pairs.why, "too many", 8) == 0 || strcmp(pairs.why, "too deep") == 0, pairs.why);
    pairs_done(&pairs);
}

static const struct pfs_setting settings[] = {
    {.key = "fuzz:a", .id = -1, .value = "x\"<&>]]>"},
    {.key = "fuzz:s/b", .id = -1, .value = "y = z"},
    {.key = "phone.language", .id = -1, .value = "de"},
    {.key = "provision.url", .id = -1, .value = "http://x/\n[y]\nz=\""},
    {.key = "sip.server", .id = -1, .value = "2001:db8::5"},
};
static const struct pfs_setting of_account[] = {
    {.key = "fuzz:l", .id = -1, .value = "line"},
    {.key = "line.display_name", .id = -1, .value = "\xc3\xa4 \xe2\x82\xac"},
    {.key = "sip.password", .id = -1, .value = secret},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!catalogue)
        set_up();
    template_has_secret = memmem(data, size, secret, sizeof secret - 1) != NULL;
    struct pfs_template *t;
    struct pfs_err err = {""};
    int r = pfs_template_parse("fuzz.xml", (const char *)data, size, catalogue, NULL, &t, &err);
    if (r < 0) {
        fuzz_check(r == -EINVAL && strncmp(err.msg, "fuzz.xml:", 9) == 0, err.msg);
        return 0;
    }
    struct pfs_base *base;
    fuzz_check(pfs_base_new(catalogue, NULL, 0, 0, &base) == 0, "out of memory");
    struct pfs_line lines[] = {
        {.number = 1,
         .account = "1001@a",
         .account_id = 1,
         .account_settings = {.n = 3, .settings = of_account}},
        {.number = 2},
        {.number = 3, .account = "1002@a", .account_id = 2},
    };
    struct pfs_device device = {.mac = 0x001565aabbcc,
                                .mac_text = "001565aabbcc",
                                .customer = 1,
                                .customer_name = "a",
                                .settings = {.n = PFS_N_ELEMENTS(settings), .settings = settings},
                                .n_lines = PFS_N_ELEMENTS(lines),
                                .lines = lines};
    struct pfs_phone phone = {
        .catalogue = catalogue, .base = base, .device = &device, .directory = directory};
    for (size_t i = 0; i < t->n_models && i < 4; i++)
        for (size_t j = 0; j < t->models[i].n_files && j < 4; j++)
            check_file(&t->models[i].files[j], &phone);
    pfs_base_unref(base);
    pfs_template_unref(t);
    return 0;
}
