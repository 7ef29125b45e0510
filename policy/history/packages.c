/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/packages.h"

#include "policy/base/text.h"

#include <string.h>

/* A verb of a manager, and what it does. */
struct verb {
	const char *word;
	enum package_action action;
};

static const struct verb apt_verbs[] = {{"update", ACTION_UPDATE},
    {"install", ACTION_INSTALL}, {"build-dep", ACTION_INSTALL},
    {"purge", ACTION_REMOVE}, {"remove", ACTION_REMOVE},
    {"autoremove", ACTION_AUTOREMOVE}, {"autopurge", ACTION_AUTOREMOVE},
    {"dist-clean", ACTION_CLEAN}, {"distclean", ACTION_CLEAN}, {NULL, 0}};
static const struct verb apt_mark_verbs[] = {
    {"auto", ACTION_MARK_AUTO}, {"manual", ACTION_MARK_MANUAL}, {NULL, 0}};
static const struct verb apk_verbs[] = {{"add", ACTION_INSTALL},
    {"del", ACTION_REMOVE}, {"update", ACTION_UPDATE}, {NULL, 0}};
static const struct verb dnf_verbs[] = {{"install", ACTION_INSTALL},
    {"groupinstall", ACTION_INSTALL}, {"update", ACTION_INSTALL},
    {"upgrade", ACTION_INSTALL}, {"reinstall", ACTION_INSTALL},
    {"remove", ACTION_REMOVE}, {"erase", ACTION_REMOVE},
    {"autoremove", ACTION_AUTOREMOVE}, {"clean", ACTION_CLEAN}, {NULL, 0}};
static const struct verb zypper_verbs[] = {{"install", ACTION_INSTALL},
    {"in", ACTION_INSTALL}, {"remove", ACTION_REMOVE}, {"rm", ACTION_REMOVE},
    {"clean", ACTION_CLEAN}, {"cc", ACTION_CLEAN}, {"refresh", ACTION_UPDATE},
    {"ref", ACTION_UPDATE}, {NULL, 0}};
static const struct verb pip_verbs[] = {
    {"install", ACTION_INSTALL}, {"cache", ACTION_CLEAN}, {NULL, 0}};
static const struct verb npm_verbs[] = {{"install", ACTION_INSTALL},
    {"i", ACTION_INSTALL}, {"ci", ACTION_INSTALL}, {"add", ACTION_INSTALL},
    {"clean-install", ACTION_INSTALL}, {"cache", ACTION_CLEAN},
    {"store", ACTION_CLEAN}, {"prune", ACTION_AUTOREMOVE}, {NULL, 0}};
static const struct verb install_verbs[] = {
    {"install", ACTION_INSTALL}, {"sync", ACTION_INSTALL}, {NULL, 0}};

/* Options whose value is the next word. */
static const char *const apt_values[] = {"-o", "-t", "-c", "--option",
    "--target-release", "--default-release", NULL};
static const char *const apk_values[] = {"-t", "--virtual", "-X",
    "--repository", "-p", "--root", "--arch", "--keys-dir", NULL};
static const char *const dnf_values[] = {"--setopt", "--enablerepo",
    "--disablerepo", "--releasever", "--installroot", "-c", "-x", NULL};
static const char *const zypper_values[] = {"-R", "--root", "-t", "-r", NULL};
static const char *const pip_values[] = {"-r", "--requirement", "-c",
    "--constraint", "-i", "--index-url", "--extra-index-url", "-f",
    "--find-links", "-t", "--target", "--prefix", "--root", "--trusted-host",
    "--python", "--platform", "--timeout", "--proxy", NULL};
static const char *const npm_values[] = {"--prefix", "--registry", "--cache",
    "--loglevel", "--omit", "--only", "-w", "--workspace", "--cwd",
    "--modules-folder", "--network-timeout", "-C", "--dir", "--filter", NULL};
static const char *const no_values[] = {NULL};

static const struct tool {
	const char *program;
	enum manager manager;
	const struct verb *verbs;
	const char *const *values;
} tools[] = {
    {"apt-get", MANAGER_APT, apt_verbs, apt_values},
    {"apt", MANAGER_APT, apt_verbs, apt_values},
    {"aptitude", MANAGER_APT, apt_verbs, apt_values},
    {"apt-mark", MANAGER_APT, apt_mark_verbs, apt_values},
    {"apk", MANAGER_APK, apk_verbs, apk_values},
    {"dnf", MANAGER_DNF, dnf_verbs, dnf_values},
    {"dnf5", MANAGER_DNF, dnf_verbs, dnf_values},
    {"yum", MANAGER_DNF, dnf_verbs, dnf_values},
    {"microdnf", MANAGER_DNF, dnf_verbs, dnf_values},
    {"tdnf", MANAGER_DNF, dnf_verbs, dnf_values},
    {"zypper", MANAGER_ZYPPER, zypper_verbs, zypper_values},
    {"npm", MANAGER_NPM, npm_verbs, npm_values},
    {"yarn", MANAGER_YARN, npm_verbs, npm_values},
    {"pnpm", MANAGER_PNPM, npm_verbs, npm_values},
    {"bundle", MANAGER_BUNDLE, install_verbs, no_values},
    {"composer", MANAGER_COMPOSER, install_verbs, no_values},
    {"poetry", MANAGER_POETRY, install_verbs, no_values},
    {"pipenv", MANAGER_PIPENV, install_verbs, no_values},
};
static const struct tool pip = {"pip", MANAGER_PIP, pip_verbs, pip_values};

