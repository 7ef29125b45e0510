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
		 IN_DELETE | IN_ATTRIB | IN_ONLYDIR
};

struct watch {
	int fd;
	struct watched {
		char *file; /* owned */
		uint64_t state;
		bool astray; /* its folder is not there */
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
	/* Moves with what is in it, and with who may read it. */
	*state = mix(*state, (uint64_t)st.st_ctim.tv_sec);
	*state = mix(*state, (uint64_t)st.st_ctim.tv_nsec);
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

static struct watched *
append(struct watch *w, const char *file)
{
	struct watched *items =
	    reallocarray(w->items, w->n + 1, sizeof(*items));
	char *copy;

	if (items == NULL)
		return NULL;
	w->items = items;
	copy = strdup(file);
	if (copy == NULL)
		return NULL;
	items[w->n] = (struct watched){.file = copy};
	return &items[w->n++];
}

/* The folder that a path is in; false where there is none above. */
static bool
climb(char path[static PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (slash == NULL && strcmp(path, ".") != 0) {
		memcpy(path, ".", sizeof("."));
		return true;
	}
	if (slash == NULL || (slash == path && slash[1] == '\0'))
		return false;
	slash[slash == path ? 1 : 0] = '\0'; /* the root's own name */
	return true;
}

/* Watches the folder of a file or, as long as that is missing, the nearest one
 * above; and the file itself, which may be a folder. */
static void
look_at(struct watch *w, struct watched *item)
{
	const size_t len = strlen(item->file);
	char folder[PATH_MAX];
	bool found = false;

	item->astray = false;
	if (len >= sizeof(folder))
		return;
	memcpy(folder, item->file, len + 1);
	while (!found && climb(folder)) {
		/* The same folder twice is one watch. */
		found = inotify_add_watch(w->fd, folder, EVENTS) >= 0 ||
			(errno != ENOENT && errno != ENOTDIR);
		item->astray |= !found;
	}
	inotify_add_watch(w->fd, item->file, EVENTS);
}

void
watch_add(struct watch *w, const char *file)
{
	struct watched *item;

	if (file == NULL || strncmp(file, "preset:", 7) == 0 ||
	    is_watched(w, file) || w->n == WATCH_FILES_MAX)
		return;
	item = append(w, file);
	if (item == NULL)
		return;
	item->state = state_of(file);
	look_at(w, item);
}

void
watch_each(
    const struct watch *w, void (*fn)(void *arg, const char *file), void *arg)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		fn(arg, w->items[i].file);
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

static bool
has_changed(struct watch *w, struct watched *item)
{
	const uint64_t before = item->state;

	if (item->astray)
		look_at(w, item);
	item->state = state_of(item->file);
	if (item->state == before)
		return false;
	/* Its folder may be another of the same name. Not before the state is
	 * known: of what comes between the two no event may tell, but the state
	 * is another one when it is asked for again. */
	look_at(w, item);
	return true;
}

bool
watch_changed(struct watch *w)
{
	char events[4096];
	bool changed = false;
	size_t i;

	while (read(w->fd, events, sizeof(events)) > 0)
		;
	for (i = 0; i < w->n; i++)
		changed |= has_changed(w, &w->items[i]);
	return changed;
}
