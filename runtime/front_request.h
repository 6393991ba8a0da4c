/*
 * A caller's request while it is served: what front_http.c, which owns the
 * library, shares with those who know what is asked.  Replies are queued once;
 * everything before that may wait for more.
 */
#ifndef RUNTIME_FRONT_REQUEST_H
#define RUNTIME_FRONT_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/sha256.h"
#include "runtime/front.h"
#include "runtime/route.h"

struct front_call;
struct front_exec;
struct front_gate;
struct front_http;

struct front_request {
	struct front_http *http;
	struct front *front;
	struct MHD_Connection *connection;
	struct route route;
	bool started, suspended, answered, over;
	bool upgrade; /* it asks for a WebSocket */
	struct front_caller from;
	bool control;                   /* it came by the control socket */
	uint64_t wait_ns;               /* until he may ask again; 0: soon */
	bool gone;                      /* the caller, while we waited */
	struct loop_watch watch;        /* of the caller, while we wait */
	struct front_call *call;        /* a function's */
	struct front_exec *exec;        /* a program's that joins a machine */
	struct front_question question; /* control's */
	struct buf body;                /* of a message; then of the answer */
	bool refused, has_answer;
	bool async;      /* a call that nobody waits for */
	bool busy;       /* front keeps too much for others */
	size_t kept;     /* of its body, as front.kept counts it */
	char *method;    /* of it */
	int result;      /* a file with what came of one; -1 */
	unsigned status; /* of it */
	struct err why;
	char *problems; /* JSON, or NULL */
};

/* ---- front_request.c: for those who serve one ---- */

/* The caller's connection. */
int front_request_fd(const struct front_request *);

/* Nothing more of the caller is read, and nothing sent, until it wakes. */
void front_request_wait(struct front_request *);
void front_request_wake(struct front_request *);

const char *front_request_header(const struct front_request *,
    const char *name);

/* Of the body; -1: chunked. */
long long front_request_length(const struct front_request *);

/* The reply; the response is taken over. */
enum MHD_Result front_request_queue(struct front_request *, unsigned status,
    struct MHD_Response *);
enum MHD_Result front_request_queue_text(struct front_request *,
    unsigned status, const char *type, const char *text);
unsigned front_request_status_of(enum err_code);
enum MHD_Result front_request_queue_error(struct front_request *,
    unsigned status, const struct err *);
enum MHD_Result front_request_fail(struct front_request *, unsigned status,
    enum err_code, const char *text);

/* ---- front_http.c ---- */

/* Where a caller's bytes pass; NULL: a stream's, or nobody is there. */
struct front_gate *front_http_gate(const struct front_http *, int fd);

/* The library is run again, soon. */
void front_http_run_soon(struct front_http *);

/* ---- front_function.c: /vm/ ---- */

void front_function_start(struct front_request *, const char *method);
enum MHD_Result front_function_go_on(struct front_request *, const char *data,
    size_t *len);

/* ---- front_status.c: /status/ ---- */

enum MHD_Result front_status_answer(struct front_request *);

/* ---- front_tunnel.c: WebSockets ---- */

/* The function has agreed: its call is taken over. */
enum MHD_Result front_tunnel_queue(struct front_request *);

/* ---- front_exec.c: programs that join machines ---- */

enum MHD_Result front_exec_start(struct front_request *);
enum MHD_Result front_exec_go_on(struct front_request *);
void front_exec_leave(struct front_exec *);

/* ---- front_async.c: /async/ ---- */

enum MHD_Result front_async_start(struct front_request *, const char *method);
enum MHD_Result front_async_go_on(struct front_request *, const char *data,
    size_t *len);

/* ---- front_key.c ---- */

/* Shows it: never passed on. */
#define FRONT_KEY_HEADER "Cella-Key"

/* Of what the caller shows; "": nothing. */
void front_key_digest(const struct front_request *, char digest[SHA256_HEX]);

/* What an operator asks of them; the answer's text, which the caller frees. */
enum MHD_Result front_key_ask(struct front_request *);
char *front_key_answer(struct front_request *);

/* ---- front_control.c: /control/ ---- */

/* Core answers, as a text or with a refusal: it goes on then. */
void front_control_answered(void *request, struct frame *);

enum MHD_Result front_control_start(struct front_request *, const char *method);
enum MHD_Result front_control_go_on(struct front_request *, const char *data,
    size_t *len);

#endif
