/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/credentials.h"

#include "policy/base/base64.h"
#include "policy/base/text.h"
#include "server/registry/auth.h"
#include "server/registry/strict.h"

#include <fnmatch.h>
#include <string.h>

enum { KEY_TOLD_MAX = 80 };

static const char hub_key[] = "index.docker.io";

static int
nomem(struct error *err)
{
	return error_set(err, ERR_NOMEM, "out of memory for credentials");
}

int
credential_seal(struct credential *c, struct error *err)
{
	const char *part[] = {
	    c->username, c->password, c->identity_token, c->registry_token};
	AUTO(digest_free) struct digest *d = digest_new("sha256:", err);
	size_t i;

	if (d == NULL)
		return -1;
	for (i = 0; i < sizeof(part) / sizeof(*part); i++) {
		/* The terminator keeps the parts apart. */
		if (part[i] != NULL &&
		    digest_update(d, part[i], strlen(part[i]) + 1, err) != 0)
			return -1;
		if (digest_update(d, part[i] == NULL ? "-" : "+", 1, err) != 0)
			return -1;
	}
	return digest_finish(d, c->id, err);
}

static void
wipe(const char *s)
{
	if (s != NULL)
		explicit_bzero((char *)(uintptr_t)s, strlen(s));
}

void
credential_wipe(struct credential *c)
{
	wipe(c->username);
	wipe(c->password);
	wipe(c->identity_token);
	wipe(c->registry_token);
}

/* A copy of a member in `mem`; "" counts as absent. */
static int
take_string(const json_t *o, const char *key, const char **out,
    struct arena *mem, struct error *err)
{
	const char *s;

	*out = NULL;
	if (strict_string(o, key, &s, err) != 0)
		return -1;
	if (s == NULL || *s == '\0')
		return 0;
	*out = arena_strdup(mem, s);
	return *out == NULL ? nomem(err) : 0;
}

/* "auth": base64 of "username:password". Some writers end it with NULs. */
static int
take_auth(struct credential *c, const char *auth, struct arena *mem,
    struct error *err)
{
	AUTO(secret_clear) struct buf plain = BUF_INIT(DOCKER_CONFIG_BYTES_MAX);
	char *name, *colon;
	size_t len;

	if (base64_decode(&plain, auth, strlen(auth)) != 0)
		return buf_failed(&plain)
			   ? nomem(err)
			   : error_set(err, ERR_SYNTAX,
				 "an \"auth\" is not valid base64");
	len = plain.len;
	while (len > 0 && plain.data[len - 1] == '\0')
		len--;
	name = arena_strndup(mem, buf_text(&plain), len);
	if (name == NULL)
		return nomem(err);
	colon = strchr(name, ':');
	if (colon == NULL || strlen(name) != len)
		return error_set(err, ERR_SYNTAX,
		    "an \"auth\" does not hold username:password");
	*colon = '\0';
	c->username = name;
	c->password = colon + 1;
	return 0;
}

/*
 * How the kubelet keys an entry: without scheme, and without the "/v1/" or
 * "/v2/" that docker login once wrote.
 */
static const char *
entry_key(const char *key, struct arena *mem)
{
	const char *slash, *path;
	size_t host;

	if (strncmp(key, "https://", 8) == 0)
		key += 8;
	else if (strncmp(key, "http://", 7) == 0)
		key += 7;
	slash = strchr(key, '/');
	if (slash == NULL)
		return arena_strdup(mem, key);
	host = (size_t)(slash - key);
	path = slash;
	if (strncmp(path, "/v1/", 4) == 0 || strncmp(path, "/v2/", 4) == 0)
		path += 3;
	if (strcmp(path, "/") == 0)
		path = "";
	return arena_printf(mem, "%.*s%s", (int)host, key, path);
}

/* Returns 1 where the entry holds a credential, 0 where it is empty. */
static int
read_entry(struct docker_entry *e, const char *key, const json_t *value,
    struct arena *mem, struct error *err)
{
	struct credential *c = &e->credential;
	const char *auth;

