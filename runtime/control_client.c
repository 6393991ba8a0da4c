#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/control_client.h"
#include "runtime/exchange.h"
#include "runtime/store_open.h"

#define REPLY_MAX (64 << 20)

int
control_client_open(const char *path, const char *store, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char *dir = store_open_path(store);
	char *chosen =
	    path != NULL ? str_dup(path) : str_printf("%s/control.sock", dir);
	fd_auto int fd = -1;
	int r = 0;

	if (!str_copy(a.sun_path, sizeof(a.sun_path), chosen))
		r = err_set(e, ERR_INVALID, "%s: longer than %zu bytes", chosen,
		    sizeof(a.sun_path) - 1);
	if (r == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 ||
		    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1)
			r = err_sys(e, "%s: no node answers", chosen);
	}
	free(dir);
	free(chosen);
	return r == -1 ? -1 : fd_take(&fd);
}

/* Until the reply is whole; x holds it. */
static int
receive(int sock, struct exchange *x, struct err *e)
{
	static char data[64 << 10];
	ssize_t n;

	while (x->phase != EXCHANGE_OVER) {
		n = read(sock, data, sizeof(data));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return err_sys(e, "node");
		if ((n == 0 ? exchange_receive_end(x, e)
			    : exchange_receive(x, data, (size_t)n, e)) == -1)
			return err_in(e, "node");
	}
	return 0;
}

int
control_client_exchange(int sock, const struct exchange_request *r,
    const void *body, size_t len, struct exchange *x, struct err *e)
{
	exchange_start(x, ALEPH_BINARY, EXCHANGE_ONCE, REPLY_MAX, r);
	exchange_send(x, body, len);
	exchange_send_end(x);
	/* A node that refuses early has answered all the same. */
	if (fd_write_full(sock, x->out.data, x->out.len) == -1 &&
	    errno != EPIPE)
		return err_sys(e, "node");
	return receive(sock, x, e);
}

int
control_client_ask(int sock, const char *method, const char *path,
    const void *body, size_t len, struct buf *reply, struct err *e)
{
	static const struct exchange_headers none;
	const struct exchange_request r = { method, path, "", &none,
		(long long)len, false, NULL };
	struct exchange x;
	int status = -1;

	if (control_client_exchange(sock, &r, body, len, &x, e) == 0)
		status = x.status;
	if (status != -1)
		buf_add(reply, x.body.data + x.body.at, x.body.len - x.body.at);
	exchange_fini(&x);
	return status;
}
