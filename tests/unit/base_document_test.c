/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/alloc.h"
#include "tests/unit/stream.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define N(table) (sizeof(table) / sizeof((table)[0]))

static const struct stream_case streams[] = {
    {"nothing", "", {NULL}},
    {"blanks", " \n\t\n\r\n", {NULL}},
    {"comments only", "# a\n\n  # b", {NULL}},
    {"separators only", "---\n---\n--- # x\n...\n", {NULL}},
    {"a null is nothing", "~\n---\nnull\n", {NULL}},
    {"one", "a: 1", {"{\"a\":1}"}},
    {"several", "a: 1\n---\nb: 2\n--- {c: 3}\n--- d\n---   \n- e",
	{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}", "\"d\"", "[\"e\"]"}},
    {"empty ones between", "---\n# x\n---\na: 1\n---\n\n---\nb: 2\n---\n",
	{"{\"a\":1}", "{\"b\":2}"}},
    {"ended by dots", "a: 1\n...\nb: 2\n...\n...\n---\nc: 3\n",
	{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"}},
    {"with directives",
	"%YAML 1.1\n# x\n---\na: 1\n...\n%TAG ! tag:x:\n---\nb: !y 2\n",
	{"{\"a\":1}", "{\"b\":\"2\"}"}},
    {"a mark before the text",
	"\xef\xbb\xbf"
	"a: 1",
	{"{\"a\":1}"}},
    {"CR LF", "a: 1\r\n---\r\nb: 2\r\n", {"{\"a\":1}", "{\"b\":2}"}},
    {"CR alone", "a: 1\r---\rb: 2\r", {"{\"a\":1}", "{\"b\":2}"}},
    {"no separator: text follows", "a: ---x\nb: '---'\nc: |\n  ---\n",
	{"{\"a\":\"---x\",\"b\":\"---\",\"c\":\"---\\n\"}"}},
    {"no separator: longer", "----\n---x\n", {"\"---- ---x\""}},
    {"a separator in open quotes", "a: \"x\n---\nb: 2\n",
	{"!2:1 ", "{\"b\":2}"}},
    {"goes on behind an error",
	"a: [\n---\nb: 2\n---\nc: 1\nc: 2\n---\nd: *x\n--- e\n---\n\tf\n---\ng: \xff\n---\nh: 3\n",
	{"!2:1 ", "{\"b\":2}", "!6:1 stands twice", "!8:4 no anchor", "\"e\"",
	    "!11:1 ", "!13:4 ", "{\"h\":3}"}},
    {"goes on behind an error before dots", "a: [\n...\nb: 2",
	{"!2:1 ", "{\"b\":2}"}},
    {"an anchor ends with its document", "a: &x 1\n---\na: *x\n",
	{"{\"a\":1}", "!3:4 no anchor"}},
    {"a mark inside of the text",
	"a: 1\n---\n\xef\xbb\xbf"
	"b: 2\n",
	{"{\"a\":1}", "{\"b\":2}"}},
};

static void
reads_every_document_of_a_stream(void **state)
{
	(void)state;
	check_streams(streams, N(streams));
}

static struct document_stream *
new_stream(const char *text, size_t len)
{
	struct error err = ERROR_INIT;
	struct document_stream *s = document_stream_new(text, len, &err);

	if (s == NULL)
		fail_msg("%s", err.msg);
	return s;
}

/* Reads one document that is to be refused. */
static void
refused(const char *name, const char *text, size_t len, enum err_code code,
    const char *part)
{
	struct error err = ERROR_INIT;
	struct mark at = {0, 0};
	AUTO(document_free)
	struct document *d = read_first(text, len, &at, &err);

	if (d != NULL || err.code != code || strstr(err.msg, part) == NULL ||
	    at.line < 1 || at.column < 1)
		fail_msg("%s: got code %d at %d:%d: %s", name, err.code,
		    at.line, at.column, err.msg);
}

static char *
repeat(const char *head, const char *unit, size_t n, const char *tail)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(2 * DOCUMENT_BYTES_MAX);

	buf_puts(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_puts(&b, unit);
	buf_puts(&b, tail);
	assert_false(buf_failed(&b));
	return buf_take(&b);
}

static void
bounds_the_text(void **state)
{
	AUTO(free)
	char *text = calloc(1, DOCUMENT_BYTES_MAX + 1);
	struct error err = ERROR_INIT;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', DOCUMENT_BYTES_MAX + 1);
	assert_null(document_stream_new(text, DOCUMENT_BYTES_MAX + 1, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	document_stream_free(new_stream(text, DOCUMENT_BYTES_MAX));
}

static const struct {
	const char *name;
	const char *head;
	const char *open;
	const char *close;
} nests[] = {
    {"JSON lists", "", "[", "]"},
    {"JSON objects", "", "{\"a\":", "}"},
    {"flow lists", "--- ", "[", "]"},
    {"flow mappings", "--- ", "{a: ", "}"},
    {"block lists", "", "- ", ""},
    {"explicit keys", "", "? ", ""},
};

static void
bounds_the_depth(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(nests); i++) {
		AUTO(free)
		char *closes = NULL;
		AUTO(free)
		char *good = NULL;
		AUTO(free)
		char *bad = NULL;
		AUTO(free)
		char *endless = NULL;
		AUTO(document_free)
		struct document *d = NULL;
		struct error err = ERROR_INIT;
		struct mark at;

		closes = repeat("[]", nests[i].close, DOCUMENT_DEPTH_MAX, "");
		/* One level is the list in the middle. */
		good = repeat(nests[i].head, nests[i].open,
		    DOCUMENT_DEPTH_MAX - 1, closes);
		good[strlen(good) - strlen(nests[i].close)] = '\0';
		bad = repeat(
		    nests[i].head, nests[i].open, DOCUMENT_DEPTH_MAX, closes);
		endless = repeat(nests[i].head, nests[i].open, 100000, "");
		if (nests[i].open[0] != '?') {
			d = read_first(good, strlen(good), &at, &err);
			if (d == NULL)
				fail_msg("%s: %s", nests[i].name, err.msg);
			refused(nests[i].name, bad, strlen(bad), ERR_LIMIT,
			    "nested deeper than 64");
			refused(nests[i].name, endless, strlen(endless),
			    ERR_LIMIT, "nested deeper than 64");
		} else {
			refused(nests[i].name, endless, strlen(endless),
			    ERR_SYNTAX, "a key must be text");
		}
	}
}

static void
an_alias_counts_with_its_depth(void **state)
{
	AUTO(free)
	char *inner = repeat("- &x ", "[", 40, "");
	AUTO(free)
	char *closed = repeat(inner, "]", 40, "\n- ");
	AUTO(free)
	char *outer = repeat(closed, "[", 40, "*x");
	AUTO(free)
	char *text = repeat(outer, "]", 40, "\n");

	(void)state;
	refused(
	    "alias", text, strlen(text), ERR_LIMIT, "nested deeper than 64");
}

static void
bounds_the_values(void **state)
{
	AUTO(free)
	char *json = repeat("[", "[],", DOCUMENT_NODES_MAX, "[]]");
	AUTO(free)
	char *flow = repeat("--- [", "a,", DOCUMENT_NODES_MAX, "a]");
	AUTO(free)
	char *block = repeat("", "- a\n", DOCUMENT_NODES_MAX, "");

	(void)state;
	refused("JSON", json, strlen(json), ERR_LIMIT, "more than 1000000");
	refused("flow", flow, strlen(flow), ERR_LIMIT, "more than 1000000");
	refused("block", block, strlen(block), ERR_LIMIT, "more than 1000000");
}

static const char laughs[] = "a: &a [l,l,l,l,l,l,l,l,l,l]\n"
			     "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
			     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
			     "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
			     "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
			     "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
			     "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
			     "h: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n"
			     "i: &i [*h,*h,*h,*h,*h,*h,*h,*h,*h,*h]\n";

static const char merged_laughs[] =
    "a: &a {k0: 1,k1: 1,k2: 1,k3: 1,k4: 1,k5: 1,k6: 1,k7: 1,k8: 1,k9: 1}\n"
    "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    "c: &c {k0: *b,k1: *b,k2: *b,k3: *b,k4: *b,k5: *b,k6: *b,k7: *b}\n"
    "d: &d {<<: *c,k0: *c,k1: *c,k2: *c,k3: *c,k4: *c,k5: *c,k6: *c}\n"
    "e: &e {<<: *d,k0: *d,k1: *d,k2: *d,k3: *d,k4: *d,k5: *d,k6: *d}\n"
    "f: &f {<<: *e,k0: *e,k1: *e,k2: *e,k3: *e,k4: *e,k5: *e,k6: *e}\n"
    "g: &g {<<: *f,k0: *f,k1: *f,k2: *f,k3: *f,k4: *f,k5: *f,k6: *f}\n";

static void
aliases_cannot_multiply_without_end(void **state)
{
	struct mallinfo2 before = mallinfo2(), after;
	clock_t start = clock();

	(void)state;
	refused(
	    "laughs", laughs, strlen(laughs), ERR_LIMIT, "more than 1000000");
	refused("merged laughs", merged_laughs, strlen(merged_laughs),
	    ERR_LIMIT, "more than 1000000");
	after = mallinfo2();
	assert_true(clock() - start < CLOCKS_PER_SEC / 2);
	assert_true(after.uordblks < before.uordblks + 1024 * 1024);
}

static void
bounds_the_documents(void **state)
{
	AUTO(free)
	char *text = repeat("", "---\na\n", DOCUMENT_COUNT_MAX + 1, "");
	AUTO(document_stream_free)
	struct document_stream *s = new_stream(text, strlen(text));
	struct error err = ERROR_INIT;
	struct document *d = NULL;
	struct mark at;

	(void)state;
	for (int i = 0; i < DOCUMENT_COUNT_MAX; i++) {
		assert_int_equal(document_next(s, &d, &at, &err), 1);
		document_free(d);
	}
	assert_int_equal(document_next(s, &d, &at, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(at.line, 2 * DOCUMENT_COUNT_MAX + 2);
	assert_int_equal(document_next(s, &d, &at, &err), 0);
}

static void
bounds_the_directives(void **state)
{
	AUTO(free)
	char *text = repeat("", "%TAG !a! tag:x:\n", 1000 * 1000, "--- a\n");

	(void)state;
	refused("directives", text, strlen(text), ERR_LIMIT, "32 directives");
}

static const struct {
	const char *name;
	const char *head;
	const char *unit;
	size_t n;
	const char *tail;
} huge[] = {
    {"text in quotes", "a: \"", "xxxxxxxx", 1000 * 1000, "\""},
    {"plain text of many lines", "a: ", "x\n  ", 1000 * 1000, "x"},
    {"a block of text", "a: |\n", "  x\n", 1000 * 1000, ""},
    {"digits", "a: ", "11111111", 1000 * 1000, ""},
    {"comments", "", "# x\n", 1000 * 1000, "a: b"},
    {"anchors", "a: [", "&a a,", 900 * 1000, "*a]"},
    {"JSON text", "[\"", "\\u00fcxx", 1000 * 1000, "\"]"},
    {"open brackets in JSON text", "[\"", "[{,", 1000 * 1000, "\"]"},
};

static void
reads_large_text_in_linear_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(huge); i++) {
		AUTO(free)
		char *text =
		    repeat(huge[i].head, huge[i].unit, huge[i].n, huge[i].tail);
		struct error err = ERROR_INIT;
		struct mark at;
		clock_t start = clock();
		AUTO(document_free)
		struct document *d = read_first(text, strlen(text), &at, &err);

		if (d == NULL)
			fail_msg("%s: %s", huge[i].name, err.msg);
		if (clock() - start > 10 * CLOCKS_PER_SEC)
			fail_msg("%s: too slow", huge[i].name);
	}
}

static const char *const whole[] = {
    "a: &x [1, {b: \"c\\n\"}]\nd: {<<: {e: ~}, f: *x}\n---\n- |\n  g\n",
    "{\"a\":[1,{\"b\":\"\\ud83d\\ude00\"}],\"c\":null}\n---\n{\"d\": -1.5e3}",
};

static void
every_truncation_is_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(whole); i++) {
		for (size_t len = 0; len <= strlen(whole[i]); len++) {
			/* An allocation of its own: reading past it is seen. */
			AUTO(free)
			char *text = malloc(len == 0 ? 1 : len);
			AUTO(document_stream_free)
			struct document_stream *s = NULL;
			struct error err = ERROR_INIT;
			struct document *d = NULL;
			struct mark at;
			int rc, rounds = 0;

			assert_non_null(text);
			memcpy(text, whole[i], len);
			s = new_stream(text, len);
			while ((rc = document_next(s, &d, &at, &err)) != 0) {
				document_free(d);
				assert_true(rounds++ < 10);
				error_clear(&err);
			}
		}
	}
}

