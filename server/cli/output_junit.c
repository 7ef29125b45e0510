/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cli/output.h"
#include "server/cli/xml.h"

/*
 * A suite for each workload, a case for each image: findings that deny fail
 * it, an error that denies is one, what else was found is its output.
 */

struct counts {
	size_t failures;
	size_t errors;
};

static struct counts
count(const struct report *r)
{
	struct counts n = {0, 0};
	size_t i;

	for (i = 0; i < r->nimages; i++) {
		n.failures += r->images[i].verdict == VERDICT_DENY;
		n.errors += r->images[i].verdict == VERDICT_ERROR;
	}
	return n;
}

/* The text of every complaint of the image that is an error, or of the others.
 */
static int
add_texts(struct xml *x, const struct complaint *of, bool errors)
{
	struct complaint c = *of;
	size_t i;

	for (i = 0; i <= c.image->nfindings; i++) {
		AUTO(buf_clear) struct buf b = BUF_INIT(COMPLAINT_TEXT_MAX);

		c.finding =
		    i < c.image->nfindings ? &c.image->findings[i] : NULL;
		if (c.finding == NULL && c.image->fault.code == NULL)
			break;
		if ((complaint_level(&c) == LEVEL_ERROR) != errors)
			continue;
		buf_printf(&b, "%s%s%s: ", complaint_rule(&c),
		    c.finding != NULL ? "/" : "", complaint_check(&c));
		if (complaint_text(&c, &b) != 0)
			return -1;
		buf_puts(&b, "\n");
		xml_text(x, buf_text(&b));
	}
	return 0;
}

static int
add_outcome(struct xml *x, const struct complaint *c)
{
	const struct report_image *img = c->image;
	const bool fails = img->verdict == VERDICT_DENY;

	if (fails && img->nfindings > 0) {
		xml_open(x, "failure");
		xml_attribute(x, "message", img->findings[0].message);
		if (add_texts(x, c, true) != 0)
			return -1;
		xml_close(x);
	} else if (fails || img->verdict == VERDICT_ERROR) {
		xml_open(x, fails ? "failure" : "error");
		xml_attribute(x, "message", img->fault.message);
		xml_attribute(x, "type", img->fault.code);
		if (add_texts(x, c, true) != 0)
			return -1;
		xml_close(x);
	}
	if (img->nfindings == 0 && img->fault.code == NULL)
		return 0;
	xml_open(x, "system-out");
	if (add_texts(x, c, false) != 0)
		return -1;
	xml_close(x);
	return 0;
}

static int
add_suite(struct xml *x, const struct results *r, const struct report *report)
{
	const struct workload *w = report->plan->workload;
	struct complaint c = {.results = r, .report = report};
	const struct counts n = count(report);
	AUTO(buf_clear) struct buf name = BUF_INIT(COMPLAINT_TEXT_MAX);
	size_t i;

	buf_printf(&name, "%s%s%s%s%s%s%s", w->source != NULL ? w->source : "",
	    w->source != NULL ? " " : "", w->kind,
	    w->namespace[0] != '\0' || w->name[0] != '\0' ? " " : "",
	    w->namespace, w->namespace[0] != '\0' ? "/" : "", w->name);
	xml_open(x, "testsuite");
	xml_attribute(x, "name", buf_text(&name));
	xml_number(x, "tests", report->nimages);
	xml_number(x, "failures", n.failures);
	xml_number(x, "errors", n.errors);
	for (i = 0; i < report->nimages; i++) {
		c.image = &report->images[i];
		xml_open(x, "testcase");
		xml_attribute(x, "classname", buf_text(&name));
		xml_attribute(x, "name", c.image->container->image);
		if (add_outcome(x, &c) != 0)
			return -1;
		xml_close(x);
	}
	xml_close(x);
	return buf_failed(&name) ? -1 : 0;
}

int
output_junit(const void *results, FILE *out)
{
	const struct results *r = results;
	struct xml x;
	size_t i;

	xml_begin(&x, out);
	xml_open(&x, "testsuites");
	xml_attribute(&x, "name", "policy-gate check");
	for (i = 0; i < r->n; i++)
		if (add_suite(&x, r, r->reports[i]) != 0)
			return -1;
	xml_close(&x);
	return x.failed ? -1 : 0;
}
