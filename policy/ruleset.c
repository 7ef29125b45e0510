/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ruleset.h"

#include "policy/checks/check.h"
#include "policy/match.h"
#include "policy/ruleset_parse.h"

#include <string.h>

static const char *const modes[] = {"enforce", "warn", "audit", NULL};
static const char *const on_errors[] = {"deny", "warn", "allow", NULL};

/* Keys of a review's audit annotations beside the rules' names. */
static const char *const reserved_names[] = {
    "verdict", "error", "exempt", NULL};

const char *
mode_name(enum mode m)
{
	return modes[m];
}

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
	int i = read_given(&n) ? read_word(&p->reader, &n, modes) : -1;

	return i < 0 ? otherwise : (enum mode)i;
}

static void
parse_on_error(struct parsing *p, const struct node *root)
{
	const struct node n = node_get(root, "onError");
	int i = read_given(&n) ? read_word(&p->reader, &n, on_errors) : -1;

	p->rs->on_error = i < 0 ? ON_ERROR_DENY : (enum on_error)i;
}

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
parse_platforms(struct parsing *p, const struct node *root)
{
	const struct node n = node_get(root, "platforms");
	struct string_list texts;
	struct platform *items;
	size_t i;

	if (!read_given(&n))
		return;
	read_list(
	    &p->reader, &n, "a platform such as linux/amd64", NULL, &texts);
	if (json_is_array(n.value) && node_size(&n) == 0)
		diagnostics_error(p->reader.diagnostics, &n,
		    "is empty; leave it out to judge every platform");
	items = arena_calloc(p->rs->mem, texts.n, sizeof(*items));
	if (items == NULL) {
		read_no_memory(&p->reader, &n);
		return;
	}
	for (i = 0; i < texts.n; i++) {
		const struct node item = node_at(&n, i);
		struct error err = ERROR_INIT;

		if (texts.items[i] != NULL &&
		    platform_parse(
			&items[i], texts.items[i], p->rs->mem, &err) != 0)
			diagnostics_error(
			    p->reader.diagnostics, &item, "%s", err.msg);
	}
	p->rs->platforms = (struct platform_set){.items = items, .n = texts.n};
}

/* Returns the text under an optional key, "" where there is none. */
static const char *
optional_text(struct parsing *p, const struct node *parent, const char *key)
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

static bool
is_one_of(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static void
parse_rule_name(struct parsing *p, const struct node *n, struct rule *r)
{
	const struct node name = node_get(n, "name");
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
	if (is_one_of(r->name, reserved_names)) {
		diagnostics_error(p->reader.diagnostics, &name,
		    "\"%s\" is not for rules: audit annotations use it",
		    r->name);
		return;
	}
	first = json_object_get(p->names, r->name);
	if (first != NULL)
		diagnostics_error(p->reader.diagnostics, &name,
		    "\"%s\" is the name of rules[%" JSON_INTEGER_FORMAT
		    "] already",
		    r->name, json_integer_value(first));
	else if (json_object_set_new(p->names, r->name,
		     json_integer((json_int_t)(r - p->rules))) != 0)
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
	check_known_keys(p, &n);
	if (json_is_object(n.value) && node_size(&n) == 0)
		diagnostics_error(p->reader.diagnostics, &n,
		    "is empty: a rule checks something, such as "
		    "size: {max: 300Mi}");
	demands = arena_calloc(p->rs->mem, node_size(&n), sizeof(*demands));
	if (demands == NULL) {
		read_no_memory(&p->reader, &n);
		return;
	}
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
	r->description = optional_text(p, n, "description");
	r->owner = optional_text(p, n, "owner");
	r->mode = parse_mode(p, n, p->mode);
	if (read_given(&match))
		match_parse(&p->reader, &match, &r->match);
	parse_checks(p, n, r);
}

static void
parse_rules(struct parsing *p, const struct node *root)
{
	const struct node n = node_get(root, "rules");
	size_t i, len = node_size(&n);

	if (!read_given(&n)) {
		diagnostics_error(p->reader.diagnostics, root,
		    "`rules` is missing: a list of rules, each with a name and "
		    "a check");
		return;
	}
	if (!json_is_array(n.value)) {
		read_expected(&p->reader, &n, "a list of rules");
		return;
	}
	if (len == 0)
		diagnostics_warn(p->reader.diagnostics, &n,
		    "is empty, so everything is allowed");
	if (len > RULESET_RULES_MAX) {
		diagnostics_error(p->reader.diagnostics, &n,
		    "%zu rules, at most %d are read", len, RULESET_RULES_MAX);
		return;
	}
	p->rules = arena_calloc(p->rs->mem, len, sizeof(*p->rules));
	if (p->rules == NULL) {
		read_no_memory(&p->reader, &n);
		return;
	}
	p->rs->rules = p->rules;
	p->rs->nrules = len;
	for (i = 0; i < len; i++) {
		const struct node rule = node_at(&n, i);

		parse_rule(p, &rule, &p->rules[i]);
	}
}

static void
parse_root(struct parsing *p, const struct node *root)
{
	static const char *const keys[] = {"version", "name", "mode", "onError",
	    "platforms", "rules", "waivers", NULL};

	if (!diagnostics_check_keys(p->reader.diagnostics, root, keys))
		return;
	parse_version(p, root);
	p->rs->name = optional_text(p, root, "name");
	p->mode = parse_mode(p, root, MODE_ENFORCE);
	parse_on_error(p, root);
	parse_platforms(p, root);
	parse_rules(p, root);
	waivers_parse(p, root);
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
ruleset_parse(const struct document *doc, struct diagnostics *d)
{
	const struct node root = document_node(doc);
	AUTO(ruleset_unref) struct ruleset *rs = ruleset_new();
	AUTO(json_decref) json_t *names = json_object();
	struct reader reader = {.diagnostics = d};
	struct parsing p = {.checks = {.add_base = add_base}, .names = names};

	if (rs != NULL) {
		reader.mem = rs->mem;
		p.bases =
		    arena_calloc(rs->mem, RULESET_BASES_MAX, sizeof(*p.bases));
	}
	if (p.bases == NULL || names == NULL) {
		diagnostics_error(d, &root, "out of memory");
		return NULL;
	}
	p.reader = reader;
	p.checks.reader = &p.reader;
	p.rs = rs;
	rs->bases = p.bases;
	parse_root(&p, &root);
	return d->errors > 0 ? NULL : TAKE(rs);
}
