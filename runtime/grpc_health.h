/* grpc.health.v1.Health: whether a server and what it offers are served. */
#ifndef RUNTIME_GRPC_HEALTH_H
#define RUNTIME_GRPC_HEALTH_H

#include <stdbool.h>

struct grpc_health_watch;
struct grpc_service;

/* Of one server; zero at first. */
struct grpc_health {
	bool ending;
	struct grpc_health_watch *watches;
};

extern const struct grpc_service grpc_health_service;

/* Not served any more: whoever watches is told, and let go. */
void grpc_health_end(struct grpc_health *);

#endif
