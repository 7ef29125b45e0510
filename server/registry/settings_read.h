/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_SETTINGS_READ_H
#define SERVER_REGISTRY_SETTINGS_READ_H

#include "server/registry/settings.h"

/* Private to settings.c and settings_host.c: what reading shares. All report
 * what is wrong, and answer as if it had not been given. */

struct parse {
	struct registry_settings *s;
	struct diagnostics *d;
	const struct settings_listener *listener; /* or NULL */
	struct digest *seen;                      /* of all that is read */
};

void settings_nomem(struct parse *p, const struct node *n);
const char *settings_string(struct parse *p, const struct node *n);
const char *settings_copy(struct parse *p, const struct node *n, const char *s);

/* A file's text to free(), or NULL. The listener is told of it before. */
char *settings_read(struct parse *p, const struct node *n, const char *path,
    size_t max, size_t *len);

/* Of a list that is not too long; an absent one has none. */
size_t settings_list_size(struct parse *p, const struct node *n);

/* One pair of `registries`. */
void settings_registry(
    struct parse *p, const struct node *n, struct registry_host *h);

#endif
