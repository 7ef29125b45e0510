/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
join(char path[static PATH_MAX], const char *dir, const char *name,
    const char *suffix, struct error *err)
{
	const int n = snprintf(path, PATH_MAX, "%s/%s%s", dir, name, suffix);

	if (n < 0 || n >= PATH_MAX)
		return error_set(err, ERR_LIMIT, "the path is too long");
	return 0;
}

static int
system_failed(const char *path, struct error *err)
{
	return error_set(err, ERR_SYSTEM, "%.150s: %s", path, strerror(errno));
}

int
place_folder(
    const char *dir, const char *const *names, bool force, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return system_failed(dir, err);
	for (; *names != NULL && !force; names++) {
		if (join(path, dir, *names, "", err) != 0)
			return -1;
		if (lstat(path, &st) == 0)
			return error_set(err, ERR_INVALID,
			    "%.150s is there already; --force replaces it",
			    path);
	}
	return 0;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

int
place_file(const char *dir, const char *name, const void *data, size_t len,
    mode_t mode, struct error *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int fd, rc;

	if (join(path, dir, name, "", err) != 0 ||
	    join(fresh, dir, name, ".new", err) != 0)
		return -1;
	unlink(fresh); /* what an interrupted run may have left */
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return system_failed(fresh, err);
	rc = write_all(fd, data, len);
	if (rc == 0)
		rc = rename(fresh, path);
	if (rc != 0) {
		system_failed(path, err);
		unlink(fresh);
	}
	close(fd);
	return rc;
}
