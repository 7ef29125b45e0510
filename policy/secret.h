/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_SECRET_H
#define POLICY_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the name of a variable (its first `len` bytes) says that its value
 * is a secret: a word of it (split at '_', '-', '.' and as in "authToken") is
 * one of key, password, token and their like, none says that the value is
 * public or only points at one (file, path, url, gpg, sha256, ...), and the
 * last does not say that it is about one (type, ttl, issuer, ...).
 */
bool secret_is_name(const char *name, size_t len);

/*
 * Whether a value shows by itself that it is a secret: a private key in PEM, a
 * token of a service that marks them, a URL with a password. Linear in `len`.
 */
bool secret_is_value(const char *s, size_t len);

/* Bytes of a token or a private key that begins at `s`, which is the beginning
 * of a word; 0: none does. */
size_t secret_length(const char *s, size_t len);

/*
 * Whether a value cannot be a secret, whatever its name: nothing or one
 * byte, a variable ("$X"), a template, a path, a word such as "true", one
 * with "dummy" or "changeme" in it, a small number, a key's fingerprint. Quotes
 * around it do not count.
 */
bool secret_is_harmless(const char *s, size_t len);

#endif
