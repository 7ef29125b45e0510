/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "server/cli/certs_options.h"
#include "server/cli/cli.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 8 * 1024 };

static void
tell_new(struct buf *b, const char *what, const char *name, int64_t until,
    const struct error *why)
{
	buf_printf(b, "%s: %s, valid until ", what, name);
	units_add_time(b, until);
	buf_printf(b, " (%s)\n", why->msg);
}

void
certs_tell(const char *what, const struct authority_report *report)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(LINE_MAX_BYTES);

	if (report->new_ca)
		tell_new(&b, what, "a new authority", report->ca_not_after,
		    &report->ca_why);
	if (report->new_leaf)
		tell_new(&b, what, "a new certificate", report->leaf_not_after,
		    &report->leaf_why);
	else if (report->leaf_why.code != ERR_NONE)
		buf_printf(&b,
		    "%s: the certificate stays until clients know the new "
		    "authority\n",
		    what);
	if (report->dropped > 0)
		buf_printf(&b,
		    "%s: %d of the certificates in ca.crt left out, which "
		    "nothing needs any more\n",
		    what, report->dropped);
	if (b.len == 0)
		buf_printf(&b, "%s: nothing to do\n", what);
	buf_printf(&b, "%s: next is %s, due ", what, report->next_what);
	units_add_time(&b, report->next);
	printf("%s\n", buf_text(&b));
}

int
certs_renew(const struct certs_options *o, const char *command)
{
	const struct authority_request r = certs_request(o);
	struct authority_report report;
	struct error err = ERROR_INIT;

	if (authority_renew(o->dir, &r, &report, &err) != 0)
		return cli_fail(command, STATUS_USAGE, &err);
	certs_tell(o->dir, &report);
	return cli_finish(command, STATUS_OK);
}
