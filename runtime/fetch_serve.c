#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "messages/fetch_msgs.h"
#include "messages/frame.h"
#include "messages/front_msgs.h"
#include "messages/item_hash.h"
#include "policy/ceiling_fetch.h"
#include "runtime/fetch_feed.h"
#include "runtime/fetch_serve.h"

#define TRIES 6
#define FIRST_NS (CLOCK_SECOND / 4) /* doubled each time */
#define AFTER_MAX 30                /* seconds: of a Retry-After */
#define TRANSFERS_MAX 16
#define CONNECT_S 10L
#define STILL_S 30L /* slower than this many bytes a second, so long */
#define STILL_BYTES 100L
#define LONGEST_S 3600L
#define CALLBACK_S 60L

struct transfer {
	struct transfer *next;
	struct fetcher *all;
	uint32_t serial;
	enum fetch_what what;
	char hash[ITEM_HASH_MAX];
	uint64_t max, got;
	int file;
	bool too_long;
	CURL *easy;             /* NULL: it waits for its time, or its turn */
	uint64_t at_ns;         /* for that time */
	unsigned tries, absent; /* servers that have it not */
	char url[FETCH_URL_MAX];
	struct curl_slist *headers;
	bool post;
	char why[CURL_ERROR_SIZE + 64];
};

struct fetcher {
	int core;
	const struct ceiling_fetch *rules;
	CURLM *multi;
	struct transfer *first;
	unsigned running;
	struct fetch_feed *feed;
};

/* ---- one transfer ---- */

/* What a CID names comes from gateways, everything else from the API. */
static bool
is_of_ipfs(const struct transfer *t)
{
	return t->what == FETCH_FILE &&
	    item_hash_kind(t->hash) != ITEM_HASH_STORAGE;
}

static size_t
servers_of(const struct transfer *t)
{
	return is_of_ipfs(t) ? t->all->rules->nipfs : t->all->rules->naleph;
}

static const char *
server_of(const struct transfer *t)
{
	const struct ceiling_fetch *r = t->all->rules;

	return is_of_ipfs(t) ? r->ipfs[t->tries % r->nipfs]
			     : r->aleph[t->tries % r->naleph];
}

/*
 * Hashes are letters and digits.  Of a gateway: its "trustless" form, all
 * blocks of the file in one archive (IPFS HTTP gateway specification).
 */
static void
make_url(struct transfer *t)
{
	if (is_of_ipfs(t))
		snprintf(t->url, sizeof(t->url),
		    "%s/ipfs/%s?format=car&dag-scope=entity", server_of(t),
		    t->hash);
	else if (t->what == FETCH_MESSAGE)
		snprintf(t->url, sizeof(t->url),
		    "%s/api/v0/messages.json?hashes=%s&msgType=STORE",
		    server_of(t), t->hash);
	else
		snprintf(t->url, sizeof(t->url), "%s/api/v0/storage/raw/%s",
		    server_of(t), t->hash);
}

static size_t
take(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (n > t->max - t->got) {
		t->too_long = true;
		return 0;
	}
	if (pwrite(t->file, data, n, (off_t)t->got) != (ssize_t)n)
		return 0;
	t->got += n;
	return n;
}

/* What it answers is nobody's. */
static size_t
drop(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static size_t
give(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	ssize_t r = pread(t->file, data, size * n, (off_t)t->got);

	if (r == -1)
		return CURL_READFUNC_ABORT;
	t->got += (uint64_t)r;
	return (size_t)r;
}

static void
set_post(struct transfer *t)
{
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->max);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(1 << 20));
	curl_easy_setopt(c, CURLOPT_TIMEOUT, CALLBACK_S);
}

static void
set_options(struct transfer *t)
{
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_URL, t->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STILL_BYTES);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, STILL_S);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, LONGEST_S);
	curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "cella/" VERSION_TEXT);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	if (t->post)
		set_post(t);
	else if (t->got > 0)
		curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE,
		    (curl_off_t)t->got);
}

static void
start(struct transfer *t)
{
	if (!t->post)
		make_url(t);
	t->why[0] = '\0';
	t->easy = curl_easy_init();
	invariant(t->easy != NULL);
	set_options(t);
	curl_multi_add_handle(t->all->multi, t->easy);
	t->all->running++;
}

