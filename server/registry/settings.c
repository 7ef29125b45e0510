/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/settings.h"

#include "policy/base/file.h"
#include "policy/base/units.h"
#include "policy/reference.h"
#include "server/registry/url.h"

#include <string.h>

enum {
	CACHE_BYTES_DEFAULT = 32 * 1024 * 1024,
	TAG_TTL_DEFAULT = 30,
	STALE_FOR_DEFAULT = 24 * 3600,
	NEGATIVE_TTL_DEFAULT = 5,
};

/* What a parse passes around. */
struct parse {
	struct registry_settings *s;
	struct diagnostics *d;
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
nomem(struct parse *p, const struct node *n)
{
	diagnostics_error(p->d, n, "out of memory");
}

/* A string, or NULL where absent or reported. */
static const char *
read_string(struct parse *p, const struct node *n)
{
	if (n->value == NULL)
		return NULL;
	if (!json_is_string(n->value) || *json_string_value(n->value) == '\0') {
		diagnostics_error(p->d, n, "must be a string");
		return NULL;
	}
	return json_string_value(n->value);
}

static const char *
copy(struct parse *p, const struct node *n, const char *s)
{
	char *out = arena_strdup(p->s->mem, s);

	if (out == NULL)
		nomem(p, n);
	return out;
}

static bool
read_bool(
    struct parse *p, const struct node *parent, const char *key, bool otherwise)
{
	struct node n = node_get(parent, key);

	if (n.value == NULL)
		return otherwise;
	if (!json_is_boolean(n.value))
		diagnostics_error(p->d, &n, "must be true or false");
	return json_is_true(n.value);
}

/* The bytes of the file that a node names. */
static struct pem
read_file(
    struct parse *p, const struct node *parent, const char *key, size_t max)
{
	struct node n = node_get(parent, key);
	const char *path = read_string(p, &n);
	AUTO(free)
	char *data = NULL;
	struct error err = ERROR_INIT;
	struct pem pem = {0};

	if (path == NULL)
		return pem;
	data = file_read(path, max, &pem.len, &err);
	if (data == NULL) {
		diagnostics_error(p->d, &n, "%s", err.msg);
		return pem;
	}
	pem.data = arena_strndup(p->s->mem, data, pem.len);
	explicit_bzero(data, pem.len);
	if (pem.data == NULL)
		nomem(p, &n);
	return pem;
}

/* A host as references write it: "registry.corp:5000". */
static bool
is_host(const char *host)
{
	AUTO(arena_free)
	struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct reference ref;
	char *text;

	if (mem == NULL)
		return true;
	text = arena_printf(mem, "%s/a/b:c", host);
	return text == NULL || (reference_parse(&ref, text, mem, &err) == 0 &&
				   strcmp(ref.host, host) == 0);
}

static const char *
read_host(struct parse *p, const struct node *n)
{
	const char *host = read_string(p, n);

	if (host == NULL)
		return NULL;
	if (!is_host(host)) {
		diagnostics_error(p->d, n,
		    "must be a host as image references write it, with a "
		    "port where there is one: \"registry.corp:5000\"");
		return NULL;
	}
	return copy(p, n, host);
}

/* Whether it is a list that is not too long; absent is an empty one. */
static size_t
list_size(struct parse *p, const struct node *n)
{
	if (n->value == NULL)
		return 0;
	if (!json_is_array(n->value)) {
		diagnostics_error(p->d, n, "must be a list");
		return 0;
	}
	if (node_size(n) > SETTINGS_LIST_MAX) {
		diagnostics_error(
		    p->d, n, "has more than %d elements", SETTINGS_LIST_MAX);
		return 0;
	}
	return node_size(n);
}

static void
read_realms(struct parse *p, const struct node *parent, struct registry_host *h)
{
	struct node n = node_get(parent, "tokenRealms"), child;
	size_t i, len = list_size(p, &n);
	const char **items = arena_calloc(p->s->mem, len, sizeof(*items));

	if (items == NULL) {
		nomem(p, &n);
		return;
	}
	for (i = 0; i < len; i++) {
		child = node_at(&n, i);
		items[i] = read_host(p, &child);
	}
	h->token_realms = (struct string_list){items, len};
}

static void
read_mirror(struct parse *p, const struct node *n, struct mirror *m)
{
	static const char *const keys[] = {"host", "resolve", NULL};
	struct node host;

	m->resolve = true;
	if (json_is_string(n->value)) {
		m->host = read_host(p, n);
		return;
	}
	if (!diagnostics_check_keys(p->d, n, keys))
		return;
	host = node_get(n, "host");
	m->host = read_host(p, &host);
	if (host.value == NULL)
		diagnostics_error(p->d, n, "a mirror needs a host");
	m->resolve = read_bool(p, n, "resolve", true);
}

static void
read_mirrors(
    struct parse *p, const struct node *parent, struct registry_host *h)
{
	struct node n = node_get(parent, "mirrors"), child;
	size_t i, len = list_size(p, &n);
	struct mirror *m = arena_calloc(p->s->mem, len, sizeof(*m));

