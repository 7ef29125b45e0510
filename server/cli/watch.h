/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_WATCH_H
#define SERVER_CLI_WATCH_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stdbool.h>

/*
 * Notices that files may have changed, by inotify on the folders that they
 * are in: an editor's rename and the symlink swap of a mounted ConfigMap or
 * Secret ("..data") are seen as well as a write in place. A file need not be
 * there yet, nor its folder.
 */
struct watch;

/* NULL with *err: ERR_SYSTEM, ERR_NOMEM. */
struct watch *watch_new(struct error *err);
void watch_free(struct watch *w);
OWNED(struct watch, watch_free)

/* Adds a file, or a folder with the documents in it (policy/base/file.h),
 * once; NULL and "preset:..." are passed over, and so is what is over
 * WATCH_FILES_MAX or finds no memory. */
enum { WATCH_FILES_MAX = 8192 };
void watch_add(struct watch *w, const char *file);

/* Calls `fn` for each. */
void watch_each(
    const struct watch *w, void (*fn)(void *arg, const char *file), void *arg);

/* Readable when something happened near the files. */
int watch_fd(const struct watch *w);

/* Makes the descriptor quiet again; whether a file or a folder is another than
 * when it was last asked. To be asked again after a while where it is: what
 * happens meanwhile may leave the descriptor quiet. */
bool watch_changed(struct watch *w);

#endif
