/* SPDX-License-Identifier: Apache-2.0 */
#include "server/http/address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_MAX = 256, BACKLOG = 1024 };

/* Splits "[host]:port" into host (without brackets) and port. */
static int
split(const char *address, char host[static HOST_MAX], const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t len, number;
	char *end;

	if (colon == NULL || colon[1] < '0' || colon[1] > '9')
		return -1;
	number = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || number > 65535)
		return -1;
	len = (size_t)(colon - address);
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		return -1; /* an IPv6 address needs its brackets */
	}
	if (len >= HOST_MAX)
		return -1;
	memcpy(host, address, len);
	host[len] = '\0';
	*port = colon + 1;
	return 0;
}

static int
try_listen(const struct addrinfo *ai)
{
	const int on = 1, off = 0;
	int fd, saved;

	fd = socket(ai->ai_family,
	    ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6) /* IPv4 comes in by it too */
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static uint16_t
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {.sin6_family = AF_UNSPEC}};
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.any, &len) != 0)
		return 0;
	return ntohs(
	    a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/*
 * Tries one family after the other. Only a machine that lacks the first gets
 * the second: where the port is taken, half of what was asked for would be a
 * surprise.
 */
static int
listen_any(const struct addrinfo *list, const int families[static 2])
{
	const struct addrinfo *ai;
	size_t i;
	int fd;

	errno = EADDRNOTAVAIL;
	for (i = 0; i < 2; i++)
		for (ai = list; ai != NULL; ai = ai->ai_next) {
			if (ai->ai_family != families[i])
				continue;
			fd = try_listen(ai);
			if (fd >= 0 ||
			    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
				return fd;
		}
	return -1;
}

int
address_listen(const char *address, uint16_t *port, struct error *err)
{
	/* One IPv6 socket serves both where any address will do; a name that
	 * has both is more often meant as its IPv4 address. */
	static const int any[] = {AF_INET6, AF_INET};
	static const int named[] = {AF_INET, AF_INET6};
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE,
	    .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	char host[HOST_MAX];
	const char *service;
	int fd, rc, saved;

	if (split(address, host, &service) != 0)
		return error_set(err, ERR_INVALID,
		    "\"%.100s\" is no address to listen on; "
		    "\"0.0.0.0:8443\", \"[::1]:8443\" or \":8443\" are",
		    address);
	rc = getaddrinfo(host[0] != '\0' ? host : NULL, service, &hints, &list);
	if (rc != 0)
		return error_set(err, ERR_INVALID,
		    "cannot listen on %.100s: %s", address, gai_strerror(rc));
	fd = listen_any(list, host[0] == '\0' ? any : named);
	saved = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return error_set(err, ERR_SYSTEM, "cannot listen on %.100s: %s",
		    address, strerror(saved));
	*port = port_of(fd);
	return fd;
}
