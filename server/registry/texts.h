/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TEXTS_H
#define SERVER_REGISTRY_TEXTS_H

#include "policy/base/hash.h"
#include "policy/base/own.h"

#include <stddef.h>

/*
 * Texts that many images have in common, each held once: digests of base
 * layers, their instructions, PATH. Shared by reference; safe from any thread.
 */
struct texts;

/* With one reference; NULL when memory is out. */
struct texts *texts_new(const struct hash_key *key);
struct texts *texts_ref(struct texts *t); /* returns t */
void texts_unref(struct texts *t);        /* NULL is fine */
OWNED(struct texts, texts_unref)

/* The held one that is equal to `s`, until it is released as often as it was
 * taken. NULL when memory is out. */
const char *texts_take(struct texts *t, const char *s);

/* `s` is what texts_take() gave; NULL is fine. */
void texts_release(struct texts *t, const char *s);

/* Bytes held, for accounting. */
size_t texts_size(struct texts *t);

#endif
