/* The least of a function's server: one page, one connection at a time. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
main(void)
{
	static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"
				   "Connection: close\r\n\r\nok\n";
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(8080),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0), c;
	char in[4096];

	if (bind(s, (const struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(s, 128) == -1)
		return 1;
	while ((c = accept(s, NULL, NULL)) != -1) {
		if (read(c, in, sizeof(in)) > 0 &&
		    write(c, page, strlen(page)) == -1)
			return 1;
		close(c);
	}
	return 0;
}
