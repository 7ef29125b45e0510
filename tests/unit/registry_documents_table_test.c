/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of manifests, indexes and configs that are nearly right, as Go's
 * encoding/json reads them: keys in any case, the last of several wins. We read
 * the same facts, or none: to read others would be a way around every rule,
 * since nodes run what Go reads.
 */
#include "policy/base/buf.h"
#include "policy/base/tree.h"
#include "server/registry/config.h"
#include "tests/unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:" HEX16 HEX16 HEX16 HEX16
#define HEX16 "0123456789abcdef"

enum { DOCUMENT_MAX = 64 * 1024, KEY_MAX = 1024, LAYERS = 8 };

/* The document that edits are made to, and what Go knows of it. */
struct base {
	char *kind;
	char *text;
	json_t *facts;
};

static void
base_clear(struct base *base)
{
	free(base->kind);
	free(base->text);
	json_decref(base->facts);
	*base = (struct base){NULL};
}

/* Facts by where they stand: "layers.0.size". */
static void
put(json_t *facts, json_t *value, const char *fmt, ...)
{
	char key[KEY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	assert_int_equal(json_object_set_new(facts, key, value), 0);
}

static void
put_count(json_t *facts, const char *key, size_t n)
{
	put(facts, json_integer((json_int_t)n), "%s", key);
}

static void
put_list(json_t *facts, const char *key, const struct string_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		put(facts, json_string(list->items[i]), "%s.%zu", key, i);
}

static void
put_set(json_t *facts, const char *key, const struct string_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		put(facts, json_true(), "%s.%s", key, list->items[i]);
}

static void
put_pairs(json_t *facts, const char *key, const struct pair_list *list)
{
	put_count(facts, key, list->n);
	for (size_t i = 0; i < list->n; i++)
		put(facts, json_string(list->items[i].value), "%s.%s", key,
		    list->items[i].key);
}

static void
put_descriptor(json_t *facts, const char *key, const struct descriptor *d)
{
	put(facts, json_string(d->media_type), "%s.mediaType", key);
	put(facts, json_string(d->digest), "%s.digest", key);
	put(facts, json_integer(d->size), "%s.size", key);
}

static void
put_platform(json_t *facts, const char *key, const struct platform *p)
{
	put(facts,
	    json_sprintf(
		"%s/%s/%s/%s", p->os, p->arch, p->variant, p->os_version),
	    "%s", key);
}

static json_t *
manifest_facts(const struct manifest *m)
{
	json_t *facts = json_object();
	char key[KEY_MAX];

	put(facts, json_string(m->media_type), "mediaType");
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

	put(facts, json_string(img->user), "user");
	put_list(facts, "env", &img->env);
	put_list(facts, "entrypoint", &img->entrypoint);
	put_list(facts, "cmd", &img->cmd);
	put_set(facts, "ports", &img->ports);
	put_set(facts, "volumes", &img->volumes);
	put_pairs(facts, "labels", &img->labels);
	put_platform(facts, "platform", &img->platform);
	if (img->has_created)
		put(facts, json_integer(img->created), "created");
	put_list(facts, "diff_ids", &img->diff_ids);
	put_count(facts, "history", img->nhistory);
	for (size_t i = 0; i < img->nhistory; i++) {
		const struct history *h = &img->history[i];

		put(facts, json_string(h->created_by), "history.%zu.created_by",
		    i);
		put(facts, json_string(h->comment), "history.%zu.comment", i);
		put(facts, json_boolean(h->empty_layer),
		    "history.%zu.empty_layer", i);
	}
	return facts;
}

/* Ours: a new reference, or NULL where it is refused. */
static json_t *
read_config(const char *text, size_t len, struct error *err)
{
	struct layer layers[LAYERS];
	struct manifest m = {
	    .media_type = "", .config.digest = DIGEST, .layers = layers};
	AUTO(image_unref) struct image *img = NULL;

	for (size_t i = 0; i < LAYERS; i++)
		layers[i] = (struct layer){DIGEST, "", 1000};
	/* As many layers as the config has diff_ids: the manifest is another
	 * test's. */
	for (m.nlayers = 0; img == NULL && m.nlayers <= LAYERS; m.nlayers++) {
		error_clear(err);
		img = config_read(&m, DIGEST, text, len, err);
	}
	return img != NULL ? config_facts(img) : NULL;
}

static json_t *
read_ours(const struct base *base, const char *text, size_t len,
    struct arena *mem, struct error *err)
{
	struct manifest m;

	if (strcmp(base->kind, "config") == 0)
		return read_config(text, len, err);
	/* No runtime runs an artifact, and we judge none. */
	if (manifest_parse(&m, text, len, NULL, mem, err) != 0 ||
	    m.kind == MANIFEST_ARTIFACT)
		return NULL;
	return manifest_facts(&m);
}

/* The base's facts with what changes of them. */
static json_t *
changed(const struct base *base, const char *changes)
{
	AUTO(json_decref)
	json_t *other = tree_parse(changes, strlen(changes), 0, NULL);
	json_t *facts = json_deep_copy(base->facts), *value;
	const char *key;

	assert_non_null(other);
	json_object_foreach (other, key, value) {
		if (json_is_null(value))
			json_object_del(facts, key);
		else
			json_object_set(facts, key, value);
	}
	return facts;
}

/* Leaves in both what is not in both. */
static void
remove_equal(json_t *a, json_t *b)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(a, next, key, value)
	{
		if (json_equal(value, json_object_get(b, key))) {
			json_object_del(b, key);
			json_object_del(a, key);
		}
	}
}

