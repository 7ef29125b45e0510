/* SPDX-License-Identifier: Apache-2.0 */
/* References as distribution/reference reads them, with which runtimes and the
 * kubelet take them apart. */
#include "policy/reference.h"

#include "tests/unit/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* What we refuse and runtimes do not: each has to be met. */
static struct {
	const char *message;
	const char *why;
	size_t met;
} stricter[] = {
    {"registry host must be lowercase", "two spellings of one registry", 0},
    {"host must not contain '_'", "no host of the DNS has one", 0},
    {"number in a form that could mean another address",
	"resolvers read 127.1 as 127.0.0.1", 0},
    {"registry port is out of range", "nothing can be connected to there", 0},
    {"registry port must not begin with 0", "two spellings of one port", 0},
    {"registry's name is longer than", "the DNS has no such name", 0},
    {"digest must be sha256 or sha512", "it could not be verified: sha384", 0},
    {"ID of an image", "containerd runs what a node has by that ID", 0},
};

static void
same(struct table *t, const struct row *row, size_t cell, const char *part,
    const char *ours)
{
	const char *theirs = row->cells[cell].text;

	if (strcmp(ours == NULL ? "" : ours, theirs) != 0)
		table_wrong(t, row, "\"%s\": %s is \"%s\", not \"%s\"",
		    row->cells[0].text, part, ours == NULL ? "" : ours, theirs);
}

static void
check_stricter(struct table *t, const struct row *row, const char *message)
{
	for (size_t i = 0; i < N(stricter); i++) {
		if (strstr(message, stricter[i].message) == NULL)
			continue;
		stricter[i].met++;
		t->strict++;
		return;
	}
	table_wrong(t, row, "runtimes take \"%s\", we say: %s",
	    row->cells[0].text, message);
}

static void
check(struct table *t, const struct row *row, void *arg)
{
	const char *text = row->cells[0].text;
	const bool theirs = row->n > 2;
	struct error err = ERROR_INIT;
	struct reference ref;

	(void)arg;
	/* No string of ours holds a NUL: JSON with one is refused. */
	if (strlen(text) != row->cells[0].len) {
		if (theirs)
			table_wrong(t, row, "a reference with a NUL");
		t->refused++;
		return;
	}
	if (reference_parse(&ref, text, t->mem, &err) != 0) {
		if (theirs)
			check_stricter(t, row, err.msg);
		else
			t->refused++;
		return;
	}
	if (!theirs) {
		table_wrong(t, row, "no runtime takes \"%s\"", text);
		return;
	}
	t->equal++;
	same(t, row, 1, "the host", ref.host);
	same(t, row, 2, "the path", ref.path);
	same(t, row, 3, "the tag", ref.tag);
	same(t, row, 4, "the digest", ref.digest);
	same(t, row, 5, "the tag as written", ref.tag_written);
}

static void
reads_references_as_runtimes_do(void **state)
{
	(void)state;
	table_each("tests/data/tables/references.tsv", check, NULL);
	for (size_t i = 0; i < N(stricter); i++)
		if (stricter[i].met == 0)
			fail_msg("nothing was refused because: %s (%s)",
			    stricter[i].message, stricter[i].why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_references_as_runtimes_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
