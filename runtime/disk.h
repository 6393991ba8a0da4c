/*
 * Persistent volumes: an ext4 image of the size that the message asked, made
 * by this node, kept in the store under the owner's address and the volume's
 * name.  One machine at a time has it.
 */
#ifndef RUNTIME_DISK_H
#define RUNTIME_DISK_H

struct aleph_program;
struct aleph_volume;
struct err;
struct store;

/*
 * Its image, locked for as long as the descriptor is open; made if it is not
 * there.  ERR_BUSY if another machine has it; ERR_CONFLICT if it was made with
 * another size.
 */
int disk_open(struct store *, const struct aleph_program *,
    const struct aleph_volume *, struct err *);

#endif
