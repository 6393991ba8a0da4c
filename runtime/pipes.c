#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "policy/machine.h"
#include "runtime/pipes.h"

int
pipes_make(int *reads, int *writes, bool ours_reads, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return err_sys(e, "pipe");
	*reads = p[0];
	*writes = p[1];
	/* The machine's id is another: it may open /dev/stdin all the same. */
	if (fchmod(p[0], 0666) == 0 &&
	    fcntl(p[ours_reads ? 0 : 1], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	err_sys(e, "pipe");
	fd_close(reads);
	fd_close(writes);
	return -1;
}

/* Not /dev/null: who asks may have no file system around it. */
int
pipes_nothing(struct err *e)
{
	fd_auto int writes = -1;
	int reads;

	return pipes_make(&reads, &writes, false, e) == -1 ? -1 : reads;
}

void
pipes_close_ends(struct pipes_ends *t)
{
	fd_close(&t->in);
	fd_close(&t->out);
	fd_close(&t->err);
	fd_close(&t->channel_in);
	fd_close(&t->channel_out);
}

size_t
pipes_list(const struct pipes_ends *t, int args, const struct machine *m,
    const int *source, int *fds)
{
	size_t n = 0;

	fds[n++] = t->in;
	fds[n++] = t->out;
	fds[n++] = t->err;
	fds[n++] = args;
	if (t->channel_in != -1) {
		fds[n++] = t->channel_in;
		fds[n++] = t->channel_out;
	}
	for (size_t i = 0; i < m->nmounts; i++)
		if (machine_has_source(&m->mount[i]))
			fds[n++] = source[i];
	return n;
}
