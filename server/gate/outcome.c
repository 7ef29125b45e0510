/* SPDX-License-Identifier: Apache-2.0 */
#include "server/gate/outcome.h"

#include "policy/report.h"
#include "server/gate/pin.h"

#include <string.h>

enum { RETRY_S = 2 };

/* Returns false when memory is out; the answer is a denial then. */
static bool
start(struct outcome *o, const struct report *report)
{
	*o = (struct outcome){.verdict = VERDICT_NONE, .report = report};
	buf_init(&o->message, REPORT_MESSAGE_MAX);
	o->warnings = json_array();
	o->annotations = json_object();
	o->patch = json_array();
	return o->warnings != NULL && o->annotations != NULL &&
	       o->patch != NULL;
}

void
outcome_clear(struct outcome *o)
{
	buf_clear(&o->message);
	json_decref(o->warnings);
	json_decref(o->annotations);
	json_decref(o->patch);
}

static void
allow(struct outcome *o, enum verdict v)
{
	o->verdict = v;
	o->answer.allowed = true;
}

static void
allow_unjudged(struct outcome *o, const struct review *r)
{
	allow(o, VERDICT_ALLOW);
	if (r->mirror)
		json_array_append_new(o->warnings,
		    json_string("not judged: its node runs a static pod "
				"whatever is said of it here"));
}

/* The gate itself failed: not judged, so not allowed; waiting may help. */
static void
deny_internal(struct outcome *o, const char *why)
{
	buf_clear(&o->message);
	buf_printf(&o->message, "could not be judged: INTERNAL: %s", why);
	o->verdict = VERDICT_ERROR;
	o->answer.allowed = false;
	o->answer.code = 503;
	o->answer.retry_after = RETRY_S;
}

static void
deny_malformed(struct outcome *o, const char *why)
{
	o->verdict = VERDICT_DENY;
	o->answer.code = 403;
	buf_puts(&o->message, why);
}

/* What a program asked for ends in an Event, if anywhere. */
static bool
is_asked_by_program(const struct review *r)
{
	static const char account[] = "system:serviceaccount:";

	return strncmp(r->username, account, strlen(account)) == 0 ||
	       strcmp(r->username, "system:kube-controller-manager") == 0;
}

static int
tell(struct outcome *o, const struct review *review)
{
	const struct report *r = o->report;

	if (report_warnings(r, o->warnings) != 0 ||
	    report_annotations(r, o->annotations) != 0)
		return -1;
	if (r->verdict == VERDICT_ALLOW || r->verdict == VERDICT_WARN) {
		allow(o, r->verdict);
		return 0;
	}
	o->verdict = r->verdict;
	o->answer.code = report_may_heal(r, &o->answer.retry_after) ? 503 : 403;
	return report_message(r,
	    is_asked_by_program(review) ? REPORT_EVENT_MAX : REPORT_MESSAGE_MAX,
	    &o->message);
}

/* What every answer says, whatever came out. */
static void
finish(struct outcome *o, const struct outcome_skipped *why)
{
	json_object_set_new(o->annotations, REPORT_VERDICT_KEY,
	    json_string(verdict_name(o->verdict)));
	if (why->exempt)
		json_object_set_new(
		    o->annotations, "exempt", json_string(why->exempt));
	o->answer.message = buf_text(&o->message);
	o->answer.warnings = o->warnings;
	o->answer.annotations = o->annotations;
	o->answer.patch = o->patch;
}

void
outcome_validate(struct outcome *o, const struct review *r,
    const struct report *report, const struct outcome_skipped *why)
{
	if (!start(o, report))
		deny_internal(o, "out of memory");
	else if (r->malformed != NULL)
		deny_malformed(o, r->malformed);
	else if (why->err->code != ERR_NONE)
		deny_internal(o, why->err->msg);
	else if (report == NULL)
		allow_unjudged(o, r);
	else if (tell(o, r) != 0)
		deny_internal(o, "out of memory");
	finish(o, why);
}

void
outcome_advise(struct outcome *o)
{
	AUTO(json_decref) json_t *told = json_array();

	if (o->answer.allowed || o->report == NULL)
		return;
	if (told == NULL || report_denials(o->report, told) != 0 ||
	    json_array_extend(told, o->warnings) != 0)
		return;
	json_decref(o->warnings);
	o->warnings = TAKE(told);
	o->answer.warnings = o->warnings;
	allow(o, VERDICT_WARN);
	json_object_set_new(o->annotations, REPORT_VERDICT_KEY,
	    json_string(verdict_name(o->verdict)));
}

void
outcome_mutate(struct outcome *o, const struct report *report,
    const struct outcome_skipped *why)
{
	if (start(o, report) && report != NULL &&
	    pin_report(report, o->patch, o->warnings) != 0)
		json_array_clear(o->patch); /* all of it or nothing */
	allow(o, report != NULL ? report->verdict : VERDICT_ALLOW);
	finish(o, why);
}
