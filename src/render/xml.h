/* libxml2 as this program uses it: no network, no entities, no DOCTYPE, errors as sentences with file and
 * line. */
#pragma once

#include "base/err.h"

#include <libxml/tree.h>

enum { PFS_XML_FILE_MAX = 4 << 20 };

/* Reads a document. -ENOENT and other errnos of open; -EINVAL "FILE:LINE: what is wrong": not well-formed, a
 * DOCTYPE, larger than PFS_XML_FILE_MAX. The caller frees with xmlFreeDoc(). */
int pfs_xml_read(const char *path, xmlDoc **ret, struct pfs_err *err);

/* The same from memory; name stands in for the path in sentences. */
int pfs_xml_read_memory(const char *name, const char *text, size_t len, xmlDoc **ret, struct pfs_err *err);

/* The line on which a node stands. In a document that was put together from several (render/extend.h) the
 * number of the one it comes from is above the line: each element keeps it. Sentences begin with it; who
 * knows the documents' names takes it apart. */
enum { PFS_XML_LINE_BITS = 22, PFS_XML_SOURCES_MAX = 1023 };
unsigned pfs_xml_line(const xmlNode *node);

/* Says that a node and all below it come from this document. */
void pfs_xml_mark(xmlNode *node, unsigned source);

/* A copy of a node for another document, with lines and marks; NULL: out of memory. */
xmlNode *pfs_xml_copy(const xmlNode *node, xmlDoc *doc);

/* A RELAX NG schema, read once. */
struct pfs_xml_schema;
int pfs_xml_schema_load(const char *path, struct pfs_xml_schema **ret, struct pfs_err *err);
void pfs_xml_schema_free(struct pfs_xml_schema *s);

/* -EINVAL with the first complaint as "FILE:LINE: …". */
int pfs_xml_validate(struct pfs_xml_schema *s, xmlDoc *doc, const char *name, struct pfs_err *err);

/* The attribute's value, borrowed from the document, or NULL. (Values are single text nodes: entities are not
 * substituted.) */
const char *pfs_xml_attr(const xmlNode *node, const char *name);

/* Refuses attributes that are not in the NULL-terminated list. -EINVAL "LINE: unknown attribute …" without
 * the file. */
int pfs_xml_known_attrs(const xmlNode *node, const char *const *names, struct pfs_err *err);

/* An element of this name, in no namespace. */
bool pfs_xml_is(const xmlNode *node, const char *name);

/* A comment, a processing instruction or blanks alone. */
bool pfs_xml_is_layout(const xmlNode *node);

/* Refuse text in an element, or any content. -EINVAL "LINE: …". */
int pfs_xml_no_text(const xmlNode *node, struct pfs_err *err);
int pfs_xml_no_content(const xmlNode *node, struct pfs_err *err);

/* The first child element at or after node, NULL at the end. */
xmlNode *pfs_xml_element(xmlNode *node);

#define autodoc PFS_CLEANUP(pfs_cleanup_doc)
void pfs_cleanup_doc(xmlDoc **doc);
