/*
 * The front of a node: callers' bytes on one side, core's frames on the other.
 * It has no privilege, no file and no network of its own; what it is given are
 * listening sockets, and for each run the descriptors of that function.
 */
#ifndef RUNTIME_FRONT_H
#define RUNTIME_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "messages/frame_link.h"
#include "messages/front_msgs.h"
#include "runtime/front_rate.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_health.h"

struct front_gate;
struct front_grpc;
struct front_http;
struct front_tls_keys;

#define FRONT_BUCKETS 256
/* What all together can make front keep, beyond a little for each. */
#define FRONT_KEPT_MAX ((size_t)256 << 20)

/* Where a caller came in. */
enum front_kind {
	FRONT_CONTROL, /* whoever is let in may do everything */
	FRONT_HTTP,
	FRONT_HTTPS,
	FRONT_METRICS, /* what a node counts, and nothing else */
	FRONT_GRPC,
	FRONT_GRPCS, /* by TLS */
	FRONT_KINDS,
};

/* Who he is, as far as his connection tells. */
struct front_caller {
	enum front_kind kind;
	struct front_address address;
};

/* Something that core was asked; lives in its owner. */
struct front_question {
	struct front_question *next;
	uint32_t serial; /* 0: not asked */
	/* Descriptors may be taken.  The owner may forget it in here. */
	void (*answered)(void *arg, struct frame *);
	void *arg;
};

struct front_listener {
	struct front *front;
	struct loop_watch watch;
	enum front_kind kind;
};

/* What the monitor says, in one file: the token, then the domain. */
struct front_rules {
	char token[65];
	char domain[254]; /* "": functions have no names (route.h) */
};

/* Those who speak gRPC: front_grpc.h. */
struct front_grpcs {
	struct grpc_server server;
	struct grpc_health health;
	struct front_grpc *conns;
	size_t nconns;
	bool drained;
};

struct front {
	struct loop *loop;
	struct frame_link core;
	struct loop_watch signals;
	uint32_t serial;
	struct front_question *question[FRONT_BUCKETS];
	struct front_listener listener[FRONT_KINDS];
	struct front_http *http;
	struct front_tls_keys *keys; /* NULL: nobody comes by TLS */
	struct front_gate *gates;    /* callers */
	size_t ngates;
	struct front_grpcs grpc;
	size_t ninvocations; /* calls for core */
	size_t kept;         /* bytes beyond what each caller has room for */
	bool ruled;          /* core has said how callers are bound */
	bool full;           /* nobody is let in until somebody leaves */
	struct loop_timer again;
	struct front_rules rules;
	struct front_rate rate;
	uint32_t owner; /* uid that may connect to the control socket */
	bool draining;
	bool leaving; /* callers are told so: front_gate_drain() */
	struct err *why;
	int status;
};

struct front_args {
	int core, signals;
	int listener[FRONT_KINDS];   /* sockets; -1: none */
	struct front_tls_keys *keys; /* taken over */
	struct front_rules rules;
	uint32_t owner;
};

/* Serves until core is gone, or until it is told to drain and is idle. */
int front_serve(const struct front_args *, struct err *);

/* Every answer that carries its serial goes to it until it is forgotten. */
void front_ask(struct front *, struct front_question *, enum front_type,
    const struct buf *, const int *fds, size_t nfds,
    void (*answered)(void *, struct frame *), void *arg);
void front_tell(struct front *, const struct front_question *, enum front_type,
    const struct buf *);
void front_forget(struct front *, struct front_question *);

/* {"error": {"code", "message"}}; the caller frees. */
char *front_error_text(enum err_code, const char *message);

/* A caller, or a request, is gone: it may be time to end. */
void front_is_idle(struct front *);

/* A caller is gone: another may come. */
void front_has_room(struct front *);

#endif
