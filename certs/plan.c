/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/authority.h"
#include "certs/crypto.h"
#include "certs/identity.h"
#include "certs/keypair.h"
#include "certs/names.h"
#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

OWNED(X509_STORE, X509_STORE_free)
OWNED(X509_STORE_CTX, X509_STORE_CTX_free)

enum { LIFE_MAX_YEARS = 100, OVERLAPS_IN_LEAF = 4, OVERLAPS_IN_CA = 12 };

static const int64_t LIFE_MAX_S = LIFE_MAX_YEARS * 366LL * 24 * 3600;

struct plan {
	const struct authority_request *r;
	struct authority_report *report;
	struct stack_st_X509 *bundle; /* authorities that clients trust */
	struct identity ca;           /* the one of them that signs */
	struct stack_st_X509 *chain;  /* as served; NULL: none that works */
	struct identity leaf;         /* made here, or empty */
	struct buf names;
};

static void
plan_clear(struct plan *p)
{
	pem_chain_free(p->bundle);
	pem_chain_free(p->chain);
	identity_clear(&p->ca);
	identity_clear(&p->leaf);
	buf_clear(&p->names);
}
OWNED_IN_PLACE(struct plan, plan_clear)

static int
check_lives(const struct authority_request *r, struct error *err)
{
	if (r->leaf_life < 1 || r->ca_life > LIFE_MAX_S)
		return error_set(err, ERR_INVALID,
		    "a certificate lives from a second to %d years",
		    LIFE_MAX_YEARS);
	if (r->leaf_life > r->ca_life)
		return error_set(err, ERR_INVALID,
		    "the certificate would outlive its authority");
	if (r->overlap < 0 || r->overlap > r->leaf_life / OVERLAPS_IN_LEAF ||
	    r->overlap > r->ca_life / OVERLAPS_IN_CA)
		return error_set(err, ERR_INVALID,
		    "the overlap is at most a quarter of the certificate's "
		    "life and a twelfth of the authority's");
	return 0;
}

/* Hands on a failure that says something of us and not of what was read; 0
 * where there is none of those. */
static int
hand_on(const struct error *why, struct error *err)
{
	return why->code == ERR_NOMEM || why->code == ERR_INTERNAL
		   ? error_set(err, why->code, "%s", why->msg)
		   : 0;
}

static int64_t
not_after(const X509 *x)
{
	int64_t t;

	return pem_time(X509_get0_notAfter(x), &t) == 0 ? t : INT64_MIN;
}

/* When it was made. */
static int64_t
born(const X509 *x)
{
	int64_t t;

	return pem_time(X509_get0_notBefore(x), &t) == 0 ? t + IDENTITY_EARLY_S
							 : INT64_MAX;
}

/* When a third of its life is left. */
static int64_t
due(const X509 *x)
{
	const int64_t end = not_after(x), start = born(x);

	return start < end ? end - (end - start) / 3 : INT64_MIN;
}

/* Whether its life has begun and not ended. */
static bool
is_valid(const X509 *x, int64_t now)
{
	return born(x) - IDENTITY_EARLY_S <= now && now < not_after(x);
}

static int
push(struct stack_st_X509 *list, X509 *x, bool first, struct error *err)
{
	if (X509_up_ref(x) != 1)
		return crypto_failed(err, ERR_INTERNAL, "certificates");
	if (sk_X509_insert(list, x, first ? 0 : sk_X509_num(list)) > 0)
		return 0;
	X509_free(x);
	return crypto_failed(err, ERR_NOMEM, "certificates");
}

static bool
contains(struct stack_st_X509 *list, X509 *x)
{
	int i;

	for (i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), x) == 0)
			return true;
	return false;
}

/* The certificates of a part; NULL with *why where there are none. */
static struct stack_st_X509 *
read_chain(const struct authority_set *have, enum authority_part part, int max,
    struct error *why)
{
	const struct authority_text *t = &have->parts[part];
	struct stack_st_X509 *chain = NULL;

	if (t->data == NULL)
		error_set(why, ERR_INVALID, "it is not there");
	else
		chain = pem_chain(t->data, t->len, max, why);
	if (chain == NULL)
		error_wrap(why, "%s", authority_names[part]);
	return chain;
}

/* Finds the one of the authorities that the key belongs to. */
static int
read_signer(struct plan *p, const struct authority_set *have,
    struct stack_st_X509 *all, struct error *why)
{
	const struct authority_text *t = &have->parts[CA_KEY];
	int i;

