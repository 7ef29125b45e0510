/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of manifests, indexes and configs that are nearly right, as Go's
 * encoding/json reads them: keys in any case, the last of several wins. */
#include "server/registry/config.h"
#include "tests/unit/edits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:" HEX16 HEX16 HEX16 HEX16
#define HEX16 "0123456789abcdef"

enum { KEY_MAX = 64, LAYERS = 8 };

static void
put_count(json_t *facts, const char *key, size_t n)
{
	facts_put(facts, json_integer((json_int_t)n), "%s", key);
}

static void
put_list(json_t *facts, const char *key, const struct string_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		facts_put(facts, json_string(list->items[i]), "%s.%zu", key, i);
}

static void
put_set(json_t *facts, const char *key, const struct string_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		facts_put(facts, json_true(), "%s.%s", key, list->items[i]);
}

static void
put_pairs(json_t *facts, const char *key, const struct pair_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		facts_put(facts, json_string(list->items[i].value), "%s.%s",
		    key, list->items[i].key);
}

static void
put_descriptor(json_t *facts, const char *key, const struct descriptor *d)
{
	facts_put(facts, json_string(d->media_type), "%s.mediaType", key);
	facts_put(facts, json_string(d->digest), "%s.digest", key);
	facts_put(facts, json_integer(d->size), "%s.size", key);
}

static void
put_platform(json_t *facts, const char *key, const struct platform *p)
{
	facts_put(facts,
	    json_sprintf(
		"%s/%s/%s/%s", p->os, p->arch, p->variant, p->os_version),
	    "%s", key);
}

static json_t *
manifest_facts(const struct manifest *m)
{
	json_t *facts = json_object();
	char key[KEY_MAX];

	facts_put(facts, json_string(m->media_type), "mediaType");
	if (m->kind == MANIFEST_INDEX) {
		put_count(facts, "manifests", m->nentries);
		for (size_t i = 0; i < m->nentries; i++) {
			const struct index_entry *e = &m->entries[i];

			snprintf(key, sizeof(key), "manifests.%zu", i);
			put_descriptor(facts, key, &e->d);
			snprintf(key, sizeof(key), "manifests.%zu.platform", i);
			if (e->has_platform)
				put_platform(facts, key, &e->platform);
		}
		return facts;
	}
	put_descriptor(facts, "config", &m->config);
	put_count(facts, "layers", m->nlayers);
	for (size_t i = 0; i < m->nlayers; i++) {
		const struct layer *l = &m->layers[i];
		const struct descriptor d = {
		    l->media_type, l->digest, l->size, NULL};

		snprintf(key, sizeof(key), "layers.%zu", i);
		put_descriptor(facts, key, &d);
	}
	put_pairs(facts, "annotations", &m->annotations);
	return facts;
}

static json_t *
config_facts(const struct image *img)
{
	json_t *facts = json_object();

	facts_put(facts, json_string(img->user), "user");
	put_list(facts, "env", &img->env);
	put_list(facts, "entrypoint", &img->entrypoint);
	put_list(facts, "cmd", &img->cmd);
	put_set(facts, "ports", &img->ports);
	put_set(facts, "volumes", &img->volumes);
	put_pairs(facts, "labels", &img->labels);
	put_platform(facts, "platform", &img->platform);
	if (img->has_created)
		facts_put(facts, json_integer(img->created), "created");
	put_list(facts, "diff_ids", &img->diff_ids);
	put_count(facts, "history", img->nhistory);
	for (size_t i = 0; i < img->nhistory; i++) {
		const struct history *h = &img->history[i];

		facts_put(facts, json_string(h->created_by),
		    "history.%zu.created_by", i);
		facts_put(
		    facts, json_string(h->comment), "history.%zu.comment", i);
		facts_put(facts, json_boolean(h->empty_layer),
		    "history.%zu.empty_layer", i);
	}
	return facts;
}

static json_t *
read_config(const char *text, size_t len)
{
	struct error err = ERROR_INIT;
	struct layer layers[LAYERS];
	struct manifest m = {
	    .media_type = "", .config.digest = DIGEST, .layers = layers};
	AUTO(image_unref) struct image *img = NULL;

	for (size_t i = 0; i < LAYERS; i++)
		layers[i] = (struct layer){DIGEST, "", 1000};
	/* As many layers as the config has diff_ids: the manifest is another
	 * test's. */
	for (m.nlayers = 0; img == NULL && m.nlayers <= LAYERS; m.nlayers++) {
		error_clear(&err);
		img = config_read(&m, DIGEST, text, len, &err);
	}
	return img != NULL ? config_facts(img) : NULL;
}

static json_t *
read_document(const char *kind, const char *text, size_t len, struct arena *mem)
{
	struct error err = ERROR_INIT;
	struct manifest m;

	if (strcmp(kind, "config") == 0)
		return read_config(text, len);
	/* No runtime runs an artifact, and we judge none. */
	if (manifest_parse(&m, text, len, NULL, mem, &err) != 0 ||
	    m.kind == MANIFEST_ARTIFACT)
		return NULL;
	return manifest_facts(&m);
}

/* Go takes times that RFC 3339 does not have (an hour of one digit, a comma):
 * they say nothing of the age here. */
static void
reads_the_facts_that_go_reads_or_none(void **state)
{
	(void)state;
	edits_compare(
	    "tests/data/tables/documents.tsv", read_document, "created");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_the_facts_that_go_reads_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