	if (m == NULL) {
		nomem(p, &n);
		return;
	}
	for (i = 0; i < len; i++) {
		child = node_at(&n, i);
		read_mirror(p, &child, &m[i]);
	}
	h->mirrors = m;
	h->nmirrors = len;
}

/* A secret from a file; editors end files with a newline. */
static const char *
read_secret(struct parse *p, const struct node *parent, const char *key)
{
	struct node n = node_get(parent, key);
	struct pem pem = read_file(p, parent, key, SETTINGS_SECRET_MAX);
	size_t len = pem.len;

	if (n.value == NULL)
		diagnostics_error(p->d, parent, "\"%s\" is missing", key);
	if (pem.data == NULL)
		return NULL;
	if (len > 0 && pem.data[len - 1] == '\n')
		len--;
	if (len > 0 && pem.data[len - 1] == '\r')
		len--;
	((char *)(uintptr_t)pem.data)[len] = '\0';
	if (len == 0 || strlen(pem.data) != len)
		diagnostics_error(p->d, &n, "the file %s",
		    len == 0 ? "is empty" : "holds a NUL byte");
	return pem.data;
}

static void
read_credentials(
    struct parse *p, const struct node *parent, struct registry_host *h)
{
	static const char *const keys[] = {
	    "usernameFile", "passwordFile", NULL};
	struct node n = node_get(parent, "credentials");
	struct error err = ERROR_INIT;

	if (n.value == NULL || !diagnostics_check_keys(p->d, &n, keys))
		return;
	h->credential.username = read_secret(p, &n, "usernameFile");
	h->credential.password = read_secret(p, &n, "passwordFile");
	h->has_credential =
	    h->credential.username != NULL && h->credential.password != NULL;
	if (h->has_credential && strchr(h->credential.username, ':') != NULL)
		diagnostics_error(
		    p->d, &n, "a username cannot have a colon in it");
	if (h->has_credential && credential_seal(&h->credential, &err) != 0)
		nomem(p, &n);
}

static void
read_proxy(struct parse *p, const struct node *parent, struct registry_host *h)
{
	struct node n = node_get(parent, "proxy");
	const char *text = read_string(p, &n);
	struct error err = ERROR_INIT;
	struct url u;

	if (text == NULL)
		return;
	if (url_parse(&u, text, NULL, p->s->mem, &err) != 0) {
		diagnostics_error(p->d, &n,
		    "must be the URL of a proxy, such as "
		    "\"http://proxy.corp:3128\": %s",
		    err.msg);
		return;
	}
	h->proxy = copy(p, &n, text);
}

static void
read_registry(struct parse *p, const struct node *n, struct registry_host *h)
{
	static const char *const keys[] = {"caFile", "plainHttp", "clientCert",
	    "clientKey", "proxy", "skipVerify", "mirrors", "tokenRealms",
	    "credentials", NULL};

	if (!is_host(n->key))
		diagnostics_error_key(p->d, n,
		    "must be a host as image references write it, with a "
		    "port where there is one: \"registry.corp:5000\"");
	h->host = copy(p, n, n->key);
	if (json_is_null(n->value) || !diagnostics_check_keys(p->d, n, keys))
		return;
	h->plain_http = read_bool(p, n, "plainHttp", false);
	h->skip_verify = read_bool(p, n, "skipVerify", false);
	h->ca = read_file(p, n, "caFile", SETTINGS_PEM_MAX);
	h->client_cert = read_file(p, n, "clientCert", SETTINGS_PEM_MAX);
	h->client_key = read_file(p, n, "clientKey", SETTINGS_PEM_MAX);
	read_proxy(p, n, h);
	read_realms(p, n, h);
	read_mirrors(p, n, h);
	read_credentials(p, n, h);
	if ((node_get(n, "clientCert").value == NULL) !=
	    (node_get(n, "clientKey").value == NULL))
		diagnostics_error(p->d, n,
		    "clientCert and clientKey belong together: one of them is "
		    "missing");
	if (h->plain_http && h->skip_verify)
		diagnostics_error(p->d, n,
		    "plainHttp leaves nothing for skipVerify to say: give one "
		    "of them");
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
		nomem(p, &n);
		return;
	}
	p->s->hosts = hosts;
	p->s->nhosts = len;
	for (i = 0; i < len; i++) {
		child = node_at(&n, i);
		read_registry(p, &child, &hosts[i]);
	}
}

