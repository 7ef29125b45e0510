/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/progress.h"

#include "policy/base/text.h"
#include "server/gate/clock.h"

#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	FIRST_MS = 300, /* what is done sooner needs no line */
};

void
progress_open(struct progress *p)
{
	sigset_t wanted;

	*p = (struct progress){.started = clock_real.monotonic_ms(&clock_real)};
	term_init(&p->term, stderr);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	pthread_sigmask(SIG_BLOCK, &wanted, &p->mask);
	p->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	if (p->signals < 0)
		pthread_sigmask(SIG_SETMASK, &p->mask, NULL);
}

void
progress_clear(struct progress *p)
{
	if (p->is_shown)
		fputs("\r\033[K", stderr);
	p->is_shown = false;
}

void
progress_close(struct progress *p)
{
	progress_clear(p);
	if (p->signals < 0)
		return;
	close(p->signals);
	pthread_sigmask(SIG_SETMASK, &p->mask, NULL);
}

void
progress_start(struct progress *p, const char *image)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(2 * sizeof(p->what));

	if (!p->term.is_tty || strchr(image, '/') == NULL)
		return;
	text_sanitise(&b, image, sizeof(p->what) - 8);
	snprintf(p->what, sizeof(p->what), "%.*s",
	    (int)strcspn(buf_text(&b), "/"), buf_text(&b));
}

static void
show(struct progress *p, int64_t now)
{
	const size_t done = atomic_load(&p->done);
	const int64_t ms = now - p->started;

	if (!p->term.is_tty || ms < FIRST_MS)
		return;
	progress_clear(p);
	fprintf(stderr, "%zu/%zu images, %.0f/s  ", done, p->total,
	    (double)done * 1000 / (double)ms);
	term_text(&p->term, p->what, sizeof(p->what));
	fflush(stderr);
	p->is_shown = true;
}

bool
progress_tick(void *progress)
{
	struct progress *p = progress;
	struct signalfd_siginfo info;

	if (p->signals >= 0 &&
	    read(p->signals, &info, sizeof(info)) == sizeof(info))
		p->interrupted = true;
	if (!p->interrupted)
		show(p, clock_real.monotonic_ms(&clock_real));
	return p->interrupted;
}
