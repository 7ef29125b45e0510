/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admission/podspec.h"

#include "server/admission/placement.h"

/* The parts of a security context that decide on the user. */
struct context {
	bool has_run_as_user;
	int64_t run_as_user;
	enum tristate run_as_non_root;
	const char *run_as_user_name;
};

/* What is being read, for all lists. */
struct reader {
	struct workload *w;
	const char *path;
	struct context pod;
};

static const struct place {
	const char *list;
	enum container_type type;
} places[] = {
    {"containers", CONTAINER_REGULAR},
    {"initContainers", CONTAINER_INIT},
    {"ephemeralContainers", CONTAINER_EPHEMERAL},
    {"volumes", CONTAINER_IMAGE_VOLUME},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* Overrides *c, which is the pod's, with what the owner itself says. */
static int
read_context(struct context *c, const struct field *owner, struct error *err)
{
	struct field context, windows;

	if (field_object(owner, "securityContext", &context, err) != 0 ||
	    field_integer(&context, "runAsUser", &c->has_run_as_user,
		&c->run_as_user, err) != 0 ||
	    field_bool(&context, "runAsNonRoot", &c->run_as_non_root, err) != 0)
		return -1;
	if (field_object(&context, "windowsOptions", &windows, err) != 0)
		return -1;
	return field_string(
	    &windows, "runAsUserName", &c->run_as_user_name, err);
}

/* A volume of another type has no image: left out. */
static int
read_volume(struct container *c, const struct field *volume, struct error *err)
{
	struct field image;

	if (field_object(volume, "image", &image, err) != 0)
		return -1;
	return field_string(&image, "reference", &c->image, err);
}

static int
read_runnable(const struct reader *r, struct container *c,
    const struct field *container, struct error *err)
{
	struct context context = r->pod;

	if (field_string(container, "image", &c->image, err) != 0 ||
	    read_context(&context, container, err) != 0)
		return -1;
	c->has_run_as_user = context.has_run_as_user;
	c->run_as_user = context.run_as_user;
	c->run_as_non_root = context.run_as_non_root;
	c->run_as_user_name = context.run_as_user_name;
	return 0;
}

/* Adds nothing where no image stands. */
static int
read_place(const struct reader *r, const struct place *place,
    const struct field *f, struct error *err)
{
	struct container *c = &r->w->containers[r->w->ncontainers];
	const bool is_volume = place->type == CONTAINER_IMAGE_VOLUME;

	*c = (struct container){.type = place->type, .name = "", .image = ""};
	if (field_string(f, "name", &c->name, err) != 0 ||
	    (is_volume ? read_volume(c, f, err)
		       : read_runnable(r, c, f, err)) != 0)
		return -1;
	if (*c->image == '\0')
		return 0;
	c->path = arena_printf(r->w->mem, "%s.%s[%zu].%s", r->path, place->list,
	    f->index, is_volume ? "image.reference" : "image");
	if (c->path == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	r->w->ncontainers++;
	return 0;
}

/* How many elements of a list could hold an image. */
static size_t
count_places(const struct place *place, const struct field *list)
{
	size_t i, n = 0;

	if (place->type != CONTAINER_IMAGE_VOLUME)
		return field_count(list);
	for (i = 0; i < field_count(list); i++)
		if (json_object_get(json_array_get(list->value, i), "image"))
			n++;
	return n;
}

static int
read_lists(const struct reader *r, const struct field lists[static PLACES],
    struct error *err)
{
	struct field f;
	size_t i, j;

	for (i = 0; i < PLACES; i++)
		for (j = 0; j < field_count(&lists[i]); j++)
			if (field_object_at(&lists[i], j, &f, err) != 0 ||
			    read_place(r, &places[i], &f, err) != 0)
				return -1;
	return 0;
}

static int
read_containers(
    const struct reader *r, const struct field *spec, struct error *err)
{
	struct field lists[PLACES];
	size_t i, n = 0;

	for (i = 0; i < PLACES; i++) {
		if (field_list(spec, places[i].list, &lists[i], err) != 0)
			return -1;
		n += count_places(&places[i], &lists[i]);
	}
	if (n > PODSPEC_IMAGES_MAX)
		return error_set(err, ERR_LIMIT,
		    "%s has places for %zu images, but at most %d are judged",
		    r->path, n, PODSPEC_IMAGES_MAX);
	/* One more for a volume without an image to be read into. */
	r->w->containers =
	    arena_calloc(r->w->mem, n + 1, sizeof(*r->w->containers));
	if (r->w->containers == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	return read_lists(r, lists, err);
}

int
podspec_read(struct workload *w, const struct field *spec, const char *path,
    struct error *err)
{
	struct reader r = {.w = w, .path = path};
	enum tristate host_users = UNSET;

	if (field_bool(spec, "hostUsers", &host_users, err) != 0 ||
	    read_context(&r.pod, spec, err) != 0 ||
	    placement_read(w, spec, err) != 0)
		return -1;
	w->host_users_false = host_users == NO;
	return read_containers(&r, spec, err);
}
