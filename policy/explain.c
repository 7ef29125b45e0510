/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explain.h"

#include "policy/base/text.h"
#include "policy/checks/advice.h"
#include "policy/checks/check.h"
#include "policy/history.h"
#include "policy/match.h"

#include <ctype.h>
#include <string.h>

enum { COLUMNS = 78, SUMMARY_COLUMN = 20, NAMES_MAX = 256 };

static const char match_about[] =
    "What a rule or a waiver is about. All that is given must hold; what is "
    "left out holds for everything.";

/* Adds text broken at blanks behind what stands in `indent` columns already,
 * each line below after as many blanks. */
static void
add_hanging(struct buf *b, const char *text, int indent)
{
	size_t column = (size_t)indent, len;
	bool first = true;

	while (*text != '\0') {
		len = strcspn(text, " ");
		if (!first && column + 1 + len > COLUMNS) {
			buf_printf(b, "\n%*s", indent, "");
			column = (size_t)indent;
		} else if (!first) {
			buf_puts(b, " ");
			column++;
		}
		buf_add(b, text, len);
		first = false;
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	buf_puts(b, "\n");
}

static void
add_wrapped(struct buf *b, const char *text, int indent)
{
	buf_printf(b, "%*s", indent, "");
	add_hanging(b, text, indent);
}

/* Text that was put together apart: what it lost is lost here too. */
static void
add_made(struct buf *b, const struct buf *text, int indent)
{
	add_hanging(b, buf_text(text), indent);
	b->failed |= buf_failed(text);
}

static void
add_words(struct buf *b, const char *const *words)
{
	size_t i;

	for (i = 0; words[i] != NULL; i++)
		buf_printf(b, "%s%s", i > 0 ? ", " : "", words[i]);
}

/* "a size such as 300Mi": what is written there. */
static void
add_value(struct buf *b, const struct check_field *f)
{
	static const char *const kinds[] = {
	    [VALUE_SIZE] = "a size such as 300Mi",
	    [VALUE_COUNT] = "a whole number from 1",
	    [VALUE_CHOICE] = "",
	    [VALUE_GLOBS] = "a list of globs over names of images",
	    [VALUE_TAGS] = "a list of globs over tags",
	    [VALUE_BASES] = "a list of image references",
	    [VALUE_DURATION] = "a duration such as 180d",
	    [VALUE_PERCENT] = "a percentage such as 10%",
	    [VALUE_NAMES] = "a list of globs over names",
	    [VALUE_PAIRS] = "a mapping of names to globs",
	    [VALUE_WORDS] = "a list of ",
	    [VALUE_PORTS] = "a list of ports such as \"22\" or \"53/udp\"",
	    [VALUE_PLATFORMS] = "a list of platforms such as linux/arm64",
	    [VALUE_PATTERNS] = "a list of {match, because}",
	};

	buf_puts(b, kinds[f->kind]);
	if (f->kind == VALUE_CHOICE || f->kind == VALUE_WORDS)
		add_words(b, f->words);
}

static const char *
field_name(const struct check_key *key, const struct check_field *f)
{
	return key->is_plain ? key->name : f->name;
}

static void
add_field(
    struct buf *b, const struct check_key *key, const struct check_field *f)
{
	AUTO(buf_clear) struct buf head = BUF_INIT(EXPLAIN_BYTES_MAX);

	buf_printf(&head, "%s: ", field_name(key, f));
	add_value(&head, f);
	buf_puts(b, "\n  ");
	add_made(b, &head, 2);
	add_wrapped(b, f->about, 4);
	if (f->check == NULL)
		return;
	buf_puts(b, "    What helps:\n");
	add_wrapped(b, f->fix, 6);
}

/* Lines as they are, each after `indent` blanks. */
static void
add_lines(struct buf *b, const char *text, int indent)
{
	size_t len;

	for (; *text != '\0'; text += len + 1) {
		len = strcspn(text, "\n");
		buf_printf(
		    b, "%*s%.*s\n", len > 0 ? indent : 0, "", (int)len, text);
	}
}

static void
add_rest(struct buf *b, const char *paste, const char *blind)
{
	buf_puts(b, "\n  To paste:\n");
	add_lines(b, paste, 4);
	buf_puts(b, "\n  What it cannot see:\n");
	add_wrapped(b, blind, 4);
}

/* The whole of a key, or one field of it. */
static void
add_key(
    struct buf *b, const struct check_key *key, const struct check_field *only)
{
	const struct check_field *f;

	buf_printf(b, "%s\n\n", only != NULL ? only->check : key->name);
	add_wrapped(b, key->about, 2);
	for (f = key->fields; f->name != NULL; f++)
		if (only == NULL || f == only)
			add_field(b, key, f);
	add_rest(b, key->paste, key->blind);
	buf_printf(b, "\n  In a policy:\n    check:\n      %s: %s\n", key->name,
	    key->example);
}

static void
add_detector(struct buf *b, size_t detector)
{
	const struct advice *a = &advices[detector];

	buf_printf(b, "%s\n\n", detector_names[detector]);
	add_wrapped(b, a->about, 2);
	buf_puts(b, "\n  What helps:\n");
	add_wrapped(b, a->fix, 4);
	add_rest(b, a->paste, a->blind);
	buf_printf(b,
	    "\n  In a policy:\n    check:\n      history: {deny: [%s]}\n",
	    detector_names[detector]);
}

static void
add_match(struct buf *b)
{
	const struct match_key *k;

	buf_puts(b, "match\n\n");
	add_wrapped(b, match_about, 2);
	for (k = match_keys; k->name != NULL; k++) {
		buf_printf(b, "\n  %s: %s\n", k->name, k->value);
		add_wrapped(b, k->about, 4);
	}
}

/* False: there is none of that name. */
static bool
add_named(struct buf *b, const char *name)
{
	const struct check_key *const *key;
	const struct check_field *f;
	size_t i;

	if (strcmp(name, "match") == 0) {
		add_match(b);
		return true;
	}
	for (i = 0; detector_names[i] != NULL; i++)
		if (strcmp(name, detector_names[i]) == 0) {
			add_detector(b, i);
			return true;
		}
	for (key = check_keys; *key != NULL; key++) {
		f = (*key)->fields;
		if (strcmp((*key)->name, name) == 0) {
			add_key(b, *key, NULL);
			return true;
		}
		for (; f->name != NULL; f++)
			if (f->check != NULL && strcmp(f->check, name) == 0) {
				add_key(b, *key, f);
				return true;
			}
	}
	return false;
}

int
explain_check(struct buf *b, const char *name)
{
	if (!add_named(b, name))
		return 0;
	return buf_failed(b) ? -1 : 1;
}

const char *
explain_nearest(const char *name)
{
	const char *names[NAMES_MAX + 1];
	const struct check_field *f;
	size_t i, n = 0;

	names[n++] = "match";
	for (i = 0; check_keys[i] != NULL && n < NAMES_MAX; i++) {
		names[n++] = check_keys[i]->name;
		for (f = check_keys[i]->fields; f->name != NULL; f++)
			if (f->check != NULL && n < NAMES_MAX)
				names[n++] = f->check;
	}
	for (i = 0; detector_names[i] != NULL && n < NAMES_MAX; i++)
		names[n++] = detector_names[i];
	names[n] = NULL;
	return text_nearest(name, names);
}

/* What a word demands stands behind it: "`deny`: nobody runs as root." */
static const char *
in_short(const struct check_field *f)
{
	const char *colon = strstr(f->about, ": ");

	return f->about[0] == '`' && colon != NULL ? colon + 2 : f->about;
}

static void
add_summary(struct buf *b, const struct check_field *f)
{
	AUTO(buf_clear) struct buf line = BUF_INIT(EXPLAIN_BYTES_MAX);
	const char *about = in_short(f);

	buf_printf(&line, "%c%.*s", toupper((unsigned char)about[0]),
	    (int)strcspn(about, ".:;(") - 1, about + 1);
	buf_printf(b, "%-*s", SUMMARY_COLUMN, f->check);
	add_made(b, &line, SUMMARY_COLUMN);
}

int
explain_list(struct buf *b)
{
	const struct check_field *f;
	size_t i;

	for (i = 0; check_keys[i] != NULL; i++)
		for (f = check_keys[i]->fields; f->name != NULL; f++)
			if (f->check != NULL)
				add_summary(b, f);
	return buf_failed(b) ? -1 : 0;
}

static void
add_markdown_field(
    struct buf *b, const struct check_key *key, const struct check_field *f)
{
	AUTO(buf_clear) struct buf head = BUF_INIT(EXPLAIN_BYTES_MAX);

	buf_printf(&head, "**`%s%s%s`**: ", key->name, key->is_plain ? "" : ".",
	    f->name);
	add_value(&head, f);
	buf_puts(&head, ".");
	buf_puts(b, "\n");
	add_made(b, &head, 0);
	add_wrapped(b, f->about, 0);
	if (f->check == NULL)
		return;
	buf_puts(b, "\nWhat helps:\n");
	add_wrapped(b, f->fix, 0);
}

static void
add_markdown_rest(struct buf *b, const char *paste, const char *blind)
{
	buf_printf(b, "\n```\n%s```\n\nWhat it cannot see:\n", paste);
	add_wrapped(b, blind, 0);
}

static void
add_markdown_detectors(struct buf *b)
{
	size_t i;

	for (i = 0; detector_names[i] != NULL; i++) {
		buf_printf(b, "\n#### %s\n\n", detector_names[i]);
		add_wrapped(b, advices[i].about, 0);
		buf_puts(b, "\nWhat helps:\n");
		add_wrapped(b, advices[i].fix, 0);
		add_markdown_rest(b, advices[i].paste, advices[i].blind);
	}
}

static void
add_markdown_match(struct buf *b)
{
	const struct match_key *k;

	buf_puts(b, "\n## Match\n\n");
	add_wrapped(b, match_about, 0);
	buf_puts(b, "\n| key | value | holds for |\n|---|---|---|\n");
	for (k = match_keys; k->name != NULL; k++)
		buf_printf(
		    b, "| `%s` | %s | %s |\n", k->name, k->value, k->about);
}

int
explain_markdown(struct buf *b)
{
	const struct check_field *f;
	size_t i;

	add_markdown_match(b);
	buf_puts(b, "\n## Checks\n");
	for (i = 0; check_keys[i] != NULL; i++) {
		const struct check_key *key = check_keys[i];

		buf_printf(b, "\n### %s\n\n", key->name);
		add_wrapped(b, key->about, 0);
		buf_printf(b, "\n```yaml\ncheck:\n  %s: %s\n```\n", key->name,
		    key->example);
		for (f = key->fields; f->name != NULL; f++)
			add_markdown_field(b, key, f);
		add_markdown_rest(b, key->paste, key->blind);
		if (strcmp(key->name, "history") == 0)
			add_markdown_detectors(b);
	}
	return buf_failed(b) ? -1 : 0;
}
