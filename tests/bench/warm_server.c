/* The least of a function's server: one page, for as long as a connection is
 * kept. */
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

/* 0: it is over. */
static int
serve(int c)
{
	static const char page[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
	char in[4096];
	ssize_t n = read(c, in, sizeof(in));

	if (n <= 0 || write(c, page, sizeof(page) - 1) == -1)
		return 0;
	return memmem(in, (size_t)n, "Connection: close", 17) == NULL;
}

int
main(void)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct pollfd p[CONNECTIONS_MAX] = { { 0 } };
	nfds_t n = 1;

	p[0] = (struct pollfd){ socket(AF_INET, SOCK_STREAM, 0), POLLIN, 0 };
	if (bind(p[0].fd, (const struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(p[0].fd, 128) == -1)
		return 1;
	while (poll(p, n, -1) > 0) {
		for (nfds_t i = n; i-- > 1;)
			if (p[i].revents != 0 && serve(p[i].fd) == 0) {
				close(p[i].fd);
				p[i] = p[--n];
			}
		if (p[0].revents != 0 && n < CONNECTIONS_MAX)
			p[n++] = (struct pollfd){ accept(p[0].fd, NULL, NULL),
				POLLIN, 0 };
	}
	return 0;
}
