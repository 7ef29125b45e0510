/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/values.h"

#include "policy/base/units.h"
#include "policy/checks/ports.h"
#include "policy/glob.h"

#include <string.h>
#include <strings.h>

static int
parse_size(struct reader *r, const struct node *n, int64_t *out)
{
	int64_t size = 0;

	if (json_is_integer(n->value))
		size = json_integer_value(n->value);
	else if (json_is_string(n->value) &&
		 units_parse_size(json_string_value(n->value), &size) != 0)
		size = 0;
	if (size < 1) {
		read_expected(r, n, "a size such as 300Mi");
		return -1;
	}
	*out = size;
	return 0;
}

static int
parse_count(struct reader *r, const struct node *n, int64_t *out)
{
	int64_t count = json_integer_value(n->value); /* 0 when it is none */

	if (count < 1) {
		read_expected(r, n, "a whole number from 1");
		return -1;
	}
	*out = count;
	return 0;
}

static int
parse_duration(struct reader *r, const struct node *n, int64_t *out)
{
	const char *s = json_string_value(n->value);
	int64_t seconds;

	if (s == NULL || units_parse_duration(s, &seconds) != 0 ||
	    seconds < 1) {
		read_expected(r, n, "a duration such as 180d");
		return -1;
	}
	*out = seconds;
	return 0;
}

static int
parse_percent(struct reader *r, const struct node *n, int *out)
{
	const char *s = json_string_value(n->value);
	int permille;

	if (s == NULL || units_parse_percent(s, &permille) != 0 ||
	    permille < 1) {
		read_expected(r, n, "a percentage such as 10%");
		return -1;
	}
	*out = permille;
	return 0;
}

static int
parse_choice(
    struct reader *r, const struct node *n, const char *const *words, int *out)
{
	int i = read_word(r, n, words);

	*out = i + 1;
	return i < 0 ? -1 : 0;
}

static int
parse_bases(struct check_parser *p, const struct node *n, struct base_list *out)
{
	size_t *items = read_elements(
	    p->reader, n, "a list of image references", sizeof(*items));
	const size_t len = json_array_size(n->value);
	int index, rc = 0;
	size_t i;

	if (items == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		index = p->add_base(p, &item);
		if (index < 0)
			rc = -1;
		else
			items[i] = (size_t)index;
	}
	*out = (struct base_list){.items = items, .n = len};
	return rc;
}

/* Names are globs of their own: whatever is missing has to have one. */
static int
parse_names(const struct check_field *f, struct reader *r, const struct node *n,
    struct string_list *out)
{
	int rc = read_tag_globs(r, n, out);
	size_t i;

	for (i = 0; f->no_excludes && i < out->n; i++) {
		const struct node item = node_at(n, i);

		if (out->items[i] == NULL || out->items[i][0] != '!')
			continue;
		diagnostics_error(r->diagnostics, &item,
		    "excludes with '!', which means nothing here");
		rc = -1;
	}
	return rc;
}

static int
parse_pairs(struct reader *r, const struct node *n, struct pair_list *out)
{
	if (json_is_object(n->value) && node_size(n) == 0) {
		diagnostics_error(r->diagnostics, n,
		    "is empty; leave it out to let everything pass");
		return -1;
	}
	return read_pairs(r, n, out);
}

static int
parse_ports(struct reader *r, const struct node *n, struct port_list *out)
{
	struct port_range *items =
	    read_elements(r, n, "a list of ports", sizeof(*items));
	const size_t len = json_array_size(n->value);
	const char *text;
	size_t i;
	int rc = 0;

	if (items == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		text =
		    read_text(r, &item, "a port such as \"22\" or \"53/udp\"");
		if (text != NULL && port_range_parse(&items[i], text) == 0)
			continue;
		if (text != NULL)
			read_expected(r, &item,
			    "a port such as \"22\", \"1-1023\" or \"53/udp\"");
		rc = -1;
	}
	*out = (struct port_list){.items = items, .n = len};
	return rc;
}

/* To a runtime arm alone is v7; whoever asks for it is content with any. */
static void
allow_any_arm(struct platform *p, const char *text)
{
	if (strcmp(p->arch, "arm") == 0 && strchr(text, '/') != NULL &&
	    strcasecmp(strchr(text, '/'), "/arm") == 0)
		p->variant = "";
}

static int
parse_platforms(
    struct reader *r, const struct node *n, struct platform_set *out)
{
	struct platform *items =
	    read_elements(r, n, "a list of platforms", sizeof(*items));
	const size_t len = json_array_size(n->value);
	const char *text;
	size_t i;
	int rc = 0;

	if (items == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);
		struct error err = ERROR_INIT;

		text = read_text(r, &item, "a platform such as linux/amd64");
		if (text != NULL &&
		    platform_parse(&items[i], text, r->mem, &err) == 0) {
			allow_any_arm(&items[i], text);
			continue;
		}
		if (text != NULL)
			diagnostics_error(r->diagnostics, &item, "%s", err.msg);
		rc = -1;
	}
	*out = (struct platform_set){.items = items, .n = len};
	return rc;
}

