/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/cli.h"
#include "server/cli/observe.h"
#include "server/cli/sandbox.h"
#include "server/cli/serve_files.h"
#include "server/cli/serve_options.h"
#include "server/cli/signals.h"
#include "server/cli/systemd.h"
#include "server/gate/certificate.h"
#include "server/gate/clock.h"
#include "server/gate/config.h"
#include "server/gate/waivers.h"
#include "server/http/routes.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	DRAIN_MS = 30 * 1000, /* the longest a review may take */
	METRICS_DRAIN_MS = 1000,
	METRICS_BODY_MAX = 1024,
	METRICS_PLACES = 64,
	/* Connections of API servers that are idle, and as many more reviews
	 * as are decided at once, to be told to come back. */
	PLACES_MIN = 1024,
	PLACES_PER_REVIEW = 2,
	SETTLE_MS = 200, /* after a file has changed */
	/* Whether it is another day, and whether a file has changed that the
	 * system did not tell of: one on a network, or whose folder's folder
	 * is another. */
	LOOK_MS = 60 * 1000,
	/* Blocks from this size on are mapped, and leave no holes. glibc raises
	 * its own bound to the largest that was ever freed, and a heap with
	 * manifests in it then takes a third more. */
	MAPPED_BYTES_MIN = 128 * 1024,
};

/* Everything that runs; taken down in the opposite order. */
struct server {
	const struct serve_options *o;
	int signals;
	struct log log;
	struct log_sink log_sink;
	struct serve_files in;
	struct metrics *metrics;
	struct watching watching;
	struct registry_observer observer;
	struct registry *registry;
	struct gate *gate;
	struct webhook *webhook;
	struct waivers_diary diary;
	struct certificate_diary cert_diary;
	struct routes routes;
	struct watch *watch;
	struct sandbox sandbox;
	int systemd; /* who started us is told by it, or -1 */
	struct http_server *https;
	struct http_server *http;
};

/* Says in the log what ends soon, where that has not been done. */
static void
tell_ends(struct server *s)
{
	const int64_t now = clock_real.wall_s(&clock_real);

	waivers_log_daily(&s->diary, &s->log, s->in.rules, now);
	certificate_log(
	    &s->cert_diary, &s->log, keypair_not_after(s->in.tls), now);
}

/* Tells of the configuration in force, in metrics and log. */
static void
publish(struct server *s)
{
	const struct docker_config *docker = &s->in.config.registries->docker;
	const struct waiver *w;

	metrics_reset(s->metrics, METRIC_WAIVER_EXPIRY);
	for (w = s->in.rules->waivers;
	     w < s->in.rules->waivers + s->in.rules->nwaivers; w++)
		metrics_set(s->metrics, METRIC_WAIVER_EXPIRY,
		    (double)w->expires, w->rule->name, w->owner);
	metrics_reset(s->metrics, METRIC_POLICY_INFO);
	/* Of registries that are not listed any more, too. */
	metrics_reset(s->metrics, METRIC_RATE_LIMIT);
	metrics_reset(s->metrics, METRIC_RATE_REMAINING);
	metrics_set(s->metrics, METRIC_POLICY_INFO, 1, s->in.rules->name,
	    s->in.rules->sha256);
	metrics_set(s->metrics, METRIC_POLICY_LOADED,
	    (double)clock_real.wall_s(&clock_real), NULL, NULL);
	metrics_set(s->metrics, METRIC_CERT_NOT_AFTER,
	    (double)keypair_not_after(s->in.tls), NULL, NULL);
	atomic_store(&s->routes.cert_not_after, keypair_not_after(s->in.tls));
	if (docker->store != NULL || docker->nhelpers > 0)
		log_event(&s->log, LOG_WARN, "credential_helpers_ignored", ":s",
		    "detail",
		    "credsStore and credHelpers run programs, which only the "
		    "command line does: use auths or credentials here");
	waivers_log(
	    &s->diary, &s->log, s->in.rules, clock_real.wall_s(&clock_real));
	tell_ends(s);
}

static void
let_read(void *arg, const char *path)
{
	sandbox_allow_read(arg, path);
}

/* While there is but one thread: those to come may do what it may. */
static void
enter_sandbox(struct server *s)
{
	const char *cache = s->in.config.registries->store_dir;
	bool whole;

	sandbox_init(&s->sandbox, s->o->sandbox);
	watch_each(s->watch, let_read, &s->sandbox);
	if (cache != NULL) {
		sandbox_allow_write(&s->sandbox, cache);
		/* SQLite would sort what is large in /var/tmp. */
		(void)setenv("SQLITE_TMPDIR", cache, 1);
	}
	whole = sandbox_enter(&s->sandbox);
	log_event(&s->log, whole ? LOG_INFO : LOG_WARN, "sandbox", ":s :s",
	    "files", s->sandbox.files, "systemCalls", s->sandbox.calls);
}

