/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_CLI_OUTPUT_H
#define SERVER_CLI_OUTPUT_H

#include "certs/digest.h"
#include "policy/report.h"

#include <stdbool.h>
#include <stdio.h>

/* How `check` writes what it found. */

/* All that was judged in one run. */
struct results {
	const char *policy_path; /* "preset:baseline" */
	const struct ruleset *policy;
	/* Where what is wrong with bare images is shown, or NULL. */
	const char *dockerfile;
	enum verdict verdict;                /* the worst of all */
	const struct report *const *reports; /* in the order of the input */
	size_t n;
};

/* The formats (formats.h), a file for each: `results` is a struct results. */
int output_table(const void *results, FILE *out);
int output_json(const void *results, FILE *out);
int output_ndjson(const void *results, FILE *out);
int output_sarif(const void *results, FILE *out);
int output_junit(const void *results, FILE *out);
int output_github(const void *results, FILE *out);
int output_gitlab(const void *results, FILE *out);
int output_markdown(const void *results, FILE *out);
int output_html(const void *results, FILE *out);

/* Of `scan`. */
int output_scan(const void *results, FILE *out);
int output_scan_json(const void *results, FILE *out);

/* One complaint: a finding, or why an image could not be judged. */
struct complaint {
	const struct results *results;
	const struct report *report;
	const struct report_image *image;
	const struct finding *finding; /* NULL: image->fault */
};

/* Calls `tell` for each, in the order of the input, until it returns
 * other than 0; returns that. */
int output_each(const struct results *r,
    int (*tell)(void *arg, const struct complaint *c), void *arg);

/* The same for one image: `of` without a finding. */
int complaint_each(const struct complaint *of,
    int (*tell)(void *arg, const struct complaint *c), void *arg);

/* What a complaint means for the image. */
enum level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };
enum level complaint_level(const struct complaint *c);

/* "size.max", or the error's code. */
const char *complaint_check(const struct complaint *c);
/* "" for an error. */
const char *complaint_rule(const struct complaint *c);

/* Bounds what the two below write. */
enum { COMPLAINT_TEXT_MAX = 4096 };

/* One sanitised paragraph: "IMAGE: size 812 MiB is over 300 MiB. ... Fix: ...
 * Owner: ...". 0 or -1. */
int complaint_text(const struct complaint *c, struct buf *b);

/* What was wrong, without image, evidence and fix. 0 or -1. */
int complaint_message(const struct complaint *c, struct buf *b);

/* "2027-01-31, data-team: the reason" of the waiver in effect, sanitised;
 * nothing where there is none. 0 or -1. */
int complaint_waiver(const struct complaint *c, struct buf *b);

/*
 * The file and line to show it at: the image in its manifest, or the
 * Dockerfile; false where there is neither. The file's name is as long as
 * `*file`.
 */
bool complaint_place(const struct complaint *c, struct buf *file, int *line);

/*
 * What makes a complaint the same tomorrow: check, rule, workload, container
 * and the image's name without tag and digest. 0 or -1.
 */
int complaint_fingerprint(
    const struct complaint *c, char text[static DIGEST_TEXT_MAX]);

/* Whether the same is wrong with both images: findings and fault. */
bool output_same(const struct report_image *a, const struct report_image *b);

/* "web.yaml:21": the image's own line, sanitised; for what stands in a file.
 * 0 or -1. */
int output_line(const struct complaint *of, struct buf *b);

/* The platform that weighs most; NULL where none is known. */
const struct report_platform *output_largest(const struct report_image *img);

/* The one that counts for both. */
enum verdict output_worse(enum verdict a, enum verdict b);

/* "3 images: 1 denied, 0 not judged, 1 warned, 1 allowed. Policy: NAME
 * (PATH)". 0 or -1. */
int output_summary(const struct results *r, struct buf *b);

#endif
