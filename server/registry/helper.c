/* SPDX-License-Identifier: Apache-2.0 */
#include "server/registry/helper.h"

#include "policy/base/buf.h"
#include "server/registry/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 10 }; /* how often it is looked whether one is ready */

extern char **environ;

struct helper {
	LIST_ENTRY(helper) entry;
	struct client *client;
	struct arena *mem;
	const char *name;
	const char *host;
	bool done;
	bool found;
	struct credential credential; /* where found */
	/* Until done: */
	LIST_HEAD(helper_waiters, helper_waiter) waiters;
	struct timer timer;
	pid_t pid; /* 0: not started */
	int out;   /* reads what it writes; -1 */
	int64_t until;
	struct buf answer;
};

bool
helper_name_is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strspn(name, plain);

	return n > 0 && n <= HELPER_NAME_MAX && name[n] == '\0' &&
	       strstr(name, "..") == NULL;
}

/* Ends the process, and what it started: they share a group. */
static void
stop_process(struct helper *h)
{
	if (h->pid > 0) {
		kill(-h->pid, SIGKILL);
		waitpid(h->pid, NULL, 0);
	}
	h->pid = 0;
	if (h->out >= 0)
		close(h->out);
	h->out = -1;
}

static void
helper_free(struct helper *h)
{
	if (h == NULL)
		return;
	stop_process(h);
	timer_clear(&h->client->timers, &h->timer);
	secret_clear(&h->answer);
	credential_wipe(&h->credential);
	arena_free(h->mem);
	free(h);
}
OWNED(struct helper, helper_free)

/* `problem` is NULL where there is none to speak of. */
static void
finish(struct helper *h, const char *problem)
{
	AUTO(buf_clear) struct buf said = BUF_INIT(4 * HELPER_NAME_MAX);
	struct helper_waiter *w;

	stop_process(h);
	timer_clear(&h->client->timers, &h->timer);
	secret_clear(&h->answer);
	h->done = true;
	if (problem != NULL && buf_printf(&said, "docker-credential-%.*s %s",
				   HELPER_NAME_MAX, h->name, problem) == 0)
		client_log(h->client, "warn", "credential_helper", h->host,
		    buf_text(&said));
	while ((w = LIST_FIRST(&h->waiters)) != NULL) {
		LIST_REMOVE(w, entry);
		w->helper = NULL;
		w->done(w->arg, h->found ? &h->credential : NULL);
	}
}

/* What it reads: docker's key of the host. It is in the pipe before the helper
 * is, so that nobody waits for it to be taken. Returns the end to read, or -1.
 */
static int
make_input(const char *host)
{
	int fd[2];
	ssize_t n;

	if (strcmp(host, "docker.io") == 0)
		host = "https://index.docker.io/v1/";
	n = (ssize_t)strlen(host);
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	if (write(fd[1], host, (size_t)n) != n || write(fd[1], "\n", 1) != 1) {
		close(fd[0]);
		fd[0] = -1;
	} else {
		/* It is the helper's: as it knows them. */
		(void)fcntl(fd[0], F_SETFL, 0);
	}
	close(fd[1]);
	return fd[0];
}

/* Returns 0, or what errno would say. */
static int
set_up(
    posix_spawn_file_actions_t *files, posix_spawnattr_t *attr, int in, int out)
{
	sigset_t none, all;
	int rc;

	/* The registry's thread blocks all signals. */
	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
	rc |= posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	rc |= posix_spawn_file_actions_addopen(
	    files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc |=
	    posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
	rc |= posix_spawnattr_setsigmask(attr, &none);
	rc |= posix_spawnattr_setsigdefault(attr, &all);
	rc |= posix_spawnattr_setpgroup(attr, 0);
	rc |= posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
						 POSIX_SPAWN_SETSIGDEF |
						 POSIX_SPAWN_SETPGROUP);
	return rc == 0 ? 0 : ENOMEM;
}

static int
run(struct helper *h, int in, int out)
{
	char *file = arena_printf(h->mem, "docker-credential-%s", h->name);
	char verb[] = "get";
	char *argv[] = {file, verb, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	if (file == NULL || posix_spawn_file_actions_init(&files) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&files);
		return ENOMEM;
	}
	rc = set_up(&files, &attr, in, out);
	if (rc == 0)
		rc = posix_spawnp(&h->pid, file, &files, &attr, argv, environ);
	if (rc != 0)
		h->pid = 0;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int
start_process(struct helper *h)
{
	int in = make_input(h->host), fd[2] = {-1, -1}, rc;

	if (in < 0)
		return errno;
	if (pipe2(fd, O_CLOEXEC) != 0 ||
	    fcntl(fd[0], F_SETFL, O_NONBLOCK) != 0) {
		rc = errno;
	} else {
		h->out = fd[0];
		rc = run(h, in, fd[1]);
	}
	if (h->out < 0 && fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	close(in);
	return rc;
}

/* Takes what it has written. Returns 0, or -1 where that is too much. */
static int
take_answer(struct helper *h)
{
	char part[4096];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(h->out, part, sizeof(part))) > 0)
		rc = buf_add(&h->answer, part, (size_t)n);
	explicit_bzero(part, sizeof(part));
	return rc;
}

