/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/packages.h"
#include "policy/history/scan.h"

#include <string.h>

/*
 * Compilers and what else only a build needs, put in by an instruction that
 * does not take it out again. What stands in an arm of an if or a case may
 * well not have run, and is let be.
 */

static const char *const exact[] = {"gcc", "g++", "clang", "make", "cmake",
    "autoconf", "automake", "libtool", "ninja-build", "meson",
    "build-essential", "build-base", "alpine-sdk", "binutils", "rustc",
    "rustup", "rust", "cargo", "golang", "go", "maven", "gradle", "default-jdk",
    "default-jdk-headless", "base-devel", "gcc-c++", "@development-tools",
    "Development Tools", "devscripts", NULL};

/* Names begin and end so. */
static const struct affix {
	const char *begin;
	const char *end;
} affixes[] = {
    {"", "-dev"},
    {"", "-devel"},
    {"gcc-", ""},
    {"g++-", ""},
    {"clang-", ""},
    {"golang-", ""},
    {"openjdk", "-jdk"},
    {"openjdk", "-jdk-headless"},
    {"temurin-", "-jdk"},
};

enum { EXPANSIONS_MAX = 64, NAME_BYTES_MAX = 128 };

/* One that is there until something removes it. */
struct present {
	const char *name;
	const char *group;
};

struct state {
	struct scan *s;
	const struct instruction *in;
	struct present items[NAMES_MAX];
	size_t n;
	struct names manual; /* kept when what is automatic goes */
	int expansions;
	bool fetches; /* brings something in by itself */
};

static bool
ends_with(const char *s, size_t len, const char *end)
{
	const size_t n = strlen(end);

	return len > n && memcmp(s + len - n, end, n) == 0;
}

/* "gcc=12.2-1", "gcc/stable", "gcc:amd64", "gcc~12": up to the version. */
static size_t
name_length(const char *package)
{
	return strcspn(package, "=/~<>:");
}

/* Runtimes and plain text by names that look like tools. */
static bool
is_runtime(const char *s, size_t len)
{
	return ends_with(s, len, "-base") || ends_with(s, len, "-doc") ||
	       ends_with(s, len, "-lib") || ends_with(s, len, "-libs");
}

static bool
is_tool(const char *package)
{
	const size_t len = name_length(package);
	size_t i;

	for (i = 0; exact[i] != NULL; i++)
		if (strlen(exact[i]) == len &&
		    memcmp(exact[i], package, len) == 0)
			return true;
	if (is_runtime(package, len))
		return false;
	for (i = 0; i < sizeof(affixes) / sizeof(affixes[0]); i++)
		if (strncmp(package, affixes[i].begin,
			strlen(affixes[i].begin)) == 0 &&
		    ends_with(package, len, affixes[i].end))
			return true;
	return false;
}

static void
put(struct state *st, const char *package, const char *group)
{
	if (is_tool(package) && st->n < NAMES_MAX)
		st->items[st->n++] =
		    (struct present){.name = package, .group = group};
}

static bool
same_package(const char *a, const char *b)
{
	const size_t len = name_length(a);

	return len == name_length(b) && strncmp(a, b, len) == 0;
}

static void
take(struct state *st, const char *package)
{
	size_t i, n = 0;

	for (i = 0; i < st->n; i++)
		if (!same_package(st->items[i].name, package) &&
		    (st->items[i].group == NULL ||
			strcmp(st->items[i].group, package) != 0))
			st->items[n++] = st->items[i];
	st->n = n;
}

/* All but what was marked again since. */
static void
take_automatic(struct state *st)
{
	size_t i, k, n = 0;

	for (i = 0; i < st->n; i++)
		for (k = 0; k < st->manual.n; k++)
			if (same_package(
				st->items[i].name, st->manual.items[k])) {
				st->items[n++] = st->items[i];
				break;
			}
	st->n = n;
}

typedef void each_package(
    struct state *st, const char *package, const char *group);

static void
take_each(struct state *st, const char *package, const char *group)
{
	(void)group;
	take(st, package);
}

static void
mark_each(struct state *st, const char *package, const char *group)
{
	(void)group;
	names_add(&st->manual, package);
}

/* "$NAME" or "${NAME}" whole: the name's length, else 0. */
static size_t
variable_name(const char *w, const char **name)
{
	size_t len;

	if (w[0] != '$')
		return 0;
	*name = w[1] == '{' ? w + 2 : w + 1;
	len = strspn(*name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
			    "abcdefghijklmnopqrstuvwxyz0123456789");
	return (*name)[len] == '\0' || strcmp(*name + len, "}") == 0 ? len : 0;
}

