/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_GATE_LOG_H
#define SERVER_GATE_LOG_H

#include "policy/base/buf.h"
#include "policy/base/clock.h"

#include <pthread.h>
#include <stdbool.h>

/*
 * The log: one JSON object per line on a file descriptor. Every line has
 * "time", "level" and "event" first. With a sink safe from any thread; a line
 * is written whole or, when memory is out, not at all.
 */
enum {
	LOG_LINE_MAX = 128 * 1024,
	LOG_WAIT_MS = 1000,        /* for who reads it */
	LOG_WAIT_AGAIN_MS = 30000, /* after one that was in vain */
	LOG_TEXT_MAX = 1024,       /* of one text: what is over it is cut */
	LOG_LONG_MAX = 16 * 1024,
};

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/*
 * What threads that write to one descriptor share. Who reads it may be slow,
 * and is waited for; who takes nothing for LOG_WAIT_MS costs lines, which are
 * counted and told of ("lines_lost") when there is room again. Those that work
 * must not wait for those that watch.
 */
struct log_sink {
	pthread_mutex_t lock; /* guards what follows */
	int64_t
	    patient_from; /* monotonic milliseconds; before it nobody waits */
	int64_t lost;
	bool torn; /* the last line has no end */
};

#define LOG_SINK_INIT                             \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

struct log {
	const struct clock *clock; /* borrowed */
	enum log_level level;      /* lines below it are not written */
	int fd;
	/* Borrowed; NULL: only one thread writes, and waits. */
	struct log_sink *sink;
	bool prefixed; /* "<4>" first, where a journal wants a level */
};

/* "debug", "info", "warn" or "error"; false for anything else. */
bool log_level_parse(const char *s, enum log_level *level);

/*
 * Writes a line with members besides: a key and a value for each of `fmt`,
 * ":s :i", after the first letter of what the value is:
 *
 *	s  text, as text_quote() writes it; NULL: null
 *	l  text that may be long, likewise
 *	i  a number, int64_t
 *	f  a number, double, to three decimals
 *	b  a bool
 *	j  a struct buf with JSON in it
 */
void log_event(const struct log *l, enum log_level level, const char *event,
    const char *fmt, ...);

/* Adds an object of such members to *b, for a line that has it as 'j'. */
void log_object(struct buf *b, const char *fmt, ...);

#endif
