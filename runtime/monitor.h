/*
 * The monitor's work: it starts the processes of a node, starts again who
 * dies, and ends them.  cellad_main.c says which they are.
 */
#ifndef RUNTIME_MONITOR_H
#define RUNTIME_MONITOR_H

#include <stdint.h>

struct err;
struct store;

struct monitor {
	const char *state_dir, *control;
	const char *policy; /* NULL: the built-in ceiling */
	struct store *store;
	int listen_control;
	int listen_http, listen_https, listen_metrics; /* -1: none */
	int listen_grpc, listen_grpcs; /* one of them, or none */
	const char *grpc;              /* where */
	int sessions;                  /* a directory of cella-files' */
	int session_root;       /* below it, clients' directories; -1: none */
	const char *cert, *key; /* NULL: nobody comes by TLS */
	int listen_front;       /* fronts join there; -1: one is started here */
	const char *front;      /* its path, if it is our own */
	const char *token;
	const char *domain;   /* functions' names are below it; NULL: nowhere */
	int journald;         /* service.h; -1: none */
	uint64_t watchdog_ns; /* how often to tell that we live; 0: never */
};

/* Until a signal ends it; says on standard output where the node listens. */
int monitor_run(const struct monitor *, struct err *);

#endif