	if (t->data == NULL)
		return error_set(why, ERR_INVALID, "ca.key is not there");
	p->ca.key = pem_private_key(t->data, t->len, why);
	if (p->ca.key == NULL)
		return error_wrap(why, "ca.key");
	for (i = 0; i < sk_X509_num(all) && p->ca.cert == NULL; i++)
		if (X509_check_private_key(sk_X509_value(all, i), p->ca.key) ==
		    1)
			p->ca.cert = X509_dup(sk_X509_value(all, i));
	if (crypto_ran_out())
		return error_set(why, ERR_NOMEM, "out of memory");
	if (p->ca.cert == NULL)
		return error_set(why, ERR_INVALID,
		    "ca.key belongs to none of the authorities in ca.crt");
	if (!is_valid(p->ca.cert, p->r->now))
		return error_set(why, ERR_INVALID,
		    "the authority has expired, or is not valid yet");
	if (p->r->now >= due(p->ca.cert))
		return error_set(
		    why, ERR_INVALID, "a third or less of its life is left");
	return 0;
}

/* The certificates of ca.crt that are authorities'; NULL with *why. */
static struct stack_st_X509 *
read_authorities(const struct authority_set *have, struct error *why)
{
	AUTO(pem_chain_free)
	struct stack_st_X509 *all =
	    read_chain(have, CA_CRT, AUTHORITY_BUNDLE_MAX, why);
	int i;

	for (i = sk_X509_num(all) - 1; i >= 0; i--)
		if (X509_check_ca(sk_X509_value(all, i)) <= 0)
			X509_free(sk_X509_delete(all, i));
	/* One that could not be looked at is none, or so it seemed. */
	if (!crypto_ran_out())
		return TAKE(all);
	error_set(why, ERR_NOMEM, "out of memory");
	return NULL;
}

static int
keep_valid(struct plan *p, struct stack_st_X509 *all, struct error *err)
{
	X509 *x;
	int i;

	p->bundle = sk_X509_new_null();
	if (p->bundle == NULL)
		return crypto_failed(err, ERR_NOMEM, "certificates");
	for (i = 0; i < sk_X509_num(all); i++) {
		x = sk_X509_value(all, i);
		if (!is_valid(x, p->r->now))
			p->report->dropped++;
		else if (!contains(p->bundle, x) &&
			 push(p->bundle, x, false, err) != 0)
			return -1;
	}
	return 0;
}

/*
 * Those of ca.crt that count, and the one that signs. Why it does not any more
 * goes into the report; -1 where that is not for us to mend.
 */
static int
read_bundle(struct plan *p, const struct authority_set *have, struct error *err)
{
	AUTO(pem_chain_free) struct stack_st_X509 *all = NULL;
	struct error *why = &p->report->ca_why;

	all = read_authorities(have, why);
	if (all != NULL)
		read_signer(p, have, all, why);
	if (hand_on(why, err) != 0)
		return -1;
	if (p->ca.cert == NULL && !p->r->mend && !p->r->renew_ca)
		return error_set(err, ERR_INVALID,
		    "%s, so nothing can be signed; --now ca makes a new "
		    "authority",
		    why->msg);
	if (p->r->renew_ca)
		error_set(why, ERR_INVALID, "asked for");
	return keep_valid(p, all, err);
}

static int
settle_authority(struct plan *p, struct error *err)
{
	if (p->report->ca_why.code == ERR_NONE)
		return 0;
	identity_clear(&p->ca);
	if (identity_make_ca(&p->ca, p->r->now, p->r->ca_life, err) != 0)
		return -1;
	p->report->new_ca = true;
	return push(p->bundle, p->ca.cert, true, err);
}

