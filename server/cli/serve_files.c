/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/serve_files.h"

#include "server/gate/clock.h"

void
serve_files_clear(struct serve_files *f)
{
	config_clear(&f->config);
	ruleset_unref(f->rules);
	keypair_free(f->tls);
	clients_unref(f->clients);
	*f = (struct serve_files){0};
}

static void
watch_named(void *arg, const char *path)
{
	watch_add(arg, path);
}

int
serve_files_load(struct serve_files *f, const struct serve_options *o,
    struct watch *w, struct buf *report)
{
	const struct settings_listener watcher = {watch_named, w};
	const int64_t now = clock_real.wall_s(&clock_real);
	struct error tls_err = ERROR_INIT, clients_err = ERROR_INIT;
	bool ok;

	*f = (struct serve_files){0};
	ok = config_load(&f->config, o->config, &watcher, report) == 0;
	f->rules = policies_load(&o->policy, now, LINT_NOTHING, report);
	f->tls = keypair_load(o->tls_cert, o->tls_key, now, &tls_err);
	if (f->tls == NULL)
		buf_printf(report, "%s\n", tls_err.msg);
	if (o->clients.ca_file != NULL) {
		f->clients = clients_load(&o->clients, &clients_err);
		if (f->clients == NULL)
			buf_printf(report, "%s\n", clients_err.msg);
		ok &= f->clients != NULL;
	}
	if (ok && f->rules != NULL && f->tls != NULL)
		return 0;
	serve_files_clear(f);
	return -1;
}

void
serve_files_watch(struct watch *w, const struct serve_options *o)
{
	size_t i;

	for (i = 0; i < o->policy.n; i++)
		watch_add(w, o->policy.paths[i]);
	watch_add(w, o->config);
	watch_add(w, o->tls_cert);
	watch_add(w, o->tls_key);
	watch_add(w, o->clients.ca_file);
}
