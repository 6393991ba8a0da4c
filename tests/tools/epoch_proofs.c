/*
 * epoch_proofs INPUTS SEED active|finished: an epoch of a session whose machine
 * does as the seed says, as clients are told of it: the bytes of a
 * GetEpochStatusResponse.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "runtime/session_reply.h"
#include "runtime/session_view.h"
#include "tests/unit/session_fake.h"

static unsigned seed;

static unsigned
any(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static void
put_some(struct fake *f, unsigned count[2])
{
	char payload[300];
	size_t len;

	count[0] = count[1] = 0;
	for (unsigned i = any(8); i > 0; i--) {
		unsigned kind = any(3);

		len = any(4) == 0 ? 0 : any(sizeof(payload));
		for (size_t k = 0; k < len; k++)
			payload[k] = (char)any(256);
		fake_put(f, 3 + kind, payload, len);
		if (kind < 2)
			count[kind]++;
	}
}

int
main(int argc, char **argv)
{
	buf_auto struct buf b = { 0 };
	unsigned n, count[2], version = 0;
	struct told t;
	struct fake f;

	if (argc != 4)
		return 64;
	n = (unsigned)strtoul(argv[1], NULL, 10);
	seed = (unsigned)strtoul(argv[2], NULL, 10);
	fake_open(&f);
	fake_start(&f, "one");
	for (unsigned i = 0; i < n; i++) {
		fake_advance(&f, &t, "one", 0, i, "x");
		put_some(&f, count);
		if (any(4) > 0)
			fake_accept(&f, count[0], count[1], version = any(250));
		else
			fake_skip(&f, any(2) == 0 ? 2 : 6, version);
	}
	if (strcmp(argv[3], "finished") == 0) {
		fake_told(&t, "FinishEpoch");
		session_finish(f.all, "one", 0, n, "", &t.call);
	}
	session_reply_epoch(&b, f.s, session_view_epochs(f.s));
	fake_close(&f);
	return fd_write_full(STDOUT_FILENO, b.data, b.len) == -1;
}
