/*
 * What the monitor and core say to each other.
 *
 *   monitor                             core
 *                                   <-  READY
 *   FRONT + socket                  ->
 *   DNS + socket                    ->
 *   FETCH + socket                  ->
 *   FILES + socket                  ->
 *   PREPARER u32 number + 2 sockets ->
 *   TLS + certificate, key           ->
 *   DRAIN                           ->
 *                                   <-  DRAINED
 *                                   <-  STUCK u32 number
 *
 * READY: the ceiling stands, and the journal is open; only then are there
 * callers.  FRONT, DNS, FETCH, FILES and PREPARER bring the other end of a
 * process that was just started, and take the place of the one before.  DRAIN:
 * no run is begun any more; DRAINED: none is left.  TLS: front is to take them
 * from now on.  STUCK: that preparer does not end its job, and is to be killed.
 *
 * A front that somebody else starts (cellad --front) connects to the monitor
 * and gets all that a front of the monitor's own finds at its start, in one
 * frame; then the connection has no more use.
 *
 *   monitor                             front
 *   PLACE u32 which + descriptors   ->
 *
 * which: a bit for each descriptor of enum monitor_front, in order.
 */
#ifndef MESSAGES_MONITOR_MSGS_H
#define MESSAGES_MONITOR_MSGS_H

enum monitor_type {
	MONITOR_READY = 1,
	MONITOR_FRONT,
	MONITOR_DNS,
	MONITOR_FETCH,
	MONITOR_FILES,
	MONITOR_PREPARER,
	MONITOR_DRAIN,
	MONITOR_DRAINED,
	MONITOR_STUCK,
	MONITOR_TLS,
	MONITOR_PLACE,
};

/* From descriptor 3 on; the first three are always there. */
enum monitor_front {
	MONITOR_FRONT_CORE,
	MONITOR_FRONT_EMPTY, /* a directory */
	MONITOR_FRONT_RULES, /* front.h */
	MONITOR_FRONT_CONTROL,
	MONITOR_FRONT_HTTP,
	MONITOR_FRONT_HTTPS,
	MONITOR_FRONT_METRICS,
	MONITOR_FRONT_GRPC,
	MONITOR_FRONT_GRPCS,
	MONITOR_FRONT_CERT,
	MONITOR_FRONT_KEY,
	MONITOR_FRONT_FDS,
};

#define MONITOR_PREPARERS 2

#endif
