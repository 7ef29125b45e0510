/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/file.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	NAME_SHOWN_MAX = 120,
	WRITER_MS = 2 * 1000,  /* for somebody to write to a pipe at all */
	SILENCE_MS = 30 * 1000 /* for more of it */
};

/* Standard input is waited for as long as it takes: somebody may be typing. */
static bool
wait_for(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, fd == STDIN_FILENO ? -1 : ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

/* A pipe's end may be that nobody writes to it yet. */
static bool
is_unwritten(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	       wait_for(fd, WRITER_MS);
}

static int
read_all(int fd, const char *path, struct buf *b, struct error *err)
{
	char chunk[16 * 1024];
	ssize_t n;

	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0 && b->len == 0 && is_unwritten(fd))
			n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EAGAIN && !wait_for(fd, SILENCE_MS))
			return error_set(err, ERR_SYSTEM,
			    "%s: nothing came for %d seconds", path,
			    SILENCE_MS / 1000);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return error_set(
			    err, ERR_SYSTEM, "%s: %s", path, strerror(errno));
		if ((size_t)n > b->max - b->len)
			return error_set(err, ERR_LIMIT,
			    "%s: over %zu bytes, which is more than is read",
			    path, b->max);
		if (buf_add(b, chunk, (size_t)n) != 0)
			return error_set(err, ERR_NOMEM, "%s", path);
	}
}

/* Names are told to people; one that would move their cursor, or begin a line
 * of a build's log that means something there, is none to read. */
static int
check_name(const char *path, struct error *err)
{
	AUTO(buf_clear) struct buf quoted = BUF_INIT(6 * NAME_SHOWN_MAX);
	const char *p;

	if (path[0] == '\0')
		return error_set(err, ERR_SYSTEM,
		    "the name of a file is empty: is a variable not set?");
	for (p = path; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			text_quote(&quoted, path, NAME_SHOWN_MAX);
			return error_set(err, ERR_SYSTEM,
			    "%s: control characters in the name of a file",
			    buf_text(&quoted));
		}
	return 0;
}

char *
file_read(const char *path, size_t max, size_t *len, struct error *err)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(max);
	char *text;
	int fd, rc;

	if (check_name(path, err) != 0)
		return NULL;
	if (strcmp(path, "-") == 0) {
		rc = read_all(STDIN_FILENO, "stdin", &b, err);
	} else {
		/* To open a pipe is to wait for who writes to it, else. */
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
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

bool
file_is_document(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 ||
		   strcmp(dot, ".json") == 0);
}

void
file_list_clear(struct file_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->paths[i]);
	free(l->paths);
	*l = (struct file_list){0};
}

static int
keep_path(struct file_list *l, const char *folder, const char *name,
    struct error *err)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(PATH_MAX);
	char **paths;

	if (l->n == FILE_LIST_MAX)
		return error_set(
		    err, ERR_LIMIT, "%s: over %d files", folder, FILE_LIST_MAX);
	if (strlen(folder) + 1 + strlen(name) > b.max)
		return error_set(err, ERR_SYSTEM,
		    "over %d bytes in the path of a file: %s", PATH_MAX,
		    folder);
	paths = reallocarray(l->paths, l->n + 1, sizeof(*paths));
	if (paths == NULL)
		return error_set(err, ERR_NOMEM, "%s", folder);
	l->paths = paths;
	buf_printf(&b, "%s%s%s", folder,
	    folder[strlen(folder) - 1] == '/' ? "" : "/", name);
	paths[l->n] = buf_take(&b);
	if (paths[l->n] == NULL)
		return error_set(err, ERR_NOMEM, "%s", folder);
	l->n++;
	return 0;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
file_list_documents(
    struct file_list *out, const char *folder, struct error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	int rc = 0;

	*out = (struct file_list){0};
	if (dir == NULL)
		return error_set(
		    err, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
	while (rc == 0 && (errno = 0, e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && file_is_document(e->d_name))
			rc = keep_path(out, folder, e->d_name, err);
	if (rc == 0 && errno != 0)
		rc = error_set(
		    err, ERR_SYSTEM, "%s: %s", folder, strerror(errno));
	closedir(dir);
	if (rc != 0)
		file_list_clear(out);
	else if (out->n > 0)
		qsort(out->paths, out->n, sizeof(*out->paths), by_bytes);
	return rc;
}
