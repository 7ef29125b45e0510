/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the webhook is measured against: libmicrohttpd set up as it is there,
 * an answer that never changes, and before it
 *
 *	floor	the body is parsed by jansson, all of it
 *	echo	nothing
 *
 * usage: floor floor|echo PORT CERT KEY
 */
#include "policy/base/buf.h"
#include "policy/base/file.h"
#include "policy/base/tree.h"
#include "server/http/tls.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BODY_MAX = 7 * 1024 * 1024, PEM_MAX = 256 * 1024 };

static char answer[] =
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
    "\"response\":{\"uid\":\"705ab4f5-6393-11e8-b7cc-42010a800002\","
    "\"allowed\":true,\"auditAnnotations\":{\"verdict\":\"allow\"}}}";

static enum MHD_Result
serve(void *cls, struct MHD_Connection *conn, const char *url,
    const char *method, const char *version, const char *data, size_t *len,
    void **slot)
{
	const bool *parse = cls;
	struct buf *body = *slot;
	struct MHD_Response *r;
	enum MHD_Result rc;

	(void)url;
	(void)method;
	(void)version;
	if (body == NULL) {
		body = *slot = calloc(1, sizeof(*body));
		if (body != NULL)
			buf_init(body, BODY_MAX);
		return body != NULL ? MHD_YES : MHD_NO;
	}
	if (*len > 0) {
		rc = buf_add(body, data, *len) == 0 ? MHD_YES : MHD_NO;
		*len = 0;
		return rc;
	}
	if (*parse)
		json_decref(tree_parse(
		    buf_text(body), body->len, JSON_REJECT_DUPLICATES, NULL));
	r = MHD_create_response_from_buffer(
	    sizeof(answer) - 1, answer, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "application/json");
	rc = MHD_queue_response(conn, MHD_HTTP_OK, r);
	MHD_destroy_response(r);
	return rc;
}

static void
completed(void *cls, struct MHD_Connection *conn, void **slot,
    enum MHD_RequestTerminationCode why)
{
	struct buf *body = *slot;

	(void)cls;
	(void)conn;
	(void)why;
	if (body != NULL)
		buf_clear(body);
	free(body);
}

static struct MHD_Daemon *
start(bool *parse, unsigned long port, const char *cert, const char *key)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const long cores = sysconf(_SC_NPROCESSORS_ONLN);
	const unsigned threads = cores > 1 ? (unsigned)cores : 0;

	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD |
				    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TLS,
	    0, NULL, NULL, serve, parse, MHD_OPTION_SOCK_ADDR, &address,
	    MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
	    MHD_OPTION_HTTPS_MEM_CERT, cert, MHD_OPTION_HTTPS_MEM_KEY, key,
	    MHD_OPTION_HTTPS_PRIORITIES, tls_priorities,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_THREAD_POOL_SIZE,
	    threads, MHD_OPTION_END);
}

int
main(int argc, char **argv)
{
	AUTO(free) char *cert = NULL, *key = NULL;
	struct MHD_Daemon *daemon;
	struct error err = ERROR_INIT;
	bool parse;
	size_t len;

	if (argc != 5) {
		fprintf(stderr, "usage: floor floor|echo PORT CERT KEY\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	parse = strcmp(argv[1], "floor") == 0;
	cert = file_read(argv[3], PEM_MAX, &len, &err);
	key = file_read(argv[4], PEM_MAX, &len, &err);
	daemon = cert != NULL && key != NULL
		     ? start(&parse, strtoul(argv[2], NULL, 10), cert, key)
		     : NULL;
	if (daemon == NULL) {
		fprintf(stderr, "floor: %s\n",
		    err.code != ERR_NONE ? err.msg : strerror(errno));
		return 1;
	}
	for (;;)
		pause();
}
