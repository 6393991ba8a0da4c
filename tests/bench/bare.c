/*
 * What a front is measured against: libmicrohttpd by itself, on an epoll of
 * ours, answering one thing.  Prints its port.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/epoll.h>

static struct MHD_Response *response;

static enum MHD_Result
handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *len, void **state)
{
	static int begun;

	(void)arg;
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	if (*state == NULL) {
		*state = &begun;
		return MHD_YES;
	}
	*len = 0;
	return MHD_queue_response(c, MHD_HTTP_OK, response);
}

int
main(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN };
	MHD_UNSIGNED_LONG_LONG ms;
	struct MHD_Daemon *d;
	int ours;

	response = MHD_create_response_from_buffer(3, (void *)"ok\n",
	    MHD_RESPMEM_PERSISTENT);
	d = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, NULL,
	    MHD_OPTION_SOCK_ADDR, &here, MHD_OPTION_END);
	ours = epoll_create1(EPOLL_CLOEXEC);
	if (d == NULL || ours == -1 ||
	    epoll_ctl(ours, EPOLL_CTL_ADD,
		MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		&e) == -1)
		return 1;
	printf("%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	for (;;) {
		int wait = MHD_get_timeout(d, &ms) == MHD_YES ? (int)ms : -1;

		epoll_wait(ours, &e, 1, wait);
		MHD_run(d);
	}
}