/* A new config may name files that the sandbox has not heard of. */
static void
explain_denial(const struct server *s, struct buf *report)
{
	if (strcmp(s->sandbox.files, "on") == 0 &&
	    strstr(buf_text(report), strerror(EACCES)) != NULL)
		buf_puts(report,
		    "Only folders of files that were named at the start are "
		    "read from; restart serve for others.\n");
}

/* The one thing that may fail once all has been read. */
static int
take_certificate(struct server *s, struct serve_files *in, struct buf *report)
{
	struct error err = ERROR_INIT;

	if (http_server_set_tls(s->https, in->tls, &err) == 0)
		return 0;
	buf_printf(report, "%s\n", err.msg);
	serve_files_clear(in);
	return -1;
}

static void
reload(struct server *s)
{
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	struct serve_files in;

	if (serve_files_load(&in, s->o, s->watch, &report) != 0 ||
	    take_certificate(s, &in, &report) != 0) {
		explain_denial(s, &report);
		atomic_store(&s->routes.stale, true);
		metrics_add(s->metrics, METRIC_POLICY_RELOADS, 1, "refused",
		    NULL, NULL);
		/* Lines of one text: the last one's end is no part of it. */
		if (report.len > 0 && report.data[report.len - 1] == '\n')
			buf_truncate(&report, report.len - 1);
		log_event(&s->log, LOG_ERROR, "reload_refused", ":l", "reason",
		    buf_text(&report));
		return;
	}
	gate_set_rules(s->gate, in.rules);
	registry_set_settings(s->registry, in.config.registries);
	if (in.clients != NULL)
		http_server_set_clients(s->https, in.clients);
	serve_files_clear(&s->in);
	s->in = in;
	publish(s);
	atomic_store(&s->routes.stale, false);
	metrics_add(s->metrics, METRIC_POLICY_RELOADS, 1, "ok", NULL, NULL);
	log_event(&s->log, LOG_INFO, "reloaded", ":s :s", "policy",
	    s->in.rules->name, "sha256", s->in.rules->sha256);
}

static unsigned
places(const struct config *c)
{
	const size_t wanted = c->max_inflight * PLACES_PER_REVIEW;

	return wanted < PLACES_MIN ? PLACES_MIN : (unsigned)wanted;
}

static int
listen_all(struct server *s, struct error *err)
{
	struct http_options tls = {
	    .listen = s->o->listen,
	    .tls = s->in.tls,
	    .clients = s->in.clients,
	    .routes = routes_tls,
	    .arg = &s->routes,
	    .max_body = s->in.config.max_body,
	    .places = places(&s->in.config),
	    .answered = routes_count,
	};
	struct http_options plain = {
	    .listen = s->o->metrics_listen,
	    .routes = routes_metrics,
	    .arg = &s->routes,
	    .max_body = METRICS_BODY_MAX,
	    .places = METRICS_PLACES,
	    .threads = 1,
	    .answered = routes_count,
	};

	s->https = http_server_new(&tls, err);
	if (s->https == NULL)
		return -1;
	s->http = http_server_new(&plain, err);
	return s->http != NULL ? 0 : -1;
}

/* Reads all that is to be read. What is wrong is told. */
static int
load(struct server *s, struct error *err)
{
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	int rc;

	s->watch = watch_new(err);
	if (s->watch == NULL)
		return -1;
	serve_files_watch(s->watch, s->o);
	rc = serve_files_load(&s->in, s->o, s->watch, &report);
	fputs(buf_text(&report), stderr);
	return rc;
}

/* Prometheus sees a counter grow only once it is there. */
static void
begin_counting(struct metrics *m)
{
	metrics_add(m, METRIC_SHED, 0, NULL, NULL, NULL);
	metrics_add(m, METRIC_POLICY_RELOADS, 0, "ok", NULL, NULL);
	metrics_add(m, METRIC_POLICY_RELOADS, 0, "refused", NULL, NULL);
}

