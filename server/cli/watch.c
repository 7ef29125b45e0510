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
	const char *files[WATCH_FILES_MAX];
	uint64_t states[WATCH_FILES_MAX];
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
		now = state_of(w->files[i]);
		if (now == w->states[i])
			continue;
		changed = true;
		w->states[i] = now;
		/* A folder may be another of the same name. */
		inotify_add_watch(w->fd, w->files[i], EVENTS);
	}
	return changed;
}
