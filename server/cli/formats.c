/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/formats.h"

#include "policy/base/text.h"
#include "policy/base/tree.h"
#include "server/cli/cli.h"
#include "server/cli/outfile.h"

#include <errno.h>
#include <string.h>

enum { NAMES_MAX = 256 };

static int
unknown(const struct formats *f, const char *arg)
{
	AUTO(buf_clear) struct buf known = BUF_INIT(NAMES_MAX);
	const char *names[FORMATS_MAX + 1] = {NULL}, *near;
	size_t i;

	for (i = 0; i < FORMATS_MAX && f->known[i].name != NULL; i++) {
		names[i] = f->known[i].name;
		buf_printf(&known, "%s%s", i > 0 ? ", " : "", names[i]);
	}
	near = text_nearest(arg, names);
	return cli_usage(f->command,
	    "there is no format \"%.40s\"%s%s; known are %s", arg,
	    near != NULL ? ", did you mean " : "", near != NULL ? near : "",
	    buf_text(&known));
}

int
formats_add(struct formats *f, const char *arg)
{
	const size_t len = strcspn(arg, "=");
	const char *file = arg[len] == '=' ? arg + len + 1 : NULL;
	const struct format *known;

	for (known = f->known; known->name != NULL; known++)
		if (strlen(known->name) == len &&
		    strncmp(known->name, arg, len) == 0)
			break;
	if (known->name == NULL)
		return unknown(f, arg);
	if (file != NULL && file[0] == '\0')
		return cli_usage(f->command, "-o %s names no file", arg);
	if (f->n == FORMATS_MAX)
		return cli_usage(f->command, "more than %d -o", FORMATS_MAX);
	f->wanted[f->n].format = known;
	f->wanted[f->n++].file = file;
	return STATUS_OK;
}

/* What an image says is in it: in ASCII it steers no terminal, and without
 * "##" no build server that has the output in its log. */
static int
write_tree(json_t *root, size_t flags, FILE *out)
{
	AUTO(json_decref) json_t *owned = root;
	AUTO(free)
	char *text =
	    root != NULL ? tree_dump(root, flags | JSON_ENSURE_ASCII) : NULL;
	const char *from = text, *at;

	if (text == NULL)
		return -1;
	for (; (at = strstr(from, "##")) != NULL; from = at + 2) {
		fwrite(from, 1, (size_t)(at - from), out);
		fputs("#\\u0023", out);
	}
	fputs(from, out);
	fputc('\n', out);
	return 0;
}

int
formats_json(json_t *root, FILE *out)
{
	return write_tree(root, JSON_INDENT(2), out);
}

int
formats_json_line(json_t *root, FILE *out)
{
	return write_tree(root, JSON_COMPACT, out);
}

static int
write_one(const struct format *format, const char *file, const void *what)
{
	errno = 0;
	return file == NULL ? format->write(what, stdout)
			    : outfile_write(file, format->write, what);
}

int
formats_write(struct formats *f, const void *what)
{
	int status = STATUS_OK;
	size_t i;

	if (f->n == 0)
		f->wanted[f->n++].format = f->known;
	for (i = 0; i < f->n; i++) {
		const char *file = f->wanted[i].file;

		if (write_one(f->wanted[i].format, file, what) == 0)
			continue;
		fprintf(stderr, "policy-gate %s: cannot write %s: %s\n",
		    f->command, file != NULL ? file : "the result",
		    errno != 0 ? strerror(errno) : "out of memory");
		status = STATUS_USAGE;
	}
	return status;
}
