/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/store.h"

#include "certs/digest.h"
#include "server/registry/store_file.h"

#include <pthread.h>
#include <string.h>

/* A document, or a tag's digest, on its way to the disk. */
struct item {
	struct item *next;
	bool is_tag;
	char *repository;
	char *name; /* digest, or tag */
	char *type; /* of a tag: the digest */
	int64_t when;
	size_t len;
	unsigned char body[];
};

struct store {
	struct store_options o;
	struct store_file *reader; /* NULL: not used any more */
	struct store_file *writer; /* the thread's */
	pthread_t thread;
	pthread_mutex_t lock; /* over what follows */
	pthread_cond_t more;
	bool stop;
	bool broken; /* nothing is queued any more */
	struct item *first;
	struct item *last;
	size_t queued; /* bytes */
};

static void
warn(const struct store *s, const char *event, const char *detail)
{
	if (s->o.warn != NULL)
		s->o.warn(s->o.arg, event, detail);
}

static void
item_free(struct item *i)
{
	if (i == NULL)
		return;
	free(i->repository);
	free(i->name);
	free(i->type);
	free(i);
}
OWNED(struct item, item_free)

static size_t
item_size(const struct item *i)
{
	return sizeof(*i) + i->len;
}

static struct item *
take_all(struct store *s, bool *stop)
{
	struct item *all;

	pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->stop)
		pthread_cond_wait(&s->more, &s->lock);
	all = s->first;
	s->first = s->last = NULL;
	s->queued = 0;
	*stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return all;
}

static int
write_item(struct store_file *f, const struct item *i, struct error *err)
{
	if (i->is_tag)
		return store_file_put_tag(
		    f, i->repository, i->name, i->type, i->when, err);
	return store_file_put(
	    f, i->repository, i->name, i->type, i->body, i->len, i->when, err);
}

/* All in one transaction, or, where something fails, none of it. */
static int
write_all(struct store_file *f, const struct item *i, struct error *err)
{
	if (store_file_begin(f, err) != 0)
		return -1;
	for (; i != NULL; i = i->next)
		if (write_item(f, i, err) != 0) {
			store_file_rollback(f);
			return -1;
		}
	return store_file_commit(f, STORE_BYTES_MAX, err);
}

static void
free_all(struct item *i)
{
	struct item *next;

	for (; i != NULL; i = next) {
		next = i->next;
		item_free(i);
	}
}

/* Writing is given up until the next start; what is there can be read. */
static void
give_up_writing(struct store *s, const struct error *err)
{
	pthread_mutex_lock(&s->lock);
	s->broken = true;
	pthread_mutex_unlock(&s->lock);
	warn(s, "store_not_written", err->msg);
}

static void *
write_on(void *arg)
{
	struct store *s = arg;
	bool stop = false, broken = false;
	struct item *all;

	while (!stop) {
		struct error err = ERROR_INIT;

		all = take_all(s, &stop);
		if (!broken && write_all(s->writer, all, &err) != 0) {
			broken = true;
			give_up_writing(s, &err);
		}
		free_all(all);
	}
	return NULL;
}

static void
release(struct store *s)
{
	store_file_close(s->reader);
	store_file_close(s->writer);
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct store *
store_open(const struct store_options *o, struct error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	bool discarded = false;

	if (s == NULL) {
		error_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	s->o = *o;
	s->writer = store_file_create(o->dir, &discarded, err);
	if (s->writer != NULL)
		s->reader = store_file_open(o->dir, err);
	if (discarded)
		warn(s, "store_discarded", "it could not be read");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	if (s->reader != NULL &&
	    pthread_create(&s->thread, NULL, write_on, s) == 0)
		return s;
	if (err->code == ERR_NONE)
		error_set(err, ERR_SYSTEM, "a thread cannot be started");
	release(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->more);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	release(s);
}

/* After a reading that began at `started`. */
static void
look_at_reader(struct store *s, int64_t started, int rc)
{
	int64_t ms = s->o.clock->monotonic_ms(s->o.clock) - started;

	if (rc >= 0 && ms <= STORE_SLOW_MS)
		return;
	warn(s, "store_not_read",
	    rc < 0 ? "it is damaged, or its disk is" : "its disk is too slow");
	store_file_close(s->reader);
	s->reader = NULL;
	if (rc < 0)
		store_file_discard(s->o.dir);
}

static bool
has_digest(const struct buf *body, const char *digest)
{
	char actual[DIGEST_TEXT_MAX];
	struct error err = ERROR_INIT;

	return digest_of(digest, body->data != NULL ? body->data : "",
		   body->len, actual, &err) == 0 &&
	       strcmp(actual, digest) == 0;
}

bool
store_get(struct store *s, const char *repository, const char *digest,
    char type[static STORE_TYPE_MAX], struct buf *body)
{
	int64_t started = s->o.clock->monotonic_ms(s->o.clock);
	int rc;

	if (s->reader == NULL)
		return false;
	rc = store_file_get(
	    s->reader, repository, digest, type, STORE_TYPE_MAX, body);
	look_at_reader(s, started, rc);
	return rc > 0 && has_digest(body, digest);
}

bool
store_get_tag(struct store *s, const char *repository, const char *tag,
    char *digest, size_t size, int64_t *when)
{
	int64_t started = s->o.clock->monotonic_ms(s->o.clock);
	int rc;

	if (s->reader == NULL)
		return false;
	rc = store_file_get_tag(s->reader, repository, tag, digest, size, when);
	look_at_reader(s, started, rc);
	return rc > 0;
}

/* Steals the item; NULL is fine. */
static void
enqueue(struct store *s, struct item *item)
{
	AUTO(item_free) struct item *i = item;

	if (i == NULL)
		return;
	i->when = s->o.clock->wall_s(s->o.clock);
	pthread_mutex_lock(&s->lock);
	if (!s->broken && s->queued + item_size(i) <= STORE_QUEUE_BYTES_MAX) {
		s->queued += item_size(i);
		if (s->last == NULL)
			s->first = i;
		else
			s->last->next = i;
		s->last = TAKE(i);
		pthread_cond_signal(&s->more);
	}
	pthread_mutex_unlock(&s->lock);
}

static struct item *
item_new(const char *repository, const char *name, const char *type,
    const void *body, size_t len)
{
	AUTO(item_free)
	struct item *i =
	    len <= STORE_DOCUMENT_MAX ? calloc(1, sizeof(*i) + len) : NULL;

	if (i == NULL)
		return NULL;
	i->repository = strdup(repository);
	i->name = strdup(name);
	i->type = strdup(type != NULL ? type : "");
	i->len = len;
	if (len > 0)
		memcpy(i->body, body, len);
	return i->repository != NULL && i->name != NULL && i->type != NULL
		   ? TAKE(i)
		   : NULL;
}

void
store_put(struct store *s, const char *repository, const char *digest,
    const char *type, const void *body, size_t len)
{
	enqueue(s, item_new(repository, digest, type, body, len));
}

void
store_put_tag(struct store *s, const char *repository, const char *tag,
    const char *digest)
{
	struct item *i = item_new(repository, tag, digest, NULL, 0);

	if (i != NULL)
		i->is_tag = true;
	enqueue(s, i);
}
