/* Hearing that something in a directory was written to, or came: inotify(7). */
#ifndef RUNTIME_DIR_WATCH_H
#define RUNTIME_DIR_WATCH_H

struct err;

/* From now on.  A descriptor, or -1. */
int dir_watch_open(int dir, struct err *);

/* Until something has happened since the last time, or a signal came. */
int dir_watch_wait(int watch, struct err *);

#endif
