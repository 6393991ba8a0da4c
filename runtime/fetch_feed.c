#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/fetch_msgs.h"
#include "messages/frame.h"
#include "messages/websocket.h"
#include "policy/ceiling_fetch.h"
#include "runtime/fetch_feed.h"

#define CONNECT_S 10L
#define SHAKE_NS (10 * CLOCK_SECOND)
#define PING_NS (30 * CLOCK_SECOND)
#define SILENT_NS (90 * CLOCK_SECOND)
#define AGAIN_NS CLOCK_SECOND /* doubled each time */
#define AGAIN_MAX_NS (64 * CLOCK_SECOND)
#define OVERLAP_NS (300 * CLOCK_SECOND)
#define LOOK_MS 100 /* while libcurl connects */
#define LONGEST ((size_t)4 << 20)
#define PIECE ((size_t)64 << 10)
#define URL_MAX 512

enum phase { IDLE, WAITS, CONNECTS, SHAKES, OPEN };

struct fetch_feed {
	int core;
	const struct ceiling_fetch *rules;
	enum phase phase;
	uint64_t since_ns; /* CLOCK_REALTIME: what is asked for */
	uint64_t at_ns;    /* WAITS: until then; else: the phase's patience */
	uint64_t heard_ns, asked_ns; /* OPEN: the last byte, the last ping */
	uint64_t
	    all_ns; /* CLOCK_REALTIME: all that had come by then is heard */
	uint64_t pause_ns;
	CURLM *multi;
	CURL *easy;
	curl_socket_t sock;
	char url[URL_MAX], host[CEILING_FETCH_URL], path[URL_MAX];
	char key[WEBSOCKET_KEY];
	char why[CURL_ERROR_SIZE];
	struct buf shake; /* the request; then the answer */
	bool asked;       /* the request is sent */
	bool more;        /* bytes may wait where poll(2) does not see them */
	struct websocket ws;
	uint32_t serial;
	unsigned heard; /* that core has not taken */
};

struct fetch_feed *
fetch_feed_new(int core, const struct ceiling_fetch *rules)
{
	struct fetch_feed *f = calloc(1, sizeof(*f));

	invariant(f != NULL);
	*f = (struct fetch_feed){ .core = core,
		.rules = rules,
		.pause_ns = AGAIN_NS };
	return f;
}

static void
disconnect(struct fetch_feed *f)
{
	if (f->easy != NULL) {
		curl_multi_remove_handle(f->multi, f->easy);
		curl_easy_cleanup(f->easy);
		curl_multi_cleanup(f->multi);
		f->easy = NULL;
		f->multi = NULL;
	}
	websocket_fini(&f->ws);
	buf_fini(&f->shake);
	memset(&f->ws, 0, sizeof(f->ws));
	memset(&f->shake, 0, sizeof(f->shake));
}

void
fetch_feed_free(struct fetch_feed *f)
{
	disconnect(f);
	free(f);
}

static int
tell(struct fetch_feed *f, bool there, const char *why, struct err *e)
{
	buf_auto struct buf b = { 0 };
	char text[FETCH_WHY_MAX];

	snprintf(text, sizeof(text), "%s%s%s", f->rules->feed,
	    there ? "" : ": ", why);
	buf_put_u8(&b, there);
	buf_put_str(&b, text);
	return frame_send(f->core, FETCH_FED, 0, &b, NULL, 0, e);
}

/* Nothing of the network's is an error of ours: it is tried again. */
static int
lose(struct fetch_feed *f, const char *why, struct err *e)
{
	/* What was on its way, and what clocks of senders differ by. */
	if (f->phase == OPEN && f->since_ns + OVERLAP_NS < f->all_ns)
		f->since_ns = f->all_ns - OVERLAP_NS;
	disconnect(f);
	f->phase = WAITS;
	f->at_ns = clock_mono_ns() + f->pause_ns;
	if (f->pause_ns < AGAIN_MAX_NS)
		f->pause_ns *= 2;
	return tell(f, false, why, e);
}

/* ---- connecting ---- */

/* The policy's reader saw to it that there is a host, and a path. */
static void
split_url(struct fetch_feed *f)
{
	const char *url = f->rules->feed;
	bool secure = strncmp(url, "wss:", 4) == 0;
	const char *host = strstr(url, "//") + 2, *path = strchr(host, '/');

	snprintf(f->host, sizeof(f->host), "%.*s", (int)(path - host), host);
	snprintf(f->url, sizeof(f->url), "%s://%s/", secure ? "https" : "http",
	    f->host);
	snprintf(f->path, sizeof(f->path),
	    "%s?history=199&startDate=%" PRIu64 ".%03" PRIu64, path,
	    f->since_ns / CLOCK_SECOND,
	    f->since_ns % CLOCK_SECOND / (CLOCK_SECOND / 1000));
}

