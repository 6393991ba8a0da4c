/*
 * The one complete description of a machine, and its form on the wire from
 * core to launcher.  It names no path of the host: what is mounted travels as
 * descriptors beside it, in the order of their indexes.  machine_check() holds
 * every rule about a machine that needs no privilege to know; the launcher
 * calls it again on what it was sent.
 */
#ifndef POLICY_MACHINE_H
#define POLICY_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/grant.h"

struct buf;
struct err;

#define MACHINE_NAME_MAX 65
#define MACHINE_PATH_MAX 257 /* with the final NUL; mounts are 256 at most */
#define MACHINE_MOUNTS_MAX 64

/* The ids every program sees itself under. */
#define MACHINE_UID 1000
#define MACHINE_GID 1000

enum machine_mount_kind {
	MACHINE_IMAGE, /* an erofs image, from a descriptor */
	MACHINE_TREE,  /* a directory of the host, from a descriptor */
	MACHINE_TMPFS, /* sized, empty */
	MACHINE_DISK,  /* an ext4 image that Cella made, writable */
	MACHINE_STATE, /* a directory with a sized, empty layer over it */
};

struct machine_mount {
	uint8_t kind;
	bool writable, executable;
	/* MACHINE_STATE: another may take its place while the machine runs, so
	 * that its target is a symbolic link to where it stands. */
	bool replaced;
	char target[MACHINE_PATH_MAX]; /* clean and absolute */
	/* MACHINE_TMPFS, where 0 inodes is by size; MACHINE_STATE: the layer */
	uint64_t bytes, inodes;
};

/* Controls that a ceiling may call optional; all others are required. */
enum machine_control {
	MACHINE_CGROUP,
	MACHINE_LANDLOCK,
	MACHINE_LANDLOCK_TRUNCATE,
	MACHINE_LANDLOCK_TCP,
	MACHINE_LANDLOCK_IOCTL,
	MACHINE_LANDLOCK_SCOPE,
	MACHINE_LANDLOCK_LOG,
	MACHINE_CORE_SCHED,
	MACHINE_SPECULATION, /* strict: of branches, store bypass */
	MACHINE_IO_MAX,
	MACHINE_CONTROLS,
};
#define MACHINE_CONTROL_BIT(c) (1U << (c))

struct machine {
	char name[MACHINE_NAME_MAX]; /* of its cgroups: [0-9a-z.-] */
	char hostname[MACHINE_NAME_MAX];
	char cwd[MACHINE_PATH_MAX];
	uint8_t tier;      /* enum grant_tier */
	bool channel;      /* descriptors 3 and 4 */
	bool resolver;     /* a socket at its 127.0.0.1:53, for core */
	bool meter;        /* core gets a file that tells its CPU time */
	uint32_t optional; /* bit set: may be missing, then it is reported */
	struct grant grant;
	/*
	 * mount[0] is the root.  The others in the order of their targets, so
	 * that a parent stands before what lies below it.
	 */
	size_t nmounts;
	struct machine_mount mount[MACHINE_MOUNTS_MAX];
};

/* Whether a descriptor for it travels beside the machine. */
bool machine_has_source(const struct machine_mount *);

/* The index of its MACHINE_STATE, of which there is one at most, or 0. */
size_t machine_find_state(const struct machine *);

const char *machine_control_name(enum machine_control);
int machine_control_find(const char *); /* or -1 */

/* The Landlock ABI that brought the control (landlock(7)); 0: not Landlock's.
 */
int machine_control_abi(enum machine_control);

int machine_check(const struct machine *, struct err *);

/*
 * What may stand at a mount's target: the rules for a message's paths and for
 * a machine's are the same ones.
 */
int machine_check_target(const char *target, struct err *);

void machine_put(struct buf *, const struct machine *);

/* Reads and checks; ERR_INVALID names what is wrong. */
int machine_get(struct buf *, struct machine *, struct err *);

#endif
