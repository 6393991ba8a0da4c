#include <string.h>

#include "runtime/grpc_parts.h"

#define HEAD_MAX (16 << 10)
#define FIELD 32 /* what each costs beside its bytes (RFC 9113, 6.5.2) */

struct text {
	const char *s;
	size_t len;
};

static bool
is(struct text t, const char *s)
{
	return t.len == strlen(s) && memcmp(t.s, s, t.len) == 0;
}

static bool
begins(struct text t, const char *s)
{
	return t.len >= strlen(s) && memcmp(t.s, s, strlen(s)) == 0;
}

/* A copy; what has no room there is nobody's. */
static void
take(char *to, size_t size, struct text t)
{
	to[0] = '\0';
	if (t.len >= size || memchr(t.s, '\0', t.len) != NULL)
		return;
	memcpy(to, t.s, t.len);
	to[t.len] = '\0';
}

/* What messages are written in: ours are protocol buffers. */
static bool
is_grpc(struct text t)
{
	static const char type[] = "application/grpc";
	const size_t n = sizeof(type) - 1;

	if (!begins(t, type))
		return false;
	t.s += n;
	t.len -= n;
	return t.len == 0 || t.s[0] == ';' || is(t, "+proto") ||
	    begins(t, "+proto;");
}

static bool
is_binary(struct text name)
{
	return name.len > 4 && memcmp(name.s + name.len - 4, "-bin", 4) == 0;
}

/* Several values are told by commas. */
static bool
is_base64(struct text t)
{
	buf_auto struct buf ignored = { 0 };
	const char *end = t.s + t.len, *comma;

	for (;; t.s = comma + 1) {
		comma = memchr(t.s, ',', (size_t)(end - t.s));
		if (!grpc_binary_decode(&ignored, t.s,
			(size_t)((comma == NULL ? end : comma) - t.s)))
			return false;
		if (comma == NULL)
			return true;
		buf_reset(&ignored);
	}
}

bool
grpc_head_field(struct grpc_head *h, const char *name, size_t nname,
    const char *text, size_t ntext)
{
	struct text n = { name, nname }, t = { text, ntext };

	h->len += nname + ntext + FIELD;
	if (h->len > HEAD_MAX)
		return false;
	if (is(n, ":path")) {
		take(h->path, sizeof(h->path), t);
	} else if (is(n, ":method")) {
		h->post = is(t, "POST");
	} else if (is(n, "content-type")) {
		h->grpc = is_grpc(t);
	} else if (is(n, "grpc-encoding")) {
		h->encoded = !is(t, "identity");
	} else if (is(n, "grpc-timeout")) {
		h->timed = true;
		h->malformed |= !grpc_timeout(t.s, t.len, &h->timeout_ns);
	} else if (is(n, "authorization")) {
		take(h->token, sizeof(h->token), t);
	} else if (is_binary(n)) {
		h->malformed |= !is_base64(t);
	}
	return true;
}
