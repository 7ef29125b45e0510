/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/client.h"

#include "policy/base/text.h"
#include "server/registry/helper.h"
#include "server/registry/retry.h"
#include "server/registry/token.h"

#include <string.h>

enum { DETAIL_MAX = WARNING_BYTES_MAX };

void
client_init(struct client *c)
{
	TAILQ_INIT(&c->timers);
	peers_init(&c->peers);
}

int64_t
client_now(const struct client *c)
{
	return c->clock->monotonic_ms(c->clock);
}

void
client_run(struct client *c, int max_ms)
{
	int64_t next, wait;

	timers_run(&c->timers, client_now(c));
	next = timers_next(&c->timers);
	wait = next == INT64_MAX ? max_ms : next - client_now(c);
	if (wait > max_ms)
		wait = max_ms;
	c->transport->poll(c->transport, wait < 0 ? 0 : (int)wait);
}

void
client_clear(struct client *c)
{
	tokens_clear(c);
	helpers_clear(c);
	peers_clear(&c->peers);
}

void
client_observe(const struct client *c, const struct registry_settings *s,
    const char *host, const char *kind, const struct http_answer *a)
{
	const struct registry_host *h;

	if (c->observer == NULL || c->observer->exchange == NULL)
		return;
	h = registry_settings_find(s, host);
	c->observer->exchange(c->observer->arg, h == NULL ? "other" : h->host,
	    kind, a->err.code == ERR_NONE ? a->status : 0, a->ms);
}

void
client_observe_ratelimit(const struct client *c,
    const struct registry_settings *s, const char *host,
    const struct http_answer *a)
{
	const int64_t limit = retry_ratelimit(a->ratelimit_limit);
	const int64_t remaining = retry_ratelimit(a->ratelimit_remaining);
	const struct registry_host *h = registry_settings_find(s, host);

	if (c->observer == NULL || c->observer->ratelimit == NULL ||
	    (limit < 0 && remaining < 0))
		return;
	if (h != NULL)
		host = h->host;
	else if (strcmp(host, "docker.io") != 0)
		return;
	c->observer->ratelimit(c->observer->arg, host, limit, remaining);
}

void
client_pass_warnings(
    struct client *c, const char *host, const struct http_answer *a)
{
	AUTO(buf_clear) struct buf text = BUF_INIT(WARNING_BYTES_MAX);
	const char *value;
	size_t i, left = WARNING_BYTES_MAX;

	for (i = 0; i < a->nwarnings; i++) {
		value = a->warnings[i];
		while (warning_next(&value, &text) && text.len <= left) {
			left -= text.len;
			if (warning_is_new(&c->warnings, host, buf_text(&text),
				client_now(c)))
				client_log(c, "warn", "registry_warning", host,
				    buf_text(&text));
		}
	}
}

void
client_log(const struct client *c, const char *level, const char *event,
    const char *host, const char *detail)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(2 * DETAIL_MAX);

	if (c->observer == NULL || c->observer->log == NULL ||
	    text_sanitise(&b, detail, DETAIL_MAX) != 0)
		return;
	c->observer->log(c->observer->arg, level, event, host, buf_text(&b));
}