static int
each_word_of(
    struct state *st, const char *value, each_package *f, const char *group)
{
	size_t len;
	const char *word;

	for (value += strspn(value, " \t\n"); *value != '\0';
	     value += strspn(value, " \t\n")) {
		len = strcspn(value, " \t\n");
		word = arena_strndup(st->s->mem, value, len);
		if (word == NULL)
			return -1;
		f(st, word, group);
		value += len;
	}
	return 0;
}

static int
each_of(
    struct state *st, size_t nth, const struct package_use *u, each_package *f)
{
	const struct command *c = &st->in->script.commands[nth];
	const char *w, *name, *value;
	size_t i = 0, len;

	while ((w = package_next(c, u, &i)) != NULL) {
		len = variable_name(w, &name);
		if (len == 0) {
			f(st, w, u->group);
			continue;
		}
		if (st->expansions++ >= EXPANSIONS_MAX)
			continue;
		value = scan_variable(st->s, st->in, nth, name, len);
		if (value != NULL && each_word_of(st, value, f, u->group) != 0)
			return -1;
	}
	return 0;
}

static bool
removes_automatic(const struct command *c, const struct package_use *u)
{
	return u->manager == MANAGER_APT &&
	       (u->action == ACTION_AUTOREMOVE ||
		   command_has(c, "--auto-remove") ||
		   command_has(c, "--autoremove"));
}

/* "curl https://sh.rustup.rs | sh": no package manager, and a toolchain. */
static bool
installs_rust(const struct command *c)
{
	size_t i;

	for (i = 1; i < c->n && !c->conditional; i++)
		if (strstr(c->words[i], "//sh.rustup.rs") != NULL)
			return true;
	return false;
}

static int
follow(struct state *st, size_t nth, bool *automatic)
{
	const struct command *c = &st->in->script.commands[nth];
	const struct package_use u = package_use(c);

	if (command_is(c, "curl") || command_is(c, "wget")) {
		st->fetches = true;
		if (installs_rust(c))
			put(st, "rustup", NULL);
	}
	if (command_is(c, "rustup") && command_has(c, "uninstall"))
		take(st, "rustup");
	switch (u.manager == MANAGER_NONE || u.manager >= MANAGER_PIP
		    ? ACTION_OTHER
		    : u.action) {
	case ACTION_INSTALL:
		st->fetches = true;
		return c->conditional ? 0 : each_of(st, nth, &u, put);
	case ACTION_MARK_AUTO:
		*automatic = true;
		st->manual.n = 0;
		return 0;
	case ACTION_MARK_MANUAL:
		return each_of(st, nth, &u, mark_each);
	case ACTION_REMOVE:
	case ACTION_AUTOREMOVE:
		if (*automatic && removes_automatic(c, &u))
			take_automatic(st);
		return each_of(st, nth, &u, take_each);
	default:
		return 0;
	}
}

/* A build, in an instruction that brings no tools: the base or an earlier
 * layer has them. */
static const char *
tool_that_runs(const struct script *sc)
{
	static const char *const builders[] = {
	    "javac", "rustc", "cargo", "mvn", "gradle", NULL};
	size_t i;

	for (i = 0; i < sc->n; i++) {
		const struct command *c = &sc->commands[i];

		if (c->conditional)
			continue;
		if (command_is_one_of(c, builders))
			return c->words[0];
		if (c->n > 1 && command_is(c, "go") &&
		    (strcmp(c->words[1], "build") == 0 ||
			strcmp(c->words[1], "install") == 0))
			return "go";
	}
	return NULL;
}

/* Compilers first, for headers alone build nothing. */
static int
tell(struct state *st)
{
	struct names names = {.n = 0};
	size_t i;

	for (i = 0; i < st->n; i++)
		if (!ends_with(st->items[i].name,
			name_length(st->items[i].name), "-dev"))
			names_add(&names, st->items[i].name);
	for (i = 0; i < st->n; i++)
		names_add(&names, st->items[i].name);
	return scan_add_names(st->s, DETECT_BUILD_TOOLS, st->in, &names);
}

int
scan_tools(struct scan *s, const struct instruction *in)
{
	struct state st = {.s = s, .in = in};
	const char *runs;
	bool automatic = false;
	size_t i;

	for (i = 0; i < in->script.n; i++)
		if (follow(&st, i, &automatic) != 0)
			return -1;
	if (st.n > 0)
		return tell(&st);
	runs = st.fetches ? NULL : tool_that_runs(&in->script);
	return runs == NULL
		   ? 0
		   : scan_add(s, DETECT_BUILD_TOOLS, in, runs, HISTORY_EARLIER);
}
