#include "render/digest.h"
#include "render/attr.h"
#include "render/xml.h"

#include <errno.h>
#include <md5.h>
#include <string.h>

/* The last one of that name: a file that a site has parted (render/extend.c) has its checksum behind it. */
static const struct pfs_file_spec *find(const struct pfs_file_spec *specs, size_t n, const char *name)
{
    while (n-- > 0)
        if (!specs[n].digest_of && strcmp(specs[n].name, name) == 0)
            return &specs[n];
    return NULL;
}

static int check_content(const xmlNode *node, struct pfs_err *err)
{
    for (xmlNode *e = pfs_xml_element(node->children); e; e = pfs_xml_element(e->next))
        if (!pfs_xml_is(e, "alias"))
            return pfs_attr_fail(e, err, "a checksum has no content", (const char *)e->name);
    return pfs_xml_no_text(node, err);
}

int pfs_digest_read(struct pfs_arena *a, const xmlNode *node, const struct pfs_file_spec *specs, size_t n,
                    struct pfs_file_spec *ret, struct pfs_err *err)
{
    static const char *const attrs[] = {"name", "models", "digest-of", "digest", NULL};
    static const char *const kinds[] = {"md5", NULL};
    const char *name = NULL, *of = NULL;
    int kind;
    int r = pfs_xml_known_attrs(node, attrs, err);
    if (r < 0 || (r = check_content(node, err)) < 0 ||
        (r = pfs_attr_needed(a, node, "name", &name, err)) < 0 ||
        (r = pfs_attr_needed(a, node, "digest-of", &of, err)) < 0 ||
        (r = pfs_attr_choice(node, "digest", kinds, &kind, err)) < 0)
        return r;
    const struct pfs_file_spec *target = find(specs, n, of);
    if (!target)
        return pfs_attr_fail(node, err, "no file that stands before this one has the name", of);
    *ret = *target;
    ret->name = name;
    ret->line = pfs_xml_line(node);
    ret->main = false;
    ret->digest_of = target;
    return 0;
}

const struct pfs_file *pfs_digest_target(const struct pfs_file *file)
{
    const struct pfs_model *m = file->model;
    for (size_t i = 0; i < m->n_files && file->spec->digest_of; i++)
        if (m->files[i].spec == file->spec->digest_of)
            return &m->files[i];
    return NULL;
}

int pfs_digest_replace(struct pfs_buf *out, size_t start, struct pfs_err *err)
{
    char digits[MD5_DIGEST_STRING_LENGTH];
    MD5Data((const uint8_t *)out->data + start, out->len - start, digits);
    out->len = start;
    out->limit = start + sizeof digits;
    pfs_buf_str_add(out, digits);
    pfs_buf_char(out, '\n');
    return pfs_buf_error(out) ? pfs_err_nomem(err) : 0;
}