static int
connect_to(struct fetch_feed *f, struct err *e)
{
	uint64_t seed;
	uint8_t random[16];

	if (getrandom(random, sizeof(random), 0) != sizeof(random) ||
	    getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return err_sys(e, "getrandom");
	websocket_key(random, f->key);
	websocket_init(&f->ws, true, LONGEST, seed);
	split_url(f);
	f->multi = curl_multi_init();
	f->easy = curl_easy_init();
	invariant(f->multi != NULL && f->easy != NULL);
	f->why[0] = '\0';
	curl_easy_setopt(f->easy, CURLOPT_URL, f->url);
	curl_easy_setopt(f->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(f->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(f->easy, CURLOPT_HTTP_VERSION,
	    (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(f->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(f->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(f->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, f->why);
	curl_multi_add_handle(f->multi, f->easy);
	f->phase = CONNECTS;
	return 0;
}

static int
connected(struct fetch_feed *f, CURLcode code, struct err *e)
{
	if (code == CURLE_OK &&
	    (curl_easy_getinfo(f->easy, CURLINFO_ACTIVESOCKET, &f->sock) !=
		    CURLE_OK ||
		f->sock == CURL_SOCKET_BAD))
		code = CURLE_COULDNT_CONNECT;
	if (code != CURLE_OK)
		return lose(f,
		    f->why[0] != '\0' ? f->why : curl_easy_strerror(code), e);
	websocket_put_request(&f->shake, f->host, f->path, f->key);
	f->asked = false;
	f->phase = SHAKES;
	f->at_ns = clock_mono_ns() + SHAKE_NS;
	return 0;
}

static int
go_on_connecting(struct fetch_feed *f, struct err *e)
{
	CURLMsg *m;
	int n;

	if (curl_multi_perform(f->multi, &n) != CURLM_OK)
		return lose(f, "libcurl", e);
	while ((m = curl_multi_info_read(f->multi, &n)) != NULL)
		if (m->msg == CURLMSG_DONE)
			return connected(f, m->data.result, e);
	return 0;
}

/* ---- bytes ---- */

/* What there is of b; false: the connection is gone. */
static bool
send_some(struct fetch_feed *f, struct buf *b)
{
	CURLcode code = CURLE_OK;
	size_t n;

	while (b->at < b->len && code == CURLE_OK) {
		code = curl_easy_send(f->easy, b->data + b->at, b->len - b->at,
		    &n);
		if (code == CURLE_OK)
			b->at += n;
	}
	return code == CURLE_OK || code == CURLE_AGAIN;
}

/* 1: some came; 0: none is there; -1: the connection is gone. */
static int
receive_some(struct fetch_feed *f, char *data, size_t *n)
{
	CURLcode code = curl_easy_recv(f->easy, data, PIECE, n);

	if (code == CURLE_AGAIN)
		return 0;
	if (code != CURLE_OK || *n == 0)
		return -1;
	f->heard_ns = clock_mono_ns();
	return 1;
}

static int
open_it(struct fetch_feed *f, size_t head, struct err *e)
{
	websocket_take(&f->ws, f->shake.data + head, f->shake.len - head);
	buf_reset(&f->shake);
	f->phase = OPEN;
	f->all_ns = f->since_ns;
	f->asked_ns = f->heard_ns;
	return tell(f, true, "", e);
}

/* 1: go on. */
static int
shake(struct fetch_feed *f, struct err *e)
{
	static char data[PIECE];
	struct err why;
	size_t n;
	long head;
	int r;

	if (!f->asked) {
		if (!send_some(f, &f->shake))
			return lose(f, "it broke off", e);
		if (f->shake.at < f->shake.len)
			return 0;
		f->asked = true;
		buf_reset(&f->shake);
	}
	r = receive_some(f, data, &n);
	if (r == -1)
		return lose(f, "it broke off", e);
	if (r == 0)
		return 0;
	buf_add(&f->shake, data, n);
	head =
	    websocket_read_response(f->shake.data, f->shake.len, f->key, &why);
	if (head == -1)
		return lose(f, why.text, e);
	if (head == 0)
		return 1;
	return open_it(f, (size_t)head, e) == -1 ? -1 : 1;
}

/* ---- messages ---- */

static int
hand_over(struct fetch_feed *f, struct err *e)
{
	const struct buf *b = &f->ws.message;
	buf_auto struct buf body = { 0 };
	fd_auto int fd = -1;

	/* One that is too long for a message is none, and no reason to stop. */
	if (b->len == 0 || b->len > FETCH_MESSAGE_MAX)
		return 0;
	fd = fd_sealed("message", b->data, b->len, e);
	if (fd == -1)
		return -1;
	while (++f->serial == 0)
		;
	f->heard++;
	buf_put_u64(&body, f->all_ns);
	return frame_send(f->core, FETCH_HEARD, f->serial, &body, &fd, 1, e);
}

/* A server that breaks the rules is not asked for the same again. */
static int
break_off(struct fetch_feed *f, const char *why, struct err *e)
{
	(void)send_some(f, &f->ws.out);
	f->since_ns = clock_real_ns();
	return lose(f, why, e);
}

/* 1: what it says may be followed by more. */
static int
take_messages(struct fetch_feed *f, struct err *e)
{
	enum websocket_kind kind;
	struct err why;
	int r;

	while (f->heard < FETCH_HEARD_MAX) {
		r = websocket_next(&f->ws, &kind, &why);
		if (r == -1)
			return break_off(f, why.text, e);
		if (r == 0)
			break;
		f->pause_ns = AGAIN_NS; /* it works */
		if (kind == WEBSOCKET_TEXT && hand_over(f, e) == -1)
			return -1;
	}
	if (!send_some(f, &f->ws.out))
		return lose(f, "it broke off", e);
	if (f->ws.closed)
		return lose(f, "it was closed", e);
	return 1;
}

/* Its own turn ends, so that transfers have theirs. */
#define PIECES_MAX 16

static int
listen_to(struct fetch_feed *f, struct err *e)
{
	static char data[PIECE];
	size_t n;
	int r;

	f->more = true;
	for (int i = 0; i < PIECES_MAX; i++) {
		r = take_messages(f, e);
		if (r != 1 || f->heard >= FETCH_HEARD_MAX)
			return r;
		r = receive_some(f, data, &n);
		if (r == -1)
			return lose(f, "it broke off", e);
		if (r == 0) {
			f->more = false;
			f->all_ns = clock_real_ns();
			break;
		}
		websocket_take(&f->ws, data, n);
	}
	return take_messages(f, e);
}

static int
look_at_clock(struct fetch_feed *f, struct err *e)
{
	uint64_t now = clock_mono_ns();

	if (f->heard >= FETCH_HEARD_MAX) {
		f->heard_ns = now; /* it is core that is slow */
		return 0;
	}
	if (now - f->heard_ns > SILENT_NS)
		return lose(f, "nothing came for 90 s", e);
	if (now - f->heard_ns > PING_NS && now - f->asked_ns > PING_NS) {
		f->asked_ns = now;
		websocket_ping(&f->ws);
		(void)send_some(f, &f->ws.out);
	}
	return 0;
}

/* ---- for the loop ---- */

int
fetch_feed_hear(struct fetch_feed *f, struct frame *frame, struct err *e)
{
	uint64_t since;

	if (frame->type == FETCH_FEED) {
		since = buf_get_u64(&frame->body);
		if (buf_ok(&frame->body) && f->phase == IDLE &&
		    f->rules->feed[0] != '\0') {
			f->since_ns = since == 0 ? clock_real_ns() : since;
			f->phase = WAITS;
			return 0;
		}
	} else if (buf_ok(&frame->body) && f->heard > 0) {
		f->heard--;
		return 0;
	}
	return err_set(e, ERR_INVALID, "core: malformed frame");
}

int
fetch_feed_turn(struct fetch_feed *f, struct err *e)
{
	int r = 1;

	if (f->phase == WAITS && f->at_ns <= clock_mono_ns())
		r = connect_to(f, e) == -1 ? -1 : 1;
	if (r != -1 && f->phase == CONNECTS)
		r = go_on_connecting(f, e);
	while (r != -1 && f->phase == SHAKES && (r = shake(f, e)) == 1)
		;
	if (r != -1 && f->phase == SHAKES && f->at_ns <= clock_mono_ns())
		r = lose(f, "no answer to the handshake", e);
	if (r != -1 && f->phase == OPEN)
		r = listen_to(f, e);
	if (r != -1 && f->phase == OPEN)
		r = look_at_clock(f, e);
	return r == -1 ? -1 : 0;
}

static bool
has_to_send(const struct fetch_feed *f)
{
	return f->phase == SHAKES ? !f->asked : f->ws.out.at < f->ws.out.len;
}

int
fetch_feed_wait(const struct fetch_feed *f, struct curl_waitfd *wait, int most)
{
	uint64_t now = clock_mono_ns(),
		 left = f->at_ns > now ? f->at_ns - now : 0;

	*wait = (struct curl_waitfd){ .fd = CURL_SOCKET_BAD };
	if (f->phase == IDLE)
		return most;
	if (f->phase == CONNECTS)
		return most < LOOK_MS ? most : LOOK_MS;
	/* A socket that is gone would be told of again and again. */
	if (f->phase == SHAKES ||
	    (f->phase == OPEN && f->heard < FETCH_HEARD_MAX)) {
		wait->fd = f->sock;
		wait->events = (short)(CURL_WAIT_POLLIN |
		    (has_to_send(f) ? CURL_WAIT_POLLOUT : 0));
	}
	if (f->phase == OPEN && f->more && f->heard < FETCH_HEARD_MAX)
		return 0;
	if (f->phase == OPEN)
		left = 5 * CLOCK_SECOND;
	left = left / (CLOCK_SECOND / 1000) + 1;
	return left < (uint64_t)most ? (int)left : most;
}
