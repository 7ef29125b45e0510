/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/diagnostics.h"
#include "policy/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	FORMATTED_MAX = 1024,
	MESSAGE_MAX = 600,
	PATH_MAX_BYTES = 4096,
	KEY_SHOWN_MAX = 64,
};

void
diagnostics_init(struct diagnostics *d, const char *file)
{
	*d = (struct diagnostics){.file = file};
}

void
diagnostics_clear(struct diagnostics *d)
{
	for (size_t i = 0; i < d->len; i++) {
		free(d->items[i].path);
		free(d->items[i].message);
	}
	free(d->items);
	diagnostics_init(d, d->file);
}

static char *
path_of(const struct node *n)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(PATH_MAX_BYTES);

	if (n != NULL)
		node_path(n, &b);
	return buf_take(&b);
}

/* Messages quote the file: one line, and nothing a terminal would obey. */
static char *__attribute__((format(printf, 1, 0)))
message_of(const char *fmt, va_list ap)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(MESSAGE_MAX);
	char text[FORMATTED_MAX];

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return NULL;
	text_sanitise(&b, text, MESSAGE_MAX);
	return buf_take(&b);
}

static int
keep(struct diagnostics *d, const struct diagnostic *item)
{
	struct diagnostic *p;

	if (d->len == DIAGNOSTICS_MAX || item->path == NULL ||
	    item->message == NULL)
		return -1;
	p = reallocarray(d->items, d->len + 1, sizeof(*p));
	if (p == NULL)
		return -1;
	d->items = p;
	p[d->len++] = *item;
	return 0;
}

static void __attribute__((format(printf, 5, 0)))
add(struct diagnostics *d, bool warning, struct mark at, const struct node *n,
    const char *fmt, va_list ap)
{
	struct diagnostic item = {.warning = warning, .at = at};

	if (!warning)
		d->errors++;
	if (d->len < DIAGNOSTICS_MAX) {
		item.path = path_of(n);
		item.message = message_of(fmt, ap);
	}
	if (keep(d, &item) != 0) {
		d->dropped++;
		free(item.path);
		free(item.message);
	}
}

void
diagnostics_error(
    struct diagnostics *d, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, node_mark(n), n, fmt, ap);
	va_end(ap);
}

void
diagnostics_error_key(
    struct diagnostics *d, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, node_key_mark(n), n, fmt, ap);
	va_end(ap);
}

void
diagnostics_warn(
    struct diagnostics *d, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, true, node_mark(n), n, fmt, ap);
	va_end(ap);
}

void
diagnostics_error_at(
    struct diagnostics *d, struct mark at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, at, NULL, fmt, ap);
	va_end(ap);
}

static bool
stands_before(struct mark a, struct mark b)
{
	return a.line < b.line || (a.line == b.line && a.column < b.column);
}

/* Indexes of the items in the order of the file; those of one place stay in
 * the order in which they were found. */
static void
sort(const struct diagnostics *d, size_t order[static DIAGNOSTICS_MAX])
{
	for (size_t i = 0; i < d->len; i++) {
		size_t k = i;

		for (; k > 0 &&
		       stands_before(d->items[i].at, d->items[order[k - 1]].at);
		     k--)
			order[k] = order[k - 1];
		order[k] = i;
	}
}

static int
print_item(
    const struct diagnostics *d, const struct diagnostic *item, struct buf *out)
{
	buf_puts(out, d->file);
	if (item->at.line > 0)
		buf_printf(out, ":%d:%d", item->at.line, item->at.column);
	return buf_printf(out, ": %s: %s%s%s\n",
	    item->warning ? "warning" : "error", item->path,
	    item->path[0] == '\0' ? "" : ": ", item->message);
}

int
diagnostics_print(const struct diagnostics *d, struct buf *out)
{
	size_t order[DIAGNOSTICS_MAX];

	sort(d, order);
	for (size_t i = 0; i < d->len; i++) {
		if (print_item(d, &d->items[order[i]], out) != 0)
			return -1;
	}
	if (d->dropped > 0)
		buf_printf(out, "%s: %zu more problem%s, not listed\n", d->file,
		    d->dropped, d->dropped == 1 ? "" : "s");
	return buf_failed(out) ? -1 : 0;
}

/* "max, maxLayer" */
static void
add_keys(struct buf *list, const char *const *known)
{
	for (const char *const *k = known; *k != NULL; k++)
		buf_printf(list, "%s%s", k == known ? "" : ", ", *k);
}

static void
report_unknown(
    struct diagnostics *d, const struct node *child, const char *const *known)
{
	AUTO(buf_clear) struct buf key = BUF_INIT(KEY_SHOWN_MAX);
	AUTO(buf_clear) struct buf list = BUF_INIT(MESSAGE_MAX);
	const char *nearest = text_nearest(child->key, known);

	text_sanitise(&key, child->key, KEY_SHOWN_MAX);
	if (nearest != NULL) {
		diagnostics_error_key(d, child,
		    "unknown key \"%s\"; did you mean \"%s\"?", buf_text(&key),
		    nearest);
		return;
	}
	add_keys(&list, known);
	diagnostics_error_key(d, child, "unknown key \"%s\"; known %s: %s",
	    buf_text(&key), known[0] != NULL && known[1] != NULL ? "are" : "is",
	    list.len == 0 ? "none" : buf_text(&list));
}

bool
diagnostics_check_keys(
    struct diagnostics *d, const struct node *n, const char *const *known)
{
	if (!json_is_object(n->value)) {
		AUTO(buf_clear) struct buf list = BUF_INIT(MESSAGE_MAX);

		add_keys(&list, known);
		diagnostics_error(d, n, "must be a mapping (%s), not %s",
		    buf_text(&list), node_kind(n));
		return false;
	}
	for (size_t i = 0; i < node_size(n); i++) {
		struct node child = node_at(n, i);

		if (!text_is_one_of(child.key, known))
			report_unknown(d, &child, known);
	}
	return true;
}
