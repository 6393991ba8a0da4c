#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
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
#include "runtime/service.h"

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* A whole number that the variable holds; otherwise if it does not. */
static unsigned long
number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	unsigned long n;
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return otherwise;
	n = strtoul(text, &end, 10);
	return *end == '\0' ? n : otherwise;
}

static int *
find_place(struct service *s, const char *name, size_t len)
{
	struct {
		const char *name;
		int *place;
	} known[] = { { "control", &s->control }, { "front", &s->front },
		{ "http", &s->http } };

	for (size_t i = 0; i < nitems(known); i++)
		if (strlen(known[i].name) == len &&
		    memcmp(name, known[i].name, len) == 0)
			return known[i].place;
	return NULL;
}

static int
take_one(struct service *s, int fd, const char *name, size_t len, struct err *e)
{
	int *place = find_place(s, name, len);
	int on = 0;
	socklen_t size = sizeof(on);

	if (place == NULL || *place != -1)
		return err_set(e, ERR_INVALID,
		    "socket %d of the service manager is called '%.*s', and "
		    "one 'control', one 'front' and one 'http' are known",
		    fd, (int)len, name);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == -1 ||
	    on == 0)
		return err_set(e, ERR_INVALID,
		    "descriptor %d of the service manager does not listen", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, "socket %d of the service manager", fd);
	*place = fd;
	return 0;
}

static int
take_sockets(struct service *s, struct err *e)
{
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long n = number("LISTEN_FDS", 0);
	size_t len;

	if (number("LISTEN_PID", 0) != (unsigned long)getpid())
		return 0;
	for (int fd = FIRST_FD; n > 0; n--, fd++) {
		len = names == NULL ? 0 : strcspn(names, ":");
		if (take_one(s, fd, names == NULL ? "" : names, len, e) == -1)
			return -1;
		names =
		    names != NULL && names[len] == ':' ? names + len + 1 : NULL;
	}
	return 0;
}

int
service_take(struct service *s, struct err *e)
{
	int r;

	*s = (struct service){ .control = -1, .front = -1, .http = -1 };
	r = take_sockets(s, e);
	if (number("WATCHDOG_PID", (unsigned long)getpid()) ==
	    (unsigned long)getpid())
		s->watchdog_ns = number("WATCHDOG_USEC", 0) * 1000 / 2;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	return r;
}

void
service_tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	fd_auto int fd = -1;
	size_t len;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len < 2 || len >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) ==
		-1)
		fprintf(stderr, "cellad: the service manager: %s: %m\n", state);
}

/* "DEVICE:INODE" of the stream. */
static bool
is_journal(const char *stream)
{
	struct stat s;
	char *own;
	bool same;

	if (stream == NULL || fstat(STDERR_FILENO, &s) == -1)
		return false;
	own = str_printf("%ju:%ju", (uintmax_t)s.st_dev, (uintmax_t)s.st_ino);
	same = strcmp(own, stream) == 0;
	free(own);
	return same;
}

int
service_open_journal(void)
{
	const struct sockaddr_un a = { .sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket" };
	fd_auto int fd = -1;

	if (!is_journal(getenv("JOURNAL_STREAM")))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) == -1)
		return -1; /* the files are there */
	return fd_take(&fd);
}
