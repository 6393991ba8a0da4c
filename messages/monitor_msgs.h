/*
 * What the monitor and core say to each other.
 *
 *   monitor                             core
 *                                   <-  READY
 *   FRONT + socket                  ->
 *   DNS + socket                    ->
 *   FETCH + socket                  ->
 *   PREPARER u32 number + 2 sockets ->
 *   TLS + certificate, key           ->
 *   DRAIN                           ->
 *                                   <-  DRAINED
 *                                   <-  STUCK u32 number
 *
 * READY: the ceiling stands, and the journal is open; only then are there
 * callers.  FRONT, DNS, FETCH and PREPARER bring the other end of a process
 * that was just started, and take the place of the one before.  DRAIN: no run
 * is begun any more; DRAINED: none is left.  TLS: front is to take them from
 * now on.  STUCK: that preparer does not end its job, and is to be killed.
 */
#ifndef MESSAGES_MONITOR_MSGS_H
#define MESSAGES_MONITOR_MSGS_H

enum monitor_type {
	MONITOR_READY = 1,
	MONITOR_FRONT,
	MONITOR_DNS,
	MONITOR_FETCH,
	MONITOR_PREPARER,
	MONITOR_DRAIN,
	MONITOR_DRAINED,
	MONITOR_STUCK,
	MONITOR_TLS,
};

#define MONITOR_PREPARERS 2

#endif
