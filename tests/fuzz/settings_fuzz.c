/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "policy/base/file.h"
#include "policy/reference.h"
#include "server/registry/settings.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { PRINTED_MAX = 1024 * 1024 };

/* Stands in for the one that reads: a file holds its own name, so that nothing
 * of this machine is opened and the input says all. */
char *
file_read(const char *path, size_t max, size_t *len, struct error *err)
{
	char *text = NULL;

	*len = strlen(path);
	if (*len > max)
		error_set(err, ERR_LIMIT, "over %zu bytes", max);
	else if (strncmp(path, "missing", 7) == 0)
		error_set(err, ERR_SYSTEM, "not there");
	else
		text = strdup(path);
	return text;
}

static void
must_be_host(const char *host, struct arena *mem)
{
	struct reference ref;
	struct error err = ERROR_INIT;
	const char *text = arena_printf(mem, "%s/a/b", host);

	MUST(reference_parse(&ref, text, mem, &err) == 0);
	MUST(strcmp(ref.host, host) == 0);
}

static void
check_host(const struct registry_settings *s, const struct registry_host *h,
    struct arena *mem)
{
	const struct credential *found[CREDENTIALS_MAX];
	size_t n;

	must_be_host(h->host, mem);
	MUST(registry_settings_find(s, h->host) != NULL);
	MUST(!h->plain_http || !h->skip_verify);
	MUST((h->client_cert.data == NULL) == (h->client_key.data == NULL));
	MUST(h->nmirrors <= SETTINGS_LIST_MAX);
	for (size_t i = 0; i < h->nmirrors; i++)
		must_be_host(h->mirrors[i].host, mem);
	for (size_t i = 0; i < h->token_realms.n; i++)
		must_be_host(h->token_realms.items[i], mem);
	if (h->has_credential)
		MUST(strchr(h->credential.username, ':') == NULL &&
		     *h->credential.password != '\0');
	n = registry_settings_credentials(
	    s, h->host, "team/app", NULL, found, CREDENTIALS_MAX);
	MUST(n <= CREDENTIALS_MAX);
	for (size_t i = 0; i < n; i++)
		MUST(reference_is_digest(found[i]->id));
}

static void
check(const struct registry_settings *s)
{
	AUTO(arena_free) struct arena *mem = arena_new();

	if (mem == NULL)
		return;
	MUST(s->tag_ttl >= 0 && s->stale_for >= 0 && s->negative_ttl >= 0);
	for (size_t i = 0; i < s->nallow; i++)
		MUST(s->allow[i].prefix <= 128 &&
		     net_has(&s->allow[i], s->allow[i].addr));
	for (size_t i = 0; i < s->nhosts; i++)
		check_host(s, &s->hosts[i], mem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(document_stream_free) struct document_stream *stream = NULL;
	AUTO(document_free) struct document *doc = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	AUTO(registry_settings_unref) struct registry_settings *s = NULL;
	AUTO(buf_clear) struct buf said = BUF_INIT(PRINTED_MAX);
	struct error err = ERROR_INIT;
	struct node root;
	struct mark at;

	diagnostics_init(&d, "config.yaml");
	stream = document_stream_new((const char *)data, size, &err);
	if (stream == NULL || document_next(stream, &doc, &at, &err) != 1)
		return 0;
	root = document_node(doc);
	s = registry_settings_parse(&root, &d, NULL);
	MUST((s == NULL) == (d.errors > 0));
	diagnostics_print(&d, &said);
	for (size_t i = 0; i < d.len; i++)
		must_be_plain(d.items[i].message);
	if (s != NULL)
		check(s);
	return 0;
}
