/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_HTTP_CLIENTS_H
#define SERVER_HTTP_CLIENTS_H

#include "policy/base/error.h"
#include "policy/base/own.h"

#include <stdbool.h>
#include <stddef.h>

struct MHD_Connection;

/*
 * Who may ask for reviews: those with a certificate of one of these
 * authorities, and where names are given, with one of these names. Immutable;
 * share by reference, from any thread.
 */
struct clients;

enum { CLIENTS_PEM_MAX = 1024 * 1024, CLIENTS_NAMES_MAX = 16 };

/* Names are borrowed, and outlive what is made of them. */
struct clients_options {
	const char *ca_file; /* PEM */
	const char *names[CLIENTS_NAMES_MAX];
	size_t nnames; /* 0: any */
};

/*
 * Returns a new reference, or NULL with *err, which names the file: ERR_SYSTEM
 * (not to be read), ERR_LIMIT, ERR_SYNTAX (no certificate in it, or a broken
 * one), ERR_NOMEM.
 */
struct clients *clients_load(
    const struct clients_options *o, struct error *err);
struct clients *clients_ref(struct clients *c);
void clients_unref(struct clients *c);
OWNED(struct clients, clients_unref)

/* A client is to show its certificate, if it has one. Before the handshake. */
void clients_ask(struct MHD_Connection *conn);

/*
 * Whether the client's certificate is valid now, made for clients (RFC 5280,
 * 4.2.1.12; one that says nothing of its use counts), and one of those above. A
 * name is the subject's common name or one of the DNS names, to the letter.
 */
bool clients_admit(const struct clients *c, struct MHD_Connection *conn);

#endif
