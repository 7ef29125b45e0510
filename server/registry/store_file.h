/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_STORE_FILE_H
#define SERVER_REGISTRY_STORE_FILE_H

#include "policy/base/buf.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The store's file, by SQLite: one connection, for one thread. SQLite says of a
 * damaged file that it is; one that is mapped, as LMDB's, ends the program when
 * somebody cuts it short.
 */
struct store_file;

#define STORE_FILE_NAME "documents.sqlite"

/*
 * For writing. Makes folder and file; a file that is none of ours, or damaged,
 * is replaced by an empty one: *discarded. NULL with ERR_SYSTEM, ERR_NOMEM,
 * ERR_UNAVAILABLE (another is writing to it, for long).
 */
struct store_file *store_file_create(
    const char *dir, bool *discarded, struct error *err);
/* For reading what store_file_create() has made. */
struct store_file *store_file_open(const char *dir, struct error *err);
void store_file_close(struct store_file *f); /* NULL is fine */
OWNED(struct store_file, store_file_close)

/* Removes it, open or not. */
void store_file_discard(const char *dir);

/* 1: found, 0: not there, -1: the file cannot be read. */
int store_file_get(struct store_file *f, const char *repository,
    const char *digest, char *type, size_t size, struct buf *body);
int store_file_get_tag(struct store_file *f, const char *repository,
    const char *tag, char *digest, size_t size, int64_t *when);

/* Return 0, or -1 with ERR_SYSTEM. */
int store_file_begin(struct store_file *f, struct error *err);
int store_file_put(struct store_file *f, const char *repository,
    const char *digest, const char *type, const void *body, size_t len,
    int64_t when, struct error *err);
int store_file_put_tag(struct store_file *f, const char *repository,
    const char *tag, const char *digest, int64_t when, struct error *err);
/* Where the file has grown beyond `max` bytes its oldest documents go. */
int store_file_commit(struct store_file *f, int64_t max, struct error *err);
void store_file_rollback(struct store_file *f);

#endif
