/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_KUBE_PUBLISH_H
#define SERVER_KUBE_PUBLISH_H

#include "certs/authority.h"
#include "server/kube/client.h"

/*
 * An authority and its leaf in a cluster. Two Secrets hold them: one that only
 * whoever renews reads (ca.crt, ca.key), and one for serve (tls.crt, tls.key,
 * and ca.crt for people). The caBundle of the webhook configurations is ca.crt.
 *
 * Everything is written on condition that it is as it was read; whoever comes
 * second reads again and finds it done. What is written first is what the rest
 * relies on: the authority, then the bundle, then the leaf.
 */
struct publish_request {
	struct authority_request authority; /* with names; mend is set here */
	const char *ns;                     /* of the Secrets and the Service */
	const char *secret;                 /* for serve */
	const char *ca_secret;              /* for the renewal */
	/* Of both configurations. In them, those webhooks are ours that call
	 * one of the names, as a Service or by URL. */
	const char *webhooks;
};

enum publish_kind { PUBLISH_VALIDATING, PUBLISH_MUTATING, PUBLISH_KINDS };

/* "validatingwebhookconfigurations", and so on. */
extern const char *const publish_kinds[PUBLISH_KINDS];

struct publish_report {
	struct authority_report authority;
	bool wrote_ca_secret;
	bool wrote_secret;
	struct publish_hooks {
		bool absent; /* there is no such configuration */
		int ours;    /* webhooks in it */
		int set;     /* of those, how many got another bundle */
	} hooks[PUBLISH_KINDS];
};

/*
 * Returns 0, or -1 with *err: ERR_INVALID (a name), ERR_UNAVAILABLE (others
 * change the same things all the time), and those of kube_call() and
 * authority_plan(). What was done by then stands, and can go on from there.
 */
int publish(struct kube *k, const struct publish_request *r,
    struct publish_report *report, struct error *err);

#endif
