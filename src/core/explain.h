/* Inside explain: the pairs that a device's files have, and native keys. */
#pragma once

#include "core/command_impl.h"

/* file: its name, in the command's arena; both borrowed until it returns. A pair without key ends contacts.
 */
typedef void (*pfs_explain_fn)(void *arg, const char *file, const struct pfs_pair *pair);

/* Renders every file of the device, those common to its model too, and calls fn for each pair. No model: no
 * files. -EINVAL with the file's name where one does not render. */
int pfs_explain_pairs(struct pfs_command *cmd, const struct pfs_model *m, const struct pfs_phone *phone,
                      pfs_explain_fn fn, void *arg, struct pfs_err *err);

/* Prints a line for each native key: file, key, value, and the settings it was made of with the scope that
 * each comes from. key: VENDOR:NATIVE-KEY alone; NULL: all, but of contacts only how many they are. *ret_n:
 * the lines; used: the keys of the settings that they were made of. */
int pfs_explain_native(struct pfs_command *cmd, const struct pfs_inputs *inputs, const char *key,
                       size_t *ret_n, struct pfs_map *used, struct pfs_err *err);

/* Prints how many contacts of the phone's directory are in a file: `38 contacts of customer acme`. */
void pfs_explain_contacts(struct pfs_command *cmd, const struct pfs_phone *phone, size_t n);

/* Prints a text with control characters as "?". */
void pfs_explain_print(FILE *out, const char *s);
