/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/text.h"
#include "server/cli/cli.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
    {"check", cmd_check, "judge images and manifests, as the cluster would"},
    {"inspect", cmd_inspect, "show what the gate sees of an image"},
    {"scan", cmd_scan, "tell what a policy would do to many workloads"},
    {"diff", cmd_diff, "tell what became of an image, layer by layer"},
    {"baseline", cmd_baseline, "accept the findings of today"},
    {"explain", cmd_explain, "tell what the checks of a policy demand"},
    {"lint", cmd_lint, "look for mistakes in policy files"},
    {"test", cmd_test, "try policies on images that are written down"},
    {"serve", cmd_serve, "run the admission webhook"},
    {"certs", cmd_certs, "make and show the webhook's certificates"},
    {"version", cmd_version, "print the version"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int
print_help(FILE *out)
{
	size_t i;

	fputs("policy-gate judges the shape of container images: size, layers, "
	      "user, base,\nsource.\n\n"
	      "usage: policy-gate COMMAND [OPTION]... [ARGUMENT]...\n\n",
	    out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(
		    out, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\n\"policy-gate COMMAND --help\" tells more, with examples.\n"
	      "Exit status: 0 admitted, 1 rejected, 2 usage or input wrong, "
	      "3 could not be\njudged.\n",
	    out);
	return STATUS_USAGE;
}

static int
unknown_command(const char *word)
{
	const char *names[COMMANDS + 1] = {NULL};
	const char *near;
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	near = text_nearest(word, names);
	if (word[0] == '-')
		fprintf(stderr,
		    "policy-gate: \"%s\" stands where a command is expected; "
		    "options come behind it",
		    word);
	else
		fprintf(
		    stderr, "policy-gate: there is no command \"%s\"", word);
	if (near != NULL)
		fprintf(stderr, "; did you mean \"%s\"?", near);
	fputs("\nTry \"policy-gate --help\".\n", stderr);
	return STATUS_USAGE;
}

/*
 * Whoever starts us with one of them closed would find results and log in what
 * is opened next under its number. What stands there now can neither be read
 * nor written.
 */
static int
hold_standard_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) != fd)
			return -1;
	return 0;
}

static int
run(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argc, argv);
	return unknown_command(argv[0]);
}

/* help [COMMAND] */
static int
help(char *command)
{
	static char option[] = "--help";
	char *argv[] = {command, option, NULL};

	if (command != NULL)
		return run(2, argv);
	print_help(stdout);
	return cli_finish("help", STATUS_OK);
}

int
main(int argc, char **argv)
{
	if (hold_standard_streams() != 0)
		return STATUS_USAGE;
	if (argc < 2)
		return print_help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return help(argv[2]);
	if (strcmp(argv[1], "--version") == 0)
		return cmd_version(1, argv);
	return run(argc - 1, argv + 1);
}
