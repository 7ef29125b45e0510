/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint.h"

#include "policy/checks/check.h"
#include "policy/glob.h"
#include "policy/match.h"

#include <inttypes.h>
#include <string.h>

enum {
	HOUR_S = 60 * 60,
	YEAR_S = 365 * 24 * HOUR_S,
	MOUNTED_LAYERS_MAX = 128,
	WHEN_MAX = 32
};

struct linter {
	struct diagnostics *d; /* of the source at hand */
	int64_t now;
	enum lint what;
	bool told_of_kube_system;
};

static bool
runs_nothing(const struct match *m)
{
	return m->containers == UINT32_C(1) << CONTAINER_IMAGE_VOLUME;
}

/* Why nothing is like this; NULL: something may be. */
static const char *
impossible(const struct match *m)
{
	if (m->kinds.n != 1 || !match_kind(m, "Image"))
		return NULL;
	if (m->labels.n > 0)
		return "a bare image has no labels";
	if (m->containers != 0 && (m->containers >> CONTAINER_REGULAR & 1) == 0)
		return "a bare image is taken for a regular container";
	return NULL;
}

static void
lint_match(struct linter *l, const struct node *n, const struct match *m)
{
	const struct node namespaces = node_get(n, "namespaces");
	const struct node images = node_get(n, "images");
	const char *why = impossible(m);
	bool never = why != NULL;

	never |= lint_globs(l->d, &namespaces, &m->namespaces, "*");
	never |= lint_globs(l->d, &images, &m->images, "**");
	if (never)
		diagnostics_warn(l->d, n, "never matches%s%s",
		    why != NULL ? ": " : "", why != NULL ? why : "");
}

static const void *
find_value(const struct rule *r, const char *key, const char *field)
{
	const struct check_field *f;
	size_t i;

	for (i = 0; i < r->ndemands; i++) {
		if (strcmp(r->demands[i].key->name, key) != 0)
			continue;
		for (f = r->demands[i].key->fields; f->name != NULL; f++)
			if (strcmp(f->name, field) == 0)
				return (const char *)r->demands[i].params +
				       f->at;
	}
	return NULL;
}

/* A size, a count or a duration; 0 where there is none. */
static int64_t
find_number(const struct rule *r, const char *key, const char *field)
{
	const int64_t *value = find_value(r, key, field);

	return value == NULL ? 0 : *value;
}

/* Limits that another of the same rule comes before, always. */
static void
lint_sizes(struct linter *l, const struct node *checks, const struct rule *r)
{
	static const char *const smaller[][2] = {
	    {"size", "maxLayer"}, {"size", "maxAboveBase"}, {"growth", "over"}};
	const int64_t max = find_number(r, "size", "max");
	size_t i;

	for (i = 0; i < sizeof(smaller) / sizeof(smaller[0]); i++) {
		const struct node key = node_get(checks, smaller[i][0]);
		const struct node n = node_get(&key, smaller[i][1]);

		if (max != 0 &&
		    find_number(r, smaller[i][0], smaller[i][1]) >= max)
			diagnostics_warn(l->d, &n,
			    "decides nothing: what is over it is over "
			    "size.max too");
	}
}

static void
lint_age(struct linter *l, const struct node *checks, const struct rule *r,
    const char *key_name, const char *field)
{
	const struct node key = node_get(checks, key_name);
	const struct node n = node_get(&key, field);
	const int64_t age = find_number(r, key_name, field);

	if (age != 0 && age < HOUR_S)
		diagnostics_warn(l->d, &n,
		    "is under an hour: an image is hardly built, pushed and "
		    "pulled in that");
	else if (age > 20 * (int64_t)YEAR_S)
		diagnostics_warn(
		    l->d, &n, "decides nothing: no image is 20 years old");
}