static void
read_docker(struct parse *p, const struct node *root)
{
	struct node n = node_get(root, "dockerConfig");
	const char *path = read_string(p, &n);
	struct error err = ERROR_INIT;
	AUTO(free)
	char *text = NULL;
	size_t len = 0;

	if (path == NULL)
		return;
	text = file_read(path, DOCKER_CONFIG_BYTES_MAX, &len, &err);
	if (text == NULL ||
	    docker_config_parse(&p->s->docker, text, len, p->s->mem, &err) != 0)
		diagnostics_error(p->d, &n, "%s", err.msg);
	if (text != NULL)
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
	len = list_size(p, &list);
	nets = arena_calloc(p->s->mem, len, sizeof(*nets));
	if (nets == NULL) {
		nomem(p, &n);
		return;
	}
	for (i = 0; i < len; i++) {
		child = node_at(&list, i);
		text = read_string(p, &child);
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
	    "maxBytes", "tagTtl", "staleFor", "negativeTtl", NULL};
	struct node n = node_get(root, "cache"), size;
	int64_t bytes = -1;

	if (n.value == NULL || !diagnostics_check_keys(p->d, &n, keys))
		return;
	read_duration(p, &n, "tagTtl", &p->s->tag_ttl);
	read_duration(p, &n, "staleFor", &p->s->stale_for);
	read_duration(p, &n, "negativeTtl", &p->s->negative_ttl);
	size = node_get(&n, "maxBytes");
	if (size.value == NULL)
		return;
	if (json_is_integer(size.value))
		bytes = json_integer_value(size.value);
	else if (json_is_string(size.value) &&
		 units_parse_size(json_string_value(size.value), &bytes) != 0)
		bytes = -1;
	if (bytes < 0)
		diagnostics_error(
		    p->d, &size, "must be a size, such as \"32Mi\"");
	else
		p->s->cache_bytes = (size_t)bytes;
}

static struct registry_settings *
settings_new(void)
{
	AUTO(arena_free)
	struct arena *mem = arena_new();
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

struct registry_settings *
registry_settings_parse(const struct node *n, struct diagnostics *d)
{
	AUTO(registry_settings_unref)
	struct registry_settings *s = settings_new();
	struct parse p = {s, d};
	size_t before = d->errors;

	if (s == NULL) {
		diagnostics_error(d, n, "out of memory");
		return NULL;
	}
	if (n->value != NULL && json_is_object(n->value)) {
		read_registries(&p, n);
		read_docker(&p, n);
		read_network(&p, n);
		read_cache(&p, n);
	}
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
    const char *host, const char *path, const struct credential **out,
    size_t max)
{
	const struct registry_host *h = registry_settings_find(s, host);
	size_t n = 0;

	if (max > 0 && h != NULL && h->has_credential)
		out[n++] = &h->credential;
	return n +
	       docker_config_match(&s->docker, host, path, out + n, max - n);
}
