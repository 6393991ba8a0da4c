/* Listening sockets, opened before privilege is given up. */
#ifndef RUNTIME_LISTEN_H
#define RUNTIME_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* "127.0.0.1:4020", "[::1]:4020"; port 0: the kernel chooses.  -1: error. */
int listen_tcp(const char *where, struct err *);

/* Whether it is such a text. */
bool listen_is_address(const char *where);

/* Such a text, or "unix:" and a path. */
#define LISTEN_UNIX "unix:"
bool listen_is_place(const char *where);
int listen_place(const char *where, struct err *);

/* For who comes to one: connected, or -1. */
int listen_connect(const char *where, struct err *);

/* Of a place: whoever reaches it is on this host. */
bool listen_is_local(const char *where);

/* What a person types to reach it: "127.0.0.1:4020", "unix:/run/x.sock". */
#define LISTEN_NAME_MAX 128
void listen_name(int fd, char *out, size_t size);

/*
 * A socket in the file system, SOCK_STREAM or SOCK_SEQPACKET, that only its
 * owner may connect to.  One that a killed process left there is replaced: the
 * caller holds a lock that says that nobody listens on it.
 */
int listen_unix(const char *path, int type, struct err *);

#endif
