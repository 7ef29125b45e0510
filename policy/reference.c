/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/reference.h"

#include "policy/base/buf.h"
#include "policy/base/text.h"

#include <string.h>

/*
 * The grammar of https://pkg.go.dev/github.com/distribution/reference:
 *
 *	reference  name [ ":" tag ] [ "@" digest ]
 *	name       [ host "/" ] part { "/" part }
 *	host       ( label { "." label } | "[" IPv6 "]" ) [ ":" port ]
 *	label      letters, digits and "-", none of these at an end
 *	part       lowercase letters and digits, with one separator between
 *	           runs of them: ".", "_", "__", or any number of "-"
 *	tag        a letter, a digit or "_", then these, "." and "-"
 */
enum {
	NAME_LEN_MAX = 253, /* of a host: RFC 1035 section 2.3.4 */
	PATH_LEN_MAX = 255,
	TAG_LEN_MAX = 128,
	IDENTIFIER_LEN = 64,
	DIGEST_PREFIX = 7, /* "sha256:" */
	SHOWN_MAX = 64,
	PORT_MAX = 65535,
	QUAD_PARTS = 4,
};

static const char hub[] = "docker.io";
static const char hub_endpoint[] = "registry-1.docker.io";
static const char hub_legacy[] = "index.docker.io";
static const char hub_web[] = "registry.hub.docker.com";
static const char hub_official[] = "library/";
static const char https_port[] = ":443";
static const char hex_digits[] = "0123456789abcdef";

/* A stretch of a terminated text. */
struct span {
	const char *p;
	size_t len;
};

struct parts {
	struct span host;
	bool official; /* "library/" goes before the path */
	struct span path;
	struct span tag; /* p = NULL: none */
	const char *digest;
};

#define refuse(err, ...) (error_set((err), ERR_REFERENCE, __VA_ARGS__), -1)

#define is_lower(c) ((c) >= 'a' && (c) <= 'z')
#define is_upper(c) ((c) >= 'A' && (c) <= 'Z')
#define is_digit(c) ((c) >= '0' && (c) <= '9')

static bool
equals(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.p, text, s.len) == 0;
}