static void
walks_like_the_tree(void **state)
{
	static const char text[] = "a: {b: [1, {c: x}]}\nd:\n";
	struct error err = ERROR_INIT;
	struct mark at;
	AUTO(document_free)
	struct document *d = read_first(text, sizeof(text) - 1, &at, &err);
	struct node root, a, b, item, c, gone, further;
	AUTO(buf_clear) struct buf path = BUF_INIT(100);

	(void)state;
	assert_non_null(d);
	root = document_node(d);
	assert_int_equal(node_size(&root), 2);
	a = node_get(&root, "a");
	b = node_at(&a, 0);
	assert_string_equal(b.key, "b");
	item = node_at(&b, 1);
	c = node_get(&item, "c");
	assert_string_equal(json_string_value(c.value), "x");
	assert_string_equal(node_kind(&c), "text");
	assert_string_equal(node_kind(&b), "a list");
	assert_int_equal(node_size(&c), 0);
	assert_int_equal(node_path(&c, &path), 0);
	assert_string_equal(buf_text(&path), "a.b[1].c");

	gone = node_get(&item, "gone");
	further = node_get(&gone, "further");
	assert_null(further.value);
	assert_string_equal(node_kind(&further), "nothing");
	assert_int_equal(node_size(&further), 0);
	assert_int_equal(node_mark(&further).line, 1);
	assert_int_equal(node_mark(&further).column, node_mark(&item).column);
	assert_int_equal(
	    node_key_mark(&further).column, node_mark(&item).column);
	buf_truncate(&path, 0);
	assert_int_equal(node_path(&further, &path), 0);
	assert_string_equal(buf_text(&path), "a.b[1].gone.further");

	gone = node_at(&b, 7);
	assert_null(gone.value);
	assert_int_equal(node_mark(&gone).column, node_mark(&b).column);
	gone = node_get(&b, "no mapping");
	assert_null(gone.value);
	gone = node_get(&root, "d");
	assert_true(json_is_null(gone.value));
	assert_int_equal(node_size(&gone), 0);
}