static void
stop(struct transfer *t)
{
	if (t->easy == NULL)
		return;
	curl_multi_remove_handle(t->all->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
	t->all->running--;
}

static void
free_transfer(struct transfer *t)
{
	struct transfer **at = &t->all->first;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	stop(t);
	curl_slist_free_all(t->headers);
	fd_close(&t->file);
	free(t);
}

/* ---- its end ---- */

static int
answer_done(struct transfer *t, struct err *e)
{
	buf_auto struct buf b = { 0 };
	int r;

	buf_put_u64(&b, t->got);
	buf_put_str(&b, t->post ? "" : server_of(t));
	r = frame_send(t->all->core, FETCH_DONE, t->serial, &b, NULL, 0, e);
	free_transfer(t);
	return r;
}

static int
answer_failed(struct transfer *t, enum err_code code, const char *why,
    struct err *e)
{
	buf_auto struct buf b = { 0 };
	struct err said;
	int r;

	err_set(&said, code, "%s: %s", t->url, why);
	front_msgs_put_refused(&b, &said, NULL);
	r = frame_send(t->all->core, FETCH_FAILED, t->serial, &b, NULL, 0, e);
	free_transfer(t);
	return r;
}

/* What another try, or another server, may mend. */
static bool
is_passing(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 404 || status == 408 || status == 416 ||
		    status == 429 || status >= 500;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_RANGE_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return true;
	default:
		return false;
	}
}

static uint64_t
pause_of(const struct transfer *t, curl_off_t after)
{
	uint64_t ns = FIRST_NS << t->tries;

	/* The next server need not wait for this one. */
	if (servers_of(t) > 1 && after == 0)
		ns = FIRST_NS;
	if (after > AFTER_MAX)
		after = AFTER_MAX;
	if (after > 0 && ns < (uint64_t)after * CLOCK_SECOND)
		ns = (uint64_t)after * CLOCK_SECOND;
	return ns;
}

/* What was written is not to be gone on from. */
static int
begin_anew(struct transfer *t)
{
	t->got = 0;
	return ftruncate(t->file, 0);
}

/* Core tries again: it has the journal. */
static int
finish_post(struct transfer *t, CURLcode code, long status, struct err *e)
{
	stop(t);
	if (code == CURLE_OK && status >= 200 && status < 300)
		return answer_done(t, e);
	if (code == CURLE_OK)
		snprintf(t->why, sizeof(t->why), "it answered with status %ld",
		    status);
	else if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why), "%s",
		    curl_easy_strerror(code));
	return answer_failed(t, ERR_GUEST, t->why, e);
}

static int
finish(struct transfer *t, CURLcode code, struct err *e)
{
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after);
	if (t->post)
		return finish_post(t, code, status, e);
	stop(t);
	if (code == CURLE_OK && status != 200 && status != 206)
		return answer_failed(t, ERR_GUEST,
		    "neither what was asked for nor an error", e);
	if (code == CURLE_OK)
		return answer_done(t, e);
	if (t->too_long || code == CURLE_FILESIZE_EXCEEDED)
		return answer_failed(t, ERR_DENIED,
		    "longer than the policy's fetch.max", e);
	if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why), "%s",
		    curl_easy_strerror(code));
	if (!is_passing(code, status))
		return answer_failed(t, ERR_GUEST, t->why, e);
	t->absent += status == 404;
	if (t->absent >= servers_of(t))
		return answer_failed(t, ERR_NOT_FOUND, "no server has it", e);
	t->tries++;
	if (t->tries >= TRIES)
		return answer_failed(t, ERR_TIMEOUT, t->why, e);
	if ((code == CURLE_RANGE_ERROR || status == 416) && begin_anew(t) == -1)
		return answer_failed(t, ERR_SYSTEM, "cannot begin anew", e);
	t->at_ns = clock_mono_ns() + pause_of(t, after);
	return 0;
}

/* ---- core ---- */

static struct transfer *
new_transfer(struct fetcher *all, uint32_t serial)
{
	struct transfer *t = calloc(1, sizeof(*t)), **last = &all->first;

	invariant(t != NULL);
	t->all = all;
	t->serial = serial;
	t->file = -1;
	while (*last != NULL)
		last = &(*last)->next;
	*last = t;
	return t;
}

static void
add_header(struct transfer *t, const char *name, const char *text)
{
	char line[256];
	struct curl_slist *all;

	snprintf(line, sizeof(line), "%s: %s", name, text);
	all = curl_slist_append(t->headers, line);
	invariant(all != NULL);
	t->headers = all;
}

static int
take_post(struct fetcher *all, struct frame *f, struct err *e)
{
	struct transfer *t = new_transfer(all, f->serial);
	char id[FRONT_CALL_ID], status[16];
	struct stat s;

	t->post = true;
	buf_get_str(&f->body, t->url, sizeof(t->url));
	buf_get_str(&f->body, id, sizeof(id));
	snprintf(status, sizeof(status), "%u", buf_get_u32(&f->body));
	if (f->nfds != 1 || !buf_ok(&f->body) || fstat(f->fds[0], &s) == -1 ||
	    !ceiling_fetch_may_call(all->rules, t->url)) {
		free_transfer(t);
		return err_set(e, ERR_INVALID, "core: malformed frame");
	}
	t->file = fd_take(&f->fds[0]);
	t->max = (uint64_t)s.st_size;
	add_header(t, "Content-Type", "application/octet-stream");
	add_header(t, "X-Call-Id", id);
	add_header(t, "Idempotency-Key", id);
	add_header(t, "X-Function-Status", status);
	return 0;
}

