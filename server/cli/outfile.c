/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/outfile.h"

#include "policy/base/buf.h"
#include "server/gate/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
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

/* Whatever it is called: /dev/stdout leads to a file where a shell has put one
 * there. */
static bool
is_stdout(const struct stat *st)
{
	struct stat out;

	return fstat(STDOUT_FILENO, &out) == 0 && out.st_dev == st->st_dev &&
	       out.st_ino == st->st_ino;
}

int
outfile_write(
    const char *path, int (*write)(const void *arg, FILE *out), const void *arg)
{
	AUTO(buf_clear) struct buf name = BUF_INIT(PATH_MAX);
	AUTO(free) char *target = realpath(path, NULL); /* links stay links */
	const char *file = target != NULL ? target : path;
	struct stat st;
	const bool is_there = stat(path, &st) == 0;
	int rc, saved;

	errno = 0;
	if (is_there && is_stdout(&st))
		return write(arg, stdout);
	if (is_there && !S_ISREG(st.st_mode))
		return write_to(path, "w", write, arg);
	/* In a container every run has the same PID. */
	buf_printf(&name, "%s.%ld.%" PRId64 ".tmp", file, (long)getpid(),
	    clock_real.monotonic_us(&clock_real));
	rc = write_to(buf_text(&name), "wx", write, arg);
	if (rc == 0)
		rc = rename(buf_text(&name), file);
	if (rc != 0) {
		saved = errno;
		unlink(buf_text(&name));
		errno = saved;
	}
	return rc;
}