	if (!json_is_object(value))
		return error_set(err, ERR_SYNTAX, "it is not an object");
	if (take_string(value, "username", &c->username, mem, err) != 0 ||
	    take_string(value, "password", &c->password, mem, err) != 0 ||
	    take_string(value, "identitytoken", &c->identity_token, mem, err) !=
		0 ||
	    take_string(value, "registrytoken", &c->registry_token, mem, err) !=
		0 ||
	    strict_string(value, "auth", &auth, err) != 0)
		return -1;
	if (auth != NULL && *auth != '\0' && take_auth(c, auth, mem, err) != 0)
		return -1;
	if ((c->username == NULL || c->password == NULL) &&
	    c->identity_token == NULL && c->registry_token == NULL)
		return 0;
	if (c->registry_token != NULL && !auth_is_bearer(c->registry_token))
		return error_set(err, ERR_SYNTAX,
		    "a \"registrytoken\" has a character that no token has");
	e->key = entry_key(key, mem);
	if (e->key == NULL)
		return nomem(err);
	return credential_seal(c, err) != 0 ? -1 : 1;
}

/* Reverse lexical: the longer of two prefixes is tried first. */
static int
by_key(const void *a, const void *b)
{
	return strcmp(((const struct docker_entry *)b)->key,
	    ((const struct docker_entry *)a)->key);
}