/* "pip", "pip3", "pip3.12". */
static bool
is_pip(const char *program)
{
	return strncmp(program, "pip", 3) == 0 &&
	       strspn(program + 3, "0123456789.") == strlen(program + 3);
}

static bool
is_python(const char *program)
{
	return strncmp(program, "python", 6) == 0 &&
	       strspn(program + 6, "0123456789.") == strlen(program + 6);
}

/* The program's row; *at: where its own arguments begin. */
static const struct tool *
find_tool(const struct command *c, size_t *at)
{
	size_t i;

	*at = 1;
	if (c->n == 0)
		return NULL;
	if (is_pip(c->words[0]))
		return &pip;
	if (c->n > 2 && is_python(c->words[0]) &&
	    strcmp(c->words[1], "-m") == 0 && is_pip(c->words[2])) {
		*at = 3;
		return &pip;
	}
	for (i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (command_is(c, tools[i].program))
			return &tools[i];
	return NULL;
}

static const struct tool *
tool_of(enum manager m)
{
	size_t i;

	for (i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (tools[i].manager == m)
			return &tools[i];
	return &pip;
}

static const char *
find_group(const struct command *c)
{
	size_t i;

	for (i = 1; i < c->n; i++) {
		if (strncmp(c->words[i], "--virtual=", 10) == 0)
			return c->words[i] + 10;
		if (i + 1 < c->n && (strcmp(c->words[i], "-t") == 0 ||
					strcmp(c->words[i], "--virtual") == 0))
			return c->words[i + 1];
	}
	return NULL;
}

static bool
is_go_download(const struct command *c)
{
	return c->n > 2 && command_is(c, "go") &&
	       strcmp(c->words[1], "mod") == 0 &&
	       strcmp(c->words[2], "download") == 0;
}

/* "yarn --version" */
static bool
only_asks(const struct command *c)
{
	return command_has(c, "--version") || command_has(c, "-v") ||
	       command_has(c, "--help") || command_has(c, "-h");
}

struct package_use
package_use(const struct command *c)
{
	struct package_use u = {.manager = MANAGER_NONE};
	const struct verb *v;
	size_t i;
	const struct tool *t = find_tool(c, &i);

	if (t == NULL) {
		if (is_go_download(c))
			u = (struct package_use){.manager = MANAGER_GO,
			    .action = ACTION_INSTALL,
			    .operands = c->n};
		return u;
	}
	u.manager = t->manager;
	for (; i < c->n && c->words[i][0] == '-'; i++)
		if (text_is_one_of(c->words[i], t->values))
			i++;
	u.operands = i < c->n ? i + 1 : c->n;
	if (i >= c->n) {
		if (t->manager == MANAGER_YARN && !only_asks(c))
			u.action = ACTION_INSTALL; /* yarn alone installs */
		return u;
	}
	for (v = t->verbs; v->word != NULL; v++)
		if (strcmp(v->word, c->words[i]) == 0)
			u.action = v->action;
	if (u.manager == MANAGER_APK && u.action == ACTION_INSTALL)
		u.group = find_group(c);
	return u;
}

const char *
package_next(const struct command *c, const struct package_use *u, size_t *i)
{
	const struct tool *t = tool_of(u->manager);
	const char *w;

	if (*i < u->operands)
		*i = u->operands;
	while (*i < c->n) {
		w = c->words[(*i)++];
		if (w[0] != '-')
			return w;
		if (text_is_one_of(w, t->values))
			(*i)++;
	}
	return NULL;
}

bool
command_has(const struct command *c, const char *option)
{
	const size_t len = strlen(option);
	size_t i;

	for (i = 1; i < c->n; i++)
		if (strncmp(c->words[i], option, len) == 0 &&
		    (c->words[i][len] == '\0' || c->words[i][len] == '='))
			return true;
	return false;
}

static bool
is_recursive(const char *w)
{
	if (w[0] != '-')
		return false;
	if (w[1] == '-')
		return strcmp(w, "--recursive") == 0;
	return strpbrk(w, "rR") != NULL;
}

bool
command_removes(const struct command *c, const char *path)
{
	bool recursive = false, named = false;
	size_t i;

	if (command_is(c, "find"))
		recursive = command_has(c, "-delete");
	else if (!command_is(c, "rm"))
		return false;
	for (i = 1; i < c->n; i++) {
		recursive |= is_recursive(c->words[i]);
		named |= strstr(c->words[i], path) != NULL;
	}
	return recursive && named;
}
