/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/lookup.h"

#include "policy/bases.h"
#include "server/cli/cli.h"
#include "server/gate/fault.h"

#include <string.h>

int
lookup_option(struct lookup_options *o, int option, const char *value)
{
	if (option == 'c')
		o->config = value;
	else if (option == 't')
		return session_timeout(o->command, &o->timeout, value);
	else if (option == 'b' && o->nbases == LOOKUP_BASES_MAX)
		return cli_usage(
		    o->command, "more than %d --base", LOOKUP_BASES_MAX);
	else if (option == 'b')
		o->bases[o->nbases++] = value;
	return STATUS_OK;
}

static int
parse(struct lookup *l, bool *remote)
{
	l->mem = arena_new();
	if (l->mem == NULL)
		return error_set(&l->err, ERR_NOMEM, "out of memory");
	if (!local_is(l->text)) {
		*remote = true;
		return reference_parse(&l->ref, l->text, l->mem, &l->err);
	}
	if (local_read(l->text, &l->local, &l->err) != 0)
		return -1;
	l->set = image_set_ref(l->local.set);
	return 0;
}

static void
resolved(void *arg, struct image_set *set, enum cache_result from,
    const struct error *err)
{
	struct lookup *l = arg;

	(void)from;
	if (set != NULL)
		l->set = image_set_ref(set);
	else
		l->err = *err;
	session_end(l->session);
}

static void
ask(struct session *s, struct lookup *l, size_t n, int64_t timeout)
{
	const struct platform_set all = {NULL, 0};
	size_t i;

	for (i = 0; i < n; i++) {
		if (l[i].set != NULL)
			continue;
		l[i].session = s;
		session_begin(s, n);
		if (registry_resolve(s->registry, &l[i].ref, &all,
			session_deadline(timeout), resolved, &l[i],
			&l[i].err) != 0)
			session_end(s);
	}
	session_wait(s);
}

static int
describe(struct lookup *l)
{
	size_t i;

	l->platforms = arena_calloc(l->mem, l->set->n, sizeof(*l->platforms));
	if (l->platforms == NULL)
		return -1;
	for (i = 0; i < l->set->n; i++) {
		struct report_platform *rp = &l->platforms[i];

		rp->image = l->set->images[i];
		rp->platform = platform_text(&rp->image->platform, l->mem);
		if (rp->platform == NULL)
			return -1;
		bases_claim(rp);
	}
	return 0;
}

/* What may lie beneath, and who is asked. */
struct candidates {
	struct lookup items[LOOKUP_BASES_MAX];
	size_t n;
};

static void
add_candidate(struct candidates *c, struct arena *mem, const char *name,
    const char *digest, const char *host)
{
	struct error ignored = ERROR_INIT;
	struct lookup *l = &c->items[c->n];
	const char *text;
	size_t i;

	if (c->n == LOOKUP_BASES_MAX ||
	    reference_parse(&l->ref, name, mem, &ignored) != 0 ||
	    (host != NULL && strcmp(l->ref.host, host) != 0))
		return;
	text = reference_is_digest(digest)
		   ? arena_printf(mem, "%s@%s", l->ref.name, digest)
		   : name;
	if (text == NULL || reference_parse(&l->ref, text, mem, &ignored) != 0)
		return;
	for (i = 0; i < c->n; i++)
		if (strcmp(c->items[i].text, text) == 0)
			return;
	l->text = text;
	c->n++;
}

/* Whom an image's author names is asked only where the person who runs this
 * talks to that registry anyhow. */
static void
add_claims(struct candidates *c, struct arena *mem, const struct lookup *l)
{
	size_t i;

	for (i = 0; i < l->set->n && l->ref.host != NULL; i++) {
		const struct report_platform *rp = &l->platforms[i];

		if (rp->base_how != BASE_NONE)
			add_candidate(c, mem, rp->base_name, rp->base_digest,
			    l->ref.host);
	}
}

