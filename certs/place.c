/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char DATA[] = "..data";
static const char SET[] = "..set-";
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
write_file(const char *dir, const struct place_file *f, struct error *err)
{
	char path[PATH_MAX];
	int fd, rc;

	if (join(path, dir, f->name, "", err) != 0)
		return -1;
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

/* A link that takes the place of whatever has its name. */
static int
place_link(const char *dir, const char *name, const char *to, struct error *err)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	if (join(path, dir, name, "", err) != 0 ||
	    join(fresh, dir, name, FRESH, err) != 0)
		return -1;
	unlink(fresh); /* what an interrupted run may have left */
	if (symlink(to, fresh) != 0)
		return system_failed(fresh, err);
	if (rename(fresh, path) == 0)
		return 0;
	system_failed(path, err);
	unlink(fresh);
	return -1;
}

/* Where a name of ours is to lead. */
static void
link_text(char text[static PATH_MAX], const char *name)
{
	snprintf(text, PATH_MAX, "%s/%s", DATA, name);
}

static bool
is_linked(const char *dir, const char *name)
{
	char path[PATH_MAX], wanted[PATH_MAX], found[PATH_MAX];
	struct error ignored = ERROR_INIT;
	ssize_t n;

	link_text(wanted, name);
	if (join(path, dir, name, "", &ignored) != 0)
		return false;
	n = readlink(path, found, sizeof(found));
	return n == (ssize_t)strlen(wanted) &&
	       memcmp(found, wanted, (size_t)n) == 0;
}

static int
link_name(const char *dir, const char *name, struct error *err)
{
	char to[PATH_MAX];

	link_text(to, name);
	return is_linked(dir, name) ? 0 : place_link(dir, name, to, err);
}

static void
remove_set(const char *path)
{
	struct error ignored = ERROR_INIT;
	DIR *d = opendir(path);
	const struct dirent *e;
	char file[PATH_MAX];

	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    join(file, path, e->d_name, "", &ignored) == 0)
			unlink(file);
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

/* Generations that are not the one in use, if any is. */
static void
remove_old_sets(const char *dir)
{
	struct error ignored = ERROR_INIT;
	char path[PATH_MAX], current[PATH_MAX] = "";
	const struct dirent *e;
	DIR *d;

	if (join(path, dir, DATA, "", &ignored) != 0)
		return;
	if (readlink(path, current, sizeof(current) - 1) < 0 &&
	    errno != ENOENT && errno != EINVAL) /* no link, so none */
		return;
	d = opendir(dir);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (strncmp(e->d_name, SET, strlen(SET)) == 0 &&
		    strcmp(e->d_name, current) != 0 &&
		    join(path, dir, e->d_name, "", &ignored) == 0)
			remove_set(path);
	closedir(d);
}

static int
make_set(char path[static PATH_MAX], const char *dir, struct error *err)
{
	if (join(path, dir, SET, "XXXXXX", err) != 0)
		return -1;
	if (mkdtemp(path) == NULL || chmod(path, 0755) != 0)
		return system_failed(path, err);
	return 0;
}

/* Makes a generation the one that counts; the last step, and the only one
 * that shows. */
static int
commit(const char *dir, const char *set, struct error *err)
{
	if (sync_folder(set, err) != 0 ||
	    place_link(dir, DATA, strrchr(set, '/') + 1, err) != 0)
		return -1;
	return sync_folder(dir, err);
}

/* Plain files, as a generation of their own: nothing that is read changes. */
static int
adopt(const char *dir, const struct place_file *files, size_t n,
    struct error *err)
{
	char set[PATH_MAX], from[PATH_MAX], to[PATH_MAX];
	struct stat st;
	size_t i;

	if (make_set(set, dir, err) != 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (join(from, dir, files[i].name, "", err) != 0 ||
		    join(to, set, files[i].name, "", err) != 0)
			return -1;
		if (stat(from, &st) == 0 && linkat(AT_FDCWD, from, AT_FDCWD, to,
						AT_SYMLINK_FOLLOW) != 0)
			return system_failed(from, err);
	}
	if (commit(dir, set, err) != 0)
		return -1;
	for (i = 0; i < n; i++)
		if (join(from, dir, files[i].name, "", err) != 0 ||
		    (stat(from, &st) == 0 &&
			link_name(dir, files[i].name, err) != 0))
			return -1;
	return 0;
}

static bool
needs_adopting(const char *dir, const struct place_file *files, size_t n)
{
	struct error ignored = ERROR_INIT;
	char path[PATH_MAX];
	struct stat st;
	size_t i;

	for (i = 0; i < n; i++)
		if (join(path, dir, files[i].name, "", &ignored) == 0 &&
		    stat(path, &st) == 0 && !is_linked(dir, files[i].name))
			return true;
	return false;
}

int
place_files(const char *dir, const struct place_file *files, size_t n,
    struct error *err)
{
	char set[PATH_MAX];
	size_t i;
	int rc = 0;

	if (needs_adopting(dir, files, n))
		rc = adopt(dir, files, n, err);
	if (rc == 0)
		rc = make_set(set, dir, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = write_file(set, &files[i], err);
	if (rc == 0)
		rc = commit(dir, set, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = link_name(dir, files[i].name, err);
	remove_old_sets(dir); /* what failed, too */
	return rc;
}

int
place_lock(const char *dir, struct error *err)
{
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		system_failed(dir, err);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error_set(err, errno == EWOULDBLOCK ? ERR_UNAVAILABLE : ERR_SYSTEM,
	    "%.150s: %s", dir,
	    errno == EWOULDBLOCK ? "another renewal is under way"
				 : strerror(errno));
	close(fd);
	return -1;
}
