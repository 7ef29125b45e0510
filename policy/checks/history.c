/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/checks/advice.h"
#include "policy/checks/check.h"

#include "policy/base/text.h"
#include "policy/base/units.h"
#include "policy/bases.h"
#include "policy/glob.h"
#include "policy/history.h"
#include "policy/instruction.h"

/*
 * How an image was built, as far as its history tells. The instructions of a
 * base that is known by its layers are its builder's business.
 */
struct params {
	uint32_t deny;
	struct pattern_list patterns;
	int unreliable;
	int scope;
};

static const char *const scopes[] = {"above-base", "all", NULL};
enum { SCOPE_ALL = 2 };

static const struct check_field fields[] = {
    {.name = "deny",
	.check = "history.deny",
	.kind = VALUE_WORDS,
	.words = detector_names,
	.at = offsetof(struct params, deny),
	.may_be_empty = true,
	.about =
	    "Habits that no instruction may show. build-tools: compilers and "
	    "headers that are installed and left. package-cache: what package "
	    "managers keep for a next time. broad-copy: the whole build "
	    "context. pipe-to-shell: a download that is run as it comes. "
	    "embedded-secret: a secret in an instruction. recursive-chown: a "
	    "second copy of files with another owner or mode. cache-order: "
	    "sources copied before dependencies are installed. "
	    "dev-dependencies: development packages that stay.",
	.fix = "ask policy-gate explain about the habit that is named, such as "
	       "build-tools"},
    {.name = "patterns",
	.check = "history.patterns",
	.kind = VALUE_PATTERNS,
	.at = offsetof(struct params, patterns),
	.may_be_empty = true,
	.about = "Patterns of one's own, each {match, because}: a glob over "
		 "the whole instruction, such as \"RUN *npm install -g*\", in "
		 "which * crosses a '/', and the reason that is told.",
	.fix = "write the instruction in another way"},
    {.name = "unreliable",
	.check = "history.unreliable",
	.kind = VALUE_CHOICE,
	.words = check_deny_allow,
	.at = offsetof(struct params, unreliable),
	.about =
	    "`deny`: an image has a history, and its entries fit its layers. "
	    "Without that nothing but secrets can be told from it, which is "
	    "neither a pass nor a finding unless this says so.",
	.fix = "build with a builder that writes a history, without squashing"},
    {.name = "scope",
	.kind = VALUE_CHOICE,
	.words = scopes,
	.at = offsetof(struct params, scope),
	.about = "`above-base`, unless `all` is said: instructions of a base "
		 "that some rule lists, and whose layers lie beneath, are not "
		 "judged."},
    {.name = NULL},
};

enum { FIELD_DENY, FIELD_PATTERNS, FIELD_UNRELIABLE };
enum {
	SHOWN_MAX = 100,
	CHOWN_MIN = 1024 * 1024,
	LAYER_MIN = 1024 * 1024,
	PATTERN_TEXT_MAX = 4096,
};

/* What is being judged, and what above is. */
struct view {
	const struct params *params;
	const struct subject *s;
	size_t first; /* entries before are the base's */
	size_t first_layer;
	bool only_counts; /* nothing is added */
	size_t counted;
};

static int
layer_of(const struct view *v, size_t entry)
{
	return history_layer(v->s->image, entry);
}

/* "layer 3 of 7, 236 MiB, "RUN apt-get ..."" */
static void
say_evidence(struct buf *b, const struct view *v, size_t entry)
{
	const struct image *img = v->s->image;
	const int layer = layer_of(v, entry);

	if (layer >= 0) {
		buf_printf(b, "layer %d of %zu, ", layer + 1, img->nlayers);
		units_add_size(b, img->layers[layer].size);
		buf_puts(b, ", ");
	}
	buf_puts(b, "\"");
	instruction_add(b, img->history[entry].created_by, SHOWN_MAX);
	buf_puts(b, "\"");
}

static int64_t
layer_size(const struct view *v, size_t entry, int64_t otherwise)
{
	const int layer = layer_of(v, entry);

	return layer < 0 ? otherwise : v->s->image->layers[layer].size;
}

/* An earlier layer of the image's own that this one may repeat. */
static bool
repeats_layer(const struct view *v, const struct sign *sign)
{
	const struct image *img = v->s->image;
	const int at = layer_of(v, sign->entry);
	size_t i;

	if (at < 0 || img->layers[at].size < CHOWN_MIN)
		return false;
	for (i = v->first_layer; i < (size_t)at; i++)
		if (img->layers[i].size >= CHOWN_MIN &&
		    img->layers[at].size >= img->layers[i].size / 2)
			return true;
	return false;
}

/* A layer too small for what the text promises does not have it: it was on a
 * cache mount, or removed in a way that the text does not show. */
static bool
weighs_enough(const struct view *v, const struct sign *sign)
{
	const struct image *img = v->s->image;

	switch (sign->detector) {
	case DETECT_PACKAGE_CACHE:
	case DETECT_DEV_DEPENDENCIES:
		return layer_size(v, sign->entry, LAYER_MIN) >= LAYER_MIN;
	case DETECT_BUILD_TOOLS:
		/* One that only runs came with another layer. */
		return sign->cause == HISTORY_EARLIER ||
		       layer_size(v, sign->entry, LAYER_MIN) >= LAYER_MIN;
	case DETECT_RECURSIVE_CHOWN:
		return repeats_layer(v, sign);
	case DETECT_CACHE_ORDER:
		return sign->cause >= v->first && sign->cause < img->nhistory;
	default:
		return true;
	}
}

