/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_UNITS_H
#define POLICY_BASE_UNITS_H

#include "policy/base/buf.h"

#include <stdint.h>

/* All parsers return 0, or -1 with *out unchanged; the whole string must
 * match, and a value that does not fit is refused. */

/* Bytes: digits and k K M G (powers of 1000) or Ki Mi Gi (powers of 1024),
 * with an optional fraction ("1.5Gi"), rounded down. */
int units_parse_size(const char *s, int64_t *bytes);

/* Seconds: digits and one of s m h d w. */
int units_parse_duration(const char *s, int64_t *seconds);

/* Tenths of a percent: "10%", "2.5%". */
int units_parse_percent(const char *s, int *permille);

/* A Go duration as in "10s", "1m30s", "1.5h", "250ms"; milliseconds, rounded
 * down (https://pkg.go.dev/time#ParseDuration). Negative ones parse. */
int units_parse_go_duration(const char *s, int64_t *ms);

/* "2027-01-31": the first second of that day, UTC. */
int units_parse_date(const char *s, int64_t *seconds);

/* RFC 3339: "2026-01-02T03:04:05[.678]Z" or with an offset; seconds since
 * the epoch (negative before it). */
int units_parse_time(const char *s, int64_t *seconds);

/* "812 MiB", "1.5 GiB", "300 B": three significant digits, never "1024 MiB".
 * A limit that is a whole number of units prints whole. */
int units_add_size(struct buf *b, int64_t bytes);

/* "180 days", "36 hours", "90 s": the largest unit with a value of two or
 * more, rounded down. */
int units_add_duration(struct buf *b, int64_t seconds);

/* "2026-01-02T03:04:05Z" */
int units_add_time(struct buf *b, int64_t seconds);

#endif
