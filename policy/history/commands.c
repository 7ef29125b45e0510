/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/packages.h"
#include "policy/history/scan.h"

#include <string.h>

/* Downloads that are run as they come, and copies that only change owners. */

static const char *const fetchers[] = {"curl", "wget", NULL};
static const char *const interpreters[] = {
    "python", "python2", "python3", "perl", "ruby", "node", "php", NULL};

/* Whether an interpreter takes its program from what is piped in: it is given
 * neither a file nor a text to run. */
static bool
reads_program(const struct command *c)
{
	size_t i;

	if (!command_is_one_of(c, shell_names) &&
	    !command_is_one_of(c, interpreters))
		return false;
	for (i = 1; i < c->n; i++) {
		const char *w = c->words[i];

		if (strcmp(w, "-") == 0 || strcmp(w, "--") == 0 ||
		    strcmp(w, "-s") == 0 || strcmp(w, "/dev/stdin") == 0)
			return true;
		if (w[0] != '-')
			return false;
		if (strcmp(w, "-c") == 0 || strcmp(w, "-m") == 0 ||
		    strcmp(w, "-e") == 0)
			return strcmp(w, "-e") == 0 &&
			       command_is_one_of(c, shell_names) &&
			       i + 1 == c->n;
		if (w[1] != '-' && w[1] != 'o' && strchr(w, 's') != NULL)
			return true;
		if (strcmp(w, "-o") == 0)
			i++;
	}
	return true;
}

/* "$(curl ...", "`wget ...", "<(curl ...": the program in a substitution. */
static const char *
fetcher_in(const char *word)
{
	size_t i, len;

	if (word[0] == '`')
		word += 1;
	else if ((word[0] == '$' || word[0] == '<') && word[1] == '(')
		word += 2;
	else
		return NULL;
	word += strspn(word, " \t\n");
	for (i = 0; fetchers[i] != NULL; i++) {
		len = strlen(fetchers[i]);
		if (strncmp(word, fetchers[i], len) == 0 &&
		    strchr(" \t\n", word[len]) != NULL)
			return fetchers[i];
	}
	return NULL;
}

static bool
runs_words(const struct command *c)
{
	return command_is_one_of(c, shell_names) || command_is(c, "eval") ||
	       command_is(c, "source") || command_is(c, ".");
}

static int
tell_pipe(struct scan *s, const struct instruction *in, const char *fetcher,
    const char *runner)
{
	const char *what = arena_printf(s->mem, "%s into %s", fetcher, runner);

	return what == NULL
		   ? -1
		   : scan_add(s, DETECT_PIPE_TO_SHELL, in, what, in->entry);
}

static int
scan_pipes(struct scan *s, const struct instruction *in)
{
	const char *fetcher = NULL, *within;
	size_t i, k;

	for (i = 0; i < in->script.n; i++) {
		const struct command *c = &in->script.commands[i];

		if (c->written)
			continue;
		if (!c->piped)
			fetcher = NULL;
		if (c->piped && fetcher != NULL && reads_program(c))
			return tell_pipe(s, in, fetcher, c->words[0]);
		if (command_is_one_of(c, fetchers))
			fetcher = c->words[0];
		for (k = 1; k < c->n && runs_words(c); k++) {
			within = fetcher_in(c->words[k]);
			if (within != NULL)
				return tell_pipe(s, in, within, c->words[0]);
		}
	}
	return 0;
}

static bool
changes_recursively(const struct command *c)
{
	static const char *const names[] = {"chown", "chmod", "chgrp", NULL};
	size_t i;

	if (!command_is_one_of(c, names))
		return false;
	for (i = 1; i < c->n; i++)
		if (strcmp(c->words[i], "--recursive") == 0 ||
		    (c->words[i][0] == '-' && c->words[i][1] != '-' &&
			strchr(c->words[i], 'R') != NULL))
			return true;
	return false;
}

/* Whether a command writes files of its own, which then make the layer. */
static bool
brings_files(const struct command *c)
{
	static const char *const names[] = {"curl", "wget", "tar", "unzip",
	    "cp", "git", "make", "dd", "install", "go", "mvn", "gradle",
	    "cargo", NULL};
	const struct package_use u = package_use(c);

	return u.action == ACTION_INSTALL || command_is_one_of(c, names);
}

static int
scan_chown(struct scan *s, const struct instruction *in)
{
	const char *program = NULL;
	size_t i;

	for (i = 0; i < in->script.n; i++) {
		const struct command *c = &in->script.commands[i];

		if (c->written)
			continue;
		if (brings_files(c))
			return 0;
		if (changes_recursively(c))
			program = c->words[0];
	}
	return program == NULL ? 0
			       : scan_add(s, DETECT_RECURSIVE_CHOWN, in,
				     program, in->entry);
}

int
scan_commands(struct scan *s, const struct instruction *in)
{
	if (scan_pipes(s, in) != 0)
		return -1;
	return scan_chown(s, in);
}
