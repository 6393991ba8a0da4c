#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
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
