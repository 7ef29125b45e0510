/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/sandbox.h"

#include "server/cli/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef INSTRUMENTED
#define INSTRUMENTED 0
#endif

static const char on[] = "on", missing[] = "the kernel does not have it";

/* Allowed where the bits of an argument that the mask has are these. clone3
 * hides its flags from a filter: without it, threads are made by clone. */
static const struct {
	const char *name;
	unsigned int argument;
	scmp_datum_t mask, bits;
} allowed_if[] = {
    {"clone", 0, CLONE_THREAD, CLONE_THREAD}, {"ioctl", 1, UINT32_MAX, FIONBIO},
    {"ioctl", 1, UINT32_MAX, FIONREAD}, {"ioctl", 1, UINT32_MAX, TCGETS},
    {"prctl", 0, UINT32_MAX, PR_SET_NAME}, {"socket", 0, UINT32_MAX, AF_INET},
    {"socket", 0, UINT32_MAX, AF_INET6},
    {"socket", 0, UINT32_MAX, AF_NETLINK}, /* the resolver: which addresses */
};

#define LENGTH(a) (sizeof(a) / sizeof(*(a)))

/* Returns 0, or -1 where the filter is not what it should be. A name that
 * this machine, or libseccomp, does not know needs no rule. */
static int
add_rule(scmp_filter_ctx filter, uint32_t action, const char *name,
    const struct scmp_arg_cmp *only)
{
	const int call = seccomp_syscall_resolve_name(name);

	if (call == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(
		   filter, action, call, only != NULL ? 1 : 0, only) == 0
		   ? 0
		   : -1;
}

static int
add_rules(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp only = {.op = SCMP_CMP_MASKED_EQ};
	int rc = 0;
	size_t i;

	for (i = 0; i < LENGTH(allowed); i++)
		rc |= add_rule(filter, SCMP_ACT_ALLOW, allowed[i], NULL);
	for (i = 0; i < LENGTH(deadly); i++)
		rc |= add_rule(filter, SCMP_ACT_KILL_PROCESS, deadly[i], NULL);
	for (i = 0; i < LENGTH(allowed_if); i++) {
		only.arg = allowed_if[i].argument;
		only.datum_a = allowed_if[i].mask;
		only.datum_b = allowed_if[i].bits;
		rc |=
		    add_rule(filter, SCMP_ACT_ALLOW, allowed_if[i].name, &only);
	}
	return rc;
}

static const char *
limit_calls(void)
{
	/* ENOSYS is what libraries expect of a kernel that is older. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	const char *result = "out of memory";

	if (filter == NULL)
		return result;
	/* Quicker, and told in the kernel's log: good to have, no more. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	if (seccomp_attr_set(
		filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
	    add_rules(filter) == 0)
		result = seccomp_load(filter) == 0 ? on : missing;
	seccomp_release(filter);
	return result;
}

/* What the headers may be too old for. */
#define TRUNCATE (UINT64_C(1) << 14)
#define IOCTL_DEV (UINT64_C(1) << 15)

enum {
	READING = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITING = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
		  LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

/* All rights that this kernel's Landlock knows to take. */
static uint64_t
rights_known(long abi)
{
	const uint64_t first = 2 * LANDLOCK_ACCESS_FS_MAKE_SYM - 1;

	return first | (abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
	       (abi >= 3 ? TRUNCATE : 0) | (abi >= 5 ? IOCTL_DEV : 0);
}

static void
allow(const struct sandbox *s, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr beneath = {
	    .allowed_access = rights & s->known};

	if (s->rules < 0)
		return;
	beneath.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return;
	(void)syscall(SYS_landlock_add_rule, s->rules,
	    LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(beneath.parent_fd);
}

static void
start_rules(struct sandbox *s)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {0};

	if (abi <= 0)
		return;
	s->known = attr.handled_access_fs = rights_known(abi);
	s->rules =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	/* Libraries that glibc loads by name, authorities, time zones. */
	allow(s, "/usr", READING);
	allow(s, "/etc", READING);
	sandbox_allow_read(s, "/etc/resolv.conf");
}

void
sandbox_init(struct sandbox *s, bool wanted)
{
	const char *off =
	    INSTRUMENTED ? "off: this build is instrumented" : "off";

	*s = (struct sandbox){.wanted = wanted && !INSTRUMENTED,
	    .rules = -1,
	    .files = off,
	    .calls = off};
	if (s->wanted)
		start_rules(s);
}

static void
allow_folder_of(const struct sandbox *s, const char *path)
{
	char copy[PATH_MAX];
	const int n = snprintf(copy, sizeof(copy), "%s", path);

	if (n > 0 && (size_t)n < sizeof(copy))
		allow(s, dirname(copy), READING);
}

/* A link on the way to a file may lead elsewhere later: as a rule beneath the
 * folder that it is in, where a mounted ConfigMap has all its versions. */
static void
allow_folders_of_links(const struct sandbox *s, const char *path)
{
	char way[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 1; path[0] != '\0' && path[i] != '\0'; i++) {
		if (path[i] != '/' || i >= sizeof(way))
			continue;
		memcpy(way, path, i);
		way[i] = '\0';
		if (lstat(way, &st) == 0 && S_ISLNK(st.st_mode))
			allow_folder_of(s, way);
	}
}

void
sandbox_allow_read(const struct sandbox *s, const char *path)
{
	char real[PATH_MAX];

	if (path == NULL || realpath(path, real) == NULL)
		return;
	allow_folders_of_links(s, path);
	allow_folder_of(s, path);
	allow_folder_of(s, real);
	allow(s, real, READING);
}

void
sandbox_allow_write(const struct sandbox *s, const char *folder)
{
	/* Only what exists can have a rule. */
	(void)mkdir(folder, 0700);
	allow(s, folder, READING | WRITING | TRUNCATE);
}

static const char *
limit_files(const struct sandbox *s)
{
	return s->rules >= 0 &&
		       syscall(SYS_landlock_restrict_self, s->rules, 0) == 0
		   ? on
		   : missing;
}

bool
sandbox_enter(struct sandbox *s)
{
	if (!s->wanted)
		return false;
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	s->files = limit_files(s);
	s->calls = limit_calls();
	if (s->rules >= 0)
		close(s->rules);
	s->rules = -1;
	return s->files == on && s->calls == on;
}
