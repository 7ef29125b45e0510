/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/match.h"
#include "policy/ruleset_parse.h"

#include "policy/base/text.h"
#include "policy/base/units.h"

enum { DAY_S = 24 * 60 * 60 };

enum waiver_state
waiver_state(const struct waiver *w, int64_t now, int64_t *days)
{
	*days = w->expires / DAY_S - 1 - now / DAY_S;
	if (now >= w->expires)
		return WAIVER_EXPIRED;
	return *days <= WAIVER_SOON_DAYS ? WAIVER_ENDS_SOON : WAIVER_WORKS;
}

/* The text under a key that must be there and say something; NULL after
 * reporting. */
static const char *
required_text(struct parsing *p, const struct node *parent, const char *key,
    const char *what)
{
	const struct node n = node_get(parent, key);
	const char *s;

	if (!read_given(&n)) {
		diagnostics_error(p->reader.diagnostics, parent,
		    "`%s` is missing: %s", key, what);
		return NULL;
	}
	s = read_text(&p->reader, &n, what);
	if (s != NULL && s[0] == '\0') {
		read_expected(&p->reader, &n, what);
		return NULL;
	}
	return s;
}

static void
parse_expires(struct parsing *p, const struct node *n, struct waiver *w)
{
	const struct node expires = node_get(n, "expires");
	int64_t day;

	w->expires_on =
	    required_text(p, n, "expires", "a date such as 2027-01-31");
	if (w->expires_on == NULL)
		return;
	if (units_parse_date(w->expires_on, &day) != 0)
		read_expected(
		    &p->reader, &expires, "a date such as 2027-01-31");
	else
		w->expires = day + DAY_S;
}

static void
parse_match(struct parsing *p, const struct node *n, struct waiver *w)
{
	const struct node match = node_get(n, "match");

	if (!read_given(&match)) {
		diagnostics_error(p->reader.diagnostics, n,
		    "`match` is missing: say what is excepted, such as "
		    "{namespaces: [billing]}");
		return;
	}
	match_parse(&p->reader, &match, &w->match);
	if (json_is_object(match.value) && node_size(&match) == 0)
		diagnostics_error(p->reader.diagnostics, &match,
		    "is empty: say what is excepted, such as "
		    "{namespaces: [billing]}");
}

/* The nearest of the names that rules have; borrowed, or NULL. */
static const char *
nearest_rule(struct parsing *p, const char *name)
{
	const char **names;
	size_t i;

	names = arena_calloc(p->rs->mem, p->rs->nrules + 1, sizeof(*names));
	if (names == NULL)
		return NULL;
	for (i = 0; i < p->rs->nrules; i++)
		names[i] = p->rules[i].name;
	return text_nearest(name, names);
}

/* A waiver for a rule that is not there (any more) does no harm: it is told,
 * and left out. */
static bool
parse_rule_of(struct parsing *p, const struct node *n, struct waiver *w)
{
	const struct node rule = node_get(n, "rule");
	const char *name = required_text(p, n, "rule", "the name of a rule");
	const char *near;
	json_t *index;
	AUTO(buf_clear) struct buf shown = BUF_INIT(READ_FOUND_MAX);

	if (name == NULL)
		return false;
	index = json_object_get(p->names, name);
	if (index != NULL) {
		w->rule = &p->rules[json_integer_value(index)];
		return true;
	}
	near = nearest_rule(p, name);
	text_sanitise(&shown, name, READ_FOUND_MAX);
	diagnostics_warn(p->reader.diagnostics, &rule,
	    "there is no rule \"%s\"%s%s%s", buf_text(&shown),
	    near ? ", did you mean \"" : ", so this waives nothing",
	    near ? near : "", near ? "\"?" : "");
	return false;
}

static bool
parse_waiver(struct parsing *p, const struct node *n, struct waiver *w)
{
	static const char *const keys[] = {
	    "rule", "match", "owner", "reason", "expires", NULL};
	bool known;

	if (!diagnostics_check_keys(p->reader.diagnostics, n, keys))
		return false;
	known = parse_rule_of(p, n, w);
	parse_match(p, n, w);
	w->owner =
	    required_text(p, n, "owner", "an owner such as billing-team");
	w->reason =
	    required_text(p, n, "reason", "a reason such as moving to slim");
	parse_expires(p, n, w);
	return known;
}

/* Each rule finds its own, in their order. */
static void
link_waivers(struct parsing *p, struct waiver *items, size_t n)
{
	struct rule *r;

	while (n-- > 0) {
		r = &p->rules[items[n].rule - p->rules];
		items[n].next = r->waivers;
		r->waivers = &items[n];
	}
}

/* Those of one source, from items[kept] on; returns how many there are then. */
static size_t
parse_list(struct parsing *p, const struct node *root, struct waiver *items,
    size_t kept)
{
	const struct node n = node_get(root, "waivers");
	size_t i;

	for (i = 0; i < json_array_size(n.value); i++) {
		const struct node item = node_at(&n, i);

		if (parse_waiver(p, &item, &items[kept]))
			kept++;
		else
			items[kept] = (struct waiver){.rule = NULL};
	}
	return kept;
}

/* Room for the waivers of all sources; NULL after reporting. */
static struct waiver *
alloc_waivers(struct parsing *p)
{
	size_t s, total = 0;
	struct waiver *items;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);
		const struct node n = node_get(&root, "waivers");

		if (read_given(&n) && !json_is_array(n.value))
			read_expected(&p->reader, &n, "a list of waivers");
		total += json_array_size(n.value);
		if (total <= RULESET_WAIVERS_MAX)
			continue;
		diagnostics_error(p->reader.diagnostics, &n,
		    "%zu waivers, at most %d are read", total,
		    RULESET_WAIVERS_MAX);
		return NULL;
	}
	items = arena_calloc(p->rs->mem, total, sizeof(*items));
	if (items == NULL) {
		const struct node root = parsing_enter(p, 0);

		read_no_memory(&p->reader, &root);
	}
	return items;
}

void
waivers_parse(struct parsing *p)
{
	struct waiver *items = alloc_waivers(p);
	size_t s, n = 0;

	if (items == NULL)
		return;
	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);

		n = parse_list(p, &root, items, n);
	}
	p->rs->waivers = items;
	p->rs->nwaivers = n;
	link_waivers(p, items, n);
}