/* Whether a client that trusts the bundle takes what is served. */
static int
verify(struct plan *p, struct stack_st_X509 *chain, struct error *why)
{
	AUTO(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *c = X509_STORE_CTX_new();
	int i, ok = store != NULL && c != NULL;

	for (i = 0; ok && i < sk_X509_num(p->bundle); i++)
		ok = X509_STORE_add_cert(store, sk_X509_value(p->bundle, i));
	if (!ok ||
	    X509_STORE_CTX_init(c, store, sk_X509_value(chain, 0), chain) != 1)
		return crypto_failed(why, ERR_NOMEM, "certificates");
	/* As Go does: any certificate that is given to trust is an anchor. */
	X509_STORE_CTX_set_flags(c, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_time(c, 0, (time_t)p->r->now);
	X509_STORE_CTX_set_purpose(c, X509_PURPOSE_SSL_SERVER);
	if (X509_verify_cert(c) == 1)
		return 0;
	if (X509_STORE_CTX_get_error(c) == X509_V_ERR_OUT_OF_MEM ||
	    crypto_ran_out())
		return error_set(why, ERR_NOMEM, "out of memory");
	return error_set(why, ERR_INVALID,
	    "tls.crt was not signed by an authority in ca.crt that is valid");
}

/* What is served, if it works; else the report says why not. */
static int
read_leaf(struct plan *p, const struct authority_set *have, struct error *err)
{
	const struct authority_text *cert = &have->parts[TLS_CRT],
				    *key = &have->parts[TLS_KEY];
	const struct keypair_pem pem = {
	    cert->data, cert->len, key->data, key->len};
	AUTO(pem_chain_free) struct stack_st_X509 *chain = NULL;
	AUTO(keypair_free) struct keypair *pair = NULL;
	struct error *why = &p->report->leaf_why;

	chain = read_chain(have, TLS_CRT, KEYPAIR_CHAIN_MAX, why);
	if (chain != NULL && key->data == NULL)
		error_set(why, ERR_INVALID, "tls.key is not there");
	else if (chain != NULL)
		pair = keypair_new(&pem, p->r->now, why);
	if (chain != NULL && pair == NULL)
		error_wrap(why, "tls.crt, tls.key");
	if (hand_on(why, err) != 0)
		return -1;
	/* They say whom a new one is for, even where this one has ended. */
	if (p->r->nnames == 0 && chain == NULL)
		return error_set(err, ERR_INVALID,
		    "%s: give the names (--dns, --ip)", why->msg);
	if (p->r->nnames == 0 &&
	    names_of(sk_X509_value(chain, 0), &p->names, err) != 0)
		return error_wrap(err, "the names in tls.crt");
	if (pair != NULL && verify(p, chain, why) == 0)
		p->chain = TAKE(chain);
	return hand_on(why, err);
}

static bool
is_signed_by(X509 *leaf, X509 *ca)
{
	const bool is = X509_check_issued(ca, leaf) == X509_V_OK &&
			X509_verify(leaf, X509_get0_pubkey(ca)) == 1;

	ERR_clear_error();
	return is;
}

/* Puts into the report why one that works is to be replaced, if it is. */
static int
judge_leaf(struct plan *p, X509 *leaf, struct error *err)
{
	AUTO(buf_clear) struct buf names = BUF_INIT(NAMES_TEXT_MAX);
	struct error *why = &p->report->leaf_why, none = ERROR_INIT;

	if (names_of(leaf, &names, &none) != 0 && hand_on(&none, err) != 0)
		return -1;
	if (p->r->renew_leaf)
		error_set(why, ERR_INVALID, "asked for");
	else if (!is_signed_by(leaf, p->ca.cert))
		error_set(why, ERR_INVALID, "there is another authority");
	else if (strcmp(buf_text(&names), buf_text(&p->names)) != 0)
		error_set(why, ERR_INVALID, "it is for other names");
	else if (p->r->now >= due(leaf))
		error_set(
		    why, ERR_INVALID, "a third or less of its life is left");
	return 0;
}

/* Whether clients can know the authority that signs. */
static bool
is_known(const struct plan *p)
{
	return !p->r->unpublished &&
	       p->r->now >= born(p->ca.cert) + p->r->overlap;
}

static int
settle_leaf(struct plan *p, struct error *err)
{
	X509 *leaf = sk_X509_value(p->chain, 0); /* NULL: none */
	const int64_t left = not_after(p->ca.cert) - p->r->now;

	if (leaf != NULL) {
		if (judge_leaf(p, leaf, err) != 0)
			return -1;
		if (p->report->leaf_why.code == ERR_NONE)
			return 0;
		if (!is_signed_by(leaf, p->ca.cert) && !is_known(p))
			return 0;
	}
	p->report->new_leaf = true;
	return identity_make_leaf(&p->leaf, &p->ca, p->r->now,
	    p->r->leaf_life < left ? p->r->leaf_life : left,
	    buf_text(&p->names), err);
}

/* Once what is served has been the signing one's for long enough, the others
 * have nothing to say any more. */
static void
drop_authorities(struct plan *p)
{
	X509 *leaf = sk_X509_value(p->chain, 0);
	int i;

	if (leaf == NULL || !is_signed_by(leaf, p->ca.cert) ||
	    p->r->now < born(leaf) + p->r->overlap)
		return;
	for (i = sk_X509_num(p->bundle) - 1; i >= 0; i--)
		if (X509_cmp(sk_X509_value(p->bundle, i), p->ca.cert) != 0) {
			X509_free(sk_X509_delete(p->bundle, i));
			p->report->dropped++;
		}
}

static void
at_the_latest(struct authority_report *report, int64_t t, const char *what)
{
	if (t >= report->next)
		return;
	report->next = t;
	report->next_what = what;
}

static void
look_ahead(struct plan *p)
{
	struct authority_report *report = p->report;
	X509 *leaf =
	    report->new_leaf ? p->leaf.cert : sk_X509_value(p->chain, 0);
	const bool waits =
	    !report->new_leaf && report->leaf_why.code != ERR_NONE;

	report->ca_not_after = not_after(p->ca.cert);
	report->leaf_not_after = not_after(leaf);
	report->next = due(p->ca.cert);
	report->next_what = "a new authority";
	if (!is_signed_by(leaf, p->ca.cert) || waits)
		at_the_latest(report, born(p->ca.cert) + p->r->overlap,
		    "a certificate of the new authority");
	else if (sk_X509_num(p->bundle) > 1)
		at_the_latest(report, born(leaf) + p->r->overlap,
		    "dropping the old authority");
	at_the_latest(
	    report, waits ? report->next : due(leaf), "a new certificate");
}

static int
put_text(struct authority_set *next, enum authority_part part, BIO *text,
    bool ok, struct error *err)
{
	char *data = NULL;
	const long len = BIO_get_mem_data(text, &data);

	if (!ok || len <= 0)
		return crypto_failed(err, ERR_INTERNAL, "cannot write PEM");
	return authority_set_put(next, part, data, (size_t)len, err);
}

static int
put_bundle(struct plan *p, struct authority_set *next, struct error *err)
{
	AUTO(BIO_free_all) BIO *out = identity_text(err);
	bool ok = out != NULL;
	int i;

	for (i = 0; ok && i < sk_X509_num(p->bundle); i++)
		ok = identity_write_cert(out, sk_X509_value(p->bundle, i)) == 0;
	return out != NULL ? put_text(next, CA_CRT, out, ok, err) : -1;
}

static int
put_identity(struct authority_set *next, enum authority_part part,
    const struct identity *id, struct error *err)
{
	AUTO(BIO_free_all) BIO *out = identity_text(err);
	bool ok;

	if (out == NULL)
		return -1;
	ok = part == CA_KEY || part == TLS_KEY
		 ? identity_write_key(out, id->key) == 0
		 : identity_write_cert(out, id->cert) == 0;
	return put_text(next, part, out, ok, err);
}

static int
put_all(struct plan *p, const struct authority_set *have,
    struct authority_set *next, struct error *err)
{
	const bool fresh[AUTHORITY_PARTS] = {[CA_KEY] = p->report->new_ca,
	    [TLS_CRT] = p->report->new_leaf,
	    [TLS_KEY] = p->report->new_leaf};
	enum authority_part i;
	int rc = put_bundle(p, next, err);

	for (i = CA_KEY; rc == 0 && i < AUTHORITY_PARTS; i++)
		rc = fresh[i] ? put_identity(next, i,
				    i == CA_KEY ? &p->ca : &p->leaf, err)
			      : authority_set_put(next, i, have->parts[i].data,
				    have->parts[i].len, err);
	return rc;
}

int
authority_plan(const struct authority_set *have,
    const struct authority_request *r, struct authority_set *next,
    struct authority_report *report, struct error *err)
{
	AUTO(plan_clear)
	struct plan p = {
	    .r = r, .report = report, .names = BUF_INIT(NAMES_TEXT_MAX)};
	int rc = -1;

	*report = (struct authority_report){
	    .ca_why = ERROR_INIT, .leaf_why = ERROR_INIT};
	ERR_clear_error(); /* what others left */
	if (check_lives(r, err) == 0 &&
	    (r->nnames == 0 ||
		names_text(r->names, r->nnames, &p.names, err) == 0) &&
	    read_bundle(&p, have, err) == 0 && settle_authority(&p, err) == 0 &&
	    read_leaf(&p, have, err) == 0 && settle_leaf(&p, err) == 0) {
		drop_authorities(&p);
		look_ahead(&p);
		rc = put_all(&p, have, next, err);
	}
	ERR_clear_error(); /* some of it may have worked at the second try */
	if (rc != 0)
		authority_set_clear(next);
	return rc;
}
