/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_FILE_H
#define POLICY_BASE_FILE_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The whole file, terminated by a NUL that *len does not count; free() it.
 * "-" is standard input. NULL with *err: ERR_SYSTEM (the message names the
 * file and the reason; a name that is empty or has control characters is one),
 * ERR_LIMIT (over `max` bytes), ERR_NOMEM.
 * For the layers that talk; policy/ itself reads no files.
 */
char *file_read(const char *path, size_t max, size_t *len, struct error *err);

/* Whether a name ends in .yaml, .yml or .json. */
bool file_is_document(const char *name);

enum { FILE_LIST_MAX = 10 * 1000 };

struct file_list {
	char **paths; /* each with the folder in front */
	size_t n;
};

/*
 * The documents in a folder whose names do not begin with a dot, by name as
 * bytes compare. Folders below are not entered.
 * Returns 0, or -1 with *err: ERR_SYSTEM (the message names the folder),
 * ERR_LIMIT (over FILE_LIST_MAX), ERR_NOMEM.
 */
int file_list_documents(
    struct file_list *out, const char *folder, struct error *err);
void file_list_clear(struct file_list *l);
OWNED_IN_PLACE(struct file_list, file_list_clear)

#endif
