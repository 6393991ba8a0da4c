/*
 * What a machine of sessions is beside its message and its state: where in its
 * memory inputs and outputs are, and how it waits.  As a person writes it, and
 * as clients read it (MachineConfig of messages/proto/cartesi-machine.proto).
 * Pure.
 */
#ifndef MESSAGES_MACHINE_CONFIG_H
#define MESSAGES_MACHINE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct problems;
struct value;

enum machine_range {
	MACHINE_TX,
	MACHINE_RX,
	MACHINE_METADATA,
	MACHINE_VOUCHERS,
	MACHINE_NOTICES,
	MACHINE_RANGES,
};

#define MACHINE_CONFIG_DRIVE (UINT64_C(1) << 55) /* where its state is told */
#define MACHINE_CONFIG_DRIVE_LENGTH UINT64_C(0x4400000)
#define MACHINE_CONFIG_RAM_LENGTH UINT64_C(0x4000000)

struct machine_config {
	bool yield_manual, yield_automatic, console_getchar;
	bool has_rollup;
	struct {
		uint64_t start, length;
		bool shared;
	} range[MACHINE_RANGES];
	uint64_t ram_length;
	uint64_t drive_length; /* at MACHINE_CONFIG_DRIVE */
};

/* One that sessions take. */
void machine_config_default(struct machine_config *);

/*
 * A person's document, over what stands there: maps htif, rollup (or false:
 * there is none), ram and flash_drive, with the names of the messages.  Numbers
 * may be texts that begin with 0x.  What sessions refuse can be written. False:
 * problems say what cannot be at all.
 */
bool machine_config_read(struct machine_config *, const struct value *,
    struct problems *);

/* As a MachineConfig: adds its bytes. */
void machine_config_put(struct buf *, const struct machine_config *);

/* From one.  ERR_INVALID: it is none. */
int machine_config_get(struct machine_config *, const void *, size_t,
    struct err *);

#endif
