#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/proto/grpc/health/v1/health.pb-c.h"
#include "messages/proto_message.h"
#include "runtime/grpc_call.h"
#include "runtime/grpc_conn.h"
#include "runtime/grpc_health.h"

#define REQUEST_MAX 1024

typedef Grpc__Health__V1__HealthCheckRequest request;
typedef Grpc__Health__V1__HealthCheckResponse response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving;

#define STATUS(x) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##x

struct grpc_health_watch {
	struct grpc_call *call;
	struct grpc_health_watch *next, **place;
};

/* SERVICE_UNKNOWN: there is no such service. */
static serving
look(const struct grpc_server *s, const char *service)
{
	bool known = service[0] == '\0'; /* the server as a whole */

	for (size_t i = 0; i < s->nservices && !known; i++)
		known = strcmp(s->service[i]->name, service) == 0;
	if (!known)
		return STATUS(SERVICE_UNKNOWN);
	return s->health->ending ? STATUS(NOT_SERVING) : STATUS(SERVING);
}

static void
say(struct grpc_call *c, serving status)
{
	response r = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	buf_auto struct buf b = { 0 };

	r.status = status;
	proto_message_pack(&b, &r.base);
	grpc_call_send(c, buf_text(&b), b.len);
}

/* False: it was malformed, and the call is ended. */
static bool
read_request(struct grpc_call *c, const void *data, size_t len, serving *status)
{
	struct err e;
	request *r = (request *)proto_message_unpack(
	    &grpc__health__v1__health_check_request__descriptor, data, len, &e);

	if (r == NULL) {
		grpc_call_end(c, GRPC_INTERNAL, e.text);
		return false;
	}
	*status = look(grpc_call_server(c), r->service);
	proto_message_free(&r->base);
	return true;
}

static void
check(struct grpc_call *c, const void *data, size_t len)
{
	serving status;

	if (!read_request(c, data, len, &status))
		return;
	if (status == STATUS(SERVICE_UNKNOWN)) {
		grpc_call_end(c, GRPC_NOT_FOUND, "Service not found");
		return;
	}
	say(c, status);
	grpc_call_end(c, GRPC_OK, "");
}

/* ---- those who watch ---- */

static void
end_watch(struct grpc_call *c)
{
	grpc_call_end(c, GRPC_UNAVAILABLE, "the node ends");
}

static void
watch(struct grpc_call *c, const void *data, size_t len)
{
	struct grpc_health *h = grpc_call_server(c)->health;
	struct grpc_health_watch *w;
	serving status;

	if (!read_request(c, data, len, &status))
		return;
	say(c, status);
	if (h->ending) {
		end_watch(c);
		return;
	}
	/* What is offered stays as it is: the next change is the end. */
	w = malloc(sizeof(*w));
	invariant(w != NULL);
	*w = (struct grpc_health_watch){ c, h->watches, &h->watches };
	if (w->next != NULL)
		w->next->place = &w->next;
	h->watches = w;
	grpc_call_set(c, w);
}

static void
over(struct grpc_call *c)
{
	struct grpc_health_watch *w = grpc_call_state(c);

	if (w == NULL)
		return;
	*w->place = w->next;
	if (w->next != NULL)
		w->next->place = w->place;
	free(w);
}

void
grpc_health_end(struct grpc_health *h)
{
	h->ending = true;
	for (struct grpc_health_watch *w = h->watches; w != NULL; w = w->next) {
		say(w->call, STATUS(NOT_SERVING));
		end_watch(w->call);
	}
}

/* Whoever reaches the port may ask: a probe has no token. */
static const struct grpc_method methods[] = {
	{ .name = "Check", .open = true, .max = REQUEST_MAX, .message = check },
	{ .name = "Watch",
	    .open = true,
	    .max = REQUEST_MAX,
	    .message = watch,
	    .over = over },
};

const struct grpc_service grpc_health_service = { "grpc.health.v1.Health",
	methods, nitems(methods) };
