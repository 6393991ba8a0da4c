/* The network of a machine that has none, or only itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

static void
links(char **argv)
{
	char line[512], name[64];
	FILE *f = fopen("/proc/net/dev", "r");

	(void)argv;
	for (int n = 0; f != NULL && fgets(line, sizeof(line), f) != NULL; n++)
		if (n >= 2 && sscanf(line, " %63[^:]", name) == 1)
			printf("link: %s\n", name);
	if (f == NULL)
		say("/proc/net/dev", -1);
}

/* argv: addresses and a port to reach each at. */
static void
reach(char **argv)
{
	unsigned port = (unsigned)atoi(argv[0]);
	char data[256];

	for (char **a = argv + 1; *a != NULL; a++) {
		struct sockaddr_in to = { .sin_family = AF_INET,
			.sin_port = htons((uint16_t)port) };
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		ssize_t n;

		inet_pton(AF_INET, *a, &to.sin_addr);
		say(*a,
		    fd == -1 ? -1
			     : connect(fd, (struct sockaddr *)&to, sizeof(to)));
		n = fd == -1 ? -1 : recv(fd, data, sizeof(data), MSG_DONTWAIT);
		if (n > 0)
			(void)!write(1, data, (size_t)n);
		close(fd);
	}
}

/* "tcp/203.0.113.10/80": a socket on its way there, or -1. */
static int
set_out(char *target)
{
	char *addr = strchr(target, '/') + 1, *port = strchr(addr, '/');
	bool tcp = strncmp(target, "tcp", 3) == 0;
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	bool v6;
	int fd;

	*port = '\0';
	v6 = inet_pton(AF_INET6, addr, &to6.sin6_addr) == 1;
	(void)inet_pton(AF_INET, addr, &to.sin_addr);
	*port = '/';
	to.sin_port = to6.sin6_port = htons((uint16_t)atoi(port + 1));
	fd = socket(v6 ? AF_INET6 : AF_INET,
	    (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	if ((v6 ? connect(fd, (struct sockaddr *)&to6, sizeof(to6))
		: connect(fd, (struct sockaddr *)&to, sizeof(to))) == -1 &&
	    errno != EINPROGRESS) {
		say(target, -1);
		close(fd);
		return -1;
	}
	if (!tcp)
		(void)!write(fd, "?", 1);
	return fd;
}

/* argv: milliseconds, then targets, all tried at once. */
static void
way_out(char **argv)
{
	int wait = atoi(argv[0]), n = 0, left = 0;
	struct pollfd p[64];
	char data[128];
	ssize_t got;

	for (char **a = argv + 1; *a != NULL && n < 64; a++, n++) {
		p[n] = (struct pollfd){ set_out(*a), POLLIN, 0 };
		left += p[n].fd != -1;
	}
	/* What answers, answers at once: one wait for the silent ones. */
	while (left > 0 && poll(p, (nfds_t)n, wait) > 0)
		for (int i = 0; i < n; i++) {
			if (p[i].fd == -1 || p[i].revents == 0)
				continue;
			got = read(p[i].fd, data, sizeof(data));
			if (got > 0)
				printf("%s: %.*s", argv[1 + i], (int)got, data);
			else
				say(argv[1 + i], -1);
			fflush(stdout);
			close(p[i].fd);
			p[i].fd = -1;
			left--;
		}
	for (int i = 0; i < n; i++)
		if (p[i].fd != -1)
			printf("%s: silence\n", argv[1 + i]);
}

/* Asks the resolver for four kinds of records of each name; argv: names. */
static void
names(char **argv)
{
	static const uint8_t head[12] = { 0x12, 0x34, 1, 0, 0, 1 };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(53),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const uint8_t types[] = { 1, 28, 16, 65 };
	uint8_t m[600];
	char text[INET6_ADDRSTRLEN];

	for (char **a = argv; *a != NULL; a++)
		for (size_t t = 0; t < sizeof(types); t++) {
			struct timeval wait = { 9, 0 };
			int fd = socket(AF_INET, SOCK_DGRAM, 0);
			size_t at = sizeof(head), q;
			ssize_t n;

			memcpy(m, head, sizeof(head));
			for (char *l = *a, *dot; *l != '\0';
			     l = *dot == '.' ? dot + 1 : dot) {
				dot = strchrnul(l, '.');
				m[at++] = (uint8_t)(dot - l);
				memcpy(m + at, l, (size_t)(dot - l));
				at += (size_t)(dot - l);
			}
			memcpy(m + at, "\0\0\1\0\1", 5);
			m[at + 2] = types[t];
			q = at + 5;
			(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
			    sizeof(wait));
			(void)connect(fd, (struct sockaddr *)&to, sizeof(to));
			(void)!write(fd, m, q);
			n = read(fd, m, sizeof(m));
			close(fd);
			printf("%s %d:", *a, types[t]);
			if (n < (ssize_t)q) {
				printf(" %s\n", n == -1 ? "silence" : "short");
				continue;
			}
			printf(" code %d", m[3] & 15);
			for (at = q; at + 12 <= (size_t)n;
			     at += 12U + m[at + 11])
				printf(" %s",
				    inet_ntop(m[at + 11] == 4 ? AF_INET
							      : AF_INET6,
					m + at + 12, text, sizeof(text)));
			printf("\n");
		}
}

/* argv: address, port, how many: as many connections as it lets us hold. */
static void
connect_flood(char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])) };
	int want = atoi(argv[2]), held = 0, sys;
	static struct pollfd p[512];
	socklen_t len = sizeof(sys);

	inet_pton(AF_INET, argv[0], &to.sin_addr);
	for (int i = 0; i < want && i < 512; i++) {
		p[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		p[i].events = POLLOUT;
		(void)connect(p[i].fd, (struct sockaddr *)&to, sizeof(to));
	}
	/* Until no more of them gets through for a while. */
	for (int before = -1; held != before;) {
		before = held;
		held = 0;
		(void)poll(NULL, 0, 700);
		(void)poll(p, (nfds_t)want, 0);
		for (int i = 0; i < want; i++)
			held += (p[i].revents & POLLOUT) != 0 &&
			    getsockopt(p[i].fd, SOL_SOCKET, SO_ERROR, &sys,
				&len) == 0 &&
			    sys == 0;
	}
	printf("holding %d\n", held);
	fflush(stdout);
	sleep(15);
}

