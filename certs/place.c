/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char FRESH[] = ".new";

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

static int
make_folder(const char *dir, struct error *err)
{
	char path[PATH_MAX];
	char *slash = path;
	bool made;

	if (dir[0] == '\0')
		return error_set(err, ERR_INVALID, "the folder has no name");
	if (join(path, dir, "", "", err) != 0)
		return -1;
	/* join() has put a slash at the end: each part ends with one. */
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		made = mkdir(path, 0755) == 0 || errno == EEXIST;
		if (!made)
			return system_failed(path, err);
		*slash = '/';
	}
	return 0;
}

int
place_folder(const char *dir, const struct place_file *files, size_t n,
    bool force, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	size_t i;

	if (make_folder(dir, err) != 0)
		return -1;
	for (i = 0; i < n && !force; i++) {
		if (join(path, dir, files[i].name, "", err) != 0)
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

static int
write_fresh(const char *dir, const struct place_file *f, struct error *err)
{
	char path[PATH_MAX];
	int fd, rc;

	if (join(path, dir, f->name, FRESH, err) != 0)
		return -1;
	unlink(path); /* what an interrupted run may have left */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    f->mode);
	if (fd < 0)
		return system_failed(path, err);
	rc = write_all(fd, f->data, f->len);
	if (rc != 0)
		system_failed(path, err);
	close(fd);
	return rc;
}

static int
move_fresh(const char *dir, const struct place_file *f, struct error *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	if (join(path, dir, f->name, "", err) != 0 ||
	    join(fresh, dir, f->name, FRESH, err) != 0)
		return -1;
	return rename(fresh, path) == 0 ? 0 : system_failed(path, err);
}

static void
remove_fresh(const char *dir, const struct place_file *files, size_t n)
{
	struct error ignored = ERROR_INIT;
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < n; i++)
		if (join(path, dir, files[i].name, FRESH, &ignored) == 0)
			unlink(path);
}

/* The names, too, are to survive a crash. */
static int
sync_folder(const char *dir, struct error *err)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (rc != 0 && errno == EINVAL)
		rc = 0; /* some file systems cannot */
	if (rc != 0)
		system_failed(dir, err);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
place_files(const char *dir, const struct place_file *files, size_t n,
    struct error *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = write_fresh(dir, &files[i], err);
	for (i = 0; i < n && rc == 0; i++)
		rc = move_fresh(dir, &files[i], err);
	if (rc != 0)
		remove_fresh(dir, files, n);
	return rc == 0 ? sync_folder(dir, err) : -1;
}
