/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/outfile.h"

#include "policy/base/buf.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static int
write_to(const char *path, const char *mode,
    int (*write)(const void *arg, FILE *out), const void *arg)
{
	FILE *out = fopen(path, mode);
	int rc;

	if (out == NULL)
		return -1;
	rc = write(arg, out);
	if (ferror(out))
		rc = -1;
	return fclose(out) == 0 ? rc : -1;
}

int
outfile_write(
    const char *path, int (*write)(const void *arg, FILE *out), const void *arg)
{
	AUTO(buf_clear) struct buf name = BUF_INIT(PATH_MAX);
	struct stat st;
	int rc, saved;

	errno = 0;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_to(path, "w", write, arg);
	errno = 0;
	buf_printf(&name, "%s.%ld.tmp", path, (long)getpid());
	rc = write_to(buf_text(&name), "wx", write, arg);
	if (rc == 0)
		rc = rename(buf_text(&name), path);
	if (rc != 0) {
		saved = errno;
		unlink(buf_text(&name));
		errno = saved;
	}
	return rc;
}
