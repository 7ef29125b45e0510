/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/packages.h"
#include "policy/history/scan.h"

#include <string.h>

/*
 * Installs of what a project's own files ask for: whether development packages
 * stay, and whether every commit installs all of it anew, because the sources
 * were copied before.
 */

static bool
is_global(const struct command *c)
{
	return command_has(c, "-g") || command_has(c, "--global");
}

static bool
has_no_operand(const struct command *c, const struct package_use *u)
{
	size_t i = 0;

	return package_next(c, u, &i) == NULL;
}

/* The next file after a "-r" from *i on, or NULL. */
static const char *
next_requirements(const struct command *c, size_t *i)
{
	const char *w;

	while (*i < c->n) {
		w = c->words[(*i)++];
		if (strncmp(w, "--requirement=", 14) == 0)
			return w + 14;
		if (strncmp(w, "-r", 2) == 0 && w[2] != '\0')
			return w + 2;
		if (*i < c->n &&
		    (strcmp(w, "-r") == 0 || strcmp(w, "--requirement") == 0))
			return c->words[(*i)++];
	}
	return NULL;
}

static bool
installs_project(const struct command *c, const struct package_use *u)
{
	size_t i = 1;

	if (u->action != ACTION_INSTALL)
		return false;
	switch (u->manager) {
	case MANAGER_NPM:
	case MANAGER_YARN:
	case MANAGER_PNPM:
		return !is_global(c) && has_no_operand(c, u) &&
		       !command_has(c, "--version") &&
		       !command_has(c, "--help");
	case MANAGER_PIP:
		return next_requirements(c, &i) != NULL;
	case MANAGER_BUNDLE:
	case MANAGER_COMPOSER:
	case MANAGER_POETRY:
	case MANAGER_PIPENV:
	case MANAGER_GO:
		return true;
	default:
		return false;
	}
}

/* "requirements-dev.txt", "requirements/test.txt": a word of it says so. */
static bool
names_development(const char *s)
{
	static const char *const words[] = {
	    "dev", "develop", "development", "test", "tests", "testing", NULL};
	size_t len, i;

	for (s += strspn(s, "-_./[],"); *s != '\0';) {
		len = strcspn(s, "-_./[],");
		for (i = 0; words[i] != NULL; i++)
			if (strlen(words[i]) == len &&
			    strncmp(words[i], s, len) == 0)
				return true;
		s += len;
		s += strspn(s, "-_./[],");
	}
	return false;
}

static bool
keeps_pip_extras(const struct command *c, const struct package_use *u)
{
	const char *file, *w, *extras;
	size_t i = 1;

	if (u->action != ACTION_INSTALL)
		return false;
	while ((file = next_requirements(c, &i)) != NULL)
		if (names_development(file))
			return true;
	i = 0;
	while ((w = package_next(c, u, &i)) != NULL) {
		extras = strchr(w, '[');
		if (w[0] == '.' && extras != NULL && names_development(extras))
			return true;
	}
	return false;
}

/* Set for the command, before it, or in the image. */
static const char *
variable(
    struct scan *s, const struct instruction *in, size_t nth, const char *name)
{
	return scan_variable(s, in, nth + 1, name, strlen(name));
}

static bool
has_any(const struct command *c, const char *const *options)
{
	for (; *options != NULL; options++)
		if (command_has(c, *options))
			return true;
	return false;
}

static bool
is_production(const char *value)
{
	return value != NULL && strcmp(value, "production") == 0;
}

/* "bundle config set without development": for what is installed then, too. */
static bool
bundle_leaves_out(const struct command *c)
{
	size_t i;

	for (i = 1; i < c->n && command_is(c, "bundle"); i++)
		if (strstr(c->words[i], "without") != NULL ||
		    strcmp(c->words[i], "deployment") == 0)
			return true;
	return false;
}

static bool
bundle_is_without(struct scan *s, const struct instruction *in, size_t nth)
{
	return variable(s, in, nth, "BUNDLE_WITHOUT") != NULL ||
	       variable(s, in, nth, "BUNDLE_ONLY") != NULL;
}

/* Whether what the command installs has development packages in it. */
static bool
keeps_development(struct scan *s, const struct instruction *in, size_t nth,
    const struct package_use *u, bool bundles_all)
{
	static const char *const npm[] = {"--omit", "--production", "--only",
	    "--prod", "-P", "--no-dev", NULL};
	static const char *const composer[] = {"--no-dev", NULL};
	static const char *const poetry[] = {
	    "--no-dev", "--only", "--without", "--only-root", NULL};
	const struct command *c = &in->script.commands[nth];

	if (u->manager == MANAGER_PIP)
		return keeps_pip_extras(c, u);
	if (!installs_project(c, u))
		return false;
	switch (u->manager) {
	case MANAGER_NPM:
	case MANAGER_YARN:
	case MANAGER_PNPM:
		return !has_any(c, npm) &&
		       !is_production(variable(s, in, nth, "NODE_ENV"));
	case MANAGER_COMPOSER:
		return !has_any(c, composer) &&
		       variable(s, in, nth, "COMPOSER_NO_DEV") == NULL;
	case MANAGER_POETRY:
		return !has_any(c, poetry);
	case MANAGER_PIPENV:
		return command_has(c, "--dev") || command_has(c, "-d");
	case MANAGER_BUNDLE:
		return bundles_all && !bundle_is_without(s, in, nth);
	default:
		return false;
	}
}

static const char *
manager_name(enum manager m)
{
	static const char *const names[] = {[MANAGER_PIP] = "pip",
	    [MANAGER_NPM] = "npm",
	    [MANAGER_YARN] = "yarn",
	    [MANAGER_PNPM] = "pnpm",
	    [MANAGER_BUNDLE] = "bundle",
	    [MANAGER_COMPOSER] = "composer",
	    [MANAGER_POETRY] = "poetry",
	    [MANAGER_PIPENV] = "pipenv",
	    [MANAGER_GO] = "go"};

	return names[m];
}

/* Only what was already installed from files copied for that purpose is
 * spared by a second install after the sources came. */
static int
note_order(struct scan *s, const struct instruction *in, enum manager m)
{
	const unsigned int bit = 1U << m;

	if (s->broad == 0) {
		s->installed |= bit;
		return 0;
	}
	if ((s->installed & bit) != 0)
		return 0;
	return scan_add(
	    s, DETECT_CACHE_ORDER, in, manager_name(m), s->broad - 1);
}

int
scan_dependencies(struct scan *s, const struct instruction *in)
{
	enum manager kept = MANAGER_NONE, last = MANAGER_NONE;
	bool bundles_all = true;
	size_t i;

	for (i = 0; i < in->script.n; i++) {
		const struct command *c = &in->script.commands[i];
		const struct package_use u = package_use(c);

		bundles_all = bundles_all && !bundle_leaves_out(c);
		if (u.manager < MANAGER_PIP || c->conditional)
			continue;
		if (keeps_development(s, in, i, &u, bundles_all))
			kept = u.manager;
		else if (u.action == ACTION_AUTOREMOVE && kept == u.manager)
			kept = MANAGER_NONE;
		if (installs_project(c, &u) && u.manager != last) {
			last = u.manager;
			if (note_order(s, in, u.manager) != 0)
				return -1;
		}
	}
	return kept == MANAGER_NONE ? 0
				    : scan_add(s, DETECT_DEV_DEPENDENCIES, in,
					  manager_name(kept), in->entry);
}
