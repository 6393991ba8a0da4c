/* What machines ask and servers answer: no reply is longer than it may be. */
#include <string.h>

#include "base/err.h"
#include "messages/dns.h"
#include "policy/egress.h"
#include "runtime/dns_serve.h"
#include "tests/fuzz/fuzz.h"

/*
 * The first byte is half the length of what a machine asks; the rest is what
 * the server answers.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_addresses a;
	static struct egress all;
	uint8_t out[DNS_MESSAGE_MAX], again[DNS_MESSAGE_MAX];
	size_t asked = size > 0 ? 2U * data[0] : 0, len;
	struct dns_query q, r;
	int code;

	if (size < 1 + asked)
		return 0;
	data += 1;
	size -= 1 + asked;
	code = dns_read_query(&q, data, asked);
	if (code == -1)
		return 0;
	if (code > 0) {
		invariant(dns_write_reply(out, &q, (enum dns_code)code, NULL) <=
		    DNS_MESSAGE_MAX);
		return 0;
	}
	/* What is passed on asks for the same. */
	len = dns_write_question(out, &q, 7);
	invariant(len <= DNS_MESSAGE_MAX);
	invariant(dns_read_query(&r, out, len) == 0 && r.type == q.type &&
	    strcmp(r.name, q.name) == 0);
	if ((q.type != DNS_A && q.type != DNS_AAAA) ||
	    !dns_read_reply(&a, &q, 7, data + asked, size))
		return 0;
	invariant(a.n <= DNS_ADDRESSES_MAX);
	if (all.n == 0)
		egress_top(&all);
	dns_serve_filter(&a, &all);
	len = dns_write_reply(again, &q, DNS_NO_ERROR, &a);
	invariant(len <= DNS_MESSAGE_MAX);
	return 0;
}
