/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_FILE_H
#define POLICY_BASE_FILE_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stddef.h>

/*
 * The whole file, terminated by a NUL that *len does not count; free() it.
 * "-" is standard input. NULL with *err: ERR_SYSTEM (the message names the
 * file and the reason), ERR_LIMIT (over `max` bytes), ERR_NOMEM.
 * For the layers that talk; policy/ itself reads no files.
 */
char *file_read(const char *path, size_t max, size_t *len, struct error *err);

#endif
