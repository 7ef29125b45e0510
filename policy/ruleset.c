/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ruleset.h"

#include "policy/base/text.h"
#include "policy/checks/check.h"
#include "policy/match.h"
#include "policy/ruleset_parse.h"

#include <string.h>

const char *const mode_names[] = {
    [MODE_ENFORCE] = "enforce",
    [MODE_WARN] = "warn",
    [MODE_AUDIT] = "audit",
    NULL,
};

const char *const on_error_names[] = {
    [ON_ERROR_DENY] = "deny",
    [ON_ERROR_WARN] = "warn",
    [ON_ERROR_ALLOW] = "allow",
    NULL,
};

/* Keys of a review's audit annotations beside the rules' names. */
static const char *const reserved_names[] = {
    "verdict", "error", "exempt", NULL};

struct ruleset *
ruleset_ref(struct ruleset *rs)
{
	atomic_fetch_add_explicit(&rs->refs, 1, memory_order_relaxed);
	return rs;
}

void
ruleset_unref(struct ruleset *rs)
{
	if (rs != NULL &&
	    atomic_fetch_sub_explicit(&rs->refs, 1, memory_order_acq_rel) == 1)
		arena_free(rs->mem); /* the ruleset lives in it */
}

/* The mode under `mode`, or `otherwise`. */
static enum mode
parse_mode(struct parsing *p, const struct node *parent, enum mode otherwise)
{
	const struct node n = node_get(parent, "mode");
	int i = read_given(&n) ? read_word(&p->reader, &n, mode_names) : -1;

	return i < 0 ? otherwise : (enum mode)i;
}

struct node
parsing_enter(struct parsing *p, size_t source)
{
	p->reader.diagnostics = p->sources[source].diagnostics;
	return document_node(p->sources[source].doc);
}

struct place
parsing_place(const struct parsing *p, const struct node *n)
{
	return (struct place){p->reader.diagnostics->file, node_mark(n)};
}

const char *
parsing_text(struct parsing *p, const struct node *parent, const char *key)
{
	const struct node n = node_get(parent, key);
	const char *s = read_given(&n) ? read_text(&p->reader, &n, "text") : "";

	return s == NULL ? "" : s;
}

/* RFC 1123: what an audit annotation and a metric can carry as a key. */
static bool
is_dns_label(const char *s)
{
	size_t len = strlen(s);

	return len >= 1 && len <= RULE_NAME_MAX &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
	       s[0] != '-' && s[len - 1] != '-';
}

static void
report_taken(struct parsing *p, const struct node *n, const char *name,
    const struct place *first)
{
	const struct place own = parsing_place(p, n);

	if (first->at.line == own.at.line &&
	    first->at.column == own.at.column &&
	    strcmp(first->file, own.file) == 0) {
		diagnostics_error(p->reader.diagnostics, n,
		    "\"%s\" is read twice: name the file, or the folder that "
		    "it is in, once",
		    name);
		return;
	}
	diagnostics_error(p->reader.diagnostics, n,
	    "\"%s\" is the name of another rule, at %s:%d:%d", name,
	    first->file, first->at.line, first->at.column);
}

static void
parse_rule_name(struct parsing *p, const struct node *n, struct rule *r)
{
	const struct node name = node_get(n, "name");
	const size_t index = (size_t)(r - p->rules);
	json_t *first;

	r->name = "";
	if (!read_given(&name)) {
		diagnostics_error(
		    p->reader.diagnostics, n, "`name` is missing");
		return;
	}
	r->name = read_text(&p->reader, &name, "a name");
	if (r->name == NULL) {
		r->name = "";
		return;
	}
	if (!is_dns_label(r->name)) {
		read_expected(&p->reader, &name,
		    "a name of at most 63 small letters, digits and '-', such "
		    "as lean-images");
		return;
	}
	if (text_is_one_of(r->name, reserved_names)) {
		diagnostics_error(p->reader.diagnostics, &name,
		    "\"%s\" is not for rules: audit annotations use it",
		    r->name);
		return;
	}
	p->named[index] = parsing_place(p, &name);
	first = json_object_get(p->names, r->name);
	if (first != NULL)
		report_taken(
		    p, &name, r->name, &p->named[json_integer_value(first)]);
	else if (json_object_set_new(
		     p->names, r->name, json_integer((json_int_t)index)) != 0)
		read_no_memory(&p->reader, n);
}

