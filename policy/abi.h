/*
 * What the kernel offers and the headers of Debian 12 (Linux 6.1) do not name
 * yet.  Values from the kernel's include/uapi, 6.18.
 */
#ifndef POLICY_ABI_H
#define POLICY_ABI_H

#include <stdint.h>

/* landlock(7); the ABI that brought each right stands beside it. */
#define ABI_LANDLOCK_EXECUTE (1ULL << 0)
#define ABI_LANDLOCK_WRITE_FILE (1ULL << 1)
#define ABI_LANDLOCK_READ_FILE (1ULL << 2)
#define ABI_LANDLOCK_READ_DIR (1ULL << 3)
#define ABI_LANDLOCK_REMOVE_DIR (1ULL << 4)
#define ABI_LANDLOCK_REMOVE_FILE (1ULL << 5)
#define ABI_LANDLOCK_MAKE_CHAR (1ULL << 6)
#define ABI_LANDLOCK_MAKE_DIR (1ULL << 7)
#define ABI_LANDLOCK_MAKE_REG (1ULL << 8)
#define ABI_LANDLOCK_MAKE_SOCK (1ULL << 9)
#define ABI_LANDLOCK_MAKE_FIFO (1ULL << 10)
#define ABI_LANDLOCK_MAKE_BLOCK (1ULL << 11)
#define ABI_LANDLOCK_MAKE_SYM (1ULL << 12)
#define ABI_LANDLOCK_REFER (1ULL << 13)     /* 2 */
#define ABI_LANDLOCK_TRUNCATE (1ULL << 14)  /* 3 */
#define ABI_LANDLOCK_IOCTL_DEV (1ULL << 15) /* 5 */

#define ABI_LANDLOCK_BIND_TCP (1ULL << 0)    /* 4 */
#define ABI_LANDLOCK_CONNECT_TCP (1ULL << 1) /* 4 */

#define ABI_LANDLOCK_SCOPE_ABSTRACT (1ULL << 0) /* 6 */
#define ABI_LANDLOCK_SCOPE_SIGNAL (1ULL << 1)   /* 6 */

#define ABI_LANDLOCK_LOG_NEW_EXEC_ON 2U /* 7: flags of restrict_self */

#define ABI_LANDLOCK_CREATE_RULESET_VERSION 1U
#define ABI_LANDLOCK_RULE_PATH_BENEATH 1

struct abi_landlock_ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* 4 */
	uint64_t scoped;             /* 6 */
};

struct abi_landlock_path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

#endif