static int
take_get(struct fetcher *all, struct frame *f, struct err *e)
{
	struct transfer *t = new_transfer(all, f->serial);
	uint8_t what = buf_get_u8(&f->body);

	t->what = (enum fetch_what)what;
	buf_get_str(&f->body, t->hash, sizeof(t->hash));
	t->max = buf_get_u64(&f->body);
	if (f->type != FETCH_GET || f->nfds != 1 || !buf_ok(&f->body) ||
	    what >= FETCH_WHATS || item_hash_kind(t->hash) == ITEM_HASH_NONE) {
		free_transfer(t);
		return err_set(e, ERR_INVALID, "core: malformed frame");
	}
	t->file = fd_take(&f->fds[0]);
	snprintf(t->url, sizeof(t->url), "%s",
	    t->hash); /* until there is one */
	if (servers_of(t) == 0)
		return answer_failed(t, ERR_NOT_FOUND,
		    is_of_ipfs(t) ? "the policy names no gateway of IPFS"
				  : "the policy names no server",
		    e);
	if (is_of_ipfs(t))
		add_header(t, "Accept",
		    "application/vnd.ipld.car; version=1; order=dfs; dups=n");
	return 0;
}

/* 0: core is gone. */
static int
hear_core(struct fetcher *all, struct err *e)
{
	struct frame f;
	int r = frame_recv(all->core, &f, e);

	if (r != 1)
		return r;
	if (f.type == FETCH_FEED || f.type == FETCH_TAKEN)
		r = fetch_feed_hear(all->feed, &f, e);
	else
		r = f.type == FETCH_POST ? take_post(all, &f, e)
					 : take_get(all, &f, e);
	frame_fini(&f);
	return r == -1 ? -1 : 1;
}

/* ---- the loop ---- */

/* Those whose time has come; how long the next one waits, in milliseconds. */
static int
start_due(struct fetcher *all)
{
	uint64_t now = clock_mono_ns(), wait = 60 * CLOCK_SECOND;

	for (struct transfer *t = all->first; t != NULL; t = t->next) {
		if (t->easy != NULL)
			continue;
		if (t->at_ns <= now && all->running < TRANSFERS_MAX)
			start(t);
		else if (t->at_ns > now && t->at_ns - now < wait)
			wait = t->at_ns - now;
	}
	return (int)(wait / (CLOCK_SECOND / 1000)) + 1;
}

static int
finish_some(struct fetcher *all, struct err *e)
{
	struct transfer *t;
	CURLcode code;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(all->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE,
		    (char **)&t);
		if (finish(t, code, e) == -1)
			return -1;
	}
	return 0;
}

static int
serve(struct fetcher *all, struct err *e)
{
	struct curl_waitfd wait[2];
	int running, r, most;

	for (;;) {
		wait[0] = (struct curl_waitfd){ .fd = all->core,
			.events = CURL_WAIT_POLLIN };
		if (curl_multi_perform(all->multi, &running) != CURLM_OK)
			return err_set(e, ERR_SYSTEM, "libcurl");
		if (finish_some(all, e) == -1)
			return -1;
		most = start_due(all);
		if (all->running >= TRANSFERS_MAX)
			most = 1000;
		if (fetch_feed_turn(all->feed, e) == -1)
			return -1;
		most = fetch_feed_wait(all->feed, &wait[1], most);
		if (curl_multi_poll(all->multi, wait,
			wait[1].fd == CURL_SOCKET_BAD ? 1 : 2, most,
			NULL) != CURLM_OK)
			return err_set(e, ERR_SYSTEM, "libcurl");
		if (wait[0].revents == 0)
			continue;
		r = hear_core(all, e);
		if (r != 1)
			return r;
	}
}

int
fetch_serve(int core, const struct ceiling_fetch *rules, struct err *e)
{
	struct fetcher all = { .core = core, .rules = rules };
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return err_set(e, ERR_SYSTEM, "libcurl");
	all.multi = curl_multi_init();
	invariant(all.multi != NULL);
	curl_multi_setopt(all.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)TRANSFERS_MAX);
	all.feed = fetch_feed_new(core, rules);
	r = serve(&all, e);
	fetch_feed_free(all.feed);
	while (all.first != NULL)
		free_transfer(all.first);
	curl_multi_cleanup(all.multi);
	curl_global_cleanup();
	return r;
}
