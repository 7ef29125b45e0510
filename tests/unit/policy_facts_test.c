/* SPDX-License-Identifier: Apache-2.0 */
/* Facts that somebody wrote down. Takes a second. */
#include "policy/base/document.h"
#include "policy/facts_read.h"
#include "tests/unit/alloc.h"
#include "tests/unit/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SAID_MAX = 4096 };

/* What is known of the first platform of a set, as text to compare. */
static void
tell(const struct image_set *set, struct buf *b)
{
	const struct image *img = set->images[0];
	size_t i;

	buf_printf(b, "%zu %s/%s size %lld user '%s' created %lld history %d",
	    set->n, img->platform.os, img->platform.arch, (long long)img->size,
	    img->user, (long long)img->created, img->history_state);
	for (i = 0; i < img->env.n; i++)
		buf_printf(b, " %s", img->env.items[i]);
	for (i = 0; i < img->labels.n; i++)
		buf_printf(b, " %s=%s", img->labels.items[i].key,
		    img->labels.items[i].value);
	for (i = 0; i < img->nlayers; i++)
		buf_printf(b, " %.8s '%s'", img->layers[i].digest,
		    i < img->nhistory ? img->history[i].created_by : "");
}

static struct document *
open_facts(const char *text)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(64 * 1024);

	buf_printf(&b, "p: %s", text);
	return judge_document(buf_text(&b), b.len);
}

/* What was read, or else what was said to be wrong. */
static bool
read_facts(const struct document *doc, struct buf *said)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	AUTO(image_set_unref) struct image_set *set = NULL;
	AUTO(diagnostics_clear) struct diagnostics d;
	struct reader r = {.mem = mem, .diagnostics = &d};
	const struct node root = document_node(doc);
	const struct node platforms = node_get(&root, "p");

	diagnostics_init(&d, "f");
	if (mem == NULL)
		return false;
	set = facts_read(&r, &platforms);
	assert_int_equal(set == NULL, d.errors > 0);
	if (set != NULL)
		tell(set, said);
	else
		diagnostics_print(&d, said);
	return set != NULL;
}

#define ONE "1 linux/amd64 "
#define PLAIN "user '' created 0 history 1"

static const struct {
	const char *text;
	const char *wanted;
} rows[] = {
    {"[{layers: []}]", ONE "size 0 " PLAIN},
    {"[{platform: linux/arm64, user: '7', layers: [{size: 2k, digest: x, "
     "createdBy: RUN y}], created: 2026-01-02}, {}]",
	"2 linux/arm64 size 2000 user '7' created 1767312000 history 1 x "
	"'RUN y'"},
    {"[{platform: null, user: null, created: null, history: absent, "
     "layers: [{size: 1, createdBy: RUN y}]}]",
	ONE "size 1 user '' created 0 history 0 sha256:0 ''"},
    {"[{created: '2026-01-02T00:00:01Z', history: unreliable, layers: []}]",
	ONE "size 0 user '' created 1767312001 history 2"},
    /* Secrets that inspect hid are secrets still. */
    {"[{env: [A=***, B=c***d, C=***/***, D=*], layers: [{size: 1, digest: x, "
     "createdBy: 'RUN P=*** y'}]}]",
	ONE "size 1 " PLAIN " A=env://hidden:by-inspect@image"
	    " B=chidden-by-inspectd"
	    " C=env://hidden:by-inspect@image/hidden-by-inspect D=*"
	    " x 'RUN P=env://hidden:by-inspect@image y'"},
    {"[{labels: {a: b, c: d}}]", ONE "size 0 " PLAIN " a=b c=d"},
    /* What is wrong. */
    {"[]",
	"f:1:4: error: p: expected a list of 1 to 64 platforms, found an empty list\n"},
    {"a",
	"f:1:4: error: p: expected a list of 1 to 64 platforms, found \"a\"\n"},
    {"[a]",
	"f:1:5: error: p[0]: must be a mapping (platform, digest, "
	"size, created, user, layers, history, env, labels, ports, volumes, "
	"entrypoint, cmd, base), not text\n"},
    {"[{layers: {}}]",
	"f:1:14: error: p[0].layers: expected a list of layers, found an empty mapping\n"},
    {"[{layers: [a, {size: 1}]}]",
	"f:1:15: error: p[0].layers[0]: must be a mapping (digest, size, mediaType, "
	"createdBy, base), not text\n"},
    {"[{layers: [{digest: x}, {size: -1}, {size: 1.5}, {size: big}]}]",
	"f:1:15: error: p[0].layers[0]: `size` is missing\n"
	"f:1:35: error: p[0].layers[1].size: expected a size such as 30Mi, "
	"found the number -1\n"
	"f:1:47: error: p[0].layers[2].size: expected a size such as 30Mi, "
	"found the number 1.5\n"
	"f:1:60: error: p[0].layers[3].size: expected a size such as 30Mi, "
	"found \"big\"\n"},
    {"[{layers: [{size: 1, createdBy: 7}]}]",
	"f:1:36: error: p[0].layers[0].createdBy: expected text in quotes, "
	"found the number 7\n"},
    {"[{user: 7}]",
	"f:1:12: error: p[0].user: expected text in quotes, found the number "
	"7\n"},
    {"[{env: {a: b}}]",
	"f:1:11: error: p[0].env: expected a list, each element text, found a "
	"mapping\n"},
    {"[{labels: [a]}]",
	"f:1:14: error: p[0].labels: expected a mapping of names to values, "
	"found a list\n"},
    {"[{created: soon}]",
	"f:1:15: error: p[0].created: expected a time such as "
	"2026-01-31T12:00:00Z, found \"soon\"\n"},
    {"[{history: maybe}]",
	"f:1:15: error: p[0].history: expected absent, reliable or unreliable, "
	"found \"maybe\"\n"},
    {"[{platform: linux}]",
	"f:1:16: error: p[0].platform: \"linux\" is not a platform: the "
	"architecture is missing; write os/arch or os/arch/variant, as in linux/amd64\n"},
    {"[{layers: [{size: 9223372036854775807}, {size: 1}]}]",
	"f:1:14: error: p[0].layers: together over 9223372036854775807 bytes\n"},
};

