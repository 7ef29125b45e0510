/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/transport_curl.h"

#include <string.h>

/* X509_V_ERR_... of OpenSSL, as CURLINFO_SSL_VERIFYRESULT has them. */
enum {
	NOT_YET_VALID = 9,
	EXPIRED = 10,
	SELF_SIGNED = 18,
	SELF_SIGNED_IN_CHAIN = 19,
	NO_ISSUER_HERE = 20,
	NO_ISSUER_OF_LEAF = 21,
};

/* What libcurl's ways to fail are to us. */
struct meaning {
	CURLcode code;
	enum err_code err;
	bool may_retry;
	const char *msg;
};

static const struct meaning meanings[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ERR_UNAVAILABLE, false,
	"its name could not be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, ERR_UNAVAILABLE, false,
	"the proxy's name could not be resolved"},
    {CURLE_COULDNT_CONNECT, ERR_UNAVAILABLE, true,
	"no connection could be made"},
    {CURLE_GOT_NOTHING, ERR_UNAVAILABLE, true,
	"the connection was closed without an answer"},
    {CURLE_SEND_ERROR, ERR_UNAVAILABLE, true, "the connection broke"},
    {CURLE_RECV_ERROR, ERR_UNAVAILABLE, true, "the connection broke"},
    {CURLE_HTTP2, ERR_UNAVAILABLE, true, "the HTTP/2 connection broke"},
    {CURLE_HTTP2_STREAM, ERR_UNAVAILABLE, true, "the HTTP/2 stream broke"},
    {CURLE_PARTIAL_FILE, ERR_TRUNCATED, true, "the answer ended early"},
    {CURLE_WEIRD_SERVER_REPLY, ERR_UNAVAILABLE, false,
	"the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_UNAVAILABLE, false,
	"the answer is not HTTP"},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_TLS, false,
	"its certificate is not one that is trusted for it"},
    {CURLE_SSL_CONNECT_ERROR, ERR_TLS, false, "the TLS handshake failed"},
    {CURLE_SSL_CERTPROBLEM, ERR_TLS, false,
	"the client certificate cannot be used"},
    {CURLE_SSL_CACERT_BADFILE, ERR_TLS, false,
	"the certificates in caFile cannot be used"},
    {CURLE_SSL_CIPHER, ERR_TLS, false, "no TLS cipher in common"},
    {CURLE_SSL_ISSUER_ERROR, ERR_TLS, false,
	"its certificate is not one that is trusted for it"},
    {CURLE_SSL_SHUTDOWN_FAILED, ERR_UNAVAILABLE, true, "the connection broke"},
    {CURLE_SSL_ENGINE_INITFAILED, ERR_TLS, false, "TLS cannot be used"},
    {CURLE_OUT_OF_MEMORY, ERR_NOMEM, false, "out of memory"},
    {CURLE_PROXY, ERR_UNAVAILABLE, true, "the proxy did not connect"},
};

static bool
is_connected(CURL *easy)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	return us > 0;
}

static void
explain_timeout(struct transfer *x)
{
	x->answer.may_retry = true;
	if (is_connected(x->easy))
		error_set(&x->answer.err, ERR_UNAVAILABLE, "it is too slow");
	else
		error_set(&x->answer.err, ERR_UNAVAILABLE,
		    "no connection could be made");
}

/*
 * With TLS 1.3 a client is through with the handshake before its certificate
 * is refused. libcurl then sees
 * a connection that breaks, and the alert only if the request had been sent by
 * then; nothing but its text tells.
 */
static bool
explain_refusal(struct transfer *x)
{
	curl_off_t us = 0;
	long fresh = 0;

	if (strstr(x->said, "SSL routines") != NULL &&
	    strstr(x->said, " alert ") != NULL) {
		error_set(&x->answer.err, ERR_TLS,
		    "it ended TLS with an alert: it may want another client "
		    "certificate");
		return true;
	}
	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &fresh);
	curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &us);
	if (fresh == 0 || us == 0 || x->header_bytes > 0)
		return false;
	x->answer.may_retry = true;
	error_set(&x->answer.err, ERR_UNAVAILABLE,
	    "the connection broke as soon as TLS stood: it may want another "
	    "client certificate");
	return true;
}

/* libcurl compares the names itself. */
static const char *
distrust(const struct transfer *x, const char *otherwise)
{
	long result = 0;

	if (strstr(x->said, "subject name") != NULL &&
	    strstr(x->said, " target ") != NULL)
		return "its certificate is not for this name";
	curl_easy_getinfo(x->easy, CURLINFO_SSL_VERIFYRESULT, &result);
	switch (result) {
	case NOT_YET_VALID:
		return "its certificate is not valid yet: is a clock wrong?";
	case EXPIRED:
		return "its certificate has expired";
	case SELF_SIGNED:
	case SELF_SIGNED_IN_CHAIN:
	case NO_ISSUER_HERE:
	case NO_ISSUER_OF_LEAF:
		return "its certificate is of an authority that is not known "
		       "here";
	default:
		return otherwise;
	}
}

/* More than the code says: who reads it is to know whom to call. */
static const char *
words(const struct transfer *x, const struct meaning *m)
{
	if (m->code == CURLE_PEER_FAILED_VERIFICATION)
		return distrust(x, m->msg);
	if (m->code == CURLE_SSL_CONNECT_ERROR &&
	    strstr(x->said, "wrong version number") != NULL)
		return "it does not speak TLS, and without plainHttp nothing "
		       "else is spoken to it";
	if (m->code == CURLE_COULDNT_CONNECT && x->proxied)
		return "no connection could be made to its proxy";
	return m->msg;
}

static bool
is_break(CURLcode code)
{
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
	       code == CURLE_HTTP2;
}

void
transfer_explain(struct transfer *x, CURLcode code)
{
	struct error *err = &x->answer.err;
	size_t i;

	if (code == CURLE_OK || x->enough || err->code != ERR_NONE)
		return; /* ours was first, and caused libcurl's */
	/* In the words for a closed port, and as slowly: who asked may not
	 * learn more. */
	if (x->blocked) {
		x->answer.may_retry = true;
		error_set(err, ERR_BLOCKED, "no connection could be made");
		return;
	}
	if (x->lookup.refused) {
		x->answer.may_retry = true;
		error_set(err, ERR_BUSY,
		    "too many names are being looked up at the moment");
		return;
	}
	if (code == CURLE_OPERATION_TIMEDOUT) {
		explain_timeout(x);
		return;
	}
	/* The status had come: what broke was the content. */
	if (x->answer.status != 0 &&
	    (is_break(code) || code == CURLE_HTTP2_STREAM))
		code = CURLE_PARTIAL_FILE;
	if (is_break(code) && explain_refusal(x))
		return;
	for (i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (meanings[i].code != code)
			continue;
		x->answer.may_retry = meanings[i].may_retry;
		error_set(err, meanings[i].err, "%s", words(x, &meanings[i]));
		return;
	}
	error_set(err, ERR_UNAVAILABLE, "the exchange failed (libcurl %d)",
	    (int)code);
}
