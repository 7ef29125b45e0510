/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/report.h"

#include "policy/base/text.h"

/* A name of Kubernetes or a reference at its longest. */
enum { JSON_TEXT_MAX = 1024 };

/* Safe text; NULL when memory is out. */
static json_t *
text(const char *s)
{
	AUTO(buf_clear) struct buf b = BUF_INIT(JSON_TEXT_MAX);

	if (text_sanitise(&b, s, JSON_TEXT_MAX) != 0 || buf_failed(&b))
		return NULL;
	return json_string(buf_text(&b));
}

/* NULL becomes null. */
static json_t *
text_or_null(const char *s)
{
	return s == NULL ? json_null() : text(s);
}

static json_t *
waiver_json(const struct finding *f)
{
	if (!f->waived)
		return json_null();
	return json_pack("{s:o, s:o, s:s}", "owner", text(f->waiver->owner),
	    "reason", text(f->waiver->reason), "expires",
	    f->waiver->expires_on);
}

json_t *
finding_json(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, "
			 "s:o}",
	    "rule", f->rule->name, "check", f->check, "mode",
	    mode_names[f->rule->mode], "platform", f->platform, "actual",
	    f->actual, "limit", f->limit, "message", f->message, "evidence",
	    f->evidence, "fix", f->fix, "owner", text(f->rule->owner), "waived",
	    waiver_json(f));
}

static json_t *
platform_json(const struct report_platform *rp)
{
	const struct image *img = rp->image;
	json_t *base = json_pack("{s:o, s:o, s:s, s:I}", "name",
	    text(rp->base_name), "digest", text(rp->base_digest), "how",
	    base_how_name(rp->base_how), "layers", (json_int_t)rp->base_layers);

	return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "platform",
	    rp->platform, "digest", img->digest, "size", (json_int_t)img->size,
	    "layers", (json_int_t)img->nlayers, "user", text(img->user), "base",
	    base);
}

static json_t *
fault_json(const struct fault *f)
{
	if (f->code == NULL)
		return json_null();
	return json_pack(
	    "{s:s, s:o}", "code", f->code, "message", text(f->message));
}

static json_t *
platforms_json(const struct report_image *img)
{
	AUTO(json_decref) json_t *list = json_array();
	size_t i;

	for (i = 0; i < img->nplatforms; i++)
		if (json_array_append_new(
			list, platform_json(&img->platforms[i])) != 0)
			return NULL;
	return TAKE(list);
}

static json_t *
findings_json(const struct report_image *img)
{
	AUTO(json_decref) json_t *list = json_array();
	size_t i;

	for (i = 0; i < img->nfindings; i++)
		if (json_array_append_new(
			list, finding_json(&img->findings[i])) != 0)
			return NULL;
	return TAKE(list);
}

static json_t *
image_json(const struct report_image *img)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "path",
	    text(img->container->path), "reference",
	    text(img->container->image), "resolved",
	    text_or_null(img->resolved), "verdict", verdict_name(img->verdict),
	    "platforms", platforms_json(img), "findings", findings_json(img),
	    "error", fault_json(&img->fault));
}

json_t *
report_json(const struct report *r)
{
	const struct workload *w = r->plan->workload;
	AUTO(json_decref) json_t *images = json_array();
	size_t i;

	for (i = 0; i < r->nimages; i++)
		if (json_array_append_new(images, image_json(&r->images[i])) !=
		    0)
			return NULL;
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:O}", "source",
	    text_or_null(w->source), "kind", text(w->kind), "namespace",
	    text(w->namespace), "name", text(w->name), "verdict",
	    verdict_name(r->verdict), "images", images);
}
