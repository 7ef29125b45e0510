/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/lookup.h"

#include "server/cli/cli.h"

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

int
lookup_all(struct lookup *l, size_t n, const char *command, const char *config,
    int64_t timeout)
{
	struct session s;
	bool remote = false;
	size_t i;

	for (i = 0; i < n; i++)
		if (parse(&l[i], &remote) != 0)
			return cli_fail(command, STATUS_USAGE, &l[i].err);
	if (remote) {
		if (session_open(&s, command, NULL, config) != 0)
			return STATUS_USAGE;
		ask(&s, l, n, timeout);
		session_close(&s);
	}
	for (i = 0; i < n; i++)
		if (l[i].set == NULL)
			return STATUS_UNJUDGED;
	return STATUS_OK;
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
