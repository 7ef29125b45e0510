/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ruleset_parse.h"

#include "policy/base/text.h"

/*
 * What holds for all of a policy: its name, mode, onError and platforms. Of
 * several files any may say it; those that do agree.
 */

static void
parse_version(struct parsing *p, const struct node *root)
{
	const struct node n = node_get(root, "version");

	if (!read_given(&n))
		diagnostics_error(p->reader.diagnostics, root,
		    "`version` is missing: write version: 1");
	else if (!json_is_integer(n.value) || json_integer_value(n.value) != 1)
		read_expected(&p->reader, &n, "1, the only version there is");
}

static void
report_differs(
    struct parsing *p, const struct node *n, const struct place *first)
{
	diagnostics_error(p->reader.diagnostics, n,
	    "is not what %s:%d:%d says; the files of a policy agree, or one "
	    "of them says it for all",
	    first->file, first->at.line, first->at.column);
}

/* The index of the word under `key`, or `otherwise` where no file has it. */
static int
parse_word(
    struct parsing *p, const char *key, const char *const *words, int otherwise)
{
	struct place first = {0};
	int i, value = -1;
	size_t s;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);
		const struct node n = node_get(&root, key);

		i = read_given(&n) ? read_word(&p->reader, &n, words) : -1;
		if (i >= 0 && value < 0) {
			value = i;
			first = parsing_place(p, &n);
		} else if (i >= 0 && i != value) {
			report_differs(p, &n, &first);
		}
	}
	return value < 0 ? otherwise : value;
}

static void
parse_platform_list(struct parsing *p, const struct node *n)
{
	struct string_list texts;
	struct platform *items;
	size_t i;

	read_list(
	    &p->reader, n, "a platform such as linux/amd64", NULL, &texts);
	if (json_is_array(n->value) && node_size(n) == 0)
		diagnostics_error(p->reader.diagnostics, n,
		    "is empty; leave it out to judge every platform");
	items = read_alloc(&p->reader, n, texts.n, sizeof(*items));
	if (items == NULL)
		return;
	for (i = 0; i < texts.n; i++) {
		const struct node item = node_at(n, i);
		struct error err = ERROR_INIT;

		if (texts.items[i] != NULL &&
		    platform_parse(
			&items[i], texts.items[i], p->rs->mem, &err) != 0)
			diagnostics_error(
			    p->reader.diagnostics, &item, "%s", err.msg);
	}
	p->rs->platforms = (struct platform_set){.items = items, .n = texts.n};
}

static void
parse_platforms(struct parsing *p)
{
	const json_t *value = NULL;
	struct place first = {0};
	size_t s;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);
		const struct node n = node_get(&root, "platforms");

		if (!read_given(&n))
			continue;
		if (value == NULL) {
			value = n.value;
			first = parsing_place(p, &n);
			parse_platform_list(p, &n);
		} else if (!json_equal(value, n.value)) {
			report_differs(p, &n, &first);
		}
	}
}

/* "company+waivers": what the files are named, in their order. */
static void
parse_name(struct parsing *p)
{
	AUTO(buf_clear)
	struct buf all = BUF_INIT(p->nsources * (READ_TEXT_MAX + 1)),
		   cut = BUF_INIT(RULESET_NAME_MAX);
	struct node root = {0};
	const char *name;
	size_t s;

	for (s = 0; s < p->nsources; s++) {
		root = parsing_enter(p, s);
		name = parsing_text(p, &root, "name");
		if (name[0] != '\0')
			buf_printf(&all, "%s%s", all.len > 0 ? "+" : "", name);
	}
	if (p->nsources > 1)
		text_sanitise(&cut, buf_text(&all), RULESET_NAME_MAX);
	name = buf_text(p->nsources > 1 ? &cut : &all);
	name = arena_strdup(p->rs->mem, name);
	if (name == NULL || buf_failed(&all) || buf_failed(&cut))
		read_no_memory(&p->reader, &root);
	else
		p->rs->name = name;
}

void
settings_parse(struct parsing *p)
{
	size_t s;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);

		parse_version(p, &root);
	}
	parse_name(p);
	p->mode = (enum mode)parse_word(p, "mode", mode_names, MODE_ENFORCE);
	p->rs->on_error = (enum on_error)parse_word(
	    p, "onError", on_error_names, ON_ERROR_DENY);
	parse_platforms(p);
}