static void
lint_layers(struct linter *l, const struct node *checks, const struct rule *r)
{
	const struct node key = node_get(checks, "layers");
	const struct node n = node_get(&key, "max");

	if (find_number(r, "layers", "max") >= MOUNTED_LAYERS_MAX)
		diagnostics_warn(l->d, &n,
		    "decides nothing: a node cannot mount more than %d layers",
		    MOUNTED_LAYERS_MAX);
}

/* Whether a list denies all of a glob, whatever it excludes. */
static const char *
denied_by(const struct string_list *deny, const char *glob)
{
	const char *by = NULL;
	size_t i;

	for (i = 0; i < deny->n; i++) {
		if (deny->items[i][0] == '!')
			return NULL;
		if (lint_covers(deny->items[i], glob))
			by = deny->items[i];
	}
	return by;
}

static void
lint_source(struct linter *l, const struct node *checks, const struct rule *r)
{
	const struct string_list *allow = find_value(r, "source", "allow");
	const struct string_list *deny = find_value(r, "source", "deny");
	const struct node key = node_get(checks, "source");
	const struct node list = node_get(&key, "allow");
	const char *by;
	size_t i;

	if (allow == NULL || allow->n > LINT_LIST_MAX ||
	    deny->n > LINT_LIST_MAX)
		return;
	for (i = 0; i < allow->n; i++) {
		const struct node n = node_at(&list, i);

		by = allow->items[i][0] == '!'
			 ? NULL
			 : denied_by(deny, allow->items[i]);
		if (by != NULL)
			diagnostics_warn(l->d, &n,
			    "allows nothing: source.deny has \"%s\"", by);
	}
}

static void
lint_bases(struct linter *l, const struct node *checks, const struct rule *r)
{
	const struct base_list *allow = find_value(r, "base", "allow");
	const struct base_list *deny = find_value(r, "base", "deny");
	const struct node key = node_get(checks, "base");
	const struct node list = node_get(&key, "allow");
	size_t i, k;

	for (i = 0; allow != NULL && i < allow->n; i++)
		for (k = 0; k < deny->n; k++) {
			const struct node n = node_at(&list, i);

			if (allow->items[i] == deny->items[k])
				diagnostics_warn(l->d, &n,
				    "allows nothing: base.deny has it too");
		}
}

/* What the lists of globs exclude of themselves. */
static void
lint_lists(struct linter *l, const struct node *checks, const struct rule *r)
{
	const struct check_field *f;
	size_t i;

	for (i = 0; i < r->ndemands; i++) {
		const struct demand *d = &r->demands[i];
		const struct node key = node_get(checks, d->key->name);

		for (f = d->key->fields; f->name != NULL; f++) {
			const struct node n = node_get(&key, f->name);

			if (f->kind == VALUE_GLOBS || f->kind == VALUE_TAGS ||
			    f->kind == VALUE_NAMES)
				lint_globs(l->d, &n,
				    find_value(r, d->key->name, f->name), "**");
		}
	}
}

/* What has no process is asked about nothing but its process. */
static bool
asks_nothing(const struct rule *r)
{
	size_t i;

	for (i = 0; i < r->ndemands; i++)
		if (!r->demands[i].key->needs_process)
			return false;
	return r->ndemands > 0 && runs_nothing(&r->match);
}

/* A cluster that cannot start its own pods cannot be mended by them. */
static bool
denies_in_kube_system(const struct rule *r)
{
	const struct match *m = &r->match;

	return r->mode == MODE_ENFORCE && m->images.n == 0 &&
	       m->labels.n == 0 && m->containers == 0 && match_kind(m, "Pod") &&
	       glob_list_match(
		   m->namespaces.items, m->namespaces.n, "kube-system");
}

