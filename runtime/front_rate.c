#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/rate.h"
#include "runtime/front_rate.h"

#define NETWORK 8 /* bytes of an IPv6 address */

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

/* The finalizer of MurmurHash3, twice, with the salt between: it is secret. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * UINT64_C(0xff51afd7ed558ccd);
	x = (x ^ x >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

static size_t
set_of(const struct front_rate *r, const struct front_address *a)
{
	uint64_t half[2];

	memcpy(half, a->byte, sizeof(half));
	return mix(mix(half[0] ^ r->salt) ^ half[1] ^ r->salt) %
	    FRONT_RATE_SETS;
}

uint64_t
front_rate_take(struct front_rate *r, const struct front_address *a,
    uint64_t now_ns)
{
	size_t set = set_of(r, a), at = 0;

	if (r->per_minute == 0)
		return 0;
	for (size_t i = 0; i < FRONT_RATE_WAYS; i++) {
		if (memcmp(&r->entry[set][i].address, a, sizeof(*a)) == 0) {
			at = i;
			break;
		}
		if (r->entry[set][i].spent_ns < r->entry[set][at].spent_ns)
			at = i;
	}
	if (memcmp(&r->entry[set][at].address, a, sizeof(*a)) != 0) {
		r->entry[set][at].address = *a;
		r->entry[set][at].spent_ns = 0;
	}
	return rate_take(&r->entry[set][at].spent_ns, r->per_minute, now_ns);
}

void
front_rate_address(int fd, struct front_address *a)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);

	memset(a, 0, sizeof(*a));
	if (getpeername(fd, &peer.any, &len) == -1)
		return;
	if (peer.any.sa_family == AF_INET) {
		memcpy(a->byte, mapped, sizeof(mapped));
		memcpy(a->byte + sizeof(mapped), &peer.v4.sin_addr, 4);
	} else if (peer.any.sa_family == AF_INET6) {
		memcpy(a->byte, &peer.v6.sin6_addr,
		    memcmp(&peer.v6.sin6_addr, mapped, sizeof(mapped)) == 0
			? sizeof(a->byte)
			: NETWORK);
	}
}
