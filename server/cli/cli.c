/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"

#include "policy/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MAX = 32 };

int
cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "policy-gate %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry \"policy-gate %s --help\".\n", command);
	return STATUS_USAGE;
}

int
cli_fail(const char *command, int status, const struct error *err)
{
	fprintf(stderr, "policy-gate %s: %s\n", command, err->msg);
	return status;
}

static void
explain_option(char **argv, const struct option *options)
{
	const char *names[OPTIONS_MAX + 1] = {NULL};
	const char *word = argv[optind - 1], *near;
	size_t i;

	if (strncmp(word, "--", 2) != 0) {
		cli_usage(argv[0], "there is no option -%c", optopt);
		return;
	}
	for (i = 0; i < OPTIONS_MAX && options[i].name != NULL; i++)
		names[i] = options[i].name;
	near = text_nearest(word + 2, names);
	if (near != NULL)
		cli_usage(argv[0], "there is no option %s; did you mean --%s?",
		    word, near);
	else
		cli_usage(argv[0], "there is no option %s", word);
}

int
cli_option(int argc, char **argv, const char *short_options,
    const struct option *options)
{
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, short_options, options, NULL);
	if (c == ':') {
		cli_usage(argv[0], "%s needs a value", argv[optind - 1]);
		return '?';
	}
	if (c == '?')
		explain_option(argv, options);
	return c;
}

int
cli_policy(const char *command, struct policies *p, const char *path)
{
	if (policies_add(p, path) != 0)
		return cli_usage(
		    command, "more than %d --policy", POLICIES_MAX);
	return STATUS_OK;
}

const char *
cli_environment(const char *variable)
{
	const char *value = getenv(variable);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int
cli_help(const char *text)
{
	fputs(text, stdout);
	return cli_finish("help", STATUS_OK);
}

int
cli_finish(const char *command, int status)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return status;
	fprintf(stderr, "policy-gate %s: cannot write the result: %s\n",
	    command, strerror(errno));
	return STATUS_USAGE;
}