static bool
has_upper(struct span s)
{
	return strcspn(s.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") < s.len;
}

/* A run of labels: those of a host, and of nothing else. */
static int
check_label(const char *label, size_t len, struct error *err)
{
	if (len == 0)
		return refuse(err, "a part of the registry host is empty");
	for (size_t i = 0; i < len; i++) {
		char c = label[i];

		if (is_upper(c))
			return refuse(
			    err, "the registry host must be lowercase");
		if (c == '_')
			return refuse(err,
			    "the registry host must not contain '_'; hosts have letters, digits, '-' and '.'");
		if (!is_lower(c) && !is_digit(c) && c != '-')
			return refuse(err,
			    "the registry host may have letters, digits, '-' and '.' only");
	}
	if (label[0] == '-' || label[len - 1] == '-')
		return refuse(err,
		    "a part of the registry host must not begin or end with '-'");
	return 0;
}

/* Whether inet_aton(3) would take a label for a number. */
static bool
is_numeric(const char *label, size_t len)
{
	bool hex = len >= 2 && label[0] == '0' && label[1] == 'x';

	return hex ? 2 + strspn(label + 2, hex_digits) >= len
		   : strspn(label, "0123456789") >= len;
}

/* 0 to 255 in decimal, without a leading zero. */
static bool
is_octet(const char *label, size_t len)
{
	int v = 0;

	if (len == 0 || len > 3 || (label[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(label[i]))
			return false;
		v = v * 10 + (label[i] - '0');
	}
	return v <= 255;
}

/*
 * A host name. One of numbers alone is an address, which resolvers read in
 * ways that look like other addresses (127.1, 0x7f.1, 010.0.0.1): only the
 * plain form is let through.
 */
static int
check_name(struct span host, struct error *err)
{
	bool numeric = true, octets = true;
	size_t labels = 0, at = 0;

	if (host.len > NAME_LEN_MAX)
		return refuse(err,
		    "the registry's name is longer than %d characters",
		    NAME_LEN_MAX);
	while (at <= host.len) {
		const char *label = host.p + at;
		const char *dot = memchr(label, '.', host.len - at);
		size_t len =
		    dot != NULL ? (size_t)(dot - label) : host.len - at;

		if (check_label(label, len, err) != 0)
			return -1;
		numeric = numeric && is_numeric(label, len);
		octets = octets && is_octet(label, len);
		labels++;
		at += len + 1;
	}
	if (numeric && (!octets || labels != QUAD_PARTS))
		return refuse(err,
		    "the registry host is a number in a form that could mean another address; write four numbers from 0 to 255, as in 10.0.0.1");
	return 0;
}

static int
check_ipv6(struct span address, struct error *err)
{
	size_t n = strspn(address.p, "0123456789abcdef:");

	if (address.len == 0)
		return refuse(err, "the address in brackets is empty");
	if (n >= address.len)
		return 0;
	if (is_upper(address.p[n]))
		return refuse(err, "the registry host must be lowercase");
	return refuse(err,
	    "an address in brackets may have hexadecimal digits and ':' only");
}

static int
check_port(struct span port, struct error *err)
{
	int v = 0;

	for (size_t i = 0; i < port.len; i++) {
		if (!is_digit(port.p[i]))
			return refuse(err,
			    "the registry port must be a number from 1 to %d",
			    PORT_MAX);
		if (v <= PORT_MAX)
			v = v * 10 + (port.p[i] - '0');
	}
	if (port.len == 0)
		return refuse(err, "the registry port after ':' is missing");
	if (v == 0 || v > PORT_MAX)
		return refuse(err,
		    "the registry port is out of range; it is 1 to %d",
		    PORT_MAX);
	if (port.p[0] == '0')
		return refuse(err, "the registry port must not begin with 0");
	return 0;
}

static int
check_host(struct span host, struct error *err)
{
	const char *end = host.p + host.len, *colon;
	struct span name = host;

	if (host.len > 0 && host.p[0] == '[') {
		const char *bracket = memchr(host.p, ']', host.len);

		if (bracket == NULL)
			return refuse(err,
			    "the bracket around the address is not closed");
		name =
		    (struct span){host.p + 1, (size_t)(bracket - host.p) - 1};
		if (check_ipv6(name, err) != 0)
			return -1;
		colon = bracket + 1;
		if (colon == end)
			return 0;
		if (*colon != ':')
			return refuse(err,
			    "after an address in brackets only a port may follow");
	} else {
		/* clang 14 loses what split_host() stored.
		 * NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		colon = memchr(host.p, ':', host.len);
		if (colon == NULL)
			return check_name(host, err);
		name.len = (size_t)(colon - host.p);
		if (check_name(name, err) != 0)
			return -1;
	}
	return check_port(
	    (struct span){colon + 1, (size_t)(end - colon) - 1}, err);
}

/* The separator at the start of `s`: its length, 0 where there is none that
 * may stand between letters and digits. */
static size_t
separator_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] == '-')
		n++;
	if (n > 0 || len == 0)
		return n;
	if (s[0] == '.')
		return 1;
	if (s[0] != '_')
		return 0;
	return len > 1 && s[1] == '_' ? 2 : 1;
}

static int
refuse_path_char(char c, struct error *err)
{
	if (is_upper(c))
		return refuse(err, "the repository name must be lowercase");
	if (c == '/')
		return refuse(err,
		    "a part of the repository name is empty or ends with a separator");
	if (c == '.' || c == '_' || c == '-')
		return refuse(err,
		    "a part of the repository name begins or ends with a separator, or has two in a row; between letters and digits stands one of '.', '_', '__', or '-' in any number");
	return refuse(err,
	    "the repository name may have lowercase letters, digits, '.', '_', '-' and '/' only");
}

static int
check_path(const struct parts *p, struct error *err)
{
	size_t len = p->path.len, i = 0;

	if (len == 0)
		return refuse(err, "the repository name is empty");
	if (has_upper(p->path))
		return refuse(err, "the repository name must be lowercase");
	for (;;) {
		size_t run = i;

		while (i < len &&
		       (is_lower(p->path.p[i]) || is_digit(p->path.p[i])))
			i++;
		if (i == run)
			return refuse_path_char(
			    p->path.p[i < len ? i : len - 1], err);
		if (i == len)
			break;
		if (p->path.p[i] == '/')
			i++;
		else if ((run = separator_len(p->path.p + i, len - i)) > 0)
			i += run;
		else
			return refuse_path_char(p->path.p[i], err);
	}
	if (p->official)
		len += sizeof(hub_official) - 1;
	if (len > PATH_LEN_MAX)
		return refuse(err,
		    "the repository name is longer than %d characters",
		    PATH_LEN_MAX);
	return 0;
}

static int
check_tag(struct span tag, struct error *err)
{
	if (tag.len == 0)
		return refuse(err, "the tag after ':' is empty");
	if (tag.p[0] == '.' || tag.p[0] == '-')
		return refuse(
		    err, "a tag must begin with a letter, a digit or '_'");
	for (size_t i = 0; i < tag.len; i++) {
		char c = tag.p[i];

		if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_' &&
		    c != '.' && c != '-')
			return refuse(err,
			    "a tag may have letters, digits, '_', '.' and '-' only");
	}
	if (tag.len > TAG_LEN_MAX)
		return refuse(
		    err, "the tag is longer than %d characters", TAG_LEN_MAX);
	return 0;
}