/* Puts which entry it is before what is wrong with it; -1. */
static int
in_entry(const char *key, struct error *err)
{
	AUTO(buf_clear) struct buf name = BUF_INIT(8 * KEY_TOLD_MAX);

	if (text_quote(&name, key, KEY_TOLD_MAX) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return error_wrap(err, "%s in \"auths\"", buf_text(&name));
}

static int
read_entries(struct docker_config *c, json_t *auths, struct arena *mem,
    struct error *err)
{
	const char *key;
	json_t *value;
	int rc;

	if (json_object_size(auths) > DOCKER_CONFIG_ENTRIES_MAX)
		return error_set(err, ERR_LIMIT, "more than %d entries",
		    DOCKER_CONFIG_ENTRIES_MAX);
	c->entries =
	    arena_calloc(mem, json_object_size(auths), sizeof(*c->entries));
	if (c->entries == NULL)
		return nomem(err);
	json_object_foreach (auths, key, value) {
		rc = read_entry(&c->entries[c->n], key, value, mem, err);
		if (rc < 0)
			return in_entry(key, err);
		c->n += (size_t)rc;
	}
	if (c->n > 1)
		qsort(c->entries, c->n, sizeof(*c->entries), by_key);
	return 0;
}

static int
read_helpers(struct docker_config *c, json_t *helpers, struct arena *mem,
    struct error *err)
{
	struct docker_helper *h;
	const char *key;
	json_t *value;

	if (json_object_size(helpers) > DOCKER_CONFIG_ENTRIES_MAX)
		return error_set(err, ERR_LIMIT, "more than %d helpers",
		    DOCKER_CONFIG_ENTRIES_MAX);
	c->helpers =
	    arena_calloc(mem, json_object_size(helpers), sizeof(*c->helpers));
	if (c->helpers == NULL)
		return nomem(err);
	json_object_foreach (helpers, key, value) {
		if (!json_is_string(value))
			return error_set(err, ERR_SYNTAX,
			    "a value of \"credHelpers\" is not a string");
		h = &c->helpers[c->nhelpers++];
		h->host = entry_key(key, mem);
		h->name = arena_strdup(mem, json_string_value(value));
		if (h->host == NULL || h->name == NULL)
			return nomem(err);
	}
	return 0;
}

/* The old .dockercfg is what stands under "auths" now, with nothing around. */
static bool
is_legacy(json_t *root)
{
	const char *key;
	json_t *value;

	json_object_foreach (root, key, value)
		if (json_object_get(value, "auth") != NULL ||
		    json_object_get(value, "username") != NULL)
			return true;
	return false;
}

int
docker_config_parse(struct docker_config *c, const char *text, size_t len,
    struct arena *mem, struct error *err)
{
	AUTO(json_decref) json_t *root = NULL;
	json_t *auths, *helpers;

	*c = (struct docker_config){0};
	if (len > DOCKER_CONFIG_BYTES_MAX)
		return error_set(err, ERR_LIMIT, "more than %d bytes",
		    DOCKER_CONFIG_BYTES_MAX);
	root = strict_parse(text, len, err);
	if (root == NULL || strict_object(root, "auths", &auths, err) != 0 ||
	    strict_object(root, "credHelpers", &helpers, err) != 0 ||
	    take_string(root, "credsStore", &c->store, mem, err) != 0)
		return -1;
	if (auths == NULL && is_legacy(root))
		auths = root;
	if (auths != NULL && read_entries(c, auths, mem, err) != 0)
		return -1;
	return helpers == NULL ? 0 : read_helpers(c, helpers, mem, err);
}

struct host_part {
	const char *host;
	size_t len; /* without port */
	const char *port;
	size_t port_len;
	const char *path; /* from the slash on, or "" */
};

static struct host_part
split(const char *s)
{
	struct host_part p = {.host = s, .port = ""};
	size_t end = strcspn(s, "/"), i;

	p.path = s + end;
	p.len = end;
	for (i = end; i > 0 && s[i - 1] != ']'; i--)
		if (s[i - 1] == ':') {
			p.len = i - 1;
			p.port = s + i;
			p.port_len = end - i;
			break;
		}
	return p;
}

/* One label of a host name against a glob. */
static bool
label_matches(const char *glob, size_t nglob, const char *label, size_t nlabel)
{
	char g[256], l[256];

	/* An IPv6 address would read as a class. */
	if (nglob == nlabel && memcmp(glob, label, nglob) == 0)
		return true;
	if (nglob >= sizeof(g) || nlabel >= sizeof(l))
		return false;
	memcpy(g, glob, nglob);
	g[nglob] = '\0';
	memcpy(l, label, nlabel);
	l[nlabel] = '\0';
	return fnmatch(g, l, 0) == 0;
}

static bool
host_matches(const struct host_part *glob, const struct host_part *host)
{
	size_t g = 0, h = 0, ng, nh;

	for (;;) {
		for (ng = 0; g + ng < glob->len && glob->host[g + ng] != '.';)
			ng++;
		for (nh = 0; h + nh < host->len && host->host[h + nh] != '.';)
			nh++;
		if (!label_matches(glob->host + g, ng, host->host + h, nh))
			return false;
		g += ng;
		h += nh;
		if (g == glob->len || h == host->len)
			return g == glob->len && h == host->len;
		g++;
		h++;
	}
}

/* The path is a plain prefix, with no boundary: the kubelet's rule. */
static bool
entry_matches(const char *key, const char *host, const char *path)
{
	struct host_part k = split(key), h = split(host);
	size_t n = strlen(k.path);

	if (k.port_len != h.port_len ||
	    memcmp(k.port, h.port, k.port_len) != 0 || !host_matches(&k, &h))
		return false;
	return n == 0 || strncmp(k.path + 1, path, n - 1) == 0;
}

size_t
docker_config_match(const struct docker_config *c, const char *host,
    const char *path, const struct credential **out, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < c->n && n < max; i++)
		if (entry_matches(c->entries[i].key, host, path))
			out[n++] = &c->entries[i].credential;
	if (n > 0 || strcmp(host, "docker.io") != 0)
		return n;
	for (i = 0; i < c->n && n < max; i++)
		if (strcmp(c->entries[i].key, hub_key) == 0)
			out[n++] = &c->entries[i].credential;
	return n;
}

const char *
docker_config_helper(const struct docker_config *c, const char *host)
{
	const bool hub = strcmp(host, "docker.io") == 0;
	size_t i;

	for (i = 0; i < c->nhelpers; i++)
		if (strcmp(c->helpers[i].host, host) == 0 ||
		    (hub && strcmp(c->helpers[i].host, hub_key) == 0))
			return c->helpers[i].name;
	return c->store;
}

int
credential_parse_helper(struct credential *c, const char *text, size_t len,
    struct arena *mem, struct error *err)
{
	AUTO(json_decref) json_t *root = strict_parse(text, len, err);
	const char *name, *secret;

	*c = (struct credential){0};
	if (root == NULL ||
	    take_string(root, "Username", &name, mem, err) != 0 ||
	    take_string(root, "Secret", &secret, mem, err) != 0)
		return -1;
	if (name == NULL || secret == NULL)
		return 0;
	if (strcmp(name, "<token>") == 0) {
		c->identity_token = secret;
	} else {
		c->username = name;
		c->password = secret;
	}
	return credential_seal(c, err) != 0 ? -1 : 1;
}
