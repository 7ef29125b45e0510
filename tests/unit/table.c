/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/table.h"

#include "policy/base/buf.h"
#include "policy/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_MAX = 1024 * 1024, WRONG_SHOWN = 30 };

/* One byte, or a run of one, from *from on. */
static void
decode(const char **from, struct buf *out)
{
	const char *s = *from;
	char *end = NULL;
	long n = 1;
	char c;

	if (s[0] == '\\' && s[1] != 'x') {
		n = strtol(s + 1, &end, 10);
		s = end + 1;
	}
	c = *s++;
	if (c == '\\') {
		const char hex[] = {s[1], s[2], '\0'};

		c = (char)strtol(hex, &end, 16);
		s += 3;
	}
	for (; n > 0; n--)
		buf_add(out, &c, 1);
	*from = s;
}

/* Cells are taken apart in `text`, which is one line. */
static void
split(char *text, struct row *row, struct arena *mem)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(FILE_MAX);
	char *cell;

	for (size_t i = 0; i < TABLE_CELLS_MAX; i++) {
		row->cells[i].text = "";
		row->cells[i].len = 0;
	}
	for (row->n = 0; (cell = strsep(&text, "\t")) != NULL; row->n++) {
		assert_true(row->n < TABLE_CELLS_MAX);
		buf_truncate(&b, 0);
		for (const char *s = cell; *s != '\0';)
			decode(&s, &b);
		row->cells[row->n].len = b.len;
		row->cells[row->n].text =
		    arena_strndup(mem, buf_text(&b), b.len);
		assert_non_null(row->cells[row->n].text);
	}
}

void
table_each(const char *path,
    void (*each)(struct table *t, const struct row *row, void *arg), void *arg)
{
	struct error err = ERROR_INIT;
	size_t len;
	AUTO(free) char *text = file_read(path, FILE_MAX, &len, &err);
	char *rest = text, *line;
	struct table t = {.path = path};
	struct row row = {.line = 0};

	if (text == NULL)
		fail_msg("%s", err.msg);
	while ((line = strsep(&rest, "\n")) != NULL) {
		AUTO(arena_free) struct arena *mem = arena_new();

		assert_non_null(mem);
		row.line++;
		if (*line == '#' || *line == '\0')
			continue;
		split(line, &row, mem);
		t.mem = mem;
		each(&t, &row, arg);
	}
	print_message("%s: %zu equal, %zu refused, we alone: %zu refused, %zu "
		      "read\n",
	    path, t.equal, t.refused, t.strict, t.lenient);
	if (t.wrong > 0)
		fail_msg("%s: %zu rows are wrong", path, t.wrong);
}

void
table_wrong(struct table *t, const struct row *row, const char *fmt, ...)
{
	char said[512];
	va_list ap;

	if (++t->wrong > WRONG_SHOWN)
		return;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	print_error("%s:%d: %s\n", t->path, row->line, said);
}