/* In an instruction a '/' parts nothing: every run of stars crosses it. */
static const char *
cross_slashes(const char *glob, struct arena *mem)
{
	char *wide = arena_calloc(mem, 2 * strlen(glob) + 1, 1);
	size_t n = 0;

	if (wide == NULL)
		return NULL;
	for (; *glob != '\0'; glob++) {
		if (*glob == '*' && n > 0 && wide[n - 1] == '*')
			continue;
		wide[n++] = *glob;
		if (*glob == '*')
			wide[n++] = '*';
	}
	return wide;
}

static int
parse_pattern(struct reader *r, const struct node *n, struct pattern *out)
{
	static const char *const keys[] = {"match", "because", NULL};
	const struct node match = node_get(n, "match");
	const struct node because = node_get(n, "because");

	if (!diagnostics_check_keys(r->diagnostics, n, keys))
		return -1;
	if (!read_given(&match) || !read_given(&because)) {
		diagnostics_error(r->diagnostics, n,
		    "`%s` is missing: a pattern has a glob and a reason, such "
		    "as {match: \"*npm install -g*\", because: use npm ci}",
		    read_given(&match) ? "because" : "match");
		return -1;
	}
	out->match = read_text(r, &match, "a glob over instructions");
	out->because = read_text(r, &because, "a reason");
	if (out->match == NULL || out->because == NULL)
		return -1;
	if (out->match[0] == '\0') {
		read_expected(r, &match, "a glob over instructions");
		return -1;
	}
	out->match = cross_slashes(out->match, r->mem);
	if (out->match == NULL)
		read_no_memory(r, n);
	return out->match == NULL ? -1 : 0;
}

static int
parse_patterns(struct reader *r, const struct node *n, struct pattern_list *out)
{
	struct pattern *items =
	    read_elements(r, n, "a list of patterns", sizeof(*items));
	const size_t len = json_array_size(n->value);
	size_t i;
	int rc = 0;

	if (items == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		const struct node item = node_at(n, i);

		rc |= parse_pattern(r, &item, &items[i]);
	}
	*out = (struct pattern_list){.items = items, .n = len};
	return rc;
}

int
value_parse(const struct check_field *f, struct check_parser *p,
    const struct node *n, void *to)
{
	struct reader *r = p->reader;

	if (json_is_array(n->value) && node_size(n) == 0 && !f->may_be_empty) {
		diagnostics_error(r->diagnostics, n,
		    "is empty, so nothing would pass; leave it out to let "
		    "everything pass");
		return -1;
	}
	switch (f->kind) {
	case VALUE_SIZE:
		return parse_size(r, n, to);
	case VALUE_COUNT:
		return parse_count(r, n, to);
	case VALUE_CHOICE:
		return parse_choice(r, n, f->words, to);
	case VALUE_GLOBS:
		return read_image_globs(r, n, to);
	case VALUE_TAGS:
		return read_tag_globs(r, n, to);
	case VALUE_BASES:
		return parse_bases(p, n, to);
	case VALUE_DURATION:
		return parse_duration(r, n, to);
	case VALUE_PERCENT:
		return parse_percent(r, n, to);
	case VALUE_NAMES:
		return parse_names(f, r, n, to);
	case VALUE_PAIRS:
		return parse_pairs(r, n, to);
	case VALUE_WORDS:
		return read_words(r, n, "detector", f->words, to);
	case VALUE_PORTS:
		return parse_ports(r, n, to);
	case VALUE_PLATFORMS:
		return parse_platforms(r, n, to);
	case VALUE_PATTERNS:
		return parse_patterns(r, n, to);
	}
	return -1;
}

bool
value_demands(const struct check_field *f, const void *v)
{
	switch (f->check == NULL ? -1 : (int)f->kind) {
	case VALUE_SIZE:
	case VALUE_COUNT:
	case VALUE_DURATION:
		return *(const int64_t *)v != 0;
	case VALUE_PERCENT:
		return *(const int *)v != 0;
	case VALUE_CHOICE:
		return *(const int *)v == CHOICE_DEMANDS;
	case VALUE_WORDS:
		return *(const uint32_t *)v != 0;
	case VALUE_GLOBS:
	case VALUE_TAGS:
	case VALUE_NAMES:
		return ((const struct string_list *)v)->n > 0;
	case VALUE_BASES:
		return ((const struct base_list *)v)->n > 0;
	case VALUE_PAIRS:
		return ((const struct pair_list *)v)->n > 0;
	case VALUE_PORTS:
		return ((const struct port_list *)v)->n > 0;
	case VALUE_PLATFORMS:
		return ((const struct platform_set *)v)->n > 0;
	case VALUE_PATTERNS:
		return ((const struct pattern_list *)v)->n > 0;
	default:
		return false;
	}
}