static void
read_all(void *arg)
{
	const char *text = arg;
	AUTO(document_stream_free)
	struct document_stream *s = NULL;
	struct error err = ERROR_INIT;
	int rc, good = 0;

	s = document_stream_new(text, strlen(text), &err);
	if (s == NULL) {
		assert_int_equal(err.code, ERR_NOMEM);
		return;
	}
	do {
		AUTO(document_free)
		struct document *d = NULL;
		struct mark at;

		error_clear(&err);
		rc = document_next(s, &d, &at, &err);
		good += rc == 1;
		/* jansson takes a string that it has no memory for for an
		 * invalid token. */
		if (rc == -1 && err.code != ERR_NOMEM &&
		    (text[0] != '{' || err.code != ERR_SYNTAX))
			fail_msg("code %d: %s", err.code, err.msg);
	} while (rc != 0);
	assert_true(good <= 2);
}

static void
survives_every_failed_allocation(void **state)
{
	char yaml[] = "a: &x [1, {b: \"c\\n\"}]\nd: {<<: {e: ~, 2: x}, f: *x}\n"
		      "---\n- |\n  g\n- &y {}\n- *y\n- 1.5\n";
	/* No token of 16 bytes: jansson 2.14 does not look whether the buffer
	 * that holds one could grow. */
	char json[] = "{\"a\":[1,{\"b\":\"\\u00fc\"}],\"c\":null}[1.5]";

	(void)state;
	assert_true(alloc_fail_each(read_all, yaml) > 30);
	assert_true(alloc_fail_each(read_all, json) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_every_document_of_a_stream),
	    cmocka_unit_test(bounds_the_text),
	    cmocka_unit_test(bounds_the_depth),
	    cmocka_unit_test(an_alias_counts_with_its_depth),
	    cmocka_unit_test(bounds_the_values),
	    cmocka_unit_test(aliases_cannot_multiply_without_end),
	    cmocka_unit_test(bounds_the_documents),
	    cmocka_unit_test(bounds_the_directives),
	    cmocka_unit_test(reads_large_text_in_linear_time),
	    cmocka_unit_test(every_truncation_is_survived),
	    cmocka_unit_test(walks_like_the_tree),
	    cmocka_unit_test(survives_every_failed_allocation),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
