/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/signals.h"

#include "server/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int taken[] = {SIGTERM, SIGINT, SIGHUP};

enum { TAKEN = sizeof(taken) / sizeof(taken[0]) };

static sigset_t
set_of_taken(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < TAKEN; i++)
		sigaddset(&set, taken[i]);
	return set;
}

int
signals_take(struct error *err)
{
	const sigset_t set = set_of_taken();
	const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0)
		return error_set(
		    err, ERR_SYSTEM, "signalfd: %s", strerror(errno));
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may grow no more */
	return fd;
}

bool
signals_end(int fd)
{
	/* SIGHUP is read first, however many others there are. */
	struct signalfd_siginfo infos[TAKEN];
	const ssize_t n = read(fd, infos, sizeof(infos));
	size_t i;

	for (i = 0; n > 0 && i < (size_t)n / sizeof(*infos); i++)
		if (infos[i].ssi_signo != SIGHUP)
			return true;
	return false;
}

static void
end(int sig)
{
	(void)sig;
	_exit(STATUS_OK);
}

void
signals_let_end(void)
{
	const sigset_t set = set_of_taken();

	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, end);
	signal(SIGINT, end);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
