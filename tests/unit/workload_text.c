/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/workload_text.h"

#include "policy/base/buf.h"

static void
add_head(struct buf *b, const struct workload *w)
{
	size_t i;

	buf_printf(b, "%s %s/%s", w->kind, w->namespace, w->name);
	for (i = 0; i < w->labels.n; i++)
		buf_printf(b, "%s%s=%s", i == 0 ? " " : ",",
		    w->labels.items[i].key, w->labels.items[i].value);
	for (i = 0; i < w->platforms.n; i++)
		buf_printf(b, "%s%s/%s", i == 0 ? " on " : ",",
		    w->platforms.items[i].os, w->platforms.items[i].arch);
	buf_printf(b, "%s%s\n",
	    platform_set_is_windows(&w->platforms) ? " windows" : "",
	    w->host_users_false ? " userns" : "");
}

static void
add_container(struct buf *b, const struct container *c)
{
	static const char *const types[] = {
	    "", " init", " ephemeral", " volume"};

	buf_printf(b, "%s %s %s%s", c->path, c->name, c->image, types[c->type]);
	if (c->has_run_as_user)
		buf_printf(b, " uid=%lld", (long long)c->run_as_user);
	if (c->run_as_non_root != UNSET)
		buf_printf(
		    b, " nonroot=%s", c->run_as_non_root == YES ? "yes" : "no");
	if (c->run_as_user_name != NULL)
		buf_printf(b, " user=%s", c->run_as_user_name);
	buf_printf(b, "%s\n", c->unchanged ? " unchanged" : "");
}

char *
workload_text(const struct workload *w)
{
	struct buf b;
	size_t i;

	buf_init(&b, 1024 * 1024);
	add_head(&b, w);
	for (i = 0; i < w->ncontainers; i++)
		add_container(&b, &w->containers[i]);
	return buf_take(&b);
}
