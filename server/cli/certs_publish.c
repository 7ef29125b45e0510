/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/file.h"
#include "server/cli/certs_options.h"
#include "server/cli/cli.h"
#include "server/gate/clock.h"
#include "server/kube/publish.h"

#include <stdio.h>
#include <string.h>

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

enum { TEXT_MAX = 1024 };

/* What an option says; false after saying that it is too long. */
static bool
take(const char *command, const char *option, const char *text, struct buf *b)
{
	if (buf_puts(b, text) == 0)
		return true;
	cli_usage(command, "%s has more than %d bytes", option, TEXT_MAX);
	return false;
}

/* https://HOST:PORT as a pod is told it; false after saying that it is not. */
static bool
find_server(const struct certs_options *o, const char *command, struct buf *url)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	bool v6;

	if (o->server != NULL)
		return take(command, "--server", o->server, url);
	if (host == NULL || port == NULL) {
		cli_usage(command,
		    "this is no pod (KUBERNETES_SERVICE_HOST is not set): say "
		    "--server, --token-file and --ca-file");
		return false;
	}
	v6 = strchr(host, ':') != NULL;
	return buf_printf(url, "https://%s%s%s:%s", v6 ? "[" : "", host,
		   v6 ? "]" : "", port) == 0;
}

static bool
find_namespace(
    const struct certs_options *o, const char *command, struct buf *ns)
{
	AUTO(free) char *text = NULL;
	struct error err = ERROR_INIT;
	size_t len;

	if (o->ns != NULL)
		return take(command, "--namespace", o->ns, ns);
	text = file_read(ACCOUNT "namespace", TEXT_MAX, &len, &err);
	if (text == NULL) {
		cli_usage(command, "--namespace is not given, and %s", err.msg);
		return false;
	}
	return buf_add(ns, text, strcspn(text, "\n")) == 0;
}

static void
tell_writes(const struct certs_options *o, const struct publish_report *report)
{
	size_t i;

	if (report->wrote_ca_secret)
		printf("secrets/%s: written\n", o->ca_secret);
	for (i = 0; i < PUBLISH_KINDS; i++) {
		const struct publish_hooks *h = &report->hooks[i];

		if (!h->absent && h->ours == 0)
			printf("%s/%s: no webhook in it calls a name of the "
			       "certificate\n",
			    publish_kinds[i], o->webhooks);
		if (h->set > 0)
			printf("%s/%s: caBundle of %d webhooks set\n",
			    publish_kinds[i], o->webhooks, h->set);
	}
	if (report->hooks[0].absent && report->hooks[1].absent)
		printf("there is no webhook configuration \"%s\" yet\n",
		    o->webhooks);
	if (report->wrote_secret)
		printf("secrets/%s: written\n", o->secret);
}

/* Whether it may go well by itself some time later. */
static bool
may_heal(const struct error *err)
{
	return err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT ||
	       err->code == ERR_TRUNCATED || err->code == ERR_SYNTAX ||
	       err->code == ERR_NOMEM;
}

int
certs_publish(const struct certs_options *o, const char *command)
{
	AUTO(buf_clear) struct buf server = BUF_INIT(TEXT_MAX);
	AUTO(buf_clear) struct buf ns = BUF_INIT(TEXT_MAX);
	AUTO(buf_clear) struct buf name = BUF_INIT(TEXT_MAX);
	AUTO(kube_free) struct kube *k = NULL;
	struct publish_request r = {.authority = certs_request(o),
	    .secret = o->secret,
	    .ca_secret = o->ca_secret,
	    .webhooks = o->webhooks};
	struct kube_options ko = {.clock = &clock_real,
	    .timeout_ms = o->timeout * 1000,
	    .token_file =
		o->token_file != NULL ? o->token_file : ACCOUNT "token",
	    .ca_file = o->ca_file != NULL ? o->ca_file : ACCOUNT "ca.crt"};
	struct publish_report report;
	struct error err = ERROR_INIT;
	const char *usual;

	if (!find_server(o, command, &server) ||
	    !find_namespace(o, command, &ns))
		return STATUS_USAGE;
	buf_printf(&name, "%s.%s.svc", o->service, buf_text(&ns));
	usual = buf_text(&name);
	ko.server = buf_text(&server);
	r.ns = buf_text(&ns);
	if (o->nnames == 0) {
		r.authority.names = &usual;
		r.authority.nnames = 1;
	}
	k = kube_new(&ko, &err);
	if (k == NULL || publish(k, &r, &report, &err) != 0)
		return cli_fail(command,
		    may_heal(&err) ? STATUS_UNJUDGED : STATUS_USAGE, &err);
	tell_writes(o, &report);
	certs_tell("certs", &report.authority);
	return cli_finish(command, STATUS_OK);
}
