/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"

#include "policy/glob.h"

#include <string.h>

/*
 * Stands for what a '?' or a star matches: a byte that no glob has, so that
 * only a '?' or a star matches it.
 */
#define ANY_BYTE "\x01"
enum { EXAMPLE_MAX = 64 * 1024 };

static void
add_run(struct buf *text, size_t len)
{
	while (len-- > 0)
		buf_puts(text, ANY_BYTE);
}

/* A text that the glob matches: each star stands for `run` bytes, and where
 * it crosses parts of a name for two of them. */
static void
add_example(struct buf *text, const char *glob, size_t run)
{
	size_t stars;

	while (*glob != '\0') {
		stars = strspn(glob, "*");
		if (stars == 0)
			buf_add(text, *glob == '?' ? ANY_BYTE : glob, 1);
		else
			add_run(text, run);
		if (stars > 1 && run > 0) {
			buf_puts(text, "/");
			add_run(text, run);
		}
		glob += stars > 0 ? stars : 1;
	}
}

static bool
matches_example(const char *a, const char *b, size_t run)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(EXAMPLE_MAX);

	add_example(&text, b, run);
	return !buf_failed(&text) && glob_match(a, buf_text(&text));
}

/* Stars that stand for nothing, and for more than all '?' of `a` match. */
bool
lint_covers(const char *a, const char *b)
{
	return matches_example(a, b, 0) && matches_example(a, b, strlen(a) + 1);
}

/* What the list excludes of all that the glob matches; NULL: not all. */
static const char *
swallowed_by(const struct string_list *globs, const char *glob)
{
	size_t i;

	for (i = 0; i < globs->n; i++)
		if (globs->items[i][0] == '!' &&
		    lint_covers(globs->items[i] + 1, glob))
			return globs->items[i];
	return NULL;
}

bool
lint_globs(struct diagnostics *d, const struct node *n,
    const struct string_list *globs, const char *any)
{
	const char *by = NULL;
	size_t i, includes = 0, dead = 0;

	if (globs->n > LINT_LIST_MAX)
		return false;
	for (i = 0; i < globs->n; i++) {
		const struct node item = node_at(n, i);

		if (globs->items[i][0] == '!')
			continue;
		includes++;
		by = swallowed_by(globs, globs->items[i]);
		if (by == NULL)
			continue;
		dead++;
		diagnostics_warn(
		    d, &item, "matches nothing: \"%s\" excludes all of it", by);
	}
	if (includes == 0 && globs->n > 0 &&
	    (by = swallowed_by(globs, any)) != NULL)
		diagnostics_warn(
		    d, n, "matches nothing: \"%s\" excludes everything", by);
	return includes == dead && by != NULL;
}
