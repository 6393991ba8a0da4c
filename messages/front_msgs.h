/*
 * What front and core say to each other.  Front reads what callers send and
 * decides nothing; core decides and reads no byte of a caller's.
 *
 *   front                               core
 *   TRIGGER hash, key, u64 job, u8 next ->
 *                                   <-  ADMITTED run + descriptors, or REFUSED
 *   LEFT facts (+ connection)       ->
 *                                   <-  ENDED verdict, cause, code
 *   PUBLISH or EVENT + message; QUERY u8 what; STOP run; INSPECT run or hash;
 *   KEY u8 what, ...; ASYNC name, key, url, call + body; CALLED name ->
 *                                   <-  PART..., DONE (+ result), or REFUSED
 *   EXEC run or hash, u8 token, u32 n, n texts ->
 *                                   <-  JOINED + in, out, err; or REFUSED
 *   SESSION, SESSION_LEFT           <-> SESSION_DONE: session_msgs.h
 *                                   <-  INVOKE u64 job, call + body
 *   INVOKED what came of it (+ body)->
 *                                   <-  RULES u32 rate; TLS + certificate, key
 *
 * PARTs and DONE are one JSON text.  RULES comes first: calls a minute of an
 * address.  A key is the SHA-256 of what the caller showed, or "".  INVOKE
 * asks front to call a function for core, by a TRIGGER with that job, and to
 * say what came of it.  Its serial is core's; a body is a sealed file.
 *
 * Front chooses the other serials; each answer carries its request's.
 * ADMITTED's descriptors are the function's own: of exec its standard input
 * (written) and output (read), of asgi the channel (written, read), or, of all
 * that have one, a socket connected to its server; next: one that served before
 * will do, and LEFT gives it back.  LEFT: front needs the machine no longer,
 * and what still runs is ended.  It goes once for each ADMITTED, and closes the
 * run's record; ENDED comes once too, before or after it, and nothing after it.
 * EXEC is one more program in a machine (token: by it); so is it for JOINED.
 */
#ifndef MESSAGES_FRONT_MSGS_H
#define MESSAGES_FRONT_MSGS_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;

enum front_type {
	FRONT_TRIGGER = 1,
	FRONT_ADMITTED,
	FRONT_REFUSED,
	FRONT_LEFT,
	FRONT_ENDED,
	FRONT_PUBLISH,
	FRONT_QUERY,
	FRONT_PART,
	FRONT_DONE,
	FRONT_EVENT,
	FRONT_ASYNC,
	FRONT_CALLED,
	FRONT_INVOKE,
	FRONT_INVOKED,
	FRONT_TLS,
	FRONT_STOP,
	FRONT_KEY,
	FRONT_INSPECT,
	FRONT_RULES,
	FRONT_EXEC,
	FRONT_JOINED,
	FRONT_SESSION,
	FRONT_SESSION_DONE,
	FRONT_SESSION_LEFT,
};

#define FRONT_ARGS_MAX 256 /* texts of an EXEC */
enum front_query {         /* what is published, what runs now */
	FRONT_QUERY_FUNCTIONS,
	FRONT_QUERY_RUNS,
	FRONT_QUERY_CRON,       /* functions with on.cron, and when */
	FRONT_QUERY_JOBS,       /* calls that nobody waits for */
	FRONT_QUERY_METRICS,    /* a text, and not JSON */
	FRONT_QUERY_KEYS,       /* of functions that not everybody may call */
	FRONT_QUERY_EXECUTIONS, /* what runs, and how much the host has */
	FRONT_QUERY_USAGE,
	FRONT_QUERY_AUDIT, /* the last record of the audit log */
	FRONT_QUERIES,
};

/* Hash, digest, name, u32 rate; u64 number; hash. */
enum front_key { FRONT_KEY_ADD, FRONT_KEY_REVOKE, FRONT_KEY_OPEN, FRONT_KEYS };

struct front_admitted {
	uint8_t interface;   /* enum aleph_interface */
	uint64_t body_limit; /* bytes of a request's and of a reply's body */
	uint8_t life;        /* enum exchange_life, of a connection */
};

struct front_ended {   /* as the launcher told it */
	uint8_t cause; /* enum launch_cause */
	uint8_t end;   /* enum launch_end */
	uint32_t code;
	bool oom;
};

/* FRONT_LEFT: what came of it, as far as front saw. */
struct front_left {
	bool complete;                /* the reply is whole */
	uint32_t status;              /* of HTTP; 0: none */
	uint64_t bytes_in, bytes_out; /* of the bodies */
};

void front_msgs_put_left(struct buf *, const struct front_left *);
void front_msgs_get_left(struct buf *, struct front_left *);
void front_msgs_put_admitted(struct buf *, const struct front_admitted *);
void front_msgs_get_admitted(struct buf *, struct front_admitted *);
void front_msgs_put_ended(struct buf *, const struct front_ended *);
void front_msgs_get_ended(struct buf *, struct front_ended *);

/*
 * A call that front makes for core, and that an asynchronous caller leaves with
 * it.  Headers are pairs of texts, name and value in turn.
 */
#define FRONT_CALL_MAX (32 << 10) /* bytes of one, encoded */
#define FRONT_BODY_MAX (10 << 20) /* of its body, and of the reply's */
#define FRONT_HEADERS_MAX 100
#define FRONT_CALL_ID 129 /* an asynchronous call's name, and a NUL */
struct front_invoke {
	const char *event; /* "aleph.message": for who has scopes; or "" */
	const char *hash, *method, *path, *query;
	size_t nheaders;
	const char *name[FRONT_HEADERS_MAX], *text[FRONT_HEADERS_MAX];
	char *room; /* of a reader's strings; he frees it, also on failure */
};
void front_msgs_put_invoke(struct buf *, const struct front_invoke *);
void front_msgs_get_invoke(struct buf *, struct front_invoke *);

/* FRONT_INVOKED. */
struct front_invoked {
	bool called; /* there is a reply; else the error says why not */
	uint32_t status;
	bool truncated; /* to FRONT_BODY_MAX */
};
void front_msgs_put_invoked(struct buf *, const struct front_invoked *,
    const struct err *why);
void front_msgs_get_invoked(struct buf *, struct front_invoked *,
    struct err *why);

/* FRONT_REFUSED; problems: JSON text, or NULL for none. */
void front_msgs_put_refused(struct buf *, const struct err *,
    const char *problems);
#define FRONT_PROBLEMS_MAX (64 << 10)
void front_msgs_get_refused(struct buf *, struct err *,
    char problems[FRONT_PROBLEMS_MAX]);

#endif
