/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_CONFIG_H
#define SERVER_GATE_CONFIG_H

#include "policy/base/buf.h"
#include "policy/base/diagnostics.h"
#include "server/registry/settings.h"

/* Reading the config file, and any file of one document. */

enum { CONFIG_BYTES_MAX = 4 * 1024 * 1024 };

/* The config file. */
struct config {
	struct registry_settings *registries; /* a reference */
	size_t max_inflight;                  /* reviews decided at once */
	size_t max_body;                      /* bytes of a request */
};

/*
 * Reads the config file, or with `path` NULL makes the defaults. Everything
 * that is wrong is printed into `report`, a line each, warnings included.
 * `l` is told of the files that it names, whether they are right or wrong; it
 * may be NULL. Returns 0, or -1 where *c is not to be used.
 */
int config_load(struct config *c, const char *path,
    const struct settings_listener *l, struct buf *report);
void config_clear(struct config *c);
OWNED_IN_PLACE(struct config, config_clear)

/* Exactly one document of a text, borrowed meanwhile. NULL after reporting. */
struct document *config_document_of(
    const char *text, size_t len, struct diagnostics *d);

/*
 * Reads a file of exactly one document. NULL after reporting: what is wrong
 * with the text into *d, that there is none to be had into `report`.
 */
struct document *config_document(
    const char *path, struct diagnostics *d, struct buf *report);

#endif
