/*
 * CartesiServerManager.ServerManager, and CartesiMachine.MachineCheckIn beside
 * it: what callers want is read here and done by core (session_msgs.h).
 */
#ifndef RUNTIME_GRPC_SESSION_H
#define RUNTIME_GRPC_SESSION_H

#include "runtime/grpc_call.h"

extern const struct grpc_service grpc_session_service, grpc_session_check_in;

#endif
