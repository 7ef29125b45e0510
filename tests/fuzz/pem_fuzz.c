/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "certs/keypair.h"
#include "policy/base/buf.h"
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOW = 1800000000, TOLD_MAX = 1024 * 1024 };

static void
check_error(const struct error *err)
{
	MUST(err->code == ERR_SYNTAX || err->code == ERR_INVALID ||
	     err->code == ERR_LIMIT);
	must_be_plain(err->msg);
}

/* What serve takes: the chain and its key. */
static void
check_pair(const char *text, size_t size)
{
	const struct keypair_pem pem = {text, size, text, size};
	AUTO(keypair_free) struct keypair *pair = NULL;
	struct error err = ERROR_INIT;

	pair = keypair_new(&pem, NOW, &err);
	if (pair == NULL)
		check_error(&err);
	else
		MUST(keypair_not_after(pair) >= NOW);
}

/* What `certs show` tells. */
static void
check_description(const char *text, size_t size)
{
	AUTO(buf_clear) struct buf told = BUF_INIT(TOLD_MAX);
	struct error err = ERROR_INIT;
	int fd = memfd_create("pem", MFD_CLOEXEC);
	char path[64];
	const char *c;

	MUST(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (certificate_describe(path, NOW, &told, &err) != 0)
		check_error(&err);
	for (c = buf_text(&told); *c != '\0'; c++)
		MUST((unsigned char)*c >= ' ' || *c == '\n');
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_pair((const char *)data, size);
	check_description((const char *)data, size);
	MUST(ERR_peek_error() == 0);
	return 0;
}
