/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_CONFIG_H
#define SERVER_GATE_CONFIG_H

#include "policy/base/buf.h"
#include "policy/ruleset.h"
#include "server/registry/settings.h"

/* Reading what the program runs by: the policy file and the config file. */

enum { CONFIG_BYTES_MAX = 4 * 1024 * 1024 };

#define CONFIG_DEFAULT_POLICY "preset:baseline"

/* The config file. */
struct config {
	struct registry_settings *registries; /* a reference */
	size_t max_inflight;                  /* reviews decided at once */
	size_t max_body;                      /* bytes of a request */
};

/*
 * Reads the config file, or with `path` NULL makes the defaults. Everything
 * that is wrong is printed into `report`, a line each, warnings included.
 * Returns 0, or -1 where *c is not to be used.
 */
int config_load(struct config *c, const char *path, struct buf *report);
void config_clear(struct config *c);
static inline void
own_config_clear(struct config *c)
{
	config_clear(c);
}

/*
 * Reads a file of exactly one document. NULL after reporting: what is wrong
 * with the text into *d, that there is none to be had into `report`.
 */
struct document *config_document(
    const char *path, struct diagnostics *d, struct buf *report);

/*
 * Reads a policy: a file, or "preset:NAME". `report` as above. Returns a new
 * reference, or NULL.
 */
struct ruleset *policy_load(const char *path, struct buf *report);

#endif
