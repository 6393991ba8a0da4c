#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/listen.h"

#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static bool
parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long n;

	if (strspn(text, "0123456789") == 0)
		return false;
	n = strtoul(text, &end, 10);
	*port = htons((uint16_t)n);
	return *end == '\0' && n <= 65535;
}

/* Numbers only: a name would mean asking a resolver, as root. */
static socklen_t
parse(const char *where, union address *a)
{
	const char *colon = strrchr(where, ':');
	char host[64];
	size_t n = colon == NULL ? 0 : (size_t)(colon - where);
	in_port_t port;

	memset(a, 0, sizeof(*a));
	if (n == 0 || n >= sizeof(host) || !parse_port(colon + 1, &port))
		return 0;
	memcpy(host, where, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = port;
		return inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1
		    ? sizeof(a->v6)
		    : 0;
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = port;
	return inet_pton(AF_INET, host, &a->v4.sin_addr) == 1 ? sizeof(a->v4)
							      : 0;
}

bool
listen_is_address(const char *where)
{
	union address a;

	return parse(where, &a) != 0;
}

bool
listen_is_place(const char *where)
{
	static const size_t n = sizeof(LISTEN_UNIX) - 1;

	return strncmp(where, LISTEN_UNIX, n) == 0 ? where[n] == '/'
						   : listen_is_address(where);
}

int
listen_place(const char *where, struct err *e)
{
	static const size_t n = sizeof(LISTEN_UNIX) - 1;

	return strncmp(where, LISTEN_UNIX, n) == 0
	    ? listen_unix(where + n, SOCK_STREAM, e)
	    : listen_tcp(where, e);
}

int
listen_connect(const char *where, struct err *e)
{
	static const size_t n = sizeof(LISTEN_UNIX) - 1;
	union address a = { .any.sa_family = AF_UNSPEC };
	fd_auto int fd = -1;
	socklen_t len;

	if (strncmp(where, LISTEN_UNIX, n) == 0) {
		a.local.sun_family = AF_UNIX;
		len = str_copy(a.local.sun_path, sizeof(a.local.sun_path),
			  where + n)
		    ? sizeof(a.local)
		    : 0;
	} else {
		len = parse(where, &a);
	}
	if (len == 0)
		return err_set(e, ERR_INVALID,
		    "%s: not an address of numbers and a port, nor unix: and a "
		    "path",
		    where);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, &a.any, len) == -1)
		return err_sys(e, "%s: no node answers", where);
	return fd_take(&fd);
}

bool
listen_is_local(const char *where)
{
	union address a;

	if (parse(where, &a) == 0)
		return true;
	return a.any.sa_family == AF_INET6
	    ? IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr)
	    : ntohl(a.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int
listen_tcp(const char *where, struct err *e)
{
	static const int on = 1;
	union address a;
	socklen_t len = parse(where, &a);
	fd_auto int fd = -1;

	if (len == 0)
		return err_set(e, ERR_INVALID,
		    "%s: not an address and a port, as in 127.0.0.1:4020",
		    where);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (a.any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    -1) ||
	    bind(fd, &a.any, len) == -1 || listen(fd, BACKLOG) == -1)
		return err_sys(e, "listen on %s", where);
	return fd_take(&fd);
}

void
listen_name(int fd, char *out, size_t size)
{
	union address a;
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN] = "?";

	memset(&a, 0, sizeof(a));
	(void)getsockname(fd, &a.any, &len);
	if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(a.v6.sin6_port));
	} else if (a.any.sa_family == AF_UNIX) {
		snprintf(out, size, LISTEN_UNIX "%s", a.local.sun_path);
	} else {
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(a.v4.sin_port));
	}
}

int
listen_unix(const char *path, int type, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	fd_auto int fd = -1;
	struct stat s;
	mode_t old;
	int r;

	if (!str_copy(a.sun_path, sizeof(a.sun_path), path))
		return err_set(e, ERR_INVALID, "%s: longer than %zu bytes",
		    path, sizeof(a.sun_path) - 1);
	if (lstat(path, &s) == 0 && !S_ISSOCK(s.st_mode))
		return err_set(e, ERR_CONFLICT, "%s: it is no socket", path);
	if (unlink(path) == -1 && errno != ENOENT)
		return err_sys(e, "%s", path);
	fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r == -1 || listen(fd, BACKLOG) == -1)
		return err_sys(e, "listen on %s", path);
	return fd_take(&fd);
}
