/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/load_state.h"

#include <stdlib.h>
#include <string.h>

/* Hands out what was read, as if it had been fetched. */
static void
on_timer(void *arg)
{
	struct load *l = arg;
	const struct http_answer a = {
	    .status = 200,
	    .body = buf_text(&l->body),
	    .len = l->body.len,
	    .content_type = l->type[0] != '\0' ? l->type : NULL,
	};

	l->give(l, &a, NULL);
}

static bool
read_document(struct load *l, const char *digest)
{
	buf_clear(&l->body);
	return store_get(
	    l->client->store, l->repository, digest, l->type, &l->body);
}

bool
load_from_disk(struct load *l, const char *digest, fetch_done *done)
{
	if (l->client->store == NULL || !read_document(l, digest))
		return false;
	l->give = done;
	l->timer.fire = on_timer;
	l->timer.arg = l;
	timer_set(&l->client->timers, &l->timer, client_now(l->client));
	return true;
}

void
load_to_disk(struct load *l, const char *digest, const char *type,
    const char *body, size_t len)
{
	/* What comes from there need not go back. */
	if (l->client->store != NULL && body != l->body.data)
		store_put(
		    l->client->store, l->repository, digest, type, body, len);
}

void
load_tag_to_disk(struct load *l, const char *digest)
{
	if (l->client->store != NULL && l->rq.tag != NULL && !l->stale)
		store_put_tag(
		    l->client->store, l->repository, l->rq.tag, digest);
}

bool
load_was_on_disk(struct load *l)
{
	struct store *s = l->client->store;

	/* A part of an index is asked for by what was just proved. */
	if (s == NULL || l->rq.size >= 0)
		return false;
	if (l->rq.tag != NULL)
		return store_get_tag(s, l->repository, l->rq.tag, l->stored,
		    sizeof(l->stored), &l->stored_at);
	if (!read_document(l, l->rq.digest))
		return false;
	memcpy(l->stored, l->rq.digest, strlen(l->rq.digest) + 1);
	l->stored_at = l->client->clock->wall_s(l->client->clock);
	return true;
}

bool
load_disk_will_do(const struct load *l)
{
	const struct registry_settings *s = l->rq.settings;
	int64_t age = l->client->clock->wall_s(l->client->clock) - l->stored_at;

	/* A clock that was set back makes nothing younger. */
	return l->stored[0] != '\0' && llabs(age) < s->tag_ttl + s->stale_for;
}
