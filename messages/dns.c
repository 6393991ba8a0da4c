#include <string.h>

#include "base/err.h"
#include "messages/dns.h"

#define HEADER 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define LABEL_MAX 63
#define HOPS_MAX 16 /* pointers in a name */
#define TTL_MAX 3600

#define FLAG_REPLY 0x8000
#define FLAGS_OPCODE 0x7800
#define FLAG_RECURSE 0x0100
#define FLAG_RECURSES 0x0080
#define FLAGS_CODE 0x000f

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* In lower case; 0 for what no name here has. */
static char
name_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_')
		return (char)c;
	return '\0';
}

/* One label to the end of a name; false if it does not fit or may not be. */
static bool
add_label(char *out, size_t *n, const uint8_t *label, size_t len)
{
	if (*n + len + 2 > DNS_NAME_SIZE)
		return false;
	if (*n > 0)
		out[(*n)++] = '.';
	for (size_t i = 0; i < len; i++) {
		out[*n] = name_char(label[i]);
		if (out[(*n)++] == '\0')
			return false;
	}
	return true;
}

/*
 * A name at *at, which moves behind it.  Every pointer leads further to the
 * front than the one before it, so that no name is without an end.
 */
static bool
read_name(const uint8_t *m, size_t len, size_t *at, bool pointers,
    char out[DNS_NAME_SIZE])
{
	size_t pos = *at, n = 0, limit = *at, to;
	bool jumped = false;

	for (int hops = 0; pos < len;) {
		if (m[pos] == 0) {
			out[n] = '\0';
			if (!jumped)
				*at = pos + 1;
			return true;
		}
		if ((m[pos] & 0xc0) == 0xc0) {
			if (!pointers || pos + 2 > len || ++hops > HOPS_MAX)
				return false;
			to = get16(m + pos) & 0x3fff;
			if (to >= limit || to < HEADER)
				return false;
			if (!jumped)
				*at = pos + 2;
			jumped = true;
			limit = pos = to;
			continue;
		}
		if (m[pos] > LABEL_MAX || pos + 1 + m[pos] > len ||
		    !add_label(out, &n, m + pos + 1, m[pos]))
			return false;
		pos += 1 + m[pos];
	}
	return false;
}

int
dns_read_query(struct dns_query *q, const uint8_t *m, size_t len)
{
	unsigned flags;
	size_t at = HEADER;

	memset(q, 0, sizeof(*q));
	if (len < HEADER)
		return -1;
	flags = get16(m + 2);
	if ((flags & FLAG_REPLY) != 0)
		return -1;
	q->id = (uint16_t)get16(m);
	q->recursion = (flags & FLAG_RECURSE) != 0;
	if ((flags & FLAGS_OPCODE) != 0)
		return DNS_NOT_IMPLEMENTED;
	/* Extensions may stand behind it; a server may ignore them. */
	if (get16(m + 4) != 1 || get16(m + 6) != 0 || get16(m + 8) != 0 ||
	    !read_name(m, len, &at, false, q->name) || at + 4 > len)
		return DNS_FORMAT_ERROR;
	q->type = (uint16_t)get16(m + at);
	if (get16(m + at + 2) != CLASS_IN)
		return DNS_NOT_IMPLEMENTED;
	q->question_len = at + 4 - HEADER;
	memcpy(q->question, m + HEADER, q->question_len);
	return DNS_NO_ERROR;
}

size_t
dns_write_reply(uint8_t *out, const struct dns_query *q, enum dns_code code,
    const struct dns_addresses *a)
{
	size_t at = HEADER, size, n = 0;

	memset(out, 0, HEADER);
	put16(out, q->id);
	put16(out + 2,
	    FLAG_REPLY | (q->recursion ? FLAG_RECURSE : 0) | FLAG_RECURSES |
		code);
	put16(out + 4, q->question_len > 0);
	memcpy(out + at, q->question, q->question_len);
	at += q->question_len;
	size = a != NULL && a->family == 6 ? 16 : 4;
	for (; a != NULL && n < a->n && at + 12 + size <= DNS_MESSAGE_MAX;
	     n++) {
		put16(out + at, 0xc000 | HEADER);
		put16(out + at + 2, q->type);
		put16(out + at + 4, CLASS_IN);
		put16(out + at + 6, a->ttl >> 16);
		put16(out + at + 8, a->ttl & 0xffff);
		put16(out + at + 10, (unsigned)size);
		memcpy(out + at + 12, a->addr[n], size);
		at += 12 + size;
	}
	put16(out + 6, (unsigned)n);
	return at;
}

/* In lower case: the answer's question is compared with what was sent. */
size_t
dns_write_question(uint8_t *out, const struct dns_query *q, uint16_t id)
{
	const char *label = q->name;
	size_t at = HEADER, len;

	memset(out, 0, HEADER);
	put16(out, id);
	put16(out + 2, FLAG_RECURSE);
	put16(out + 4, 1);
	while (*label != '\0') {
		len = strcspn(label, ".");
		invariant(len > 0 && len <= LABEL_MAX);
		out[at++] = (uint8_t)len;
		memcpy(out + at, label, len);
		at += len;
		label += len + (label[len] == '.');
	}
	out[at++] = 0;
	put16(out + at, q->type);
	put16(out + at + 2, CLASS_IN);
	return at + 4;
}

/* One record; wanted is the name that is being followed. */
static bool
read_record(struct dns_addresses *a, char wanted[DNS_NAME_SIZE], unsigned type,
    const uint8_t *m, size_t len, size_t *at)
{
	char name[DNS_NAME_SIZE];
	size_t size = type == DNS_A ? 4 : 16, rdlen, in;
	unsigned kind;
	uint32_t ttl;

	if (!read_name(m, len, at, true, name) || *at + 10 > len)
		return false;
	kind = get16(m + *at);
	ttl = (uint32_t)get16(m + *at + 4) << 16 | get16(m + *at + 6);
	rdlen = get16(m + *at + 8);
	*at += 10;
	in = *at;
	if (*at + rdlen > len)
		return false;
	*at += rdlen;
	if (strcmp(name, wanted) != 0 || get16(m + in - 8) != CLASS_IN)
		return true; /* about something else */
	if (ttl < a->ttl)
		a->ttl = ttl;
	if (kind == TYPE_CNAME)
		return read_name(m, len, &in, true, wanted) && in == *at;
	if (kind != type)
		return true;
	if (rdlen != size)
		return false;
	if (a->n < DNS_ADDRESSES_MAX)
		memcpy(a->addr[a->n++], m + in, size);
	return true;
}

bool
dns_read_reply(struct dns_addresses *a, const struct dns_query *q, uint16_t id,
    const uint8_t *m, size_t len)
{
	char name[DNS_NAME_SIZE];
	size_t at = HEADER;
	unsigned flags;

	memset(a, 0, sizeof(*a));
	if (len < HEADER || get16(m) != id || get16(m + 4) != 1)
		return false;
	flags = get16(m + 2);
	a->code = flags & FLAGS_CODE;
	if ((flags & FLAG_REPLY) == 0 || (flags & FLAGS_OPCODE) != 0 ||
	    !read_name(m, len, &at, false, name) || at + 4 > len ||
	    strcmp(name, q->name) != 0 || get16(m + at) != q->type ||
	    get16(m + at + 2) != CLASS_IN)
		return false;
	at += 4;
	a->family = q->type == DNS_A ? 4 : 6;
	a->ttl = TTL_MAX;
	for (unsigned i = get16(m + 6); i > 0; i--)
		if (!read_record(a, name, q->type, m, len, &at))
			return false;
	return true;
}
