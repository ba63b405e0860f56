/* Reads the catalogue of settings, schema/settings.xml. */
#pragma once

#include "model/catalogue.h"

/* -ENOENT and other errnos of open; -EINVAL "FILE:LINE: what is wrong". The caller frees with
 * pfs_catalogue_free(). */
int pfs_catalogue_load(const char *path, struct pfs_catalogue **ret, struct pfs_err *err);
