/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/settings.h"

#include "policy/base/file.h"
#include "policy/base/tree.h"
#include "policy/base/units.h"
#include "server/registry/settings_read.h"

#include <string.h>

enum {
	CACHE_BYTES_DEFAULT = 32 * 1024 * 1024,
	TAG_TTL_DEFAULT = 30,
	STALE_FOR_DEFAULT = 24 * 3600,
	NEGATIVE_TTL_DEFAULT = 5,
};

struct registry_settings *
registry_settings_ref(struct registry_settings *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void
wipe(struct registry_settings *s)
{
	struct credential c;
	size_t i;

	for (i = 0; i < s->nhosts; i++) {
		c = s->hosts[i].credential;
		credential_wipe(&c);
		if (s->hosts[i].client_key.data != NULL)
			explicit_bzero(
			    (char *)(uintptr_t)s->hosts[i].client_key.data,
			    s->hosts[i].client_key.len);
	}
	for (i = 0; i < s->docker.n; i++)
		credential_wipe(&s->docker.entries[i].credential);
}

void
registry_settings_unref(struct registry_settings *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	wipe(s);
	arena_free(s->mem); /* the settings live in it */
}

static void
read_registries(struct parse *p, const struct node *root)
{
	struct node n = node_get(root, "registries"), child;
	struct registry_host *hosts;
	size_t i, len;

	if (n.value == NULL)
		return;
	if (!json_is_object(n.value)) {
		diagnostics_error(
		    p->d, &n, "must be a mapping from host to settings");
		return;
	}
	len = node_size(&n);
	if (len > SETTINGS_REGISTRIES_MAX) {
		diagnostics_error(p->d, &n, "has more than %d registries",
		    SETTINGS_REGISTRIES_MAX);
		return;
	}
	hosts = arena_calloc(p->s->mem, len, sizeof(*hosts));
	if (hosts == NULL) {
		settings_nomem(p, &n);
		return;
	}
	p->s->hosts = hosts;
	p->s->nhosts = len;
	for (i = 0; i < len; i++) {
		child = node_at(&n, i);
		settings_registry(p, &child, &hosts[i]);
	}
}

static void
read_docker(struct parse *p, const struct node *root)
{
	struct node n = node_get(root, "dockerConfig");
	const char *path = settings_string(p, &n);
	struct error err = ERROR_INIT;
	AUTO(free) char *text = NULL;
	size_t len = 0;

	if (path == NULL)
		return;
	text = settings_read(p, &n, path, DOCKER_CONFIG_BYTES_MAX, &len);
	if (text == NULL)
		return;
	if (docker_config_parse(&p->s->docker, text, len, p->s->mem, &err) != 0)
		diagnostics_error(p->d, &n, "%s: %s", path, err.msg);
	explicit_bzero(text, len);
}

static void
read_network(struct parse *p, const struct node *root)
{
	static const char *const keys[] = {"allow", NULL};
	struct node n = node_get(root, "network"), list, child;
	struct net *nets;
	const char *text;
	size_t i, len;

	if (n.value == NULL || !diagnostics_check_keys(p->d, &n, keys))
		return;
	list = node_get(&n, "allow");
	len = settings_list_size(p, &list);
	nets = arena_calloc(p->s->mem, len, sizeof(*nets));
	if (nets == NULL) {
		settings_nomem(p, &n);
		return;
	}
	for (i = 0; i < len; i++) {
		child = node_at(&list, i);
		text = settings_string(p, &child);
		if (text != NULL && net_parse(&nets[i], text) != 0)
			diagnostics_error(p->d, &child,
			    "must be a network such as \"10.0.0.0/8\" or "
			    "\"fd00::/8\", with no bits set after the prefix");
	}
	p->s->allow = nets;
	p->s->nallow = len;
}

static void
read_duration(
    struct parse *p, const struct node *parent, const char *key, int64_t *out)
{
	struct node n = node_get(parent, key);

	if (n.value == NULL)
		return;
	if (!json_is_string(n.value) ||
	    units_parse_duration(json_string_value(n.value), out) != 0)
		diagnostics_error(p->d, &n,
		    "must be a duration: digits and one of s m h d w");
}

static void
read_cache(struct parse *p, const struct node *root)
{
	static const char *const keys[] = {
	    "maxBytes", "tagTtl", "staleFor", "negativeTtl", "dir", NULL};
	struct node n = node_get(root, "cache"), size, dir;
	int64_t bytes = -1;

	if (n.value == NULL || !diagnostics_check_keys(p->d, &n, keys))
		return;
	read_duration(p, &n, "tagTtl", &p->s->tag_ttl);
	read_duration(p, &n, "staleFor", &p->s->stale_for);
	read_duration(p, &n, "negativeTtl", &p->s->negative_ttl);
	dir = node_get(&n, "dir");
	if (settings_string(p, &dir) != NULL)
		p->s->store_dir =
		    settings_copy(p, &dir, json_string_value(dir.value));
	size = node_get(&n, "maxBytes");
	if (size.value == NULL)
		return;
	if (json_is_integer(size.value))
		bytes = json_integer_value(size.value);
	else if (json_is_string(size.value) &&
		 units_parse_size(json_string_value(size.value), &bytes) != 0)
		bytes = -1;
	if (bytes < 0 || (uint64_t)bytes > PTRDIFF_MAX)
		diagnostics_error(
		    p->d, &size, "must be a size, such as \"32Mi\"");
	else
		p->s->cache_bytes = (size_t)bytes;
}

static struct registry_settings *
settings_new(void)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct registry_settings *s =
	    mem == NULL ? NULL : arena_calloc(mem, 1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	s->mem = TAKE(mem);
	s->cache_bytes = CACHE_BYTES_DEFAULT;
	s->tag_ttl = TAG_TTL_DEFAULT;
	s->stale_for = STALE_FOR_DEFAULT;
	s->negative_ttl = NEGATIVE_TTL_DEFAULT;
	return s;
}

/* What is written in the config itself; the files that it names follow. */
static struct digest *
digest_begin(const struct node *n, struct error *err)
{
	AUTO(digest_free) struct digest *d = digest_new("sha256:", err);
	AUTO(free) char *text = NULL;

	if (d == NULL || n->value == NULL)
		return TAKE(d);
	text = tree_dump(n->value, JSON_ENCODE_ANY);
	if (text == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	return digest_update(d, text, strlen(text), err) == 0 ? TAKE(d) : NULL;
}

struct registry_settings *
registry_settings_parse(const struct node *n, struct diagnostics *d,
    const struct settings_listener *l)
{
	AUTO(registry_settings_unref)
	struct registry_settings *s = settings_new();
	struct error err = ERROR_INIT;
	AUTO(digest_free) struct digest *seen = digest_begin(n, &err);
	struct parse p = {s, d, l, seen};
	size_t before = d->errors;

	if (s == NULL || seen == NULL) {
		diagnostics_error(d, n, "out of memory");
		return NULL;
	}
	if (n->value != NULL && json_is_object(n->value)) {
		read_registries(&p, n);
		read_docker(&p, n);
		read_network(&p, n);
		read_cache(&p, n);
	}
	if (digest_finish(seen, s->digest, &err) != 0)
		diagnostics_error(d, n, "%s", err.msg);
	return d->errors == before ? TAKE(s) : NULL;
}

/* Without the port that https has anyway. */
static size_t
significant(const char *host)
{
	size_t n = strlen(host);

	return n > 4 && strcmp(host + n - 4, ":443") == 0 ? n - 4 : n;
}

const struct registry_host *
registry_settings_find(const struct registry_settings *s, const char *host)
{
	size_t i, n;

	if (strcmp(host, "registry-1.docker.io") == 0)
		host = "docker.io";
	n = significant(host);
	for (i = 0; i < s->nhosts; i++)
		if (significant(s->hosts[i].host) == n &&
		    memcmp(s->hosts[i].host, host, n) == 0)
			return &s->hosts[i];
	return NULL;
}

size_t
registry_settings_credentials(const struct registry_settings *s,
    const char *host, const char *path, const struct credential *helped,
    const struct credential **out, size_t max)
{
	const struct registry_host *h = registry_settings_find(s, host);
	size_t n = 0;

	if (max > 0 && h != NULL && h->has_credential)
		out[n++] = &h->credential;
	if (n < max && helped != NULL)
		out[n++] = helped;
	return n +
	       docker_config_match(&s->docker, host, path, out + n, max - n);
}
