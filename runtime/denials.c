#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/control.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/explain.h"
#include "policy/filter.h"
#include "runtime/denials.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#else
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

int
denials_open(void)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK,
		.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1) };
	fd_auto int fd = socket(AF_NETLINK,
	    SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);

	if (fd == -1 || bind(fd, (struct sockaddr *)&me, sizeof(me)) == -1)
		return -1;
	return fd_take(&fd);
}

/* The number after " key=" in a record; false if there is none. */
static bool
number(const char *text, const char *key, int base, unsigned long *out)
{
	const char *at = strstr(text, key);
	char *end;

	if (at == NULL)
		return false;
	at += strlen(key);
	errno = 0;
	*out = strtoul(at, &end, base);
	return errno == 0 && end != at && (*end == ' ' || *end == '\0');
}

bool
denials_parse(const char *data, size_t len, uint32_t uid, uint32_t *arch,
    int *nr)
{
	unsigned long n_uid, n_arch, n_call;
	char text[1024];

	if (len >= sizeof(text))
		return false;
	memcpy(text, data, len);
	text[len] = '\0';
	/* Names of programs cannot forge a field: with a blank they are hex. */
	if (!number(text, " uid=", 10, &n_uid) || n_uid != uid ||
	    !number(text, " arch=", 16, &n_arch) ||
	    !number(text, " syscall=", 10, &n_call))
		return false;
	*arch = (uint32_t)n_arch;
	*nr = (int)n_call;
	return true;
}

static void
take(const struct nlmsghdr *h, uint32_t uid, struct denials *d)
{
	uint32_t arch;
	int nr;

	if (h->nlmsg_type != AUDIT_SECCOMP || !CONTROL(37) ||
	    !denials_parse(NLMSG_DATA(h), h->nlmsg_len - NLMSG_HDRLEN, uid,
		&arch, &nr))
		return;
	d->total++;
	if (arch == NATIVE_ARCH && nr >= 0 && nr < SYSCALLS_NR_MAX)
		d->count[nr]++;
}

void
denials_drain(int fd, uint32_t uid, struct denials *d)
{
	_Alignas(struct nlmsghdr) char data[8192];
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)data;
	struct sockaddr_nl from;
	socklen_t len;
	ssize_t n;

	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, data, sizeof(data), 0,
		    (struct sockaddr *)&from, &len);
		if (n == -1 && errno == ENOBUFS)
			continue; /* records were lost: go on with the next */
		if (n < (ssize_t)sizeof(*h))
			return;
		/* The kernel's length counts the text alone in some records. */
		if (from.nl_pid == 0 && h->nlmsg_len >= NLMSG_HDRLEN &&
		    h->nlmsg_len <= (size_t)n)
			take(h, uid, d);
	}
}

static const char *
answer(struct filter_verdict v)
{
	return v.act == FILTER_KILL ? "kill"
	    : v.act == FILTER_ALLOW ? "by its arguments"
				    : explain_errno(v.sys);
}

struct value *
denials_list(const struct denials *d, const struct filter_model *m)
{
	struct value *list = value_new(VALUE_LIST), *one;
	const char *name;

	for (int nr = 0; nr < SYSCALLS_NR_MAX; nr++) {
		if (d->count[nr] == 0)
			continue;
		name = syscalls_name(SYSCALLS_NATIVE, nr);
		one = value_add(list, value_new(VALUE_MAP));
		value_set_text(one, "call", name == NULL ? "unknown" : name);
		value_set_int(one, "nr", nr);
		value_set_int(one, "count", (int64_t)d->count[nr]);
		value_set_text(one, "answer", answer(m->otherwise[nr]));
	}
	return list;
}

void
denials_print(const struct denials *d, const struct filter_model *m,
    const char *tier)
{
	const char *name;

	for (int nr = 0; nr < SYSCALLS_NR_MAX; nr++) {
		struct filter_verdict v = m->otherwise[nr];

		/* ENOSYS and the like: programs ask, and have another way. */
		if (d->count[nr] == 0 ||
		    (v.act == FILTER_ERRNO &&
			(v.sys == ENOSYS || v.sys == ENOTTY ||
			    v.sys == EINVAL || v.sys == ENOPROTOOPT)))
			continue;
		name = syscalls_name(SYSCALLS_NATIVE, nr);
		fprintf(stderr,
		    "cella: denied: %s (%s), %" PRIu64 " time%s, by tier %s; "
		    "'cella policy explain --syscall %s' shows what is "
		    "allowed\n",
		    name, answer(v), d->count[nr], d->count[nr] == 1 ? "" : "s",
		    tier, name);
	}
}
