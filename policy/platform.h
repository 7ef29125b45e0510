/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_PLATFORM_H
#define POLICY_PLATFORM_H

#include "policy/base/arena.h"
#include "policy/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * os/arch[/variant] in the words of the OCI image index specification,
 * normalised as containerd does (x86_64 -> amd64, aarch64 -> arm64, arm64/v8
 * -> arm64, arm -> arm/v7, i386 -> 386).
 */
struct platform {
	const char *os;
	const char *arch;
	const char *variant;    /* "" where there is none */
	const char *os_version; /* "" where there is none; Windows only */
};

/* Normalises the parts into *p; NULL parts are "". Returns 0, or -1 when
 * memory is out. */
int platform_init(struct platform *p, const char *os, const char *arch,
    const char *variant, const char *os_version, struct arena *mem);

/* One of its own, in `mem`. Returns 0, or -1 when memory is out. */
int platform_copy(
    struct platform *to, const struct platform *from, struct arena *mem);

/* "linux/amd64", "linux/arm64", "linux/arm/v7". ERR_SYNTAX, ERR_NOMEM. */
int platform_parse(
    struct platform *p, const char *text, struct arena *mem, struct error *err);

/* In `mem`; NULL when memory is out. */
const char *platform_text(const struct platform *p, struct arena *mem);

/*
 * Whether a node of platform `node` would run an image built for `image`
 * (containerd's platforms.Only: amd64 runs 386, arm64 runs arm, a higher
 * variant runs a lower one). A variant left out of `node` is the architecture's
 * default, of arm it is any: the label of a node tells none. An os or arch of
 * "" in `node` stands for any. Which release of Windows a node has nobody
 * knows: images for all of them count.
 */
bool platform_runs(const struct platform *node, const struct platform *image);

/* Whether two os.versions of Windows are of one release: the first three
 * numbers are equal, or one is "". */
bool platform_same_release(const char *a, const char *b);

bool platform_equal(const struct platform *a, const struct platform *b);

/* Whether an image for one succeeds an image for the other: equal, but for the
 * revision of a Windows release, which changes with every base. */
bool platform_succeeds(const struct platform *a, const struct platform *b);

/* Which platforms the cluster's nodes could have. n = 0: any. */
struct platform_set {
	const struct platform *items;
	size_t n;
};

/* Whether all nodes in the set are Windows; false for any. */
bool platform_set_is_windows(const struct platform_set *set);

/* Whether some node in the set would run the image. */
bool platform_set_runs(
    const struct platform_set *set, const struct platform *image);

#endif
