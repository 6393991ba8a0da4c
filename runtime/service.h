/*
 * What a service manager gives a daemon, and hears from it: sockets that it
 * opened (sd_listen_fds(3)), and states (sd_notify(3)).  Without one, nothing.
 */
#ifndef RUNTIME_SERVICE_H
#define RUNTIME_SERVICE_H

#include <stdint.h>

struct err;

struct service {
	int control, front, http; /* listening sockets; -1: not given */
	uint64_t watchdog_ns;     /* how often it wants to hear; 0: never */
};

/*
 * Reads the environment, and takes what it says out of it.  ERR_INVALID: a
 * socket under a name that is none of these, or two of a name.
 */
int service_take(struct service *, struct err *);

/*
 * A socket to the host's journal, if the manager has connected our standard
 * error to that (systemd.exec(5), $JOURNAL_STREAM); else -1.
 */
int service_open_journal(void);

/* "READY=1", "STOPPING=1", "WATCHDOG=1"; nobody listens: nothing. */
void service_tell(const char *state);

#endif
