#include "render/xml.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <string.h>
#include <sys/stat.h>

/* The first error of one parse or validation. */
struct complaint {
    const char *name;
    struct pfs_err *err;
    bool seen;
};

static void take_error(void *arg, xmlError *e)
{
    struct complaint *c = arg;
    if (c->seen || e->level < XML_ERR_ERROR)
        return;
    c->seen = true;
    size_t len = e->message ? strcspn(e->message, "\n") : 0;
    pfs_err_set(c->err, EINVAL, "%s:%d: %.*s", c->name, e->line, (int)len, e->message ? e->message : "");
}

void pfs_cleanup_doc(xmlDoc **doc)
{
    xmlFreeDoc(*doc);
}

/* The line of the first place where a word stands; libxml2 keeps none for a DOCTYPE. */
static int line_of(const char *text, size_t len, const char *word)
{
    const char *at = memmem(text, len, word, strlen(word));
    int line = 1;
    for (const char *s = text; at && s < at; s++)
        line += *s == '\n';
    return line;
}

int pfs_xml_read_memory(const char *name, const char *text, size_t len, xmlDoc **ret, struct pfs_err *err)
{
    if (len > PFS_XML_FILE_MAX)
        return pfs_err_set(err, EINVAL, "%s: is larger than %d MiB", name, PFS_XML_FILE_MAX >> 20);
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    if (!ctxt)
        return pfs_err_nomem(err);
    struct complaint complaint = {.name = name, .err = err};
    xmlSetStructuredErrorFunc(&complaint, take_error); /* the setting is this thread's own */
    autodoc xmlDoc *doc =
        xmlCtxtReadMemory(ctxt, text, (int)len, name, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES | XML_PARSE_COMPACT);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlFreeParserCtxt(ctxt);
    if (doc && xmlGetIntSubset(doc))
        return pfs_err_set(err, EINVAL, "%s:%d: a DOCTYPE is not taken: remove it", name,
                           line_of(text, len, "<!DOCTYPE"));
    if (!doc || complaint.seen)
        return complaint.seen ? -EINVAL : pfs_err_set(err, EINVAL, "%s: is no XML document", name);
    if (!xmlDocGetRootElement(doc))
        return pfs_err_set(err, EINVAL, "%s: has no element", name);
    *ret = steal_ptr(&doc);
    return 0;
}

/* The file's bytes, *ret_len of them, in memory the caller frees. */
static int read_file(const char *path, char **ret, size_t *ret_len, struct pfs_err *err)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return pfs_err_sys(err, errno, path);
    if (!S_ISREG(st.st_mode))
        return pfs_err_set(err, EINVAL, "%s: is no regular file", path);
    if (st.st_size > PFS_XML_FILE_MAX)
        return pfs_err_set(err, EINVAL, "%s: is larger than %d MiB", path, PFS_XML_FILE_MAX >> 20);
    autofree char *text = malloc((size_t)st.st_size + 1);
    if (!text)
        return pfs_err_nomem(err);
    size_t len = 0;
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, text + len, (size_t)st.st_size - len);
        if (n < 0)
            return pfs_err_sys(err, errno, path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *ret = steal_ptr(&text);
    *ret_len = len;
    return 0;
}

int pfs_xml_read(const char *path, xmlDoc **ret, struct pfs_err *err)
{
    autofree char *text = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len, err);
    return r < 0 ? r : pfs_xml_read_memory(path, text, len, ret, err);
}

unsigned pfs_xml_line(const xmlNode *node)
{
    return (unsigned)((uintptr_t)node->_private << PFS_XML_LINE_BITS) + (unsigned)xmlGetLineNo(node);
}

void pfs_xml_mark(xmlNode *node, unsigned source)
{
    node->_private = (void *)(uintptr_t)source; /* libxml2 leaves it alone */
    for (xmlNode *child = node->children; child && node->type == XML_ELEMENT_NODE; child = child->next)
        pfs_xml_mark(child, source);
}

/* What libxml2 leaves out of a copy: marks, and lines of what is no element. */
static void copy_places(const xmlNode *from, xmlNode *to)
{
    to->_private = from->_private;
    to->line = from->line;
    if (from->type == XML_TEXT_NODE)
        to->psvi = from->psvi; /* the line where that is a large number */
    if (from->type != XML_ELEMENT_NODE)
        return;
    for (from = from->children, to = to->children; from && to; from = from->next, to = to->next)
        copy_places(from, to);
}

