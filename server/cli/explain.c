/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explain.h"
#include "policy/base/tree.h"
#include "server/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: policy-gate explain [-o text|markdown|schema] [CHECK]\n"
    "\n"
    "Lists the checks that a policy can ask for, or tells all about one: a key\n"
    "(size), a check as findings name it (size.max), a detector of history.deny\n"
    "(build-tools), or what rules match (match).\n"
    "\n"
    "  -o FORMAT   text; markdown: the reference of all checks; schema: a JSON\n"
    "              Schema of policy files, for editors\n"
    "\n"
    "Example:\n"
    "  policy-gate explain history\n";

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_SCHEMA, FORMATS };
static const char *const formats[FORMATS] = {"text", "markdown", "schema"};

static int
no_memory(const char *command)
{
	struct error err = ERROR_INIT;

	error_set(&err, ERR_NOMEM, "out of memory");
	return cli_fail(command, STATUS_USAGE, &err);
}

static int
print_schema(const char *command)
{
	AUTO(json_decref) json_t *schema = explain_schema();
	char *text;

	if (schema == NULL)
		return no_memory(command);
	text = tree_dump(schema, JSON_INDENT(1));
	if (text == NULL)
		return no_memory(command);
	puts(text);
	free(text);
	return cli_finish(command, STATUS_OK);
}

static int
print_check(const char *command, const char *name)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);
	const int rc = explain_check(&b, name);
	const char *near;

	if (rc < 0)
		return no_memory(command);
	if (rc == 0) {
		near = explain_nearest(name);
		return near != NULL
			   ? cli_usage(command,
				 "there is no check \"%s\"; did you mean "
				 "\"%s\"?",
				 name, near)
			   : cli_usage(command,
				 "there is no check \"%s\"; \"policy-gate "
				 "explain\" lists them",
				 name);
	}
	fputs(buf_text(&b), stdout);
	return cli_finish(command, STATUS_OK);
}

static int
print_all(const char *command, enum format f)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(EXPLAIN_BYTES_MAX);

	if ((f == FORMAT_MARKDOWN ? explain_markdown(&b) : explain_list(&b)) !=
	    0)
		return no_memory(command);
	fputs(buf_text(&b), stdout);
	return cli_finish(command, STATUS_OK);
}

static int
format_of(const char *word)
{
	int i;

	for (i = 0; i < FORMATS; i++)
		if (strcmp(word, formats[i]) == 0)
			return i;
	return -1;
}

int
cmd_explain(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"output", required_argument, NULL, 'o'}, {NULL, 0, NULL, 0}};
	int c, format = FORMAT_TEXT;

	while ((c = cli_option(argc, argv, ":ho:", options)) != -1) {
		if (c == 'h')
			return cli_help(help);
		if (c != 'o')
			return STATUS_USAGE;
		format = format_of(optarg);
		if (format < 0)
			return cli_usage(argv[0],
			    "there is no format \"%s\": text, markdown and "
			    "schema are known",
			    optarg);
	}
	if (argc - optind > 1)
		return cli_usage(argv[0], "one check at a time");
	if (format == FORMAT_SCHEMA)
		return print_schema(argv[0]);
	if (optind < argc)
		return print_check(argv[0], argv[optind]);
	return print_all(argv[0], (enum format)format);
}
