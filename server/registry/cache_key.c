/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/cache_key.h"

#include "policy/base/buf.h"

#include <stdio.h>
#include <string.h>

enum { KEY_MAX = 8192 };

char *
cache_key(const struct reference *ref, const struct platform_set *platforms)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(KEY_MAX);
	const struct platform *p;
	size_t i;

	buf_printf(&b, "%s/%s%c%s", ref->host, ref->path,
	    ref->digest != NULL ? '@' : ':',
	    ref->digest != NULL ? ref->digest : ref->tag);
	for (i = 0; i < platforms->n; i++) {
		p = &platforms->items[i];
		buf_printf(&b, " %s/%s/%s/%s", p->os, p->arch, p->variant,
		    p->os_version);
	}
	return buf_take(&b);
}

bool
cache_key_is_by_digest(const char *key)
{
	return key[strcspn(key, "@ ")] == '@';
}

char *
cache_key_by_digest(const char *key, const char *digest)
{
	size_t name = strcspn(key, " ");
	size_t repository = name;
	char *by = NULL;

	while (repository > 0 && key[repository] != ':')
		repository--;
	if (asprintf(
		&by, "%.*s@%s%s", (int)repository, key, digest, key + name) < 0)
		return NULL;
	return by;
}

bool
cache_key_is_in(const char *key, const char *repository)
{
	size_t len = strlen(repository);

	return strncmp(key, repository, len) == 0 &&
	       (key[len] == ':' || key[len] == '@');
}
