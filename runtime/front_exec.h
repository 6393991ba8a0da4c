/*
 * One more program in a machine, for an operator: its standard streams over a
 * WebSocket.  A message's first byte is its channel, and the rest are bytes of
 * it; the numbers are those of the channel protocol of Kubernetes
 * (v5.channel.k8s.io), which is offered under no name.
 */
#ifndef RUNTIME_FRONT_EXEC_H
#define RUNTIME_FRONT_EXEC_H

#include <stddef.h>

enum front_exec_channel {
	FRONT_EXEC_STDIN = 0,
	FRONT_EXEC_STDOUT = 1,
	FRONT_EXEC_STDERR = 2,
	FRONT_EXEC_END = 3, /* last: how it ended, in JSON (record_parts.h) */
	FRONT_EXEC_CLOSE = 255, /* and FRONT_EXEC_STDIN: its end of file */
};

#define FRONT_EXEC_PIECE ((size_t)32 << 10) /* bytes of a message, at most */

#endif