static void
lint_rule(struct linter *l, const struct node *n, const struct rule *r)
{
	const struct node match = node_get(n, "match");
	const struct node checks = node_get(n, "check");

	lint_match(l, &match, &r->match);
	if (asks_nothing(r))
		diagnostics_warn(l->d, &checks,
		    "asks nothing of image volumes, in which nothing runs");
	if (denies_in_kube_system(r) && !l->told_of_kube_system) {
		diagnostics_warn(l->d, n,
		    "denies in kube-system too, where the cluster's own pods "
		    "are; leave it out with match: {namespaces: [\"*\", "
		    "\"!kube-system\"]} (other rules may need it as well)");
		l->told_of_kube_system = true;
	}
	lint_lists(l, &checks, r);
	lint_sizes(l, &checks, r);
	lint_layers(l, &checks, r);
	lint_age(l, &checks, r, "age", "max");
	lint_age(l, &checks, r, "base", "maxAge");
	lint_source(l, &checks, r);
	lint_bases(l, &checks, r);
}

static void
lint_expiry(struct linter *l, const struct node *n, const struct waiver *w)
{
	const struct node expires = node_get(n, "expires");
	AUTO(buf_clear) struct buf when = BUF_INIT(WHEN_MAX);
	int64_t days;

	switch (waiver_state(w, l->now, &days)) {
	case WAIVER_WORKS:
		break;
	case WAIVER_ENDS_SOON:
		if (days > 1)
			buf_printf(&when, "in %" PRId64 " days", days);
		else
			buf_puts(&when, days == 1 ? "tomorrow" : "today");
		diagnostics_warn(l->d, &expires,
		    "ends %s; after that findings of \"%s\" have their "
		    "effect",
		    buf_text(&when), w->rule->name);
		break;
	case WAIVER_EXPIRED:
		diagnostics_warn(l->d, &expires,
		    "expired on %s: findings of \"%s\" have their effect; "
		    "renew the waiver or take it out",
		    w->expires_on, w->rule->name);
		break;
	}
}

static bool
share_a_kind(const struct match *a, const struct match *b)
{
	size_t i;

	for (i = 0; i < a->kinds.n; i++)
		if (match_kind(b, a->kinds.items[i]))
			return true;
	return a->kinds.n == 0;
}

static void
lint_waiver(struct linter *l, const struct node *n, const struct waiver *w)
{
	const struct match *m = &w->match, *of = &w->rule->match;
	const struct node match = node_get(n, "match");

	lint_expiry(l, n, w);
	if (l->what != LINT_ALL)
		return;
	lint_match(l, &match, m);
	if (!share_a_kind(m, of) ||
	    (m->containers != 0 && of->containers != 0 &&
		(m->containers & of->containers) == 0))
		diagnostics_warn(l->d, &match,
		    "waives nothing: \"%s\" matches none of this",
		    w->rule->name);
}

/* Waivers of rules that are not there were left out. */
static bool
is_that_waiver(const struct node *n, const struct waiver *w)
{
	const struct node rule = node_get(n, "rule");
	const char *name = json_string_value(rule.value);

	return name != NULL && strcmp(name, w->rule->name) == 0;
}

void
lint_policy(const struct ruleset_source *sources, size_t n,
    const struct ruleset *rs, int64_t now, enum lint what)
{
	const struct waiver *w = rs->waivers;
	const struct rule *r = rs->rules;
	struct linter l = {.now = now, .what = what};
	size_t s, i;

	for (s = 0; s < n && what != LINT_NOTHING; s++) {
		const struct node root = document_node(sources[s].doc);
		const struct node rules = node_get(&root, "rules");
		const struct node waivers = node_get(&root, "waivers");

		l.d = sources[s].diagnostics;
		for (i = 0; what == LINT_ALL && i < node_size(&rules); i++) {
			const struct node rule = node_at(&rules, i);

			lint_rule(&l, &rule, r++);
		}
		for (i = 0;
		     i < node_size(&waivers) && w < rs->waivers + rs->nwaivers;
		     i++) {
			const struct node waiver = node_at(&waivers, i);

			if (is_that_waiver(&waiver, w))
				lint_waiver(&l, &waiver, w++);
		}
	}
}
