/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REGISTRY_FAKE_H
#define TESTS_UNIT_REGISTRY_FAKE_H

#include "certs/digest.h"
#include "policy/base/buf.h"
#include "policy/facts.h"
#include "server/registry/client.h"

/*
 * The registry's thread without thread and network: a clock that stands still
 * until there is nothing left to do, and a transport that answers from a
 * table.
 */

enum { FAKE_ANSWERS_MAX = 64, FAKE_RUNNING_MAX = 256 };

/* One answer. It is given once, to the first request that fits; where `always`
 * is set, again and again. */
struct fake_answer {
	const char *url;  /* of the request; "HEAD url", "POST url" too */
	const char *auth; /* what Authorization has to be; NULL: nothing */
	bool any_auth;    /* or whatever it is */
	bool always;
	enum err_code err; /* instead of an answer */
	bool may_retry;
	long status;      /* 0: 200 */
	const char *type; /* Content-Type */
	const char *body;
	size_t len; /* 0: strlen(body) */
	const char *location;
	const char *digest;
	const char *retry_after;
	const char *challenge;
	const char *challenge2;
	bool used;
};

struct fake {
	struct transport transport;
	struct clock clock;
	struct client client;
	int64_t now; /* milliseconds */
	int64_t wall;
	struct registry_settings *settings;
	struct fake_answer answers[FAKE_ANSWERS_MAX];
	int nanswers;
	struct transfer *running[FAKE_RUNNING_MAX];
	int nrunning;
	struct buf seen; /* a line for each request: "GET url [auth]\n" */
	int requests;
	struct image_set *known; /* of what is asked for; borrowed */
	bool late;               /* somebody was told so, and the job goes on */
	bool came_late;          /* and got it */
	/* What the call under way ended with: */
	int done;
	int64_t done_at;
	struct image_set *set;
	struct error err;
};

/* `config` is the config document as JSON, or NULL. */
void fake_init(struct fake *f, const char *config);
void fake_clear(struct fake *f);
OWNED_IN_PLACE(struct fake, fake_clear)

/* Strings are borrowed. */
void fake_add(struct fake *f, struct fake_answer a);
#define fake_gives(f, ...) fake_add((f), (struct fake_answer){__VA_ARGS__})

/* Runs until there is nothing to do; the clock jumps to the next timer. */
void fake_run(struct fake *f);

/* Resolves for "linux/amd64,..." (NULL: any) within `ms`, and waits for it.
 * NULL with f->err set. */
struct image_set *fake_resolve(
    struct fake *f, const char *reference, const char *platforms, int64_t ms);

/* The same without waiting. */
void fake_start(
    struct fake *f, const char *reference, const char *platforms, int64_t ms);

/* End the test unless the call under way ended so. */
void fake_expect_code(
    const struct fake *f, const char *name, enum err_code code);
void fake_expect_set(const struct fake *f, const char *name, size_t n);
/* One or the other: ERR_NONE means a set of `n`. */
void fake_expect(
    const struct fake *f, const char *name, enum err_code code, size_t n);

/* Ends the test unless these requests were made, in this order. */
void fake_saw(struct fake *f, const char *name, const char *expected);

/* A small image whose documents fit together. */
struct sample {
	char config[1024];
	char config_digest[DIGEST_TEXT_MAX];
	char manifest[2048];
	char digest[DIGEST_TEXT_MAX];
	char entry[1024]; /* of an index */
	char manifest_url[512];
	char config_url[512];
};

#define SAMPLE_TYPE "application/vnd.oci.image.manifest.v1+json"
#define SAMPLE_INDEX "application/vnd.oci.image.index.v1+json"
#define SAMPLE_CONFIG "application/vnd.oci.image.config.v1+json"
#define SAMPLE_LAYER \
	"sha256:"    \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* `base` is the repository's URL: "https://r.io/v2/a"; arch may be
 * "arm/v6". */
void sample_init(
    struct sample *s, const char *base, const char *os, const char *arch);

/* fake_init() without a config, and one of linux/amd64 at
 * "https://r.io/v2/a". */
void fake_sample(struct fake *f, struct sample *s);

/* The answers that give manifest (by digest) and config. */
void sample_add(struct fake *f, const struct sample *s);

/* The digest of a text; static storage. */
const char *fake_digest(const char *text);

#endif
