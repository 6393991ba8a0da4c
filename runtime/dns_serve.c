#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/dns.h"
#include "messages/frame.h"
#include "runtime/dns_msgs.h"
#include "runtime/dns_serve.h"

#define MACHINES_MAX 1024
#define PENDING_MAX 256
#define PENDING_OF_ONE 32 /* a machine that asks more waits */
#define TRIES 3
#define TRY_NS CLOCK_SECOND

struct machine_dns {
	int sock; /* at its 127.0.0.1:53; -1: free */
	uint32_t serial;
	unsigned pending;
	struct dns_msgs_serve *rules;
};

/* A question that is with a server. */
struct pending {
	int sock; /* connected to the server; -1: free */
	struct machine_dns *from;
	struct sockaddr_in client;
	struct dns_query query;
	uint16_t id;
	unsigned tries;
	uint64_t until; /* CLOCK_MONOTONIC, ns */
};

struct serve {
	int core;
	struct machine_dns machine[MACHINES_MAX];
	struct pending pending[PENDING_MAX];
	struct pollfd poll[1 + MACHINES_MAX + PENDING_MAX];
};

bool
dns_serve_may_ask(const struct ceiling_dns *d, const char *name)
{
	size_t len = strlen(name), n;
	const char *p;

	for (size_t i = 0; i < d->nnames; i++) {
		p = d->name[i];
		n = strlen(p);
		if (strcmp(p, "*") == 0 || strcmp(p, name) == 0)
			return true;
		if (p[0] == '*' && len > n - 1 &&
		    strcmp(name + len - (n - 1), p + 1) == 0)
			return true;
	}
	return false;
}

void
dns_serve_filter(struct dns_addresses *a, const struct egress *e)
{
	struct egress_net host = { .family = a->family,
		.prefix = a->family == 4 ? 32 : 128 };
	size_t kept = 0;

	for (size_t i = 0; i < a->n; i++) {
		memcpy(host.addr, a->addr[i], host.prefix / 8);
		if (egress_allows_host(e, &host) || !CONTROL(52))
			memmove(a->addr[kept++], a->addr[i], 16);
	}
	a->n = kept;
}

static void
reply(const struct machine_dns *m, const struct sockaddr_in *to,
    const struct dns_query *q, enum dns_code code,
    const struct dns_addresses *a)
{
	uint8_t out[DNS_MESSAGE_MAX];
	size_t len = dns_write_reply(out, q, code, a);

	/* A machine that reads no answers gets none. */
	(void)sendto(m->sock, out, len, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (const struct sockaddr *)to, sizeof(*to));
}

static void
end_pending(struct pending *p)
{
	fd_close(&p->sock);
	p->from->pending--;
}

static void
fail_pending(struct pending *p)
{
	reply(p->from, &p->client, &p->query, DNS_SERVER_FAILURE, NULL);
	end_pending(p);
}

static int
connect_to(const struct egress_net *server)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(53) };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(53) };
	bool v6 = server->family == 6;
	fd_auto int fd = socket(v6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(&to.sin_addr, server->addr, sizeof(to.sin_addr));
	memcpy(&to6.sin6_addr, server->addr, sizeof(to6.sin6_addr));
	if (fd == -1 ||
	    (v6 ? connect(fd, (struct sockaddr *)&to6, sizeof(to6))
		: connect(fd, (struct sockaddr *)&to, sizeof(to))) == -1)
		return -1;
	return fd_take(&fd);
}

/* To the next server; false if there is nobody left to ask. */
static bool
ask(struct pending *p)
{
	const struct ceiling_dns *d = &p->from->rules->dns;
	uint8_t out[DNS_MESSAGE_MAX];
	size_t len;

	while (p->tries < TRIES) {
		fd_close(&p->sock);
		p->sock = connect_to(&d->server[p->tries++ % d->nservers]);
		if (p->sock == -1 ||
		    getrandom(&p->id, sizeof(p->id), 0) != sizeof(p->id))
			continue;
		len = dns_write_question(out, &p->query, p->id);
		if (send(p->sock, out, len, MSG_NOSIGNAL) != (ssize_t)len)
			continue;
		p->until = clock_mono_ns() + TRY_NS;
		return true;
	}
	return false;
}

static struct pending *
find_free(struct serve *s)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (s->pending[i].sock == -1)
			return &s->pending[i];
	return NULL;
}

/* Asks a server, or answers at once what needs none. */
static void
take_question(struct serve *s, struct machine_dns *m,
    const struct sockaddr_in *from, const struct dns_query *q)
{
	struct pending *p;

	if (!dns_serve_may_ask(&m->rules->dns, q->name)) {
		reply(m, from, q, DNS_REFUSED, NULL);
		return;
	}
	/* There are no such records, as far as machines know. */
	if (q->type != DNS_A && q->type != DNS_AAAA) {
		reply(m, from, q, DNS_NO_ERROR, NULL);
		return;
	}
	p = m->pending < PENDING_OF_ONE ? find_free(s) : NULL;
	if (p == NULL)
		return; /* it asks again */
	*p = (struct pending){ .sock = -1,
		.from = m,
		.client = *from,
		.query = *q };
	m->pending++;
	if (!ask(p))
		fail_pending(p);
}

