/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/local.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 512, NAME_BYTES = 100, SUM_AT = 148, SUM_LEN = 8 };

static void
put(int fd, const void *data, size_t len)
{
	MUST(write(fd, data, len) == (ssize_t)len);
}

/* A member of a tar (POSIX ustar), with a header whose sum is right. */
static void
put_member(int fd, const struct part *p)
{
	char header[BLOCK] = {0};
	unsigned int sum = 0;

	memcpy(header, p->name, strnlen(p->name, NAME_BYTES));
	snprintf(header + 100, 8, "%07o", 0644U);
	snprintf(header + 124, 12, "%011zo", p->len);
	snprintf(header + 136, 12, "%011o", 0U);
	memset(header + SUM_AT, ' ', SUM_LEN);
	header[156] = '0';
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + SUM_AT, SUM_LEN, "%06o", sum);
	put(fd, header, BLOCK);
	memset(header, 0, BLOCK);
	put(fd, p->data, p->len);
	put(fd, header, (BLOCK - p->len % BLOCK) % BLOCK);
}

static void
check(int fd, const struct parts *p)
{
	AUTO(local_clear) struct local l = {.set = NULL};
	struct error err = ERROR_INIT;
	char text[64];

	snprintf(text, sizeof(text), "docker-archive:/proc/self/fd/%d", fd);
	MUST(local_is(text));
	if (local_read(text, &l, &err) != 0) {
		MUST(err.code != ERR_NONE && err.code != ERR_INTERNAL);
		must_be_plain(err.msg);
		return;
	}
	MUST(l.name != NULL && l.set->n == 1);
	if (p != NULL)
		parts_must_say(p, l.set->images[0], false);
}

/* Parts become a tar; what begins with "!" is one, of whatever bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(arena_free) struct arena *mem = arena_new();
	const char nothing[2 * BLOCK] = {0};
	struct parts p;
	int fd;

	if (mem == NULL)
		return 0;
	fd = memfd_create("archive", MFD_CLOEXEC);
	MUST(fd >= 0);
	if (size > 0 && *data == '!') {
		put(fd, data + 1, size - 1);
		check(fd, NULL);
	} else if (parts_read(&p, data, size, mem) == 0) {
		for (size_t i = 0; i < p.n; i++)
			put_member(fd, &p.items[i]);
		put(fd, nothing, sizeof(nothing));
		check(fd, &p);
	}
	close(fd);
	return 0;
}
