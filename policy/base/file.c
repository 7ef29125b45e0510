/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/file.h"

#include "policy/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int
read_all(int fd, const char *path, struct buf *b, struct error *err)
{
	char chunk[16 * 1024];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(
			    err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
		if ((size_t)n > b->max - b->len)
			return error_set(
			    err, ERR_LIMIT, "%s: over %zu bytes", path, b->max);
		if (buf_add(b, chunk, (size_t)n) != 0)
			return error_set(err, ERR_NOMEM, "%s", path);
	}
}

char *
file_read(const char *path, size_t max, size_t *len, struct error *err)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(max);
	char *text;
	int fd, rc;

	if (strcmp(path, "-") == 0) {
		rc = read_all(STDIN_FILENO, "standard input", &b, err);
	} else {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			error_set(
			    err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
			return NULL;
		}
		rc = read_all(fd, path, &b, err);
		close(fd);
	}
	if (rc != 0)
		return NULL;
	*len = b.len;
	text = buf_take(&b);
	if (text == NULL)
		error_set(err, ERR_NOMEM, "%s", path);
	return text;
}