static void
hear_machine(struct serve *s, struct machine_dns *m)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t data[DNS_MESSAGE_MAX];
	struct dns_query q;
	ssize_t n;
	int code;

	n = recvfrom(m->sock, data, sizeof(data), MSG_DONTWAIT,
	    (struct sockaddr *)&from, &len);
	if (n < 0 || len != sizeof(from))
		return;
	code = dns_read_query(&q, data, (size_t)n);
	if (code == DNS_NO_ERROR)
		take_question(s, m, &from, &q);
	else if (code > 0)
		reply(m, &from, &q, (enum dns_code)code, NULL);
}

static void
hear_server(struct pending *p)
{
	uint8_t data[4096]; /* some servers send more than they should */
	struct dns_addresses a;
	ssize_t n = recv(p->sock, data, sizeof(data), MSG_DONTWAIT);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		if (!ask(p)) /* nobody is there */
			fail_pending(p);
		return;
	}
	/* Not an answer to this question: the true one may still come. */
	if (n == -1 || !dns_read_reply(&a, &p->query, p->id, data, (size_t)n))
		return;
	if (a.code != DNS_NO_ERROR && a.code != DNS_NO_NAME) {
		if (!ask(p)) /* it cannot or will not tell */
			fail_pending(p);
		return;
	}
	dns_serve_filter(&a, &p->from->rules->egress);
	reply(p->from, &p->client, &p->query, (enum dns_code)a.code, &a);
	end_pending(p);
}

static void
forget(struct serve *s, struct machine_dns *m)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (s->pending[i].sock != -1 && s->pending[i].from == m)
			end_pending(&s->pending[i]);
	fd_close(&m->sock);
	free(m->rules);
	m->rules = NULL;
}

static struct machine_dns *
find_machine(struct serve *s, uint32_t serial)
{
	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (s->machine[i].sock != -1 && s->machine[i].serial == serial)
			return &s->machine[i];
	return NULL;
}

static int
add_machine(struct serve *s, struct frame *f, struct err *e)
{
	struct machine_dns *m = NULL;
	struct dns_msgs_serve *rules = calloc(1, sizeof(*rules));

	invariant(rules != NULL);
	dns_msgs_get_serve(&f->body, rules);
	for (size_t i = 0; i < MACHINES_MAX && m == NULL; i++)
		if (s->machine[i].sock == -1)
			m = &s->machine[i];
	if (!buf_ok(&f->body) || f->nfds != 1 || m == NULL ||
	    find_machine(s, f->serial) != NULL) {
		free(rules);
		return err_set(e, ERR_INVALID, "serve: malformed frame");
	}
	*m = (struct machine_dns){ .sock = fd_take(&f->fds[0]),
		.serial = f->serial,
		.rules = rules };
	return 0;
}

static int
hear_core(struct serve *s, struct err *e)
{
	struct machine_dns *m;
	struct frame f;
	int r = frame_recv(s->core, &f, e);

	if (r != 1)
		return r;
	r = 1;
	if (f.type == DNS_MSGS_SERVE) {
		r = add_machine(s, &f, e) == -1 ? -1 : 1;
	} else if (f.type == DNS_MSGS_FORGET) {
		m = find_machine(s, f.serial);
		if (m != NULL)
			forget(s, m);
	} else {
		r = err_set(e, ERR_INVALID, "frame %u: no such request",
		    f.type);
	}
	frame_fini(&f);
	return r;
}

/* Milliseconds until a server has waited for long enough; -1: never. */
static int
check_times(struct serve *s)
{
	uint64_t now = clock_mono_ns(), next = UINT64_MAX;

	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &s->pending[i];

		if (p->sock == -1)
			continue;
		if (now >= p->until && !ask(p)) {
			fail_pending(p);
			continue;
		}
		next = p->until < next ? p->until : next;
	}
	return next == UINT64_MAX ? -1 : (int)((next - now) / 1000000 + 1);
}

static int
turn(struct serve *s, struct err *e)
{
	struct pollfd *p = s->poll;
	int wait = check_times(s), r;

	p[0] = (struct pollfd){ s->core, POLLIN, 0 };
	for (size_t i = 0; i < MACHINES_MAX; i++)
		p[1 + i] = (struct pollfd){ s->machine[i].sock, POLLIN, 0 };
	for (size_t i = 0; i < PENDING_MAX; i++)
		p[1 + MACHINES_MAX + i] =
		    (struct pollfd){ s->pending[i].sock, POLLIN, 0 };
	r = poll(p, nitems(s->poll), wait);
	if (r == -1)
		return errno == EINTR ? 1 : err_sys(e, "poll");
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (p[1 + MACHINES_MAX + i].revents != 0)
			hear_server(&s->pending[i]);
	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (p[1 + i].revents != 0)
			hear_machine(s, &s->machine[i]);
	return p[0].revents != 0 ? hear_core(s, e) : 1;
}

int
dns_serve(int core, struct err *e)
{
	struct serve *s = calloc(1, sizeof(*s));
	int r;

	invariant(s != NULL);
	s->core = core;
	for (size_t i = 0; i < MACHINES_MAX; i++)
		s->machine[i].sock = -1;
	for (size_t i = 0; i < PENDING_MAX; i++)
		s->pending[i].sock = -1;
	while ((r = turn(s, e)) == 1)
		;
	for (size_t i = 0; i < MACHINES_MAX; i++)
		if (s->machine[i].sock != -1)
			forget(s, &s->machine[i]);
	free(s);
	return r;
}
