/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/scan.h"

#include "policy/secret.h"

#include <string.h>
#include <strings.h>

/*
 * Secrets that were written into an instruction, where whoever pulls the image
 * reads them. What is kept of one is its name.
 */

enum { OPTION_BYTES_MAX = 64 };

/* "NAME=value", quotes perhaps around the value. */
static bool
is_secret_setting(const char *w, size_t len)
{
	const char *eq = memchr(w, '=', len);
	size_t name;

	if (eq == NULL)
		return false;
	name = (size_t)(eq - w);
	return secret_is_name(w, name) &&
	       !secret_is_harmless(eq + 1, len - name - 1);
}

static int
add_named(struct scan *s, struct names *l, const char *name, size_t len)
{
	const char *copy = arena_strndup(s->mem, name, len);

	if (copy == NULL)
		return -1;
	names_add(l, copy);
	return 0;
}

static int
look_at_setting(struct scan *s, struct names *l, const char *w, size_t len)
{
	const char *eq = memchr(w, '=', len);

	if (is_secret_setting(w, len) ||
	    (eq != NULL && secret_is_value(eq + 1, len - (size_t)(eq - w) - 1)))
		return add_named(s, l, w, (size_t)(eq - w));
	return 0;
}

/* Settings of ENV, ARG, and build arguments: "A=b C='d e'". */
static int
look_at_settings(struct scan *s, struct names *l, const char *text, size_t len)
{
	size_t at = 0, end;
	char quote;

	while (at < len) {
		quote = '\0';
		for (end = at; end < len; end++) {
			if (quote != '\0') {
				if (text[end] == quote)
					quote = '\0';
			} else if (text[end] == '"' || text[end] == '\'') {
				quote = text[end];
			} else if (strchr(" \t\n", text[end]) != NULL) {
				break;
			}
		}
		if (end > at && look_at_setting(s, l, text + at, end - at) != 0)
			return -1;
		at = end + 1;
	}
	return 0;
}

/* "--password", "--db-token": the last word of it says that what follows is
 * the secret itself, not where it is. */
static bool
is_secret_option(const char *w, size_t len)
{
	static const char *const words[] = {"password", "passwd", "token",
	    "secret", "apikey", "api-key", "access-key", "secret-key", NULL};
	size_t i, n;

	if (len < 3 || len > OPTION_BYTES_MAX || w[0] != '-' || w[1] != '-')
		return false;
	for (i = 0; words[i] != NULL; i++) {
		n = strlen(words[i]);
		if (len >= n + 2 &&
		    strncasecmp(w + len - n, words[i], n) == 0 &&
		    w[len - n - 1] == '-')
			return true;
	}
	return false;
}

/* An option's value; NULL: none. */
static const char *
option_value(const struct command *c, size_t i, size_t len)
{
	if (c->words[i][len] == '=')
		return c->words[i] + len + 1;
	if (i + 1 < c->n && c->words[i + 1][0] != '-')
		return c->words[i + 1];
	return NULL;
}

/* "docker login", "helm registry login". */
static bool
logs_in(const struct command *c, size_t i)
{
	enum { VERBS_MAX = 2 };
	size_t k;

	for (k = 1; k < i && k <= VERBS_MAX; k++)
		if (strcmp(c->words[k], "login") == 0)
			return true;
	return command_is(c, "sshpass");
}

/* "curl -u name:password", "sshpass -p password", "docker login -p password".
 */
static bool
is_login(const struct command *c, size_t i)
{
	static const char *const fetchers[] = {"curl", "wget", NULL};
	const char *w = c->words[i];
	const char *value = i + 1 < c->n ? c->words[i + 1] : "";

	if (strncmp(w, "-p", 2) == 0 && logs_in(c, i)) {
		value = w[2] != '\0' ? w + 2 : value;
	} else {
		if (strncmp(w, "-u", 2) == 0 && w[2] != '\0')
			value = w + 2;
		else if (strcmp(w, "-u") != 0 && strcmp(w, "--user") != 0)
			return false;
		value = strchr(value, ':');
		if (value == NULL || !command_is_one_of(c, fetchers))
			return false;
		value++;
	}
	return !secret_is_harmless(value, strlen(value));
}

static bool
is_authorization(const char *w)
{
	static const char header[] = "authorization:";

	return strncasecmp(w, header, sizeof(header) - 1) == 0 &&
	       strpbrk(w, "$`<{") == NULL;
}

/* What is written into a file, or given to a program: "echo password=x >y",
 * "-Dpassword=x", "//registry/:_authToken=x". */
static int
look_at_text(struct scan *s, struct names *l, const char *w)
{
	const char *eq = strchr(w, '='), *name = eq;

	if (eq == NULL)
		return 0;
	while (name > w && strchr("/:;,?& \t\n'\"", name[-1]) == NULL)
		name--;
	return look_at_settings(s, l, name, strlen(name));
}

static int
look_at_word(struct scan *s, struct names *l, const struct command *c, size_t i)
{
	static const char *const writers[] = {
	    "echo", "printf", "npm", "yarn", "pnpm", NULL};
	const char *w = c->words[i], *value;
	const size_t len = strcspn(w, "=");

	if ((command_is_one_of(c, writers) || strncmp(w, "-D", 2) == 0) &&
	    look_at_text(s, l, w) != 0)
		return -1;
	if (is_secret_option(w, len)) {
		value = option_value(c, i, len);
		if (value != NULL && !secret_is_harmless(value, strlen(value)))
			return add_named(s, l, w, len);
	}
	if (is_login(c, i))
		names_add(l, "a login's password");
	if (is_authorization(w))
		names_add(l, "an Authorization header");
	else if (secret_is_value(w, strlen(w)))
		names_add(l, "a token, a key or a password in a URL");
	return 0;
}

/* "echo root:abc | chpasswd" */
static bool
sets_password(const struct script *sc, size_t i)
{
	const struct command *c = &sc->commands[i], *from;
	size_t k;

	if (i == 0 || !c->piped || !command_is(c, "chpasswd"))
		return false;
	from = &sc->commands[i - 1];
	if (!command_is(from, "echo") && !command_is(from, "printf"))
		return false;
	for (k = 1; k < from->n; k++)
		if (strchr(from->words[k], ':') != NULL &&
		    strpbrk(from->words[k], "$`") == NULL)
			return true;
	return false;
}

static int
look_at_script(struct scan *s, const struct instruction *in, struct names *l)
{
	size_t i, k;

	for (i = 0; i < in->script.n; i++) {
		const struct command *c = &in->script.commands[i];

		for (k = 0; k < c->nsets; k++)
			if (look_at_setting(
				s, l, c->sets[k], strlen(c->sets[k])) != 0)
				return -1;
		for (k = 1; k < c->n; k++)
			if (look_at_word(s, l, c, k) != 0)
				return -1;
		if (sets_password(&in->script, i))
			names_add(l, "a password for chpasswd");
	}
	return 0;
}

int
scan_secrets(struct scan *s, const struct instruction *in)
{
	struct names names = {.n = 0};
	int rc = look_at_settings(s, &names, in->args, in->args_len);

	if (rc == 0 && in->kind == KIND_RUN)
		rc = look_at_script(s, in, &names);
	else if (rc == 0 && (in->kind == KIND_ENV || in->kind == KIND_ARG))
		rc = look_at_settings(s, &names, in->text, in->len);
	else if (rc == 0 && secret_is_value(in->text, in->len))
		names_add(&names, "a token, a key or a password in a URL");
	return rc != 0 ? rc
		       : scan_add_names(s, DETECT_EMBEDDED_SECRET, in, &names);
}
