/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: memory that runs out on purpose, now and then. The file
 * that $FAILING_ALLOC names holds three numbers of 32 bits: every how many
 * allocations one fails (0: none), how many there were, and how many failed.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ONE_IN, SEEN, FAILED, NUMBERS };

/* glibc's own. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static atomic_uint none[NUMBERS];
static atomic_uint *numbers = none;

__attribute__((constructor)) static void
share_numbers(void)
{
	const char *file = getenv("FAILING_ALLOC");
	const int fd = file != NULL ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at =
	    mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		numbers = at;
	close(fd);
}

/* Libraries that die of it by themselves, in a handshake: libgmp aborts where
 * nettle asks it for room (_nettle_gmp_alloc_limbs), and libtasn1 writes to
 * what it was not given where a signature is encoded (asn1_create_element,
 * asn1_der_coding). */
static bool
is_spared(const void *caller)
{
	static const char *const spared[] = {"/libtasn1.", "/libgmp."};
	Dl_info where;

	if (dladdr(caller, &where) == 0 || where.dli_fname == NULL)
		return false;
	for (size_t i = 0; i < sizeof(spared) / sizeof(*spared); i++)
		if (strstr(where.dli_fname, spared[i]) != NULL)
			return true;
	return false;
}

static bool
fails(const void *caller)
{
	const unsigned int one_in = atomic_load(&numbers[ONE_IN]);

	if (one_in == 0 ||
	    atomic_fetch_add(&numbers[SEEN], 1) % one_in != one_in - 1 ||
	    is_spared(caller))
		return false;
	atomic_fetch_add(&numbers[FAILED], 1);
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL
						  : __libc_realloc(p, size);
}
