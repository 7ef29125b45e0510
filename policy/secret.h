/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_SECRET_H
#define POLICY_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the name of a variable (its first `len` bytes) says that its value
 * is a secret: a word of it, split at '_', is one of key, password, token and
 * their like, and none says that the value is public or only points at one
 * (file, path, url, gpg, sha256, ...).
 */
bool secret_is_name(const char *name, size_t len);

#endif
