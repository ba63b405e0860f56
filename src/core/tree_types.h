/* The types of the control tree, from its root: inside core/ only. */
#pragma once

#include "core/tree.h"

extern const struct pfs_tree_type pfs_tree_root;

/* tree_objects.c */
extern const struct pfs_tree_type pfs_tree_devices, pfs_tree_profiles, pfs_tree_accounts, pfs_tree_customers,
    pfs_tree_models, pfs_tree_site;

/* tree_special.c */
extern const struct pfs_tree_type pfs_tree_ctl, pfs_tree_import, pfs_tree_import_report, pfs_tree_export_csv,
    pfs_tree_export_xml, pfs_tree_errors, pfs_tree_unknown, pfs_tree_status, pfs_tree_events, pfs_tree_log;
