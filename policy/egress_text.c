#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "policy/egress_text.h"

/* Plain digits, no sign, no zero in front. */
static bool
read_number(const char *s, size_t len, unsigned max, unsigned *out)
{
	unsigned n = 0;

	if (len == 0 || len > 5 || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (unsigned)(s[i] - '0');
	}
	*out = n;
	return n <= max;
}

bool
egress_text_net(const char *s, struct egress_net *out)
{
	const char *slash = strchr(s, '/');
	struct egress_net n, wide;
	char text[INET6_ADDRSTRLEN];
	unsigned bits;
	size_t len = slash == NULL ? strlen(s) : (size_t)(slash - s);

	memset(&n, 0, sizeof(n));
	if (len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	/* inet_pton(3) takes decimal without leading zeros, and nothing else.
	 */
	n.family = strchr(text, ':') == NULL ? 4 : 6;
	bits = n.family == 4 ? 32 : 128;
	if (inet_pton(n.family == 4 ? AF_INET : AF_INET6, text, n.addr) != 1 ||
	    (slash != NULL &&
		!read_number(slash + 1, strlen(slash + 1), bits, &bits)))
		return false;
	n.prefix = (uint8_t)bits;
	memset(&wide, 0, sizeof(wide));
	wide.family = n.family;
	wide.prefix = n.prefix;
	for (unsigned i = 0; i < bits; i++)
		wide.addr[i / 8] |= n.addr[i / 8] & (0x80 >> i % 8);
	if (memcmp(&wide, &n, sizeof(n)) != 0)
		return false;
	*out = n;
	return true;
}

bool
egress_text_ports(const char *s, uint16_t *first, uint16_t *last)
{
	const char *dash = strchr(s, '-');
	size_t len = dash == NULL ? strlen(s) : (size_t)(dash - s);
	unsigned a, b;

	if (!read_number(s, len, 65535, &a))
		return false;
	b = a;
	if (dash != NULL && !read_number(dash + 1, strlen(dash + 1), 65535, &b))
		return false;
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return a > 0 && a <= b;
}