/* The hexadecimal digits that an algorithm has; 0 for others than ours. */
static size_t
digest_len(const char *digest)
{
	if (strncmp(digest, "sha256:", DIGEST_PREFIX) == 0)
		return 64;
	return strncmp(digest, "sha512:", DIGEST_PREFIX) == 0 ? 128 : 0;
}

bool
reference_is_digest(const char *digest)
{
	size_t len = digest_len(digest);

	return len > 0 && strspn(digest + DIGEST_PREFIX, hex_digits) == len &&
	       digest[DIGEST_PREFIX + len] == '\0';
}

static int
check_digest(const char *digest, struct error *err)
{
	size_t len = digest_len(digest);

	if (digest[0] == '\0')
		return refuse(err, "the digest after '@' is empty");
	if (len == 0)
		return refuse(err,
		    "the digest must be sha256 or sha512, as in @sha256:<64 hexadecimal digits>");
	if (!reference_is_digest(digest))
		return refuse(err,
		    "a %.6s digest has exactly %zu lowercase hexadecimal digits",
		    digest, len);
	return 0;
}

/*
 * What is the host and what the repository: normalize.go. A first part is a
 * host where it could be no part of a repository, or says so by '.' or ':'.
 */
static void
split_host(const char *text, struct parts *p)
{
	const char *slash = strchr(text, '/');
	struct span first = {text, slash ? (size_t)(slash - text) : 0};
	const char *rest = text;

	p->host = (struct span){hub, sizeof(hub) - 1};
	if (slash != NULL && (equals(first, "localhost") || has_upper(first) ||
				 memchr(text, '.', first.len) != NULL ||
				 memchr(text, ':', first.len) != NULL)) {
		if (!equals(first, hub_legacy))
			p->host = first;
		rest = slash + 1;
	}
	p->path = (struct span){rest, strcspn(rest, ":@")};
	p->official = equals(p->host, hub) && strchr(rest, '/') == NULL;
}

/* Runtimes look for a digest without a name, or for how it begins, among the
 * images that they have (LocalResolve in containerd's internal/cri). */
static bool
is_image_id(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0 ||
	       strncmp(text, "sha384:", 7) == 0 ||
	       strncmp(text, "sha512:", 7) == 0;
}

