/*
 * state_hash DIRECTORY [DRIVE]: the manifest on standard output, and on
 * standard error the hash of a machine without inputs that has it
 * (docs/state.md).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/manifest.h"
#include "runtime/session_memory.h"
#include "runtime/state_scan.h"

#define DRIVE UINT64_C(0x4400000)

static int
hash(struct manifest *m, uint64_t drive, struct merkle_hash *out, struct err *e)
{
	static const struct machine_config machine = {
		.range = { [MACHINE_RX] = { 0x60000000, 2 << 20, false },
		    [MACHINE_TX] = { 0x60200000, 2 << 20, false },
		    [MACHINE_METADATA] = { 0x60400000, 4096, false },
		    [MACHINE_VOUCHERS] = { 0x60600000, 2 << 20, false },
		    [MACHINE_NOTICES] = { 0x60800000, 2 << 20, false } }
	};
	struct session_parts parts = { .len = 1 };
	struct session_memory memory = { 0 };

	parts.part[0].address = UINT64_C(1) << 55;
	parts.part[0].log2 = manifest_log2(drive);
	if (manifest_root(m, drive, parts.part[0].log2, &parts.part[0].hash,
		e) == -1)
		return -1;
	session_memory_start(&memory, &machine, NULL, &parts);
	session_memory_hash(&memory, &machine, out);
	session_memory_fini(&memory);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t drive = argc > 2 ? strtoull(argv[2], NULL, 0) : DRIVE;
	struct manifest m = { .len = 0 };
	char text[2 * MERKLE_HASH + 1];
	const struct buf *bytes;
	struct merkle_hash h;
	fd_auto int dir = -1;
	struct err e;
	int r = 1;

	if (argc < 2)
		return 64;
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		err_sys(&e, "%s", argv[1]);
	else if (state_scan(dir, &m, &e) == 0 && hash(&m, drive, &h, &e) == 0)
		r = 0;
	if (r == 0) {
		bytes = manifest_bytes(&m);
		r = fd_write_full(STDOUT_FILENO, bytes->data, bytes->len) == -1;
		str_hex(text, h.byte, sizeof(h.byte));
		fprintf(stderr, "%s\n", text);
	} else {
		fprintf(stderr, "state_hash: %s\n", e.text);
	}
	manifest_fini(&m);
	return r;
}
