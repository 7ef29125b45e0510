/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_REGISTRY_TALK_H
#define TESTS_UNIT_REGISTRY_TALK_H

#include "tests/unit/registry_fake.h"

enum { TALK_MS = 10000, TRIES_MAX = 12 };

/*
 * A conversation: one manifest by tag and its config are asked for, and what is
 * answered until then. Answers without a body are the sample's manifest where
 * the URL ends in "/1", its config where it ends in "CONFIG".
 */
struct talk {
	const char *name;
	const char *config;    /* settings */
	const char *reference; /* NULL: "r.io/a:1" */
	struct fake_answer answers[TRIES_MAX];
	enum err_code code;
	const char *says; /* in the message */
	const char *seen; /* with CONFIG for the config's digest */
};

#define M "https://r.io/v2/a/manifests/1"
#define C "https://r.io/v2/a/blobs/CONFIG"
#define T "https://r.io/token"
#define BEARER "Bearer realm=\"" T "\",service=\"s\""
#define SCOPE "service=s&scope=repository%3Aa%3Apull"
#define ASK T "?" SCOPE
#define OK(u)              \
	{                  \
		.url = (u) \
	}
#define OK_WITH(u, a)                   \
	{                               \
		.url = (u), .auth = (a) \
	}
#define NO(u, c)                                            \
	{                                                   \
		.url = (u), .status = 401, .challenge = (c) \
	}
#define TOKEN(u, t)                                         \
	{                                                   \
		.url = (u), .body = "{\"token\":\"" t "\"}" \
	}

/* alice:wonder, bob:builder */
#define ALICE "Basic YWxpY2U6d29uZGVy"
#define BOB "Basic Ym9iOmJ1aWxkZXI="

#define LISTED "{\"dockerConfig\":\"tests/data/registry/docker.json\"}"

/* Ends the test unless all of it is said, and comes to that end. */
void talk_hold(const struct talk *t);

#define HOLD_ALL(name, table)                                              \
	static void name(void **state)                                     \
	{                                                                  \
		(void)state;                                               \
		for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); \
		     i++)                                                  \
			talk_hold(&(table)[i]);                            \
	}

#endif
