/*
 * cella-files' work (messages/files_msgs.h): the states of machines that
 * sessions have, each a directory of ours, and the directories that clients
 * name, which are looked up below a root that they cannot leave.
 */
#ifndef RUNTIME_FILES_SERVE_H
#define RUNTIME_FILES_SERVE_H

struct err;

struct files_serve {
	int core;           /* the conversation */
	int sessions;       /* a directory of ours; -1: no session is served */
	int root;           /* below it clients' directories are; -1: none */
	const char *prefix; /* how clients call that root: "" is all */
};

/* Serves until the other side is gone: 0. */
int files_serve(const struct files_serve *, struct err *);

#endif
