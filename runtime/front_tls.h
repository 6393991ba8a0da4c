/*
 * TLS between a caller and his gate, by GnuTLS: 1.2 and 1.3, a certificate of
 * ours and none of the caller's.  Nothing waits: what cannot be done yet fails
 * with EAGAIN, as recv(2) and send(2) do.
 */
#ifndef RUNTIME_FRONT_TLS_H
#define RUNTIME_FRONT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct front_tls;
struct front_tls_keys;

/* PEM: the certificate with its chain, and its key.  NULL: they are no pair. */
struct front_tls_keys *front_tls_load(const char *cert, size_t cert_len,
    const char *key, size_t key_len, struct err *);

/* The same from two files, which are read to their end. */
struct front_tls_keys *front_tls_read(int cert, int key, struct err *);

/* Connections that have them keep them until they end. */
void front_tls_release(struct front_tls_keys *);

/* fd is borrowed. */
struct front_tls *front_tls_open(struct front_tls_keys *, int fd);
void front_tls_close(struct front_tls *);

/* 0: the caller has said all.  -1 with errno: EAGAIN, or it is over. */
ssize_t front_tls_recv(struct front_tls *, void *, size_t);
ssize_t front_tls_send(struct front_tls *, const void *, size_t);

/* We have said all; once everything was sent. */
void front_tls_bye(struct front_tls *);

/* False: the handshake goes on, in front_tls_recv(). */
bool front_tls_is_ready(const struct front_tls *);

/* It waits for room, though nobody asked it to send. */
bool front_tls_wants_room(const struct front_tls *);

/* It has bytes that no event will tell of. */
bool front_tls_has_more(const struct front_tls *);

#endif