/* argv: a link; what whoever may change networks could do to it. */
static void
change_link(char **argv)
{
	struct ifreq r = { .ifr_flags = 0 };
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
	struct rtentry route = { .rt_flags = RTF_UP };
	struct arpreq arp = { .arp_flags = ATF_PERM | ATF_COM };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strncpy(r.ifr_name, argv[0], IFNAMSIZ - 1);
	say("flags", ioctl(fd, SIOCSIFFLAGS, &r));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(0x0a000001);
	say("address", ioctl(fd, SIOCSIFADDR, &r));
	route.rt_dst.sa_family = route.rt_gateway.sa_family = AF_INET;
	say("route", ioctl(fd, SIOCADDRT, &route));
	((struct sockaddr_in *)&arp.arp_pa)->sin_family = AF_INET;
	say("neighbour", ioctl(fd, SIOCSARP, &arp));
	say("name", ioctl(fd, SIOCSIFNAME, &r));
}

/*
 * The cookie of our network (socket(7), SO_NETNS_COOKIE), and traffic on its
 * loopback; argv: udp, udp6, tcp, or nothing.
 */
static void
leave_in_network(char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(9) };
	bool tcp = strcmp(argv[0], "tcp") == 0;
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), s, c;

	(void)getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	printf("cookie: %llu\n", (unsigned long long)cookie);
	if (strcmp(argv[0], "udp6") == 0) {
		s = socket(AF_INET6, SOCK_DGRAM, 0);
		(void)!sendto(s, "x", 1, 0, (struct sockaddr *)&at6,
		    sizeof(at6));
	} else if (strcmp(argv[0], "udp") == 0 || tcp) {
		s = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
		(void)bind(s, (struct sockaddr *)&at, sizeof(at));
		len = sizeof(at);
		(void)getsockname(s, (struct sockaddr *)&at, &len);
		(void)listen(s, 1);
		c = socket(AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
		(void)connect(c, (struct sockaddr *)&at, sizeof(at));
		(void)!write(c, "x", 1);
	}
}

static void
raw(char **argv)
{
	(void)argv;
	say("packet", socket(17, SOCK_RAW, 0x0300));
	say("raw", socket(AF_INET, SOCK_RAW, 255));
	say("icmp", socket(AF_INET, SOCK_DGRAM, 1));
	say("raw6", socket(AF_INET6, SOCK_RAW, 58));
	say("netlink", socket(16, SOCK_RAW, 0));
	say("vsock", socket(40, SOCK_STREAM, 0));
	say("alg", socket(38, SOCK_SEQPACKET, 0));
}

/* Server and client of its own. */
static void
own_loopback(char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM, 0), c;

	(void)argv;
	say("bind", bind(s, (struct sockaddr *)&at, sizeof(at)));
	say("listen", listen(s, 1));
	getsockname(s, (struct sockaddr *)&at, &len);
	c = socket(AF_INET, SOCK_STREAM, 0);
	say("connect", connect(c, (struct sockaddr *)&at, sizeof(at)));
	s = socket(AF_INET6, SOCK_STREAM, 0);
	say("bind6", bind(s, (struct sockaddr *)&at6, sizeof(at6)));
}

/* On every address it has, for as long as the host looks. */
static void
listener(char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[0])) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	say("bind", bind(s, (struct sockaddr *)&at, sizeof(at)));
	say("listen", listen(s, 4));
	sleep(10);
}

/* Options that reach deep into the kernel. */
static void
options(char **argv)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), one = 1;
	int tcp = socket(AF_INET, SOCK_STREAM, 0);
	char data[64] = "tls";

	(void)argv;
	if (fd == -1) {
		int pair[2];

		say("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		fd = pair[0];
	}
	say("ATTACH_FILTER",
	    setsockopt(fd, SOL_SOCKET, 26, data, sizeof(data)));
	say("ATTACH_BPF", setsockopt(fd, SOL_SOCKET, 50, &one, sizeof(one)));
	say("LOCK_FILTER", setsockopt(fd, SOL_SOCKET, 44, &one, sizeof(one)));
	say("SNDBUFFORCE", setsockopt(fd, SOL_SOCKET, 32, &one, sizeof(one)));
	say("TCP_ULP", setsockopt(tcp, 6, 31, data, 4));
	say("IPT_SO_SET_REPLACE", setsockopt(tcp, 0, 64, data, sizeof(data)));
	say("IP_HDRINCL", setsockopt(tcp, 0, 3, &one, sizeof(one)));
}

const struct row rows_net[] = {
	{ "links", links },
	{ "reach", reach },
	{ "way-out", way_out },
	{ "names", names },
	{ "leave-in-network", leave_in_network },
	{ "connect-flood", connect_flood },
	{ "change-link", change_link },
	{ "raw", raw },
	{ "own-loopback", own_loopback },
	{ "listener", listener },
	{ "options", options },
	{ NULL, NULL },
};
