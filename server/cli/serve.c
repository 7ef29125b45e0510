/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/base/units.h"
#include "server/cli/cli.h"
#include "server/cli/observe.h"
#include "server/cli/watch.h"
#include "server/gate/clock.h"
#include "server/gate/config.h"
#include "server/gate/waivers.h"
#include "server/http/routes.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	SHUTDOWN_DELAY_S = 10,
	SHUTDOWN_DELAY_MAX_S = 600,
	DRAIN_MS = 30 * 1000, /* the longest a review may take */
	METRICS_DRAIN_MS = 1000,
	METRICS_BODY_MAX = 1024,
	SETTLE_MS = 200,          /* after a file has changed */
	LOOK_MS = 60 * 60 * 1000, /* whether it is another day */
};

static const char help[] =
    "usage: policy-gate serve --tls-cert FILE --tls-key FILE [OPTION]...\n"
    "\n"
    "Runs the admission webhook: POST /validate and /mutate, GET /livez and "
    "/readyz over TLS, and\n"
    "GET /metrics on a plain port of its own.\n"
    "\n"
    "  --tls-cert FILE           certificate chain, PEM "
    "(\"policy-gate certs init\" makes one)\n"
    "  --tls-key FILE            its key\n"
    "  --policy FILE|DIR         a policy, preset:NAME, or a folder of "
    "them; several are\n"
    "                            read as one (default " POLICIES_DEFAULT ")\n"
    "  --config FILE             how to reach registries\n"
    "  --listen ADDR:PORT        :8443 by default\n"
    "  --metrics-listen ADDR:PORT  :9090 by default\n"
    "  --log-level LEVEL         debug, info (default), warn or error\n"
    "  --shutdown-delay SECONDS  how long to go on serving after SIGTERM, 10 "
    "by default\n"
    "  --help\n"
    "\n"
    "Policy, config and certificate are reread when they change, and on "
    "SIGHUP; what is\n"
    "wrong with the new ones is logged and the old ones stay. The log goes to "
    "stderr, a\n"
    "JSON object per line.\n"
    "\n"
    "Example:\n"
    "  policy-gate certs init --dir certs --dns policy-gate.policy-gate.svc\n"
    "  policy-gate serve --tls-cert certs/tls.crt --tls-key certs/tls.key "
    "--policy policy.yaml\n";

struct options {
	struct policies policy;
	const char *config;
	const char *listen;
	const char *metrics_listen;
	const char *tls_cert;
	const char *tls_key;
	enum log_level log_level;
	int64_t shutdown_delay; /* seconds */
};

/* Everything that runs; taken down in the opposite order. */
struct server {
	const struct options *o;
	struct log log;
	struct config config;
	struct ruleset *rules;
	struct keypair *tls;
	struct metrics *metrics;
	struct watching watching;
	struct registry_observer observer;
	struct registry *registry;
	struct gate *gate;
	struct webhook *webhook;
	struct waivers_diary diary;
	struct routes routes;
	struct http_server *https;
	struct http_server *http;
};

static bool
parse_delay(const char *text, int64_t *seconds)
{
	char *end;
	const long n = strtol(text, &end, 10);
	int64_t value = n;

	if (*end != '\0' && units_parse_duration(text, &value) != 0)
		return false;
	if (end == text || value < 0 || value > SHUTDOWN_DELAY_MAX_S)
		return false;
	*seconds = value;
	return true;
}

/* STATUS_OK, STATUS_USAGE, or -1 when help was asked for. */
static int
parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
	    {"policy", required_argument, NULL, 'p'},
	    {"config", required_argument, NULL, 'c'},
	    {"listen", required_argument, NULL, 'l'},
	    {"metrics-listen", required_argument, NULL, 'm'},
	    {"tls-cert", required_argument, NULL, 'C'},
	    {"tls-key", required_argument, NULL, 'K'},
	    {"log-level", required_argument, NULL, 'L'},
	    {"shutdown-delay", required_argument, NULL, 'd'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = cli_option(argc, argv, ":h", options)) != -1) {
		if (c == 'h')
			return -1;
		if (c == 'p' &&
		    cli_policy(argv[0], &o->policy, optarg) != STATUS_OK)
			return STATUS_USAGE;
		if (c == 'c')
			o->config = optarg;
		else if (c == 'l')
			o->listen = optarg;
		else if (c == 'm')
			o->metrics_listen = optarg;
		else if (c == 'C')
			o->tls_cert = optarg;
		else if (c == 'K')
			o->tls_key = optarg;
		else if (c == 'L' && !log_level_parse(optarg, &o->log_level))
			return cli_usage(argv[0],
			    "--log-level takes debug, info, warn or error, "
			    "not \"%s\"",
			    optarg);
		else if (c == 'd' && !parse_delay(optarg, &o->shutdown_delay))
			return cli_usage(argv[0],
			    "--shutdown-delay takes 0 to %d seconds, not "
			    "\"%s\"",
			    SHUTDOWN_DELAY_MAX_S, optarg);
		else if (c == '?')
			return STATUS_USAGE;
	}
	if (o->policy.n == 0)
		policies_add(&o->policy, POLICIES_DEFAULT);
	if (optind < argc)
		return cli_usage(
		    argv[0], "takes no arguments, \"%s\" is one", argv[optind]);
	if (o->tls_cert == NULL || o->tls_key == NULL)
		return cli_usage(argv[0],
		    "--tls-cert and --tls-key are needed; \"policy-gate certs "
		    "init\" makes both");
	return STATUS_OK;
}

