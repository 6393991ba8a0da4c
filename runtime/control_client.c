#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/websocket.h"
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

/* Until the reply is whole, or its tunnel begins; x holds it. */
static int
receive(int sock, struct exchange *x, struct err *e)
{
	static char data[64 << 10];
	ssize_t n;

	while (x->phase != EXCHANGE_OVER && x->phase != EXCHANGE_TUNNEL) {
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

static int
check_accept(const struct exchange *x, const char *key, struct err *e)
{
	char accept[WEBSOCKET_ACCEPT];

	websocket_accept(key, accept);
	for (size_t i = 0; i < x->headers.len; i++)
		if (strcasecmp(x->headers.item[i].name,
			"Sec-WebSocket-Accept") == 0 &&
		    strcmp(x->headers.item[i].text, accept) == 0)
			return 0;
	return err_set(e, ERR_SYSTEM,
	    "node: its answer to the handshake is not that of a WebSocket");
}

int
control_client_upgrade(int sock, const char *path, struct exchange *x,
    struct err *e)
{
	struct exchange_headers headers = { 0 };
	const struct exchange_request r = { "GET", path, "", &headers, 0, true,
		NULL };
	char key[WEBSOCKET_KEY];
	uint8_t random[16];
	int status;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(e, "getrandom");
	websocket_key(random, key);
	(void)exchange_headers_add(&headers, "Sec-WebSocket-Version", 21, "13",
	    2);
	(void)exchange_headers_add(&headers, "Sec-WebSocket-Key", 17, key,
	    strlen(key));
	status = control_client_exchange(sock, &r, NULL, 0, x, e);
	exchange_headers_fini(&headers);
	if (status == 0 && x->phase == EXCHANGE_TUNNEL)
		status = check_accept(x, key, e);
	return status;
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
