#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/frame.h"
#include "messages/monitor_msgs.h"
#include "runtime/front_join.h"
#include "runtime/spawn.h"

#define ALWAYS 3 /* descriptors */

static int
connect_to(const char *path, uint32_t *owner, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t len = sizeof(peer);
	fd_auto int fd = -1;

	if (!str_copy(a.sun_path, sizeof(a.sun_path), path))
		return err_set(e, ERR_INVALID, "%s: longer than %zu bytes",
		    path, sizeof(a.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1)
		return err_sys(e, "%s", path);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return err_sys(e, "%s: peer", path);
	if (peer.uid != 0 && peer.uid != geteuid())
		return err_set(e, ERR_DENIED, "%s: uid %u's, which is no node",
		    path, peer.uid);
	*owner = peer.uid;
	return fd_take(&fd);
}

static int
place(const struct frame *f, uint32_t which, struct err *e)
{
	int fds[MONITOR_FRONT_FDS];
	size_t n = 0;

	for (unsigned i = 0; i < MONITOR_FRONT_FDS; i++) {
		fds[i] = -1;
		if ((which & 1U << i) != 0 && n < f->nfds)
			fds[i] = f->fds[n++];
		if (i < ALWAYS && fds[i] == -1)
			return err_set(e, ERR_INVALID,
			    "the node gives less than a front needs");
	}
	return spawn_place(fds, MONITOR_FRONT_FDS) == -1
	    ? err_sys(e, "descriptors")
	    : 0;
}

int
front_join(const char *path, uint32_t *owner, struct err *e)
{
	static struct frame f;
	fd_auto int sock = connect_to(path, owner, e);
	uint32_t which;
	int r;

	if (sock == -1)
		return -1;
	r = frame_recv(sock, &f, e);
	if (r == 0)
		return err_set(e, ERR_SYSTEM, "%s: the node has ended", path);
	if (r == -1)
		return -1;
	which = buf_get_u32(&f.body);
	if (f.type != MONITOR_PLACE || !buf_ok(&f.body))
		r = err_set(e, ERR_INVALID, "%s: malformed frame", path);
	else
		r = place(&f, which, e);
	/* The frame's own descriptors are closed, or somebody else's now. */
	if (r == 0) {
		sock = -1;
		f.nfds = 0;
	}
	frame_fini(&f);
	return r;
}