static void
tell(struct table *t, const struct row *row, json_t *ours, json_t *theirs)
{
	AUTO(free) char *we = NULL;
	AUTO(free) char *they = NULL;

	remove_equal(ours, theirs);
	we = tree_dump(ours, JSON_SORT_KEYS);
	they = tree_dump(theirs, JSON_SORT_KEYS);
	table_wrong(t, row, "%s at %s: we read %s, Go %s", row->cells[2].text,
	    row->cells[0].text, we, they);
}

static void
compare(struct table *t, const struct row *row, const struct base *base,
    const struct buf *text, const char *changes)
{
	struct error err = ERROR_INIT;
	AUTO(json_decref)
	json_t *ours = read_ours(base, buf_text(text), text->len, t->mem, &err);
	AUTO(json_decref) json_t *theirs = NULL;
	const bool read = strcmp(changes, "!") != 0;

	if (ours == NULL) {
		t->strict += read;
		t->refused += !read;
	} else if (!read) {
		/* Nodes cannot run what Go does not read. */
		t->lenient++;
	} else {
		theirs = changed(base, changes);
		/* Go takes times that RFC 3339 does not have (an hour of one
		 * digit, a comma): they say nothing of the age here. */
		if (json_object_get(ours, "created") == NULL)
			json_object_del(theirs, "created");
		if (json_equal(ours, theirs))
			t->equal++;
		else
			tell(t, row, ours, theirs);
	}
}

static void
check(struct table *t, const struct row *row, void *arg)
{
	struct base *base = arg;
	AUTO(buf_clear) struct buf b = BUF_INIT(DOCUMENT_MAX);
	size_t at, cut;

	if (strspn(row->cells[0].text, "0123456789") < row->cells[0].len) {
		base_clear(base);
		base->kind = strdup(row->cells[0].text);
		base->text = strdup(row->cells[1].text);
		base->facts =
		    tree_parse(row->cells[2].text, row->cells[2].len, 0, NULL);
		assert_non_null(base->facts);
		return;
	}
	at = strtoul(row->cells[0].text, NULL, 10);
	cut = strtoul(row->cells[1].text, NULL, 10);
	buf_add(&b, base->text, at);
	buf_add(&b, row->cells[2].text, row->cells[2].len);
	buf_puts(&b, base->text + at + cut);
	compare(t, row, base, &b, row->cells[3].text);
}

static void
reads_the_facts_that_go_reads_or_none(void **state)
{
	struct base base = {NULL};

	(void)state;
	table_each("tests/data/tables/documents.tsv", check, &base);
	base_clear(&base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_the_facts_that_go_reads_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