static int
add_sign(struct view *v, const struct sign *sign, struct findings *out)
{
	const struct advice *a = &advices[sign->detector];
	const char *name = detector_names[sign->detector];
	struct breach br = {.field = &fields[FIELD_DENY],
	    .fix = a->fix,
	    .detail = name,
	    .actual = sign->what,
	    .weight = layer_size(v, sign->entry, 0)};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	v->counted++;
	if (v->only_counts)
		return 0;
	buf_printf(&t.message, "%s: %s: ", name, a->message);
	text_sanitise(&t.message, sign->what, SHOWN_MAX);
	buf_printf(&t.limit, "no %s", name);
	say_evidence(&t.evidence, v, sign->entry);
	return findings_add_text(out, &br, &t);
}

static int
judge_signs(struct view *v, struct findings *out)
{
	const struct image *img = v->s->image;
	size_t i;

	for (i = 0; i < img->nsigns; i++) {
		const struct sign *sign = &img->signs[i];

		if ((v->params->deny & (UINT32_C(1) << sign->detector)) == 0 ||
		    sign->entry < v->first || !weighs_enough(v, sign))
			continue;
		/* Text without layers proves nothing but the text. */
		if (img->history_state != HISTORY_RELIABLE &&
		    sign->detector != DETECT_EMBEDDED_SECRET)
			continue;
		if (add_sign(v, sign, out) != 0)
			return -1;
	}
	return 0;
}

static int
add_pattern(
    struct view *v, const struct pattern *p, size_t entry, struct findings *out)
{
	struct breach br = {.field = &fields[FIELD_PATTERNS],
	    .actual = "matches",
	    .limit = p->match,
	    .detail = p->match,
	    .weight = layer_size(v, entry, 0)};
	AUTO(breach_text_clear) struct breach_text t = BREACH_TEXT_INIT;

	v->counted++;
	if (v->only_counts)
		return 0;
	buf_puts(&t.message, "an instruction is not wanted: ");
	text_sanitise(&t.message, p->because, SHOWN_MAX);
	say_evidence(&t.evidence, v, entry);
	return findings_add_text(out, &br, &t);
}

static int
judge_patterns(struct view *v, struct findings *out)
{
	const struct pattern_list *patterns = &v->params->patterns;
	const struct image *img = v->s->image;
	AUTO(buf_clear) struct buf text = BUF_INIT(PATTERN_TEXT_MAX);
	size_t i, k;

	if (img->history_state != HISTORY_RELIABLE)
		return 0;
	for (i = v->first; i < img->nhistory && patterns->n > 0; i++) {
		buf_truncate(&text, 0);
		instruction_add(
		    &text, img->history[i].created_by, PATTERN_TEXT_MAX);
		if (buf_failed(&text))
			return -1;
		for (k = 0; k < patterns->n; k++)
			if (glob_match(
				patterns->items[k].match, buf_text(&text)) &&
			    add_pattern(v, &patterns->items[k], i, out) != 0)
				return -1;
	}
	return 0;
}

static int
judge_unreliable(const struct view *v, struct findings *out)
{
	const enum history_state state = v->s->image->history_state;
	const struct breach br = {.field = &fields[FIELD_UNRELIABLE],
	    .actual = state == HISTORY_ABSENT ? "absent" : "unreliable",
	    .limit = "reliable",
	    .message = state == HISTORY_ABSENT
			   ? "has no history"
			   : "history unreliable: its entries do not fit the "
			     "layers"};

	if (state == HISTORY_RELIABLE ||
	    v->params->unreliable != CHOICE_DEMANDS)
		return 0;
	return findings_add(out, &br);
}

static int
judge(struct view *v, struct findings *out)
{
	if (judge_signs(v, out) != 0)
		return -1;
	return judge_patterns(v, out);
}

static int
evaluate_history(
    const void *params, const struct subject *s, struct findings *out)
{
	struct view v = {.params = params, .s = s};
	const struct plan_base *missing;

	if (judge_unreliable(&v, out) != 0)
		return -1;
	if (v.params->scope == SCOPE_ALL)
		return judge(&v, out);
	v.first_layer = s->platform->base_layers;
	v.first = history_above(s->image, s->platform->base, v.first_layer);
	missing = bases_missing(s->plan, s->platform);
	if (missing == NULL)
		return judge(&v, out);
	/* What would be found may be the base's, which could not be had. */
	v.only_counts = true;
	if (judge(&v, out) != 0)
		return -1;
	return v.counted == 0 ? 0 : bases_fault(s->plan, missing, out);
}

static bool
wants_bases(const void *params)
{
	const struct params *p = params;

	return p->scope != SCOPE_ALL && (p->deny != 0 || p->patterns.n > 0);
}

const struct check_key check_key_history = {
    .name = "history",
    .fields = fields,
    .params_size = sizeof(struct params),
    .needs_facts = true,
    .wants_bases = wants_bases,
    .about =
	"The instructions that an image was built by stand in its config, and "
	"some of them cost everybody who pulls it. They are split into "
	"commands as a shell would, and what the same instruction takes back "
	"is not held against it. Findings quote the instruction, shortened "
	"and without anything that looks like a secret.",
    .example = "{deny: [build-tools, package-cache, pipe-to-shell]}",
    .paste = "# Dockerfile\n"
	     "FROM golang:1.23 AS build\n"
	     "COPY go.mod go.sum ./\n"
	     "RUN go mod download\n"
	     "COPY . .\n"
	     "RUN CGO_ENABLED=0 go build -o /app ./cmd/app\n"
	     "\n"
	     "FROM gcr.io/distroless/static-debian12:nonroot\n"
	     "COPY --from=build /app /app\n"
	     "ENTRYPOINT [\"/app\"]\n",
    .blind = "The content of layers. Stages that are not the last leave no "
	     "history, builders may write what they like into it, and a "
	     "script's own doings are the script's.",
    .evaluate = evaluate_history,
};
