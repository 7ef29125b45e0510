/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/edits.h"

#include "policy/base/buf.h"
#include "policy/base/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DOCUMENT_MAX = 64 * 1024, KEY_MAX = 1024 };

/* The document that edits are made to, and what Go knows of it. */
struct base {
	json_t *(*read)(
	    const char *kind, const char *text, size_t len, struct arena *mem);
	const char *may_lack;
	char *kind;
	char *text;
	json_t *facts;
};

void
facts_put(json_t *facts, json_t *value, const char *fmt, ...)
{
	char key[KEY_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(key, sizeof(key), fmt, ap);
	va_end(ap);
	assert_int_equal(json_object_set_new(facts, key, value), 0);
}

/* The base's facts with what changes of them. */
static json_t *
changed(const struct base *base, const char *changes)
{
	AUTO(json_decref)
	json_t *other =
	    tree_parse(changes, strlen(changes), JSON_ALLOW_NUL, NULL);
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
compare_facts(struct table *t, const struct row *row, const struct base *base,
    json_t *ours, json_t *theirs)
{
	AUTO(free) char *we = NULL;
	AUTO(free) char *they = NULL;

	if (base->may_lack != NULL &&
	    json_object_get(ours, base->may_lack) == NULL)
		json_object_del(theirs, base->may_lack);
	if (json_equal(ours, theirs)) {
		t->equal++;
		return;
	}
	remove_equal(ours, theirs);
	we = tree_dump(ours, JSON_SORT_KEYS);
	they = tree_dump(theirs, JSON_SORT_KEYS);
	table_wrong(t, row, "%s at %s: we read %s, Go %s", row->cells[2].text,
	    row->cells[0].text, we, they);
}

static void
compare(struct table *t, const struct row *row, const struct base *base,
    const struct buf *text)
{
	const char *changes = row->cells[3].text;
	const bool read = strcmp(changes, "!") != 0;
	AUTO(json_decref)
	json_t *ours =
	    base->read(base->kind, buf_text(text), text->len, t->mem);
	AUTO(json_decref) json_t *theirs = NULL;

	if (ours == NULL) {
		t->strict += read;
		t->refused += !read;
	} else if (read) {
		theirs = changed(base, changes);
		compare_facts(t, row, base, ours, theirs);
	} else {
		/* What Go does not read does not run. */
		t->lenient++;
	}
}

static void
clear(struct base *base)
{
	free(base->kind);
	free(base->text);
	json_decref(base->facts);
}

static void
check(struct table *t, const struct row *row, void *arg)
{
	struct base *base = arg;
	AUTO(buf_clear) struct buf b = BUF_INIT(DOCUMENT_MAX);
	size_t at, cut;

	if (strspn(row->cells[0].text, "0123456789") < row->cells[0].len) {
		clear(base);
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
	compare(t, row, base, &b);
}

void
edits_compare(const char *path,
    json_t *(*read)(
	const char *kind, const char *text, size_t len, struct arena *mem),
    const char *may_lack)
{
	struct base base = {.read = read, .may_lack = may_lack};

	table_each(path, check, &base);
	clear(&base);
}
