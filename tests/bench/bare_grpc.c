/*
 * What front's gRPC is measured against: nghttp2 and epoll, an answer that is
 * always the same, and nothing that a server needs beside.  Prints its port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIELD(n, v)                                                    \
	{                                                              \
		(uint8_t *)(uintptr_t)n, (uint8_t *)(uintptr_t)v,      \
		    sizeof(n) - 1, sizeof(v) - 1, NGHTTP2_NV_FLAG_NONE \
	}

/* grpc.health.v1.HealthCheckResponse: SERVING, with its length in front. */
static const uint8_t answer[] = { 0, 0, 0, 0, 2, 8, 1 };

static ssize_t
read_answer(nghttp2_session *s, int32_t id, uint8_t *out, size_t max,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	static const nghttp2_nv trailer[] = { FIELD("grpc-status", "0") };

	(void)source;
	(void)arg;
	if (max < sizeof(answer))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	memcpy(out, answer, sizeof(answer));
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	nghttp2_submit_trailer(s, id, trailer, 1);
	return sizeof(answer);
}

static int
frame_came(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	static const nghttp2_nv head[] = { FIELD(":status", "200"),
		FIELD("content-type", "application/grpc") };
	const nghttp2_data_provider body = { { 0 }, read_answer };

	(void)arg;
	if (f->hd.type == NGHTTP2_DATA &&
	    (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		nghttp2_submit_response(s, f->hd.stream_id, head, 2, &body);
	return 0;
}

struct connection {
	int fd;
	nghttp2_session *session;
};

static void
open_connection(int epoll, int listener, nghttp2_session_callbacks *callbacks)
{
	static const nghttp2_settings_entry streams = {
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100
	};
	struct connection *c = calloc(1, sizeof(*c));
	struct epoll_event e = { EPOLLIN, { .ptr = c } };
	int on = 1;

	c->fd = accept(listener, NULL, NULL);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	nghttp2_session_server_new(&c->session, callbacks, c);
	nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, &streams, 1);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
}

/* Whoever asks reads what he is told: nothing is kept for later. */
static void
serve(struct connection *c)
{
	static uint8_t in[65536], out[1 << 20];
	ssize_t n = recv(c->fd, in, sizeof(in), 0), m = 0;
	const uint8_t *data;
	size_t len = 0;

	if (n > 0 && nghttp2_session_mem_recv(c->session, in, (size_t)n) >= 0)
		while ((m = nghttp2_session_mem_send(c->session, &data)) > 0) {
			if (len + (size_t)m > sizeof(out))
				exit(1);
			memcpy(out + len, data, (size_t)m);
			len += (size_t)m;
		}
	if (n > 0 && m == 0 &&
	    (len == 0 || send(c->fd, out, len, MSG_NOSIGNAL) == (ssize_t)len))
		return;
	close(c->fd);
	nghttp2_session_del(c->session);
	free(c);
}

int
main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0),
	    epoll = epoll_create1(0);
	struct epoll_event e = { EPOLLIN, { .ptr = NULL } }, ready[64];
	nghttp2_session_callbacks *callbacks;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
	    frame_came);
	if (bind(listener, (struct sockaddr *)&a, len) == -1 ||
	    listen(listener, 128) == -1 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) == -1 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) == -1)
		return 1;
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, ready, 64, -1);

		for (int i = 0; i < n; i++)
			if (ready[i].data.ptr == NULL)
				open_connection(epoll, listener, callbacks);
			else
				serve(ready[i].data.ptr);
	}
}
