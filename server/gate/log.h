/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_LOG_H
#define SERVER_GATE_LOG_H

#include "policy/base/clock.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * The log: one JSON object per line on a file descriptor. Every line has
 * "time", "level" and "event" first. Safe from any thread; a line is written
 * whole or, when memory is out or the descriptor is full, not at all.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
	const struct clock *clock; /* borrowed */
	enum log_level level;      /* lines below it are not written */
	int fd;
};

/* "debug", "info", "warn" or "error"; false for anything else. */
bool log_level_parse(const char *s, enum log_level *level);

/* Writes a line; steals `fields`, an object, or NULL for none. */
void log_event(const struct log *l, enum log_level level, const char *event,
    json_t *fields);

/* The same with fields in the words of json_pack(): "{s:s, s:i}". */
void log_pack(const struct log *l, enum log_level level, const char *event,
    const char *fmt, ...);

#endif