static void
conclude(struct helper *h, int status)
{
	static const char none[] = "credentials not found";
	const char *answer = buf_text(&h->answer);
	struct error err = ERROR_INIT;
	int rc;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		finish(h, strncmp(answer, none, strlen(none)) == 0
			      ? NULL
			      : "failed: no credential");
		return;
	}
	rc = credential_parse_helper(
	    &h->credential, answer, h->answer.len, h->mem, &err);
	h->found = rc > 0;
	finish(h, rc < 0 ? "answered nonsense: no credential" : NULL);
}

static void
look(struct helper *h)
{
	int64_t now = client_now(h->client);
	int status = 0;
	pid_t ended = waitpid(h->pid, &status, WNOHANG);

	if (ended != 0)
		h->pid = 0; /* or it is not for us to wait for */
	if (take_answer(h) != 0)
		finish(h, "answered too much: no credential");
	else if (ended < 0)
		finish(h, "ended without its status: no credential");
	else if (ended > 0)
		conclude(h, status);
	else if (now >= h->until)
		finish(h, "did not answer in time: no credential");
	else
		timer_set(&h->client->timers, &h->timer, now + LOOK_MS);
}

static void
start(struct helper *h)
{
	const struct helper_waiter *w;
	int64_t now = client_now(h->client), left = 0;
	int rc;

	LIST_FOREACH (w, &h->waiters, entry)
		if (w->deadline - now > left)
			left = w->deadline - now;
	/* Something must be left for asking the registry. */
	left /= 2;
	h->until = now + (left < HELPER_MS ? left : HELPER_MS);
	rc = start_process(h);
	if (rc == ENOENT)
		finish(h, "is not installed: no credential");
	else if (rc != 0)
		finish(h, "cannot be run: no credential");
	else
		timer_set(&h->client->timers, &h->timer, now + LOOK_MS);
}

static void
on_timer(void *arg)
{
	struct helper *h = arg, *other;
	int running = 0;

	if (h->pid > 0) {
		look(h);
		return;
	}
	if (LIST_EMPTY(&h->waiters))
		return; /* they left before it was started */
	LIST_FOREACH (other, &h->client->helpers, entry)
		running += other->pid > 0;
	if (running < HELPERS_RUNNING_MAX)
		start(h);
	else
		timer_set(&h->client->timers, &h->timer,
		    client_now(h->client) + LOOK_MS);
}

static struct helper *
helper_new(struct client *c, const char *name, const char *host)
{
	AUTO(helper_free) struct helper *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->client = c;
	h->out = -1;
	buf_init(&h->answer, HELPER_ANSWER_MAX);
	h->timer.fire = on_timer;
	h->timer.arg = h;
	h->mem = arena_new();
	if (h->mem == NULL)
		return NULL;
	h->name = arena_strdup(h->mem, name);
	h->host = arena_strdup(h->mem, host);
	return h->name != NULL && h->host != NULL ? TAKE(h) : NULL;
}

/* The one for a host, found or made. Returns 0; -1 when memory is out. */
static int
get(struct client *c, const char *name, const char *host, struct helper **out)
{
	struct helper *h;
	size_t n = 0;

	LIST_FOREACH (h, &c->helpers, entry) {
		if (strcmp(h->host, host) == 0 && strcmp(h->name, name) == 0)
			break;
		n++;
	}
	*out = h;
	if (h != NULL || n == HELPERS_MAX)
		return 0;
	h = helper_new(c, name, host);
	if (h == NULL)
		return -1;
	LIST_INSERT_HEAD(&c->helpers, h, entry);
	*out = h;
	return 0;
}

int
helper_ask(struct client *c, const struct registry_settings *s,
    const char *host, struct helper_waiter *w, const struct credential **out,
    struct error *err)
{
	const char *name = docker_config_helper(&s->docker, host);
	struct helper *h;

	*out = NULL;
	if (!c->run_helpers || name == NULL)
		return 0;
	if (get(c, name, host, &h) != 0)
		return error_set(err, ERR_NOMEM, "out of memory");
	if (h == NULL)
		return 0;
	if (!h->done && !helper_name_is_plain(name))
		finish(h, "is not the name of a credential helper");
	if (h->done) {
		*out = h->found ? &h->credential : NULL;
		return 0;
	}
	w->helper = h;
	LIST_INSERT_HEAD(&h->waiters, w, entry);
	if (!h->timer.set)
		timer_set(&c->timers, &h->timer, client_now(c));
	return 1;
}

void
helper_leave(struct helper_waiter *w)
{
	if (w->helper != NULL)
		LIST_REMOVE(w, entry);
	w->helper = NULL;
}

void
helpers_clear(struct client *c)
{
	struct helper *h;

	while ((h = LIST_FIRST(&c->helpers)) != NULL) {
		LIST_REMOVE(h, entry);
		helper_free(h);
	}
}
