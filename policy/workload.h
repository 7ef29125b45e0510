/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_WORKLOAD_H
#define POLICY_WORKLOAD_H

#include "policy/base/arena.h"
#include "policy/facts.h"
#include "policy/platform.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a pod, or a workload with a pod template, asks for. Filled by
 * server/admission from an AdmissionReview or a manifest file.
 */

enum container_type {
	CONTAINER_REGULAR,
	CONTAINER_INIT,
	CONTAINER_EPHEMERAL,
	CONTAINER_IMAGE_VOLUME, /* volumes[].image.reference: nothing runs */
};

enum tristate { UNSET, NO, YES };

/* One place where an image stands, and what it runs as (Kubernetes
 * SecurityContext; the container's fields already over the pod's). */
struct container {
	enum container_type type;
	const char *name;  /* of the container, or of the volume */
	const char *path;  /* "spec.template.spec.containers[0].image" */
	const char *image; /* the reference as written */
	int line;          /* where, in the file it was read from; 0: unknown */
	bool has_run_as_user;
	int64_t run_as_user;
	enum tristate run_as_non_root;
	const char *run_as_user_name; /* windowsOptions; NULL where unset */
	/* The reference that stood here before: on UPDATE, or where the caller
	 * knows; NULL where there was none. */
	const char *replaces;
	bool unchanged; /* on UPDATE: as in the old object; not judged */
	/*
	 * An image that is at hand and in no registry yet: `image` says where,
	 * `known_as` is the reference that it is judged under. NULL, or a
	 * reference on it.
	 */
	struct image_set *known;
	const char *known_as;
};

struct workload {
	struct arena *mem; /* all that is pointed at, but what is in the tree */
	json_t *tree; /* a reference on what strings borrow from, or NULL */
	const char *source;    /* "web.yaml:12"; NULL in a review */
	const char *kind;      /* "Deployment"; "Image" for a bare reference */
	const char *namespace; /* "" where there is none */
	const char *name;      /* or generateName; "" where there is neither */
	struct pair_list labels; /* the pod's */
	bool host_users_false; /* hostUsers: false, a user namespace of its own
				*/
	/*
	 * What nodeSelector and required affinity leave of platforms. An os
	 * or arch of "" in an item stands for any. n = 0: unconstrained.
	 */
	struct platform_set platforms;
	struct container *containers;
	size_t ncontainers;
};

struct workload *workload_new(void); /* NULL when memory is out */
void workload_free(struct workload *w);
OWNED(struct workload, workload_free)

/*
 * A bare reference as a workload: kind "Image", one container at path
 * "image" named "". Strings are copied. NULL when memory is out.
 */
struct workload *workload_of_image(
    const char *reference, const char *namespace);

#endif
