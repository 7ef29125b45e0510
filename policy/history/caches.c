/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/history/packages.h"
#include "policy/history/scan.h"

#include <string.h>

/*
 * What package managers keep for the next time, which never comes in an image.
 * A cache mount looks the same in a history: the layer's size has to tell.
 */

enum cache {
	CACHE_APT,
	CACHE_APK,
	CACHE_DNF,
	CACHE_ZYPPER,
	CACHE_PIP,
	CACHE_NPM,
	CACHE_YARN,
	CACHES
};

static const struct {
	enum manager manager;
	const char *name;
	const char *paths[3]; /* removing one of them clears it */
	const char *without;  /* the option that keeps nothing */
	const char *variable; /* does the same, set to anything */
} caches[CACHES] = {
    [CACHE_APT] = {MANAGER_APT, "apt", {"lib/apt"}, NULL, NULL},
    [CACHE_APK] = {MANAGER_APK, "apk", {"cache/apk", "/var/cache"},
	"--no-cache", NULL},
    [CACHE_DNF] = {MANAGER_DNF, "dnf", {"cache/dnf", "cache/yum", "/var/cache"},
	NULL, NULL},
    [CACHE_ZYPPER] = {MANAGER_ZYPPER, "zypper", {"cache/zypp", "/var/cache"},
	NULL, NULL},
    [CACHE_PIP] = {MANAGER_PIP, "pip", {".cache"}, "--no-cache-dir",
	"PIP_NO_CACHE_DIR"},
    [CACHE_NPM] = {MANAGER_NPM, "npm", {".npm"}, NULL, NULL},
    [CACHE_YARN] = {MANAGER_YARN, "yarn", {"share/.cache", ".yarn", ".cache"},
	NULL, NULL},
};

struct state {
	struct scan *s;
	const struct instruction *in;
	bool dirty[CACHES];
};

static bool
fills(const struct state *st, size_t nth, size_t k, const struct package_use *u)
{
	const struct command *c = &st->in->script.commands[nth];

	if (u->manager != caches[k].manager || c->conditional)
		return false;
	/* apt keeps lists; what it downloads is removed by every official
	 * image's own configuration. */
	if (k == CACHE_APT)
		return u->action == ACTION_UPDATE ||
		       (u->action == ACTION_INSTALL &&
			   command_has(c, "--update"));
	if (u->action != ACTION_INSTALL && u->action != ACTION_UPDATE)
		return false;
	if (caches[k].without != NULL && command_has(c, caches[k].without))
		return false;
	return caches[k].variable == NULL ||
	       scan_variable(st->s, st->in, nth + 1, caches[k].variable,
		   strlen(caches[k].variable)) == NULL;
}

static bool
clears(const struct command *c, size_t k, const struct package_use *u)
{
	size_t i;

	if (u->manager == caches[k].manager && u->action == ACTION_CLEAN)
		return true;
	for (i = 0; i < 3 && caches[k].paths[i] != NULL; i++)
		if (command_removes(c, caches[k].paths[i]))
			return true;
	return false;
}

int
scan_caches(struct scan *s, const struct instruction *in)
{
	struct state st = {.s = s, .in = in};
	struct names names = {.n = 0};
	size_t i, k;

	for (i = 0; i < in->script.n; i++) {
		const struct command *c = &in->script.commands[i];
		const struct package_use u = package_use(c);

		for (k = 0; k < CACHES; k++) {
			if (clears(c, k, &u))
				st.dirty[k] = false;
			else if (fills(&st, i, k, &u))
				st.dirty[k] = true;
		}
	}
	for (k = 0; k < CACHES; k++)
		if (st.dirty[k])
			names_add(&names, caches[k].name);
	return scan_add_names(s, DETECT_PACKAGE_CACHE, in, &names);
}
