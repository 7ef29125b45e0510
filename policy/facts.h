/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "policy/base/arena.h"
#include "policy/base/error.h"
#include "policy/platform.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is known of images: values that server/registry fills from verified
 * manifests and configs, and that checks read. Text in them is as the image's
 * author wrote it: sanitise before it is shown (policy/base/text.h).
 *
 * OCI image specification v1.1: manifest.md, config.md, image-index.md.
 */

struct layer {
	const char *digest;
	const char *media_type;
	int64_t size; /* compressed bytes, as pulled */
};

/* One entry of the config's history. */
struct history {
	const char *created_by; /* "" where absent */
	const char *comment;    /* "" where absent */
	bool empty_layer;
	int layer; /* index into layers, or -1: empty, or history unreliable */
};

enum history_state {
	HISTORY_ABSENT,     /* the config has none */
	HISTORY_RELIABLE,   /* entries that are not empty match the layers */
	HISTORY_UNRELIABLE, /* counts differ: nothing is attributed */
};

struct sign;

struct pair {
	const char *key;
	const char *value;
};

struct string_list {
	const char *const *items;
	size_t n;
};

struct pair_list {
	const struct pair *items;
	size_t n;
};

/*
 * One runnable platform of a reference: a manifest and its config, by digest.
 * Immutable once published; shared by reference from any thread. Everything
 * that it points at lives in `mem`.
 */
struct image {
	atomic_int refs;
	struct arena *mem;
	/* Runs as its last reference goes, where set. */
	void (*released)(void *arg);
	void *released_arg;
	/* From here on, what is known of it. */
	const char *digest; /* of the manifest, as are these two */
	const char *media_type;
	int64_t bytes;
	const char *config_digest;
	int64_t config_bytes;
	struct platform platform; /* the config's, checked with the index */
	bool variant_given;       /* as written, before normalisation */
	int64_t size;             /* sum of the layers */
	const struct layer *layers;
	size_t nlayers;
	struct string_list diff_ids; /* as many as layers */
	enum history_state history_state;
	const struct history *history;
	size_t nhistory;
	/* What it tells (policy/history.h), once history_scan() has looked. */
	bool scanned;
	const struct sign *signs;
	size_t nsigns;
	const char *user; /* config.User, "" where absent */
	bool has_created;
	int64_t created;        /* seconds since the epoch */
	struct string_list env; /* "NAME=value" */
	struct pair_list labels;
	struct string_list ports; /* "8080/tcp" */
	struct string_list volumes;
	struct string_list entrypoint;
	struct string_list cmd;
	struct pair_list annotations; /* the manifest's: claims of the author */
};

/* A new image with one reference and an arena of its own, or NULL when memory
 * is out. `expected`: about how many bytes it will take; 0: not known. */
struct image *image_new(size_t expected);
struct image *image_ref(struct image *img); /* returns img */
void image_unref(struct image *img);        /* NULL is fine */
OWNED(struct image, image_unref)

/* The instruction that made a layer: history's created_by, or NULL. Borrowed.
 */
const char *image_layer_instruction(const struct image *img, size_t layer);

/* Whether the same layer stands before it. */
bool image_layer_is_repeated(const struct image *img, size_t layer);

/* What the first `n` layers weigh. */
int64_t image_first_layers_size(const struct image *img, size_t n);

/*
 * Every runnable platform behind one reference, resolved once. Immutable and
 * reference counted, as image is.
 */
struct image_set {
	atomic_int refs;
	struct arena *mem;
	const char
	    *digest; /* what the reference resolved to: index or manifest */
	struct image **images; /* a reference each; at least one */
	size_t n;
	struct platform *others; /* runnable ones that were not asked for */
	size_t nothers;
};

/* `expected` as in image_new(). */
struct image_set *image_set_new(size_t expected);
struct image_set *image_set_ref(struct image_set *set);
void image_set_unref(struct image_set *set);
OWNED(struct image_set, image_set_unref)

/*
 * Whether the reference is of a manifest alone and not of an index: a runtime
 * chooses from an index by platform, but runs a manifest that it is told to run
 * whatever platform its config claims.
 */
bool image_set_is_lone(const struct image_set *set);

/* What nodes of `nodes` (n = 0: any) would run of it; the rest is among the
 * others. A new reference, maybe on a set without images, or NULL when memory
 * is out. */
struct image_set *image_set_narrow(
    const struct image_set *set, const struct platform_set *nodes);

#endif