/* From what was loaded to what runs. */
static int
start(struct server *s, struct error *err)
{
	struct registry_options ro = {.clock = &clock_real,
	    .observer = &s->observer,
	    .guard_addresses = true,
	    .large_bytes = REGISTRY_LARGE_BYTES,
	    .keep_on_disk = true};
	struct gate_options go = {.clock = &clock_real, .discreet = true};
	struct webhook_options wo = {.clock = &clock_real,
	    .log = &s->log,
	    .own_namespace = getenv("POD_NAMESPACE"),
	    .max_inflight = s->in.config.max_inflight};

	s->metrics = metrics_new();
	if (s->metrics == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	begin_counting(s->metrics);
	s->watching = (struct watching){.metrics = s->metrics, .log = &s->log};
	s->observer = observe_registry(&s->watching);
	s->registry = registry_new(s->in.config.registries, &ro, err);
	if (s->registry == NULL)
		return -1;
	go.registry = s->registry;
	s->gate = gate_new(&go, s->in.rules);
	wo.gate = s->gate;
	wo.advise_workloads = s->o->advise_workloads;
	wo.metrics = s->metrics;
	s->webhook = s->gate != NULL ? webhook_new(&wo) : NULL;
	if (s->webhook == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	s->routes.webhook = s->webhook;
	s->routes.metrics = s->metrics;
	metrics_set(s->metrics, METRIC_BUILD_INFO, 1, version_string(), NULL);
	publish(s);
	return listen_all(s, err);
}

/* Reviews under way are answered before anything they stand on goes. */
static void
stop(struct server *s)
{
	if (s->https != NULL)
		http_server_stop(s->https, DRAIN_MS);
	if (s->http != NULL)
		http_server_stop(s->http, METRICS_DRAIN_MS);
	registry_free(s->registry);
	http_server_free(s->https);
	http_server_free(s->http);
	webhook_free(s->webhook);
	gate_free(s->gate);
	metrics_free(s->metrics);
	watch_free(s->watch);
	if (s->systemd >= 0)
		close(s->systemd);
	serve_files_clear(&s->in);
	if (s->signals >= 0)
		close(s->signals);
}

/*
 * Kubernetes takes a moment to stop sending after SIGTERM: say so on /readyz
 * and go on serving meanwhile. A second SIGTERM ends that, and everything that
 * is to come.
 */
static void
drain(struct server *s)
{
	const struct timespec delay = {.tv_sec = s->o->shutdown_delay};

	systemd_tell(s->systemd, "STOPPING=1");
	atomic_store(&s->routes.draining, true);
	http_server_drain(s->https);
	log_event(&s->log, LOG_INFO, "draining", ":i", "seconds",
	    (int64_t)s->o->shutdown_delay);
	signals_let_end();
	nanosleep(&delay, NULL);
}

/*
 * Until SIGTERM: reloads on SIGHUP, and when a file has changed and been left
 * alone for a moment (a certificate and its key are two files).
 */
static void
attend(struct server *s)
{
	struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN},
	    {.fd = watch_fd(s->watch), .events = POLLIN}};
	int64_t now, due = INT64_MAX; /* when to reload, in milliseconds */
	int n;

	for (;;) {
		now = clock_real.monotonic_ms(&clock_real);
		n = poll(fds, 2,
		    due == INT64_MAX ? LOOK_MS
		    : due > now      ? (int)(due - now)
				     : 0);
		tell_ends(s);
		now = clock_real.monotonic_ms(&clock_real);
		if (watch_changed(s->watch)) {
			due = now + SETTLE_MS;
		} else if (now >= due) {
			due = INT64_MAX;
			reload(s);
		}
		if (n <= 0 || (fds[0].revents & POLLIN) == 0)
			continue;
		if (signals_end(s->signals))
			return;
		reload(s);
	}
}

static void
run(struct server *s)
{
	AUTO(buf_clear) struct buf paths = BUF_INIT(POLICIES_MAX * PATH_MAX);

	policies_text(&s->o->policy, &paths);
	log_event(&s->log, LOG_INFO, "serving", ":s :i :i :s :s :s", "version",
	    version_string(), "port", (int64_t)http_server_port(s->https),
	    "metricsPort", (int64_t)http_server_port(s->http), "policy",
	    s->in.rules->name, "policyFile", buf_text(&paths), "sha256",
	    s->in.rules->sha256);
	systemd_tell(s->systemd, "READY=1");
	attend(s);
	drain(s);
	log_event(&s->log, LOG_INFO, "stopping", "");
}

/* Each connection is one; the soft limit is often low for the sake of
 * programs that use select(). What cannot be had is done without. */
static void
allow_many_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

int
cmd_serve(int argc, char **argv)
{
	struct serve_options o;
	struct server s = {.o = &o, .log_sink = LOG_SINK_INIT};
	struct error err = ERROR_INIT;
	int status = serve_options_parse(&o, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? cli_help(serve_help) : status;
	s.log = (struct log){.clock = &clock_real,
	    .level = o.log_level,
	    .fd = STDERR_FILENO,
	    .sink = &s.log_sink,
	    .prefixed = systemd_is_journal(STDERR_FILENO)};
	mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
	s.signals = signals_take(&err);
	allow_many_files();
	s.systemd = systemd_connect(); /* which the sandbox keeps it from */
	status = STATUS_USAGE;
	if (s.signals >= 0 && load(&s, &err) == 0) {
		enter_sandbox(&s);
		if (start(&s, &err) == 0) {
			run(&s);
			status = STATUS_OK;
		}
	}
	if (err.code != ERR_NONE)
		cli_fail(argv[0], status, &err);
	stop(&s);
	return status;
}