static int
add_base(struct check_parser *cp, const struct node *n)
{
	struct parsing *p = (struct parsing *)cp; /* its first member */
	struct error err = ERROR_INIT;
	struct reference ref;
	const char *text = read_text(cp->reader, n, "an image reference");
	size_t i;

	if (text == NULL)
		return -1;
	if (reference_parse(&ref, text, p->rs->mem, &err) != 0 ||
	    (ref.text = reference_canonical(&ref, p->rs->mem)) == NULL) {
		diagnostics_error(p->reader.diagnostics, n, "%s",
		    err.code != ERR_NONE ? err.msg : "out of memory");
		return -1;
	}
	for (i = 0; i < p->rs->nbases; i++)
		if (strcmp(p->bases[i].text, ref.text) == 0)
			return (int)i;
	if (p->rs->nbases == RULESET_BASES_MAX) {
		diagnostics_error(p->reader.diagnostics, n,
		    "more than %d base images are listed", RULESET_BASES_MAX);
		return -1;
	}
	p->bases[p->rs->nbases] = ref;
	return (int)p->rs->nbases++;
}

static void
check_known_keys(struct parsing *p, const struct node *n)
{
	const char *known[RULE_CHECKS_MAX + 1];
	size_t i;

	for (i = 0; i < RULE_CHECKS_MAX && check_keys[i] != NULL; i++)
		known[i] = check_keys[i]->name;
	known[i] = NULL;
	diagnostics_check_keys(p->reader.diagnostics, n, known);
}

static void
parse_checks(struct parsing *p, const struct node *parent, struct rule *r)
{
	const struct node n = node_get(parent, "check");
	struct demand *demands;
	size_t i;

	if (!read_given(&n)) {
		diagnostics_error(
		    p->reader.diagnostics, parent, "`check` is missing");
		return;
	}
	if (json_is_null(n.value) ||
	    (json_is_object(n.value) && node_size(&n) == 0))
		diagnostics_error(p->reader.diagnostics, &n,
		    "is empty: a rule checks something, such as "
		    "size: {max: 300Mi}");
	else
		check_known_keys(p, &n);
	demands = read_alloc(&p->reader, &n, node_size(&n), sizeof(*demands));
	if (demands == NULL)
		return;
	for (i = 0; check_keys[i] != NULL; i++) {
		const struct node value = node_get(&n, check_keys[i]->name);
		struct demand *d = &demands[r->ndemands];

		if (!read_given(&value))
			continue;
		d->key = check_keys[i];
		d->params = check_parse(d->key, &p->checks, &value);
		if (d->params == NULL)
			continue;
		r->needs_facts |= d->key->needs_facts;
		r->ndemands++;
	}
	r->demands = demands;
}

static void
parse_rule(struct parsing *p, const struct node *n, struct rule *r)
{
	static const char *const keys[] = {
	    "name", "description", "owner", "mode", "match", "check", NULL};
	const struct node match = node_get(n, "match");

	if (!diagnostics_check_keys(p->reader.diagnostics, n, keys))
		return;
	parse_rule_name(p, n, r);
	r->description = parsing_text(p, n, "description");
	r->owner = parsing_text(p, n, "owner");
	r->mode = parse_mode(p, n, p->mode);
	if (read_given(&match))
		match_parse(&p->reader, &match, &r->match);
	parse_checks(p, n, r);
}