static int
split(const char *text, struct parts *p, struct error *err)
{
	const char *at;

	if (text[0] == '\0')
		return refuse(err, "it is empty");
	if (strnlen(text, REFERENCE_MAX + 1) > REFERENCE_MAX)
		return refuse(err, "it is longer than %d bytes", REFERENCE_MAX);
	if (strstr(text, "://") != NULL)
		return refuse(err,
		    "it is a URL; leave out what stands before the registry host");
	if (strlen(text) == IDENTIFIER_LEN &&
	    strspn(text, hex_digits) == IDENTIFIER_LEN)
		return refuse(err,
		    "64 hexadecimal digits are an image ID, not a name; did you mean name@sha256:...?");
	if (is_image_id(text))
		return refuse(err,
		    "it is the ID of an image that a node may have, wherever it is from; did you mean name@sha256:...?");
	split_host(text, p);
	at = p->path.p + p->path.len;
	if (*at == ':') {
		p->tag.p = at + 1;
		p->tag.len = strcspn(p->tag.p, "@");
		at = p->tag.p + p->tag.len;
	}
	p->digest = *at == '@' ? at + 1 : NULL;
	return 0;
}

static int
check(const struct parts *p, struct error *err)
{
	if (check_host(p->host, err) != 0 || check_path(p, err) != 0)
		return -1;
	if (p->tag.p != NULL && check_tag(p->tag, err) != 0)
		return -1;
	return p->digest != NULL ? check_digest(p->digest, err) : 0;
}

const char *
reference_common_name(const char *name, struct arena *mem)
{
	const size_t port = sizeof(https_port) - 1, len = strcspn(name, "/");
	struct span host = {name, len};

	if (len > port && memcmp(name + len - port, https_port, port) == 0)
		host.len -= port;
	if (equals(host, hub_endpoint) || equals(host, hub_legacy) ||
	    equals(host, hub_web))
		host = (struct span){hub, sizeof(hub) - 1};
	if (host.len == len || name[len] == '\0')
		return name;
	return arena_printf(mem, "%.*s%s", (int)host.len, host.p, name + len);
}

static int
fill(struct reference *ref, const char *text, const struct parts *p,
    struct arena *mem)
{
	struct reference r = {
	    .text = arena_strdup(mem, text),
	    .host = arena_strndup(mem, p->host.p, p->host.len),
	    .name = arena_printf(mem, "%.*s/%s%.*s", (int)p->host.len,
		p->host.p, p->official ? hub_official : "", (int)p->path.len,
		p->path.p),
	};

	if (r.text == NULL || r.host == NULL || r.name == NULL)
		return -1;
	r.path = r.name + p->host.len + 1;
	r.common_name = reference_common_name(r.name, mem);
	if (r.common_name == NULL)
		return -1;
	if (p->tag.p != NULL) {
		r.tag_written = arena_strndup(mem, p->tag.p, p->tag.len);
		if (r.tag_written == NULL)
			return -1;
	}
	if (p->digest != NULL)
		r.digest = r.text + (p->digest - text);
	else
		r.tag = r.tag_written != NULL ? r.tag_written : "latest";
	*ref = r;
	return 0;
}

int
reference_parse(struct reference *ref, const char *text, struct arena *mem,
    struct error *err)
{
	struct parts p = {.digest = NULL};
	AUTO(buf_clear) struct buf shown = BUF_INIT(SHOWN_MAX);

	if (split(text, &p, err) != 0 || check(&p, err) != 0) {
		text_sanitise(&shown, text, SHOWN_MAX);
		return error_wrap(
		    err, "image reference \"%s\"", buf_text(&shown));
	}
	if (fill(ref, text, &p, mem) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	return 0;
}

const char *
reference_canonical(const struct reference *ref, struct arena *mem)
{
	if (ref->digest != NULL)
		return arena_printf(mem, "%s@%s", ref->name, ref->digest);
	return arena_printf(mem, "%s:%s", ref->name, ref->tag);
}
