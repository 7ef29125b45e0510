/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/ports.h"

#include <string.h>
#include <strings.h>

/*
 * What an image says it listens on: EXPOSE opens nothing, but tells of a
 * process that wants the port, such as sshd.
 */
struct params {
	struct port_list deny;
};

static const struct check_field fields[] = {
    {.name = "deny",
	.check = "ports.deny",
	.kind = VALUE_PORTS,
	.at = offsetof(struct params, deny),
	.may_be_empty = true,
	.about = "Ports, ranges and protocols that no image may expose: "
		 "\"22\", \"1-1023\", \"53/udp\". Without a protocol all are "
		 "meant.",
	.fix = "listen on another port, from 1024 on, and EXPOSE that"},
    {.name = NULL},
};

enum { LISTED_MAX = 5, TEXT_MAX = 512, SHOWN_MAX = 24, DECIMAL = 10 };

static const char *const protocols[] = {"tcp", "udp", "sctp"};

/* The digits at *s, which then points behind them; -1: none, or no port. */
static int
parse_port(const char **s)
{
	int port = 0;
	const char *at = *s;

	for (; *at >= '0' && *at <= '9'; at++) {
		port = port * DECIMAL + (*at - '0');
		if (port > UINT16_MAX)
			return -1;
	}
	if (at == *s)
		return -1;
	*s = at;
	return port;
}

static const char *
known_protocol(const char *s)
{
	size_t i;

	for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strcasecmp(s, protocols[i]) == 0)
			return protocols[i];
	return NULL;
}

int
port_range_parse(struct port_range *out, const char *text)
{
	int first = parse_port(&text), last = first;

	if (first >= 0 && *text == '-') {
		text++;
		last = parse_port(&text);
	}
	if (first < 1 || last < first)
		return -1;
	out->first = (uint16_t)first;
	out->last = (uint16_t)last;
	out->protocol = *text == '/' ? known_protocol(text + 1) : "";
	if (out->protocol == NULL || (*text != '/' && *text != '\0'))
		return -1;
	return 0;
}

/* EXPOSE means tcp where it names none. */
static bool
overlaps(const struct port_range *denied, const struct port_range *exposed)
{
	const char *protocol =
	    exposed->protocol[0] != '\0' ? exposed->protocol : "tcp";

	return denied->first <= exposed->last &&
	       exposed->first <= denied->last &&
	       (denied->protocol[0] == '\0' ||
		   strcmp(denied->protocol, protocol) == 0);
}

static bool
is_denied(const struct port_list *deny, const char *text)
{
	struct port_range exposed;
	size_t i;

	if (port_range_parse(&exposed, text) != 0)
		return false;
	for (i = 0; i < deny->n; i++)
		if (overlaps(&deny->items[i], &exposed))
			return true;
	return false;
}

static void
add_range(struct buf *b, const struct port_range *r)
{
	buf_printf(b, "%s%d", b->len > 0 ? ", " : "", r->first);
	if (r->last != r->first)
		buf_printf(b, "-%d", r->last);
	if (r->protocol[0] != '\0')
		buf_printf(b, "/%s", r->protocol);
}

static void
say_limit(struct buf *b, const struct port_list *deny)
{
	AUTO(buf_clear) struct buf list = BUF_INIT(TEXT_MAX);
	size_t i;

	for (i = 0; i < deny->n && i < LISTED_MAX; i++)
		add_range(&list, &deny->items[i]);
	buf_printf(b, "not %s", buf_text(&list));
	if (deny->n > LISTED_MAX)
		buf_printf(b, " and %zu more", deny->n - LISTED_MAX);
}

static int
evaluate_ports(
    const void *params, const struct subject *s, struct findings *out)
{
	const struct params *p = params;
	const struct string_list *ports = &s->image->ports;
	struct breach br = {.field = &fields[0]};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;
	size_t i, n = 0;

	for (i = 0; i < ports->n; i++) {
		if (!is_denied(&p->deny, ports->items[i]))
			continue;
		if (++n <= LISTED_MAX)
			buf_printf(&t.actual, "%s%.*s", n > 1 ? ", " : "",
			    SHOWN_MAX, ports->items[i]);
	}
	if (n == 0)
		return 0;
	if (n > LISTED_MAX)
		buf_printf(&t.actual, " and %zu more", n - LISTED_MAX);
	buf_printf(&t.message, "exposes %s, which %s denied",
	    buf_text(&t.actual), n == 1 ? "is" : "are");
	say_limit(&t.limit, &p->deny);
	br.weight = (int64_t)n;
	return findings_add_text(out, &br, &t);
}

const struct check_key check_key_ports = {
    .name = "ports",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .needs_process = true,
    .about =
	"EXPOSE opens no port, but it tells what the process inside wants to "
	"listen on: 22 means a shell server in the image, a port below 1024 "
	"a process that may believe it needs to be root.",
    .example = "{deny: [\"22\", \"1-1023\"]}",
    .paste = "# Dockerfile\n"
	     "EXPOSE 8080/tcp\n"
	     "USER 10001\n",
    .blind = "What the process listens on: EXPOSE is a remark, and many "
	     "images have none.",
    .evaluate = evaluate_ports,
};