static void
says_what_was_read_or_what_is_wrong(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(document_free)
		struct document *doc = open_facts(rows[i].text);
		AUTO(buf_clear) struct buf said = BUF_INIT(SAID_MAX);

		read_facts(doc, &said);
		judge_same(rows[i].text, buf_text(&said), rows[i].wanted);
	}
}

static void
bounds_platforms_and_layers(void **state)
{
	static const struct {
		const char *first, *each, *last, *wanted;
		size_t n;
		bool read;
	} cases[] = {
	    {"[", "{},", "]", "64 linux", 64, true},
	    {"[", "{},", "]", "f:1:4: error: p: expected a list of 1 to 64", 65,
		false},
	    {"[{layers: [", "{size: 1},", "]}]", ONE "size 1000", 1000, true},
	    {"[{layers: [", "{size: 1},", "]}]",
		"f:1:14: error: p[0].layers: 1001 layers, at most 1000 are "
		"read\n",
		1001, false},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_clear) struct buf text = BUF_INIT(64 * 1024);
		AUTO(buf_clear) struct buf said = BUF_INIT(128 * 1024);
		AUTO(document_free) struct document *doc = NULL;

		buf_puts(&text, cases[i].first);
		for (k = 0; k < cases[i].n; k++)
			buf_puts(&text, cases[i].each);
		buf_puts(&text, cases[i].last);
		doc = open_facts(buf_text(&text));
		assert_int_equal(read_facts(doc, &said), cases[i].read);
		buf_truncate(&said, strlen(cases[i].wanted));
		assert_string_equal(buf_text(&said), cases[i].wanted);
	}
}

struct scarce {
	const struct document *doc;
	const char *wanted;
};

static void
read_with_little_memory(void *arg)
{
	const struct scarce *s = arg;
	AUTO(buf_clear) struct buf said = BUF_INIT(SAID_MAX);

	if (read_facts(s->doc, &said) && !buf_failed(&said))
		assert_string_equal(buf_text(&said), s->wanted);
}

static void
memory_running_out_hides_no_secret_again(void **state)
{
	AUTO(document_free)
	struct document *doc = open_facts(
	    "[{env: [A=***, B=c], user: '7', labels: {l: m}, created: "
	    "2026-01-02, layers: [{size: 1, createdBy: 'RUN P=*** y'}]}]");
	AUTO(buf_clear) struct buf wanted = BUF_INIT(SAID_MAX);

	(void)state;
	assert_true(read_facts(doc, &wanted));
	assert_true(alloc_fail_each(read_with_little_memory,
			&(struct scarce){doc, buf_text(&wanted)}) > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(says_what_was_read_or_what_is_wrong),
	    cmocka_unit_test(bounds_platforms_and_layers),
	    cmocka_unit_test(memory_running_out_hides_no_secret_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
