/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/manifest.h"
#include "server/admission/review.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check_workload(const struct workload *w)
{
	const struct container *c;

	MUST(w->kind[0] != '\0' && w->namespace != NULL && w->name != NULL);
	for (size_t i = 0; i < w->labels.n; i++)
		MUST(w->labels.items[i].value != NULL);
	for (size_t i = 0; i < w->platforms.n; i++)
		MUST(w->platforms.items[i].os[0] != '\0' ||
		     w->platforms.items[i].arch[0] != '\0');
	for (size_t i = 0; i < w->ncontainers; i++) {
		c = &w->containers[i];
		MUST(c->image[0] != '\0' && c->name != NULL);
		MUST(strstr(c->path, "spec.") != NULL);
		must_be_plain(c->path);
	}
}

/* Whatever was asked, the answer is addressed to who asked. */
static void
check_answer(const struct review *r)
{
	const struct review_answer a = {.code = 403, .message = r->name};
	AUTO(free) char *text = NULL;
	AUTO(json_decref) json_t *root = NULL;
	struct error err = ERROR_INIT;
	json_t *response;
	size_t len;

	text = review_answer_encode(r, &a, &len, &err);
	MUST(text != NULL && len == strlen(text));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	response = json_object_get(root, "response");
	MUST(strcmp(json_string_value(json_object_get(response, "uid")),
		 r->uid) == 0);
	MUST(json_is_false(json_object_get(response, "allowed")));
}

static int
found(void *arg, struct workload *w)
{
	(void)arg;
	MUST(strcmp(w->source, "f:1") == 0);
	check_workload(w);
	workload_free(w);
	return 0;
}

static void
skipped(void *arg, const char *what)
{
	(void)arg;
	must_be_plain(what);
}

static void
check_manifest(json_t *root)
{
	const struct manifest_visitor v = {found, skipped, NULL};
	struct error err = ERROR_INIT;

	if (manifest_walk(root, "f:1", "default", &v, &err) != 0) {
		MUST(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		must_be_plain(err.msg);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	AUTO(review_free) struct review *r = NULL;
	AUTO(json_decref) json_t *root = NULL;

	root = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
	if (root != NULL)
		check_manifest(root);
	r = review_parse((const char *)data, size, &err);
	if (r == NULL) {
		MUST(err.code == ERR_SYNTAX || err.code == ERR_INVALID ||
		     err.code == ERR_LIMIT);
		must_be_plain(err.msg);
		return 0;
	}
	MUST(r->malformed == NULL || r->workload == NULL);
	if (r->malformed != NULL)
		must_be_plain(r->malformed);
	if (r->workload != NULL)
		check_workload(r->workload);
	check_answer(r);
	return 0;
}
