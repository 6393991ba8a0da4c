/*
 * The file systems that machines get, each made as a detached tree: a
 * descriptor, or -1.
 */
#ifndef SANDBOX_MOUNT_FS_H
#define SANDBOX_MOUNT_FS_H

#include <stdint.h>

struct err;
struct mount_apply_owner;

/* attr: MOUNT_ATTR_*; inodes 0: by size; owner NULL: root. */
int mount_fs_tmpfs(uint64_t bytes, uint64_t inodes, uint32_t mode,
    const struct mount_apply_owner *, uint64_t attr, struct err *);

/* An erofs image: read-only, nosuid, nodev. */
int mount_fs_image(int image, const struct mount_apply_owner *, struct err *);

/* An ext4 image, writable: nosuid, nodev, noexec. */
int mount_fs_disk(int image, const struct mount_apply_owner *, struct err *);

/* Two layers, none writable: directories of the caller's own mounts. */
int mount_fs_overlay(const char *lowers, struct err *);

#endif
