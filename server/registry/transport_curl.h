/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_REGISTRY_TRANSPORT_CURL_H
#define SERVER_REGISTRY_TRANSPORT_CURL_H

#include "certs/records.h"
#include "policy/base/arena.h"
#include "policy/base/buf.h"
#include "policy/base/clock.h"
#include "server/registry/budget.h"
#include "server/registry/lane.h"
#include "server/registry/lookup.h"
#include "server/registry/transport.h"

#include <curl/curl.h>

/* Private to transport_curl.c, transport_headers.c and transport_error.c. */

struct curl_transport {
	struct transport base;
	const struct clock *clock;
	CURLM *multi;
	struct lanes lanes;
	struct lookups lookups;
	struct budget *budget;
	struct records records;
	size_t strangers; /* transfers to them, waiting ones too */
};

/* Who writes pods names any number of hosts, and each may hang. */
enum { STRANGERS_MAX = 1024 };

struct transfer {
	struct lane_seat seat; /* first: fill() knows it by this */
	CURL *easy;
	struct records *records; /* the transport's */
	struct curl_slist *headers;
	struct arena *mem;          /* header values */
	char said[CURL_ERROR_SIZE]; /* libcurl, of how it ended; not shown */
	struct buf body;
	struct budget *budget;
	struct budget_share share; /* for the body */
	size_t header_bytes;
	size_t ignored; /* bytes of a body that is of no interest */
	bool enough;    /* of them: we hung up, and the answer counts */
	struct http_answer answer;
	const char *challenges[HTTP_CHALLENGES_MAX];
	const char *warnings[HTTP_WARNINGS_MAX];
	transfer_done *done;
	void *arg;
	int64_t started;
	bool running; /* libcurl has it */
	struct lookup lookup;
	bool proxied; /* by the entry's proxy */
	bool guard;
	bool blocked;
	const struct net *allow;
	size_t nallow;
};

/* CURLOPT_HEADERFUNCTION: keeps what the answer is to have of a line. */
size_t transfer_header(char *data, size_t size, size_t n, void *transfer);

/* Fills the answer's error for how libcurl ended. */
void transfer_explain(struct transfer *x, CURLcode code);

#endif
