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

/* Devices take what comes one behind the other, as stdout does. */
static bool
is_taken(const struct formats *f, const char *file)
{
	size_t i;

	if (file == NULL || strncmp(file, "/dev/", 5) == 0)
		return false;
	for (i = 0; i < f->n; i++)
		if (f->wanted[i].file != NULL &&
		    strcmp(f->wanted[i].file, file) == 0)
			return true;
	return false;
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
	if (is_taken(f, file))
		return cli_usage(f->command,
		    "two -o are written to %s: the second would replace the "
		    "first",
		    file);
	if (f->n == FORMATS_MAX)
		return cli_usage(f->command, "more than %d -o", FORMATS_MAX);
	f->wanted[f->n].format = known;
	f->wanted[f->n++].file = file;
	return STATUS_OK;
}

struct writer {
	FILE *out;
	char last;
};

/* Without "##" no build server that has the output in its log takes what an
 * image says for a command. */
static int
write_piece(const char *piece, size_t len, void *arg)
{
	struct writer *w = arg;

	for (size_t i = 0; i < len; i++) {
		const bool second = piece[i] == '#' && w->last == '#';

		w->last = second ? '\0' : piece[i];
		if (second ? fputs("\\u0023", w->out) < 0
			   : putc(piece[i], w->out) == EOF)
			return -1;
	}
	return 0;
}

/* In ASCII it steers no terminal either. */
static int
write_tree(json_t *root, size_t flags, FILE *out)
{
	AUTO(json_decref) json_t *owned = root;
	struct writer w = {.out = out};

	if (owned == NULL ||
	    tree_write(owned, write_piece, &w, flags | JSON_ENSURE_ASCII) != 0)
		return -1;
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
