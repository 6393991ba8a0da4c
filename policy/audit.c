#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/control.h"
#include "base/str.h"
#include "policy/audit.h"

#define HEX ((size_t)(2 * SHA256_LEN))

static const char *const faults[AUDIT_FAULTS] = { "is good", "is missing",
	"is there again", "was changed", "was not written by this node" };

const char *
audit_fault_name(enum audit_fault f)
{
	return faults[f];
}

static void
put_big(struct buf *b, uint64_t n)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(n >> shift));
}

static void
hash_of(const struct audit_chain *c, const char *record, size_t len,
    unsigned char hash[SHA256_LEN])
{
	buf_auto struct buf b = { 0 };

	put_big(&b, c->seq);
	buf_add(&b, c->prev, SHA256_LEN);
	put_big(&b, len);
	buf_add(&b, record, len);
	sha256_raw(b.data, b.len, hash);
}

void
audit_ratchet(unsigned char key[SHA256_LEN])
{
	unsigned char next[SHA256_LEN];

	sha256_hmac(key, SHA256_LEN, "next", 4, next);
	memcpy(key, next, SHA256_LEN);
	explicit_bzero(next, sizeof(next));
}

static void
move_on(struct audit_chain *c, const unsigned char hash[SHA256_LEN])
{
	c->seq++;
	memcpy(c->prev, hash, SHA256_LEN);
	audit_ratchet(c->key);
}

void
audit_append(struct audit_chain *c, const char *record, size_t len,
    struct buf *line)
{
	unsigned char hash[SHA256_LEN], mac[SHA256_LEN];
	char hash_text[HEX + 1], mac_text[HEX + 1];

	hash_of(c, record, len, hash);
	sha256_hmac(c->key, SHA256_LEN, hash, SHA256_LEN, mac);
	str_hex(hash_text, hash, SHA256_LEN);
	str_hex(mac_text, mac, SHA256_LEN);
	buf_printf(line,
	    "{\"seq\":%" PRIu64 ",\"hash\":\"%s\",\"mac\":\"%s\",\"record\":",
	    c->seq, hash_text, mac_text);
	buf_add(line, record, len);
	buf_add_str(line, "}\n");
	move_on(c, hash);
}

/* The text at *at, or false. */
static bool
skip(const char **at, const char *end, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(end - *at) < n || memcmp(*at, text, n) != 0)
		return false;
	*at += n;
	return true;
}

/* Digits as we write them: no sign, no zero in front, no overflow. */
static bool
take_number(const char **at, const char *end, uint64_t *n)
{
	const char *from = *at;

	*n = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
		if (*n > (UINT64_MAX - 9) / 10)
			return false;
		*n = *n * 10 + (uint64_t)(**at - '0');
	}
	return *at > from && *from != '0';
}

static bool
take_hex(const char **at, const char *end, unsigned char out[SHA256_LEN])
{
	char text[HEX + 1];

	if ((size_t)(end - *at) < HEX)
		return false;
	memcpy(text, *at, HEX);
	text[HEX] = '\0';
	*at += HEX;
	return str_is_sha256(text) && str_unhex(out, SHA256_LEN, text);
}

bool
audit_parse(const char *text, size_t len, struct audit_line *l)
{
	const char *at = text, *end = text + len;

	if (!skip(&at, end, "{\"seq\":") || !take_number(&at, end, &l->seq) ||
	    !skip(&at, end, ",\"hash\":\"") || !take_hex(&at, end, l->hash) ||
	    !skip(&at, end, "\",\"mac\":\"") || !take_hex(&at, end, l->mac) ||
	    !skip(&at, end, "\",\"record\":"))
		return false;
	l->record = at;
	l->len = (size_t)(end - at);
	if (l->len < 3 || at[0] != '{' || end[-1] != '}')
		return false;
	l->len--;
	return true;
}

enum audit_fault
audit_check(struct audit_chain *c, const struct audit_line *l, bool with_key)
{
	unsigned char hash[SHA256_LEN], mac[SHA256_LEN];

	if (l->seq != c->seq)
		return l->seq > c->seq ? AUDIT_MISSING : AUDIT_AGAIN;
	hash_of(c, l->record, l->len, hash);
	sha256_hmac(c->key, SHA256_LEN, hash, SHA256_LEN, mac);
	if (memcmp(hash, l->hash, SHA256_LEN) != 0 && CONTROL(58))
		return AUDIT_CHANGED;
	if (with_key && memcmp(mac, l->mac, SHA256_LEN) != 0)
		return AUDIT_FORGED;
	move_on(c, hash);
	return AUDIT_GOOD;
}