/* Tells of the configuration in force, in metrics and log. */
static void
publish(struct server *s)
{
	const struct docker_config *docker = &s->config.registries->docker;
	const struct waiver *w;

	metrics_reset(s->metrics, METRIC_WAIVER_EXPIRY);
	for (w = s->rules->waivers; w < s->rules->waivers + s->rules->nwaivers;
	     w++)
		metrics_set(s->metrics, METRIC_WAIVER_EXPIRY,
		    (double)w->expires, w->rule->name, w->owner);
	metrics_reset(s->metrics, METRIC_POLICY_INFO);
	/* Of registries that are not listed any more, too. */
	metrics_reset(s->metrics, METRIC_RATE_LIMIT);
	metrics_reset(s->metrics, METRIC_RATE_REMAINING);
	metrics_set(s->metrics, METRIC_POLICY_INFO, 1, s->rules->name,
	    s->rules->sha256);
	metrics_set(s->metrics, METRIC_POLICY_LOADED,
	    (double)clock_real.wall_s(&clock_real), NULL, NULL);
	metrics_set(s->metrics, METRIC_CERT_NOT_AFTER,
	    (double)keypair_not_after(s->tls), NULL, NULL);
	if (docker->store != NULL || docker->nhelpers > 0)
		log_event(&s->log, LOG_WARN, "credential_helpers_ignored", ":s",
		    "detail",
		    "credsStore and credHelpers run programs, which only the "
		    "command line does: use auths or credentials here");
	waivers_log(
	    &s->diary, &s->log, s->rules, clock_real.wall_s(&clock_real));
}

/* Reads the three inputs; all of them or nothing. */
static int
load(const struct options *o, struct config *config, struct ruleset **rules,
    struct keypair **tls, struct buf *report)
{
	struct error err = ERROR_INIT;
	int rc = config_load(config, o->config, report);

	*rules = policies_load(
	    &o->policy, clock_real.wall_s(&clock_real), LINT_NOTHING, report);
	*tls = keypair_load(
	    o->tls_cert, o->tls_key, clock_real.wall_s(&clock_real), &err);
	if (*tls == NULL)
		buf_printf(report, "%s\n", err.msg);
	if (rc == 0 && *rules != NULL && *tls != NULL)
		return 0;
	config_clear(config);
	ruleset_unref(*rules);
	keypair_unref(*tls);
	*rules = NULL;
	*tls = NULL;
	return -1;
}

static void
reload(struct server *s)
{
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	struct config config;
	struct ruleset *rules;
	struct keypair *tls;

	if (load(s->o, &config, &rules, &tls, &report) != 0) {
		atomic_store(&s->routes.stale, true);
		metrics_add(s->metrics, METRIC_POLICY_RELOADS, 1, "refused",
		    NULL, NULL);
		log_event(&s->log, LOG_ERROR, "reload_refused", ":s", "reason",
		    buf_text(&report));
		return;
	}
	gate_set_rules(s->gate, rules);
	registry_set_settings(s->registry, config.registries);
	http_server_set_tls(s->https, tls);
	ruleset_unref(s->rules);
	keypair_unref(s->tls);
	config_clear(&s->config);
	s->rules = rules;
	s->tls = tls;
	s->config = config;
	publish(s);
	atomic_store(&s->routes.stale, false);
	metrics_add(s->metrics, METRIC_POLICY_RELOADS, 1, "ok", NULL, NULL);
	log_event(&s->log, LOG_INFO, "reloaded", ":s :s", "policy",
	    s->rules->name, "sha256", s->rules->sha256);
}

static int
listen_all(struct server *s, struct error *err)
{
	struct http_options tls = {
	    .listen = s->o->listen,
	    .tls = s->tls,
	    .routes = routes_tls,
	    .arg = &s->routes,
	    .max_body = s->config.max_body,
	    .answered = routes_count,
	};
	struct http_options plain = {
	    .listen = s->o->metrics_listen,
	    .routes = routes_metrics,
	    .arg = &s->routes,
	    .max_body = METRICS_BODY_MAX,
	    .threads = 1,
	    .answered = routes_count,
	};

	s->https = http_server_new(&tls, err);
	if (s->https == NULL)
		return -1;
	s->http = http_server_new(&plain, err);
	return s->http != NULL ? 0 : -1;
}

