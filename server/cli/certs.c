/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "policy/base/base64.h"
#include "policy/base/tree.h"
#include "server/cli/certs_options.h"
#include "server/cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { DAY_S = 24 * 60 * 60, TEXT_MAX = 1024 * 1024 };

static int
init(const struct certs_options *o, const char *command)
{
	const struct authority_request r = certs_request(o);
	struct error err = ERROR_INIT;

	if (authority_init(o->dir, &r, o->force, &err) != 0)
		return cli_fail(command, STATUS_USAGE, &err);
	printf("%s: ca.crt ca.key tls.crt tls.key, valid %lld days\n", o->dir,
	    (long long)o->life / DAY_S);
	return cli_finish(command, STATUS_OK);
}

/* The file itself, or the one of that name in a folder. */
static const char *
file_in(char path[static PATH_MAX], const char *file, const char *name)
{
	struct stat st;

	if (stat(file, &st) != 0 || !S_ISDIR(st.st_mode))
		return file;
	snprintf(path, PATH_MAX, "%s/%s", file, name);
	return path;
}

/* Of a folder both; NULL `array`: as text into `out`. */
static int
describe(const char *file, int64_t now, struct buf *out, json_t *array,
    struct error *err)
{
	static const char *const names[] = {"ca.crt", "tls.crt"};
	const char *one = NULL;
	char path[PATH_MAX];
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < 2 && one != file; i++) {
		one = file_in(path, file, names[i]);
		rc = array != NULL
			 ? certificate_describe_json(one, now, array, err)
			 : certificate_describe(one, now, out, err);
	}
	return rc;
}

static int
show(const struct certs_options *o, const char *command)
{
	const int64_t now = certs_request(o).now;
	const bool json = o->format != NULL && strcmp(o->format, "json") == 0;
	AUTO(buf_clear) struct buf out = BUF_INIT(TEXT_MAX);
	AUTO(json_decref) json_t *array = json ? json_array() : NULL;
	AUTO(free) char *text = NULL;
	int i, status = STATUS_OK;

	for (i = 0; i < o->nfiles; i++) {
		struct error err = ERROR_INIT;

		if (describe(o->files[i], now, &out, array, &err) != 0)
			status = cli_fail(command, STATUS_USAGE, &err);
	}
	if (json)
		text = tree_dump(array, JSON_INDENT(2));
	if (json && text == NULL)
		status = STATUS_USAGE;
	printf("%s%s", json && text != NULL ? text : buf_text(&out),
	    json ? "\n" : "");
	return cli_finish(command, status);
}

static int
bundle(const struct certs_options *o, const char *command)
{
	AUTO(buf_clear) struct buf pem = BUF_INIT(TEXT_MAX);
	AUTO(buf_clear) struct buf text = BUF_INIT(2 * TEXT_MAX);
	const bool base64 =
	    o->format != NULL && strcmp(o->format, "base64") == 0;
	struct error err = ERROR_INIT;
	char path[PATH_MAX];
	int i;

	for (i = 0; i < o->nfiles; i++)
		if (certificate_bundle(
			file_in(path, o->files[i], "ca.crt"), &pem, &err) != 0)
			return cli_fail(command, STATUS_USAGE, &err);
	if (base64)
		base64_encode(&text, buf_text(&pem), pem.len);
	printf("%s%s", buf_text(base64 ? &text : &pem), base64 ? "\n" : "");
	return cli_finish(command, STATUS_OK);
}

int
cmd_certs(int argc, char **argv)
{
	static int (*const run[CERTS_VERBS])(
	    const struct certs_options *o, const char *command) = {
	    init, certs_renew, show, bundle, certs_publish};
	struct certs_options o;
	const int status = certs_options_parse(&o, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? cli_help(certs_help) : status;
	return run[o.verb](&o, argv[0]);
}
