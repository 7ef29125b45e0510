/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What tells one state of a file from another. */
struct state {
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct watch {
	int fd;
	const char *files[WATCH_FILES_MAX];
	struct state states[WATCH_FILES_MAX];
	size_t n;
};

static struct state
state_of(const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return (struct state){0};
	return (struct state){st.st_ino, st.st_size, st.st_mtim};
}

static bool
same_state(const struct state *a, const struct state *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

struct watch *
watch_new(struct error *err)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		error_set(
		    err, ERR_SYSTEM, "cannot watch files: %s", strerror(errno));
		free(w);
		return NULL;
	}
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	close(w->fd);
	free(w);
}

void
watch_add(struct watch *w, const char *file)
{
	char folder[PATH_MAX] = ".";
	const char *slash;

	if (file == NULL || strncmp(file, "preset:", 7) == 0 ||
	    w->n == WATCH_FILES_MAX)
		return;
	w->states[w->n] = state_of(file);
	w->files[w->n++] = file;
	slash = strrchr(file, '/');
	if (slash == file)
		slash++; /* the root's own name */
	if (slash != NULL && (size_t)(slash - file) >= sizeof(folder))
		return;
	if (slash != NULL) {
		memcpy(folder, file, (size_t)(slash - file));
		folder[slash - file] = '\0';
	}
	/* The same folder twice is one watch. */
	inotify_add_watch(w->fd, folder,
	    IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR);
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

bool
watch_changed(struct watch *w)
{
	bool changed = false;
	struct state now;
	char events[4096];
	size_t i;

	while (read(w->fd, events, sizeof(events)) > 0)
		;
	for (i = 0; i < w->n; i++) {
		now = state_of(w->files[i]);
		changed |= !same_state(&now, &w->states[i]);
		w->states[i] = now;
	}
	return changed;
}