/* Keeps no more of the base than its name. */
static int
prove(struct lookup *l, const struct candidates *c)
{
	size_t i, k;

	for (i = 0; i < l->set->n; i++) {
		struct report_platform *rp = &l->platforms[i];

		for (k = 0; k < c->n; k++)
			bases_prove(rp, c->items[k].text, c->items[k].set);
		rp->base = rp->base_today = NULL;
		rp->base_name = arena_strdup(l->mem, rp->base_name);
		rp->base_digest = arena_strdup(l->mem, rp->base_digest);
		if (rp->base_name == NULL || rp->base_digest == NULL)
			return -1;
	}
	return 0;
}

static int
find_bases(struct session *s, struct lookup *l, size_t n,
    const struct lookup_options *o)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct candidates bases = {.n = 0};
	size_t i;
	int rc = mem == NULL ? -1 : 0;

	for (i = 0; rc == 0 && i < o->nbases; i++)
		add_candidate(&bases, mem, o->bases[i], "", NULL);
	for (i = 0; rc == 0 && i < n; i++) {
		if (l[i].set == NULL)
			continue;
		rc = describe(&l[i]);
		if (rc == 0)
			add_claims(&bases, mem, &l[i]);
	}
	if (s != NULL)
		ask(s, bases.items, bases.n, o->timeout);
	for (i = 0; i < o->nbases && i < bases.n; i++)
		if (bases.items[i].set == NULL)
			cli_fail(o->command, STATUS_OK, &bases.items[i].err);
	for (i = 0; rc == 0 && i < n; i++)
		if (l[i].set != NULL)
			rc = prove(&l[i], &bases);
	for (i = 0; i < bases.n; i++)
		image_set_unref(bases.items[i].set);
	return rc;
}

/* All that is named on the command line. */
static int
parse_all(
    struct lookup *l, size_t n, const struct lookup_options *o, bool *remote)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	struct error err = ERROR_INIT;
	struct reference ref;
	size_t i;

	for (i = 0; i < n; i++)
		if (parse(&l[i], remote) != 0)
			return cli_fail(o->command, STATUS_USAGE, &l[i].err);
	for (i = 0; mem != NULL && i < o->nbases; i++)
		if (reference_parse(&ref, o->bases[i], mem, &err) != 0)
			return cli_fail(o->command, STATUS_USAGE, &err);
	*remote |= o->nbases > 0;
	return STATUS_OK;
}

int
lookup_all(struct lookup *l, size_t n, struct lookup_options *o)
{
	struct session s;
	bool remote = false;
	size_t i;
	int rc;

	if (o->config == NULL)
		o->config = cli_environment("POLICY_GATE_CONFIG");
	if (session_timeout(o->command, &o->timeout, NULL) != STATUS_OK ||
	    parse_all(l, n, o, &remote) != STATUS_OK)
		return STATUS_USAGE;
	if (remote) {
		if (session_open(&s, o->command, NULL, o->config) != 0)
			return STATUS_USAGE;
		ask(&s, l, n, o->timeout);
	}
	rc = find_bases(remote ? &s : NULL, l, n, o);
	if (remote)
		session_close(&s);
	if (rc != 0)
		return cli_usage(o->command, "out of memory");
	for (i = 0; i < n; i++)
		if (l[i].set == NULL)
			return STATUS_UNJUDGED;
	return STATUS_OK;
}

void
lookup_tell(const struct lookup *l, const char *command)
{
	fprintf(stderr, "policy-gate %s: %s: %s: %s\n", command, l->text,
	    fault_code(l->err.code), l->err.msg);
}

void
lookup_clear(struct lookup *l)
{
	image_set_unref(l->set);
	local_clear(&l->local);
	arena_free(l->mem);
}

const char *
lookup_name(const struct lookup *l)
{
	if (l->local.set != NULL || l->set == NULL)
		return l->text;
	return arena_printf(l->mem, "%s@%s", l->ref.name, l->set->digest);
}
