/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/local.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/dev/shm/policy-gate-layout-XXXXXX";

static void
path_of(char path[static PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

static void
put(const char *name, const char *data, size_t len)
{
	char path[PATH_MAX];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* The last part is the index, all others are blobs. */
static void
blob_name(char name[static PATH_MAX], const struct parts *p, size_t i)
{
	if (i + 1 == p->n)
		snprintf(name, PATH_MAX, "index.json");
	else
		snprintf(name, PATH_MAX, "blobs/sha256/%s",
		    p->items[i].digest + strlen("sha256:"));
}

static void
clean(void)
{
	static const char *const made[] = {
	    "oci-layout", "blobs/sha256", "blobs", ""};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		path_of(path, made[i]);
		(void)remove(path);
	}
}

static void
make_dir(void)
{
	static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	char path[PATH_MAX];

	MUST(mkdtemp(dir) != NULL);
	path_of(path, "blobs");
	MUST(mkdir(path, 0700) == 0);
	path_of(path, "blobs/sha256");
	MUST(mkdir(path, 0700) == 0);
	put("oci-layout", version, strlen(version));
	atexit(clean);
}

static void
check(const struct parts *p)
{
	AUTO(local_clear) struct local l = {.set = NULL};
	struct error err = ERROR_INIT;
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "oci:%s", dir);
	MUST(local_is(text));
	if (local_read(text, &l, &err) != 0) {
		MUST(err.code != ERR_NONE && err.code != ERR_INTERNAL);
		must_be_plain(err.msg);
		return;
	}
	MUST(l.name != NULL && l.set->n > 0 && !l.estimated);
	for (size_t i = 0; i < l.set->n; i++)
		parts_must_say(p, l.set->images[i], true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	char name[PATH_MAX], path[PATH_MAX];
	struct parts p;

	if (access(dir, F_OK) != 0)
		make_dir();
	if (mem == NULL || parts_read(&p, data, size, mem) != 0)
		return 0;
	for (size_t i = 0; i < p.n; i++) {
		blob_name(name, &p, i);
		put(name, p.items[i].data, p.items[i].len);
	}
	check(&p);
	for (size_t i = 0; i < p.n; i++) {
		blob_name(name, &p, i);
		path_of(path, name);
		(void)unlink(path);
	}
	return 0;
}
