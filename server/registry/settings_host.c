/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/check.h"
#include "policy/base/file.h"
#include "policy/reference.h"
#include "server/registry/settings_read.h"
#include "server/registry/url.h"

#include <string.h>

void
settings_nomem(struct parse *p, const struct node *n)
{
	diagnostics_error(p->d, n, "out of memory");
}

/* A string, or NULL where absent or reported. */
const char *
settings_string(struct parse *p, const struct node *n)
{
	if (n->value == NULL)
		return NULL;
	if (!json_is_string(n->value) || *json_string_value(n->value) == '\0') {
		diagnostics_error(p->d, n, "must be a string");
		return NULL;
	}
	return json_string_value(n->value);
}

const char *
settings_copy(struct parse *p, const struct node *n, const char *s)
{
	char *out = arena_strdup(p->s->mem, s);

	if (out == NULL)
		settings_nomem(p, n);
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

char *
settings_read(struct parse *p, const struct node *n, const char *path,
    size_t max, size_t *len)
{
	AUTO(free) char *data = NULL;
	struct error err = ERROR_INIT;

	if (p->listener != NULL)
		p->listener->named(p->listener->arg, path);
	data = file_read(path, max, len, &err);
	if (data == NULL ||
	    digest_update(p->seen, len, sizeof(*len), &err) != 0 ||
	    digest_update(p->seen, data, *len, &err) != 0) {
		diagnostics_error(p->d, n, "%s", err.msg);
		return NULL;
	}
	return TAKE(data);
}

/* The bytes of the file that a member names. */
static struct pem
read_pem(
    struct parse *p, const struct node *parent, const char *key, size_t max)
{
	struct node n = node_get(parent, key);
	const char *path = settings_string(p, &n);
	AUTO(free) char *data = NULL;
	struct pem pem = {0};

	if (path == NULL)
		return pem;
	data = settings_read(p, &n, path, max, &pem.len);
	if (data == NULL)
		return pem;
	pem.data = arena_strndup(p->s->mem, data, pem.len);
	explicit_bzero(data, pem.len);
	if (pem.data == NULL)
		settings_nomem(p, &n);
	return pem;
}

/* The same of a file that `check` has nothing to say against: it would be told
 * at first use otherwise, and of the registry. */
static struct pem
read_checked(struct parse *p, const struct node *parent, const char *key,
    int (*check)(const char *pem, size_t len, struct error *err))
{
	struct node n = node_get(parent, key);
	struct pem pem = read_pem(p, parent, key, SETTINGS_PEM_MAX);
	struct error err = ERROR_INIT;

	if (pem.data != NULL && check(pem.data, pem.len, &err) != 0)
		diagnostics_error(
		    p->d, &n, "%s: %s", json_string_value(n.value), err.msg);
	return pem;
}

/* A host as references write it: "registry.corp:5000". */
static bool
is_host(const char *host)
{
	AUTO(arena_free) struct arena *mem = arena_new();
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
	const char *host = settings_string(p, n);

	if (host == NULL)
		return NULL;
	if (!is_host(host)) {
		diagnostics_error(p->d, n,
		    "must be a host as image references write it, with a "
		    "port where there is one: \"registry.corp:5000\"");
		return NULL;
	}
	return settings_copy(p, n, host);
}

/* Whether it is a list that is not too long; absent is an empty one. */
size_t
settings_list_size(struct parse *p, const struct node *n)
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
	size_t i, len = settings_list_size(p, &n);
	const char **items = arena_calloc(p->s->mem, len, sizeof(*items));

	if (items == NULL) {
		settings_nomem(p, &n);
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
	size_t i, len = settings_list_size(p, &n);
	struct mirror *m = arena_calloc(p->s->mem, len, sizeof(*m));

	if (m == NULL) {
		settings_nomem(p, &n);
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
	struct pem pem = read_pem(p, parent, key, SETTINGS_SECRET_MAX);
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
		settings_nomem(p, &n);
}

static void
read_proxy(struct parse *p, const struct node *parent, struct registry_host *h)
{
	struct node n = node_get(parent, "proxy");
	const char *text = settings_string(p, &n);
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
	h->proxy = settings_copy(p, &n, text);
}

static void
check_host(struct parse *p, const struct node *n)
{
	if (strcmp(n->key, "registry-1.docker.io") == 0 ||
	    strcmp(n->key, "index.docker.io") == 0)
		diagnostics_error_key(p->d, n,
		    "is Docker Hub, which image references write "
		    "\"docker.io\"");
	else if (!is_host(n->key))
		diagnostics_error_key(p->d, n,
		    "must be a host as image references write it, with a "
		    "port where there is one: \"registry.corp:5000\"");
}

void
settings_registry(
    struct parse *p, const struct node *n, struct registry_host *h)
{
	static const char *const keys[] = {"caFile", "plainHttp", "clientCert",
	    "clientKey", "proxy", "skipVerify", "mirrors", "tokenRealms",
	    "credentials", NULL};

	check_host(p, n);
	h->host = settings_copy(p, n, n->key);
	if (json_is_null(n->value) || !diagnostics_check_keys(p->d, n, keys))
		return;
	h->plain_http = read_bool(p, n, "plainHttp", false);
	h->skip_verify = read_bool(p, n, "skipVerify", false);
	h->ca = read_checked(p, n, "caFile", check_certificates);
	h->client_cert = read_checked(p, n, "clientCert", check_certificates);
	h->client_key = read_checked(p, n, "clientKey", check_private_key);
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