xmlNode *pfs_xml_copy(const xmlNode *node, xmlDoc *doc)
{
    xmlNode *copy = xmlDocCopyNode((xmlNode *)node, doc, 1);
    if (copy)
        copy_places(node, copy);
    return copy;
}

struct pfs_xml_schema {
    xmlRelaxNG *schema;
};

int pfs_xml_schema_load(const char *path, struct pfs_xml_schema **ret, struct pfs_err *err)
{
    struct complaint complaint = {.name = path, .err = err};
    xmlRelaxNGParserCtxt *ctxt = xmlRelaxNGNewParserCtxt(path);
    if (!ctxt)
        return pfs_err_nomem(err);
    xmlRelaxNGSetParserStructuredErrors(ctxt, (xmlStructuredErrorFunc)take_error, &complaint);
    xmlSetStructuredErrorFunc(&complaint, take_error);
    xmlRelaxNG *schema = xmlRelaxNGParse(ctxt);
    xmlSetStructuredErrorFunc(NULL, NULL);
    xmlRelaxNGFreeParserCtxt(ctxt);
    if (!schema)
        return complaint.seen ? -EINVAL : pfs_err_set(err, EINVAL, "%s: is no RELAX NG schema", path);
    struct pfs_xml_schema *s = calloc(1, sizeof *s);
    if (!s) {
        xmlRelaxNGFree(schema);
        return pfs_err_nomem(err);
    }
    s->schema = schema;
    *ret = s;
    return 0;
}

void pfs_xml_schema_free(struct pfs_xml_schema *s)
{
    if (!s)
        return;
    xmlRelaxNGFree(s->schema);
    free(s);
}

int pfs_xml_validate(struct pfs_xml_schema *s, xmlDoc *doc, const char *name, struct pfs_err *err)
{
    struct complaint complaint = {.name = name, .err = err};
    xmlRelaxNGValidCtxt *ctxt = xmlRelaxNGNewValidCtxt(s->schema);
    if (!ctxt)
        return pfs_err_nomem(err);
    xmlRelaxNGSetValidStructuredErrors(ctxt, (xmlStructuredErrorFunc)take_error, &complaint);
    int r = xmlRelaxNGValidateDoc(ctxt, doc);
    xmlRelaxNGFreeValidCtxt(ctxt);
    if (r == 0)
        return 0;
    return complaint.seen ? -EINVAL : pfs_err_set(err, EINVAL, "%s: does not follow its schema", name);
}

const char *pfs_xml_attr(const xmlNode *node, const char *name)
{
    for (const xmlAttr *a = node->properties; a; a = a->next)
        if (!a->ns && strcmp((const char *)a->name, name) == 0)
            return a->children ? (const char *)a->children->content : "";
    return NULL;
}

int pfs_xml_known_attrs(const xmlNode *node, const char *const *names, struct pfs_err *err)
{
    for (const xmlAttr *a = node->properties; a; a = a->next) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], (const char *)a->name) != 0)
            i++;
        if (!names[i] || a->ns)
            return pfs_err_set(err, EINVAL, "%u: unknown attribute \"%s\" of \"%s\"", pfs_xml_line(node),
                               a->name, node->name);
    }
    return 0;
}

bool pfs_xml_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns && strcmp((const char *)node->name, name) == 0;
}

bool pfs_xml_is_layout(const xmlNode *node)
{
    if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE)
        return true;
    return node->type == XML_TEXT_NODE &&
           node->content[strspn((const char *)node->content, " \t\r\n")] == '\0';
}

int pfs_xml_no_text(const xmlNode *node, struct pfs_err *err)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if (child->type != XML_ELEMENT_NODE && !pfs_xml_is_layout(child))
            return pfs_err_set(err, EINVAL, "%u: text stands in \"%s\", outside a text element",
                               pfs_xml_line(child), node->name);
    return 0;
}

int pfs_xml_no_content(const xmlNode *node, struct pfs_err *err)
{
    int r = pfs_xml_no_text(node, err);
    const xmlNode *child = r == 0 ? pfs_xml_element(node->children) : NULL;
    if (child)
        return pfs_err_set(err, EINVAL, "%u: \"%s\" holds no elements, as \"%s\"", pfs_xml_line(child),
                           node->name, child->name);
    return r;
}

xmlNode *pfs_xml_element(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}
