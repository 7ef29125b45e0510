/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as sigs.k8s.io/yaml reads it, which kubectl reads files with: what it
 * would send to a cluster is what is judged before. */
#include "policy/base/document.h"

#include "tests/unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

struct known {
	const char *sign;
	const char *why;
	size_t met;
};

/* What we alone refuse, by our message. */
static struct known stricter[] = {
    {"stands twice", "the last of several keys wins there", 0},
    {"tools disagree which one counts", "kubectl has it beat what stands there",
	0},
    {"NUL character", "no text of ours holds one", 0},
    {"that JSON does not have", "a key of .inf is text there", 0},
    {"binary values", "they are text there", 0},
    {"did not find expected", "what follows the first value is not read there",
	0},
    {"invalid token", "what begins with a bracket is read as JSON alone", 0},
    {"expected near", "the same", 0},
    {"the JSON ends before this", "the same", 0},
};

/* What both read, and not as the same, by the text. */
static struct known other[] = {
    {"-0.0: 1", "a key of -0.0 is -0 there, 0 here", 0},
    {"1e3}", "a real in JSON, as it says; whole there", 0},
    {"9223372036854775808", "over 64 bits: a real", 0},
    {"9223372036854775809", "the same, and cut there", 0},
    {"1844674407370955161", "the same", 0},
};

static bool
is_known(const char *text, struct known *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strstr(text, list[i].sign) != NULL) {
			list[i].met++;
			return true;
		}
	}
	return false;
}

static void
must_all_be_met(const struct known *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].met == 0)
			fail_msg("nothing met \"%s\" (%s)", list[i].sign,
			    list[i].why);
}

/* The first document: a new reference, null where there is none, or NULL. */
static json_t *
first_of(const char *text, size_t len, struct error *err)
{
	AUTO(document_stream_free)
	struct document_stream *s = document_stream_new(text, len, err);
	AUTO(document_free) struct document *d = NULL;
	struct mark at;
	int rc;

	assert_non_null(s);
	rc = document_next(s, &d, &at, err);
	if (rc < 0)
		return NULL;
	return rc > 0 ? json_incref(document_root(d)) : json_null();
}

static void
check(struct table *t, const struct row *row, void *arg)
{
	const char *text = row->cells[0].text, *value = row->cells[1].text;
	const bool theirs = strcmp(value, "!") != 0;
	struct error err = ERROR_INIT;
	AUTO(json_decref)
	json_t *got = first_of(text, row->cells[0].len, &err);
	AUTO(json_decref) json_t *want = NULL;

	(void)arg;
	if (got != NULL && theirs) {
		want = first_of(value, row->cells[1].len, &err);
		if (!json_equal(got, want) && !is_known(text, other, N(other)))
			table_wrong(t, row, "\"%s\" is not %s", text, value);
		t->equal++;
	} else if (got != NULL) {
		t->lenient++;
	} else if (theirs) {
		t->strict++;
		if (!is_known(err.msg, stricter, N(stricter)))
			table_wrong(t, row, "kubectl reads \"%s\", we say: %s",
			    text, err.msg);
	} else {
		t->refused++;
	}
}

static void
reads_yaml_as_kubectl_does(void **state)
{
	(void)state;
	table_each("tests/data/tables/yaml.tsv", check, NULL);
	must_all_be_met(stricter, N(stricter));
	must_all_be_met(other, N(other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_yaml_as_kubectl_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
