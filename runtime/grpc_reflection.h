/*
 * grpc.reflection: what a server offers, for clients that have no files of it.
 * Both versions, which say the same.
 */
#ifndef RUNTIME_GRPC_REFLECTION_H
#define RUNTIME_GRPC_REFLECTION_H

struct grpc_service;

extern const struct grpc_service grpc_reflection_v1, grpc_reflection_v1alpha;

#endif