/* From what was loaded to what runs. */
static int
start(struct server *s, struct error *err)
{
	struct registry_options ro = {.clock = &clock_real,
	    .observer = &s->observer,
	    .guard_addresses = true};
	struct gate_options go = {.clock = &clock_real, .discreet = true};
	struct webhook_options wo = {.clock = &clock_real,
	    .log = &s->log,
	    .own_namespace = getenv("POD_NAMESPACE"),
	    .max_inflight = s->config.max_inflight};

	s->metrics = metrics_new();
	if (s->metrics == NULL)
		return error_set(err, ERR_NOMEM, "out of memory");
	s->watching = (struct watching){.metrics = s->metrics, .log = &s->log};
	s->observer = observe_registry(&s->watching);
	s->registry = registry_new(s->config.registries, &ro, err);
	if (s->registry == NULL)
		return -1;
	go.registry = s->registry;
	s->gate = gate_new(&go, s->rules);
	wo.gate = s->gate;
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
	keypair_unref(s->tls);
	ruleset_unref(s->rules);
	config_clear(&s->config);
}

/*
 * Kubernetes takes a moment to stop sending after SIGTERM: say so on /readyz
 * and go on serving meanwhile. A second SIGTERM ends that, and everything.
 */
static bool
drain(struct server *s, const sigset_t *signals)
{
	const struct timespec delay = {.tv_sec = s->o->shutdown_delay};
	int sig;

	atomic_store(&s->routes.draining, true);
	http_server_drain(s->https);
	log_event(&s->log, LOG_INFO, "draining", ":i", "seconds",
	    (int64_t)s->o->shutdown_delay);
	sig = sigtimedwait(signals, NULL, &delay);
	return sig != SIGTERM && sig != SIGINT;
}

static struct watch *
watch_files(const struct options *o, struct error *err)
{
	struct watch *w = watch_new(err);
	size_t i;

	if (w == NULL)
		return NULL;
	for (i = 0; i < o->policy.n; i++)
		watch_add(w, o->policy.paths[i]);
	watch_add(w, o->config);
	watch_add(w, o->tls_cert);
	watch_add(w, o->tls_key);
	return w;
}

/*
 * Until SIGTERM: reloads on SIGHUP, and when a file has changed and been left
 * alone for a moment (a certificate and its key are two files).
 */
static void
attend(struct server *s, struct watch *w, int signal_fd)
{
	struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
	    {.fd = watch_fd(w), .events = POLLIN}};
	struct signalfd_siginfo info;
	bool pending = false;
	int n;

	for (;;) {
		n = poll(fds, 2, pending ? SETTLE_MS : LOOK_MS);
		waivers_log_daily(&s->diary, &s->log, s->rules,
		    clock_real.wall_s(&clock_real));
		if (n == 0 && pending) {
			pending = false;
			reload(s);
		}
		if (n > 0 && (fds[1].revents & POLLIN) != 0)
			pending |= watch_changed(w);
		if (n <= 0 || (fds[0].revents & POLLIN) == 0 ||
		    read(signal_fd, &info, sizeof(info)) != sizeof(info))
			continue;
		if (info.ssi_signo != SIGHUP)
			return;
		reload(s);
	}
}

static int
run(struct server *s, const sigset_t *signals, struct error *err)
{
	AUTO(watch_free) struct watch *w = watch_files(s->o, err);
	const int signal_fd = signalfd(-1, signals, SFD_CLOEXEC);
	AUTO(buf_clear) struct buf paths = BUF_INIT(POLICIES_MAX * PATH_MAX);

	if (w == NULL)
		return -1;
	if (signal_fd < 0)
		return error_set(
		    err, ERR_SYSTEM, "signalfd: %s", strerror(errno));
	policies_text(&s->o->policy, &paths);
	log_event(&s->log, LOG_INFO, "serving", ":s :i :i :s :s :s", "version",
	    version_string(), "port", (int64_t)http_server_port(s->https),
	    "metricsPort", (int64_t)http_server_port(s->http), "policy",
	    s->rules->name, "policyFile", buf_text(&paths), "sha256",
	    s->rules->sha256);
	attend(s, w, signal_fd);
	close(signal_fd);
	if (!drain(s, signals))
		_exit(STATUS_OK);
	log_event(&s->log, LOG_INFO, "stopping", "");
	return 0;
}

/* Every thread inherits the mask: signals come to run() alone. */
static void
block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
cmd_serve(int argc, char **argv)
{
	struct options o = {
	    .listen = ":8443",
	    .metrics_listen = ":9090",
	    .log_level = LOG_INFO,
	    .shutdown_delay = SHUTDOWN_DELAY_S,
	};
	struct server s = {.o = &o};
	struct error err = ERROR_INIT;
	AUTO(buf_clear) struct buf report = BUF_INIT(CONFIG_BYTES_MAX);
	sigset_t signals;
	int status = parse(&o, argc, argv);

	if (status != STATUS_OK)
		return status < 0 ? cli_help(help) : status;
	s.log = (struct log){
	    .clock = &clock_real, .level = o.log_level, .fd = STDERR_FILENO};
	block_signals(&signals);
	status = load(&o, &s.config, &s.rules, &s.tls, &report);
	fputs(buf_text(&report), stderr);
	if (status != 0)
		return STATUS_USAGE;
	status = STATUS_OK;
	if (start(&s, &err) != 0 || run(&s, &signals, &err) != 0)
		status = cli_fail(argv[0], STATUS_USAGE, &err);
	stop(&s);
	return status;
}