/* How many rules a source has; what it has instead is reported. */
static size_t
count_rules(struct parsing *p, const struct node *root)
{
	const struct node n = node_get(root, "rules");
	const struct node waivers = node_get(root, "waivers");

	if (json_is_array(n.value))
		return node_size(&n);
	if (read_given(&n))
		read_expected(&p->reader, &n, "a list of rules");
	else if (p->nsources == 1 || !read_given(&waivers))
		diagnostics_error(p->reader.diagnostics, root,
		    "`rules` is missing: a list of rules, each with a name and "
		    "a check");
	return 0;
}

/* Makes room for the rules of all sources; -1 after reporting. */
static int
alloc_rules(struct parsing *p)
{
	size_t s, total = 0;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);
		const struct node n = node_get(&root, "rules");

		total += count_rules(p, &root);
		if (total <= RULESET_RULES_MAX)
			continue;
		diagnostics_error(p->reader.diagnostics, &n,
		    "%zu rules, at most %d are read", total, RULESET_RULES_MAX);
		return -1;
	}
	p->rules = arena_calloc(p->rs->mem, total, sizeof(*p->rules));
	p->named = arena_calloc(p->rs->mem, total, sizeof(*p->named));
	if (p->rules == NULL || p->named == NULL) {
		const struct node root = parsing_enter(p, 0);

		read_no_memory(&p->reader, &root);
		return -1;
	}
	p->rs->rules = p->rules;
	return 0;
}

static void
parse_rules(struct parsing *p)
{
	size_t s, i;

	if (alloc_rules(p) != 0)
		return;
	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);
		const struct node n = node_get(&root, "rules");

		for (i = 0; i < json_array_size(n.value); i++) {
			const struct node rule = node_at(&n, i);

			parse_rule(p, &rule, &p->rules[p->rs->nrules++]);
		}
		if (s + 1 == p->nsources && p->rs->nrules == 0 &&
		    json_is_array(n.value))
			diagnostics_warn(p->reader.diagnostics, &n,
			    "is empty, so everything is allowed");
	}
}

/* Whether all are mappings. */
static bool
check_roots(struct parsing *p)
{
	static const char *const keys[] = {"version", "name", "mode", "onError",
	    "platforms", "rules", "waivers", NULL};
	bool all = true;
	size_t s;

	for (s = 0; s < p->nsources; s++) {
		const struct node root = parsing_enter(p, s);

		all &=
		    diagnostics_check_keys(p->reader.diagnostics, &root, keys);
	}
	return all;
}

static size_t
count_errors(const struct parsing *p)
{
	size_t s, n = 0;

	for (s = 0; s < p->nsources; s++)
		n += p->sources[s].diagnostics->errors;
	return n;
}

static struct ruleset *
ruleset_new(void)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct ruleset *rs = mem ? arena_calloc(mem, 1, sizeof(*rs)) : NULL;

	if (rs == NULL)
		return NULL;
	atomic_init(&rs->refs, 1);
	rs->name = "";
	rs->mem = TAKE(mem);
	return rs;
}

struct ruleset *
ruleset_parse_all(const struct ruleset_source *sources, size_t n)
{
	AUTO(ruleset_unref) struct ruleset *rs = ruleset_new();
	AUTO(json_decref) json_t *names = json_object();
	struct parsing p = {.checks = {.add_base = add_base},
	    .sources = sources,
	    .nsources = n,
	    .names = names,
	    .rs = rs};
	const struct node root = parsing_enter(&p, 0);

	if (rs != NULL) {
		p.reader.mem = rs->mem;
		p.bases =
		    arena_calloc(rs->mem, RULESET_BASES_MAX, sizeof(*p.bases));
	}
	if (p.bases == NULL || names == NULL) {
		read_no_memory(&p.reader, &root);
		return NULL;
	}
	p.checks.reader = &p.reader;
	rs->bases = p.bases;
	if (check_roots(&p)) {
		settings_parse(&p);
		parse_rules(&p);
		waivers_parse(&p);
	}
	return count_errors(&p) > 0 ? NULL : TAKE(rs);
}

struct ruleset *
ruleset_parse(const struct document *doc, struct diagnostics *d)
{
	const struct ruleset_source source = {doc, d};

	return ruleset_parse_all(&source, 1);
}
