/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/document.h"
#include "tests/fuzz/fuzz.h"

enum { WALK_MAX = 10 * 1000, PATH_MAX_BYTES = 64 * 1024 };

struct walk {
	int lines; /* of the text */
	size_t seen;
};

static void
check_place(const struct walk *w, struct mark at)
{
	MUST(at.line >= 1 && at.line <= w->lines && at.column >= 1);
}

static void
walk(struct walk *w, const struct node *n)
{
	AUTO(buf_clear) struct buf path = BUF_INIT(PATH_MAX_BYTES);

	if (w->seen++ >= WALK_MAX)
		return;
	MUST(n->value != NULL);
	MUST(node_path(n, &path) == 0);
	check_place(w, node_mark(n));
	check_place(w, node_key_mark(n));
	MUST(node_size(n) == (json_is_object(n->value)
				     ? json_object_size(n->value)
				     : json_array_size(n->value)));
	for (size_t i = 0; i < node_size(n); i++) {
		struct node child = node_at(n, i);

		walk(w, &child);
		if (child.key != NULL) {
			struct node found = node_get(n, child.key);

			MUST(found.value == child.value);
		}
	}
}

/* Whatever was read is JSON: written out and read again it is the same. */
static void
check_document(const struct document *d, int lines)
{
	struct walk w = {.lines = lines};
	struct node root = document_node(d);
	AUTO(free) char *text = NULL;
	AUTO(json_decref) json_t *again = NULL;

	walk(&w, &root);
	if (w.seen >= WALK_MAX)
		return;
	text = json_dumps(document_root(d), JSON_COMPACT | JSON_ENCODE_ANY);
	MUST(text != NULL);
	again =
	    json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	MUST(again != NULL && json_equal(again, document_root(d)));
}

/* No fewer than any reader would count: YAML has more line breaks. */
static int
count_lines(const uint8_t *data, size_t size)
{
	int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n' || data[i] == '\r' ||
			 data[i] == 0x85 || data[i] == 0xa8 || data[i] == 0xa9;
	return lines;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(document_stream_free) struct document_stream *s = NULL;
	struct error err = ERROR_INIT;
	int lines = count_lines(data, size), rc;

	s = document_stream_new((const char *)data, size, &err);
	if (s == NULL)
		return 0;
	do {
		AUTO(document_free) struct document *d = NULL;
		struct mark at;

		error_clear(&err);
		rc = document_next(s, &d, &at, &err);
		if (rc == 1)
			check_document(d, lines);
		if (rc == -1) {
			struct walk w = {.lines = lines};

			MUST(err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
			check_place(&w, at);
		}
	} while (rc != 0);
	return 0;
}
