/* What a command works with: the catalogue, the templates, the inventory, and who is asking. */
#pragma once

#include "core/config.h"
#include "core/resolve.h"
#include "render/plan.h"

struct pfs_context {
    const struct pfs_config *config; /* borrowed */
    struct pfs_catalogue *catalogue;
    struct pfs_library *library;
    struct pfs_resolver *resolver;
    struct pfs_plans *plans; /* of renders */
    struct pfs_store *store; /* NULL until pfs_context_open_store() */
    char login[64];          /* who: loginuid, else SUDO_UID, else uid, as a name where there is one */
    const char *via;         /* "command" */
};

/* Loads the catalogue and the templates. config must outlive it. */
int pfs_context_open(const struct pfs_config *config, struct pfs_context *ret, struct pfs_err *err);
/* Opens the inventory at config->database. */
int pfs_context_open_store(struct pfs_context *c, struct pfs_err *err);
void pfs_context_close(struct pfs_context *c);

/* Who is at the keyboard, for the audit. */
void pfs_context_login(char *out, size_t size);
