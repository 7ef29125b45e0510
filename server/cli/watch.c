/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/watch.h"

#include "policy/base/file.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
		 IN_DELETE | IN_ONLYDIR
};

struct watch {
	int fd;
	struct watched {
		char *file; /* owned */
		uint64_t state;
	} * items;
	size_t n;
};

/* FNV-1a: what tells one state of files from another. */
static uint64_t
mix(uint64_t state, uint64_t value)
{
	return (state ^ value) * UINT64_C(1099511628211);
}

static bool
mix_file(uint64_t *state, const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0)
		return false;
	*state = mix(*state, st.st_ino);
	*state = mix(*state, (uint64_t)st.st_size);
	*state = mix(*state, (uint64_t)st.st_mtim.tv_sec);
	*state = mix(*state, (uint64_t)st.st_mtim.tv_nsec);
	return S_ISDIR(st.st_mode);
}

/* Of a file, or of a folder and the documents in it. */
static uint64_t
state_of(const char *file)
{
	AUTO(file_list_clear) struct file_list list = {0};
	struct error err = ERROR_INIT;
	uint64_t state = UINT64_C(14695981039346656037);
	size_t i;

	if (mix_file(&state, file))
		file_list_documents(&list, file, &err);
	for (i = 0; i < list.n; i++)
		mix_file(&state, list.paths[i]);
	return state;
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
	size_t i;

	if (w == NULL)
		return;
	close(w->fd);
	for (i = 0; i < w->n; i++)
		free(w->items[i].file);
	free(w->items);
	free(w);
}

static bool
is_watched(const struct watch *w, const char *file)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (strcmp(w->items[i].file, file) == 0)
			return true;
	return false;
}

static int
append(struct watch *w, const char *file)
{
	struct watched *items =
	    reallocarray(w->items, w->n + 1, sizeof(*items));
	char *copy;

	if (items == NULL)
		return -1;
	w->items = items;
	copy = strdup(file);
	if (copy == NULL)
		return -1;
	items[w->n++] = (struct watched){copy, state_of(file)};
	return 0;
}

void
watch_add(struct watch *w, const char *file)
{
	char folder[PATH_MAX] = ".";
	const char *slash;

	if (file == NULL || strncmp(file, "preset:", 7) == 0 ||
	    is_watched(w, file) || w->n == WATCH_FILES_MAX ||
	    append(w, file) != 0)
		return;
	slash = strrchr(file, '/');
	if (slash == file)
		slash++; /* the root's own name */
	if (slash != NULL && (size_t)(slash - file) >= sizeof(folder))
		return;
	if (slash != NULL) {
		memcpy(folder, file, (size_t)(slash - file));
		folder[slash - file] = '\0';
	}
	/* The same folder twice is one watch; what is no folder is none. */
	inotify_add_watch(w->fd, folder, EVENTS);
	inotify_add_watch(w->fd, file, EVENTS);
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
	uint64_t now;
	char events[4096];
	size_t i;

	while (read(w->fd, events, sizeof(events)) > 0)
		;
	for (i = 0; i < w->n; i++) {
		now = state_of(w->items[i].file);
		if (now == w->items[i].state)
			continue;
		changed = true;
		w->items[i].state = now;
		/* A folder may be another of the same name. */
		inotify_add_watch(w->fd, w->items[i].file, EVENTS);
	}
	return changed;
}
