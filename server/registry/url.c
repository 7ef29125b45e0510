/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

OWNED(CURLU, curl_url_cleanup)

static void
own_curl_free(char **p)
{
	curl_free(*p);
}

/* After a call with errno 0 before it. libcurl has several names for a lack of
 * memory, such as a host that is none. */
static bool
ran_out(CURLUcode rc)
{
	return rc == CURLUE_OUT_OF_MEMORY || errno == ENOMEM;
}

/* One part into the arena; absent is NULL. */
static int
part(CURLU *cu, CURLUPart what, const char **out, struct arena *mem,
    struct error *err)
{
	AUTO(curl_free) char *s = NULL;
	CURLUcode rc;

	*out = NULL;
	errno = 0;
	rc = curl_url_get(cu, what, &s, 0);
	if (rc == CURLUE_OK)
		*out = arena_strdup(mem, s);
	return *out == NULL && (rc == CURLUE_OK || ran_out(rc))
		   ? error_set(err, ERR_NOMEM, "out of memory")
		   : 0;
}

static int
set(CURLU *cu, const char *text, struct error *err)
{
	CURLUcode rc;

	errno = 0;
	rc = curl_url_set(cu, CURLUPART_URL, text, 0);
	if (rc == CURLUE_OK)
		return 0;
	return ran_out(rc) ? error_set(err, ERR_NOMEM, "out of memory")
			   : error_set(err, ERR_INVALID, "it is not a URL");
}

/* Letters, digits, '.', '-' and what an IPv6 literal has: nothing that a
 * message could not hold, nothing that a resolver could read differently. */
static bool
plain_host(const char *host)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t n = strlen(host);

	if (host[0] == '[')
		return strspn(host + 1, "0123456789abcdef:.") == n - 2 &&
		       host[n - 1] == ']';
	return n > 0 && n <= 253 && strspn(host, chars) == n;
}

static char *
lowercase(char *s)
{
	char *p;

	for (p = s; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + ('a' - 'A'));
	return s;
}

static int
fill(struct url *u, CURLU *cu, struct arena *mem, struct error *err)
{
	const char *host, *port, *user, *password, *fragment, *zone;
	char *low;
	bool tls;

	if (part(cu, CURLUPART_SCHEME, &u->scheme, mem, err) != 0 ||
	    part(cu, CURLUPART_HOST, &host, mem, err) != 0 ||
	    part(cu, CURLUPART_PORT, &port, mem, err) != 0 ||
	    part(cu, CURLUPART_USER, &user, mem, err) != 0 ||
	    part(cu, CURLUPART_PASSWORD, &password, mem, err) != 0 ||
	    part(cu, CURLUPART_FRAGMENT, &fragment, mem, err) != 0 ||
	    part(cu, CURLUPART_ZONEID, &zone, mem, err) != 0)
		return -1;
	u->has_user = user != NULL || password != NULL;
	u->has_fragment = fragment != NULL;
	if (curl_url_set(cu, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
	    curl_url_set(cu, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
	    curl_url_set(cu, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (part(cu, CURLUPART_URL, &u->text, mem, err) != 0)
		return -1;
	if (u->text != NULL && strlen(u->text) > URL_MAX)
		return error_set(err, ERR_INVALID, "it is too long");
	tls = u->scheme != NULL && strcmp(u->scheme, "https") == 0;
	if (u->text == NULL || host == NULL || u->scheme == NULL ||
	    (!tls && strcmp(u->scheme, "http") != 0))
		return error_set(
		    err, ERR_INVALID, "it is not an http or https URL");
	low = arena_strdup(mem, host);
	if (low == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	u->host = lowercase(low);
	if (!plain_host(u->host) || zone != NULL)
		return error_set(
		    err, ERR_INVALID, "its host is not a plain name");
	u->port = port == NULL ? (tls ? 443 : 80) : (int)strtol(port, NULL, 10);
	u->hostport = u->port == (tls ? 443 : 80)
			  ? u->host
			  : arena_printf(mem, "%s:%d", u->host, u->port);
	if (u->hostport == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

int
url_parse(struct url *u, const char *text, const struct url *base,
    struct arena *mem, struct error *err)
{
	AUTO(curl_url_cleanup) CURLU *cu = curl_url();
	const char *p;

	*u = (struct url){0};
	if (cu == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (strnlen(text, URL_MAX + 1) > URL_MAX)
		return error_set(err, ERR_INVALID, "it is too long");
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return error_set(err, ERR_INVALID,
			    "it has a character that no URL has");
	if (base != NULL && set(cu, base->text, err) != 0)
		return -1;
	if (set(cu, text, err) != 0)
		return -1;
	return fill(u, cu, mem, err);
}

bool
url_same_origin(const struct url *a, const struct url *b)
{
	return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 &&
	       strcmp(a->host, b->host) == 0;
}

bool
host_is_loopback(const char *host)
{
	size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	char text[INET_ADDRSTRLEN];
	struct in_addr a;

	if (strncmp(host, "[::1]", n) == 0 && n == 5)
		return true;
	if (strncmp(host, "localhost", n) == 0 && n == 9)
		return true;
	if (n >= sizeof(text))
		return false;
	memcpy(text, host, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, &a) == 1 &&
	       ntohl(a.s_addr) >> 24 == 127;
}
