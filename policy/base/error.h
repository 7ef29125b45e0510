/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POLICY_BASE_ERROR_H
#define POLICY_BASE_ERROR_H

/*
 * What went wrong, as a value. The caller owns it, it never allocates, and
 * the first failure recorded wins: later calls of error_set() on the same
 * struct change nothing until error_clear().
 *
 * A function that can fail takes `struct error *err` last, never NULL, and
 * returns -1 or NULL with *err set.
 */

/*
 * A code says what the caller can do about it. From ERR_UNAUTHORIZED to
 * ERR_NO_PLATFORM they are the ways in which an image cannot be judged;
 * server/gate/fault.h says what each is called to users.
 */
enum err_code {
	ERR_NONE = 0,
	ERR_SYNTAX,           /* input breaks its grammar or specification */
	ERR_INVALID,          /* well formed, but not acceptable */
	ERR_LIMIT,            /* over a named bound */
	ERR_REFERENCE,        /* an image reference that does not parse */
	ERR_UNAUTHORIZED,     /* refused although credentials are held */
	ERR_NOT_FOUND,        /* it is not there */
	ERR_NOT_FOUND_DENIED, /* not there, or not for the anonymous */
	ERR_AUTH_UNSUPPORTED, /* no way to authenticate that we accept */
	ERR_RATE_LIMITED,     /* come back later */
	ERR_UNAVAILABLE,      /* the other side does not work now */
	ERR_TIMEOUT,          /* the deadline passed */
	ERR_TLS,              /* certificate or protocol */
	ERR_BLOCKED,          /* an address that may not be talked to */
	ERR_BUSY,             /* too much of that is under way here */
	ERR_DIGEST,           /* content is not what was asked for */
	ERR_SIZE,             /* content has not the size announced */
	ERR_TRUNCATED,        /* content ended early */
	ERR_UNSUPPORTED,      /* valid, but of a kind that is not judged */
	ERR_NO_PLATFORM,      /* nothing in it that the cluster could run */
	ERR_SYSTEM,   /* the operating system said no (files, sockets) */
	ERR_NOMEM,    /* out of memory */
	ERR_INTERNAL, /* a defect of ours */
};

enum { ERROR_MSG_MAX = 240 };

struct error {
	enum err_code code;
	int retry_after;  /* seconds the other side asked us to wait, or 0 */
	int line;         /* where in our source, for the log only */
	const char *file; /* likewise; static storage */
	char msg[ERROR_MSG_MAX];
};

#define ERROR_INIT               \
	{                        \
		.code = ERR_NONE \
	}

/* Records a failure; a message that is too long is cut with "...". */
#define error_set(err, code, ...) \
	error_set_at((err), __FILE__, __LINE__, (code), __VA_ARGS__)

/* Always returns -1, so that `return error_set(...)` reads well. */
int error_set_at(struct error *err, const char *file, int line,
    enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Puts "context: " before the message; once per layer. Returns -1. */
int error_wrap(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Makes *err as new. */
void error_clear(struct error *err);

#endif
