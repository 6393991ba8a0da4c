#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/fetch_msgs.h"
#include "messages/front_msgs.h"
#include "messages/ipfs.h"
#include "messages/item_hash.h"
#include "messages/prepare_msgs.h"
#include "policy/ceiling_fetch.h"
#include "runtime/core.h"
#include "runtime/core_fetch.h"

#define PAGE_MAX (4 << 20) /* bytes: a page with one message */
#define AGAIN_NS (30 * CLOCK_SECOND)
#define SERVER_MAX 256

struct waiter {
	struct waiter *next;
	void (*fn)(void *, const struct err *);
	void *arg;
};

struct core_fetch_wanted {
	struct core_fetch *all;
	struct core_fetch_wanted *next;
	char hash[ITEM_HASH_MAX];
	char file[ITEM_HASH_MAX]; /* what its message names; or the same */
	enum fetch_what what;     /* on its way */
	uint32_t serial;          /* of FETCH_GET; 0: a preparer looks at it */
	int message, fd;          /* what came; -1 */
	char server[SERVER_MAX];
	uint64_t bytes;
	struct loop_timer again; /* set: it failed, and is not asked for yet */
	bool failed;
	struct waiter *waiters;
};

static void
free_wanted(struct core_fetch_wanted *w)
{
	struct core_fetch_wanted **at = &w->all->first;
	struct waiter *x;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	loop_timer_stop(w->all->core->loop, &w->again);
	fd_close(&w->message);
	fd_close(&w->fd);
	while ((x = w->waiters) != NULL) {
		w->waiters = x->next;
		free(x);
	}
	free(w);
}

static void
may_ask_again(void *arg)
{
	free_wanted(arg);
}

static void
finish(struct core_fetch_wanted *w, const struct err *why)
{
	struct waiter *x = w->waiters, *next;

	w->waiters = NULL;
	fd_close(&w->message);
	fd_close(&w->fd);
	if (why != NULL) {
		core_log("%s: not fetched: %s", w->hash, why->text);
		w->failed = true;
		loop_timer_set(w->all->core->loop, &w->again,
		    clock_mono_ns() + AGAIN_NS, may_ask_again, w);
	} else {
		free_wanted(w);
	}
	for (; x != NULL; x = next) {
		next = x->next;
		x->fn(x->arg, why);
		free(x);
	}
}

/* ---- what comes ---- */

static void
get(struct core_fetch_wanted *w, enum fetch_what what, const char *hash)
{
	struct core_fetch *all = w->all;
	buf_auto struct buf b = { 0 };
	struct err why;

	fd_close(&w->fd);
	/* In the state directory, which is our root. */
	w->fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (w->fd == -1 || !all->open) {
		err_set(&why, ERR_SYSTEM, "fetch: no room, or nobody to do it");
		finish(w, &why);
		return;
	}
	w->what = what;
	while (++all->serial == 0)
		;
	w->serial = all->serial;
	buf_put_u8(&b, (uint8_t)what);
	buf_put_str(&b, hash);
	buf_put_u64(&b,
	    what == FETCH_MESSAGE     ? PAGE_MAX
		: str_is_sha256(hash) ? all->rules->file_max
				      : IPFS_BLOCKS_MAX(all->rules->file_max));
	frame_link_send(&all->link, FETCH_GET, w->serial, &b, &w->fd, 1);
}

/* A reference may be the file's own, and of no message. */
static void
give_up(struct core_fetch_wanted *w, const struct err *why)
{
	if (w->what == FETCH_MESSAGE && why->code == ERR_NOT_FOUND &&
	    w->message == -1 &&
	    (str_is_sha256(w->hash) || w->all->rules->nipfs > 0)) {
		memcpy(w->file, w->hash, sizeof(w->file));
		get(w, FETCH_FILE, w->file);
	} else {
		finish(w, why);
	}
}

static void taken(void *arg, struct frame *f, const struct err *why,
    const char *problems);

/* A preparer looks at it. */
static void
look(struct core_fetch_wanted *w, enum fetch_what what, int fd)
{
	buf_auto struct buf b = { 0 };
	fd_auto int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	w->what = what;
	w->serial = 0;
	buf_put_u8(&b, (uint8_t)what);
	buf_put_str(&b, what == FETCH_MESSAGE ? w->hash : w->file);
	core_prepare_ask(&w->all->core->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_TAKE,
		.body = &b,
		.fds = &copy,
		.nfds = 1 },
	    taken, w);
}

static void
taken(void *arg, struct frame *f, const struct err *cause, const char *problems)
{
	struct core_fetch_wanted *w = arg;
	char digest[65], need[ITEM_HASH_MAX];
	struct err why;

	(void)problems;
	if (f == NULL) {
		give_up(w, cause);
		return;
	}
	buf_get_str(&f->body, digest, sizeof(digest));
	buf_get_str(&f->body, need, sizeof(need));
	if (!buf_ok(&f->body) ||
	    (need[0] != '\0' &&
		(w->what != FETCH_MESSAGE ||
		    item_hash_kind(need) == ITEM_HASH_NONE))) {
		err_set(&why, ERR_SYSTEM, "preparer: malformed frame");
		finish(w, &why);
	} else if (need[0] != '\0') {
		if (w->message == -1)
			w->message = fd_take(&w->fd);
		memcpy(w->file, need, sizeof(w->file));
		get(w, FETCH_FILE, w->file);
	} else {
		core_audit_fetched(&w->all->core->audit,
		    w->what == FETCH_MESSAGE ? w->hash : w->file, digest,
		    w->bytes, w->server);
		if (w->what == FETCH_FILE && w->message != -1)
			look(w, FETCH_MESSAGE, w->message);
		else
			finish(w, NULL);
	}
}

static struct core_fetch_wanted *
find_serial(struct core_fetch *all, uint32_t serial)
{
	struct core_fetch_wanted *w = all->first;

	while (w != NULL && (serial == 0 || w->serial != serial))
		w = w->next;
	return w;
}

static int
hear_done(struct core_fetch_wanted *w, struct frame *f, struct err *e)
{
	w->bytes = buf_get_u64(&f->body);
	buf_get_str(&f->body, w->server, sizeof(w->server));
	if (!buf_ok(&f->body))
		return err_set(e, ERR_SYSTEM, "malformed frame");
	look(w, w->what, w->fd);
	return 0;
}

static int
hear_failed(struct core_fetch_wanted *w, struct frame *f, struct err *e)
{
	char *problems = malloc(FRONT_PROBLEMS_MAX);
	struct err why;

	invariant(problems != NULL);
	front_msgs_get_refused(&f->body, &why, problems);
	free(problems);
	if (!buf_ok(&f->body))
		return err_set(e, ERR_SYSTEM, "malformed frame");
	give_up(w, &why);
	return 0;
}

/* ---- results of calls ---- */

struct core_fetch_sent {
	struct core_fetch_sent *next;
	struct core_fetch *all;
	uint32_t serial;
	struct loop_timer soon; /* it could not even be sent */
	void (*fn)(void *, const struct err *);
	void *arg;
};

/* The sentence is whoever sent it's. */
static void
end_sent(struct core_fetch_sent *s, const struct err *why)
{
	struct core_fetch_sent **at = &s->all->sent;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	loop_timer_stop(s->all->core->loop, &s->soon);
	if (s->fn != NULL)
		s->fn(s->arg, why);
	free(s);
}

static void
not_sent(void *arg)
{
	struct err why;

	err_set(&why, ERR_SYSTEM, "cella-fetch is not there");
	end_sent(arg, &why);
}

static int
hear_sent(struct core_fetch_sent *s, struct frame *f, struct err *e)
{
	char *problems;
	struct err why;

	if (f->type == FETCH_DONE) {
		end_sent(s, NULL);
		return 0;
	}
	problems = malloc(FRONT_PROBLEMS_MAX);
	invariant(problems != NULL);
	front_msgs_get_refused(&f->body, &why, problems);
	free(problems);
	if (f->type != FETCH_FAILED || !buf_ok(&f->body))
		return err_set(e, ERR_SYSTEM, "malformed frame");
	end_sent(s, &why);
	return 0;
}

void
core_fetch_post(struct core_fetch *all, const char *url, const char *id,
    unsigned status, const struct buf *result,
    void (*fn)(void *, const struct err *), void *arg)
{
	fd_auto int fd = -1;
	struct core_fetch_sent *s = calloc(1, sizeof(*s));
	buf_auto struct buf b = { 0 };
	struct err ignored;

	invariant(s != NULL);
	while (++all->serial == 0)
		;
	*s = (struct core_fetch_sent){ .next = all->sent,
		.all = all,
		.serial = all->serial,
		.fn = fn,
		.arg = arg };
	all->sent = s;
	fd = fd_sealed("result", result->data, result->len, &ignored);
	if (fd == -1 || !all->open) {
		loop_timer_set(all->core->loop, &s->soon, 0, not_sent, s);
		return;
	}
	buf_put_str(&b, url);
	buf_put_str(&b, id);
	buf_put_u32(&b, status);
	frame_link_send(&all->link, FETCH_POST, s->serial, &b, &fd, 1);
}

static int
hear(void *arg, struct frame *f, struct err *e)
{
	struct core_fetch_wanted *w = find_serial(arg, f->serial);
	struct core_fetch *all = arg;
	struct core_fetch_sent *s = all->sent;

	if (f->type == FETCH_FED || f->type == FETCH_HEARD)
		return core_feed_hear(&all->core->feed, f, e);
	while (s != NULL && s->serial != f->serial)
		s = s->next;
	if (s != NULL)
		return hear_sent(s, f, e);

	if (w == NULL)
		return 0; /* it was given up */
	w->serial = 0;
	if (f->type == FETCH_DONE)
		return hear_done(w, f, e);
	if (f->type == FETCH_FAILED)
		return hear_failed(w, f, e);
	return err_set(e, ERR_SYSTEM, "frame %u", f->type);
}

static void
fail_all(struct core_fetch *all, const struct err *why)
{
	struct core_fetch_wanted *w, *next;

	for (w = all->first; w != NULL; w = next) {
		next = w->next;
		if (w->serial != 0) {
			w->serial = 0;
			finish(w, why);
		}
	}
	while (all->sent != NULL)
		end_sent(all->sent, why);
}

static void
gone(void *arg, const struct err *why)
{
	struct core_fetch *all = arg;
	struct err e = *why;

	err_in(&e, "cella-fetch");
	core_log("%s", e.text);
	all->open = false;
	core_feed_gone(&all->core->feed);
	fail_all(all, &e);
}

/* ---- for core ---- */

void
core_fetch_init(struct core_fetch *all, struct core *c)
{
	*all = (struct core_fetch){ .core = c,
		.rules = &c->ceiling.fetch,
		.link.sock = -1 };
}

int
core_fetch_attach(struct core_fetch *all, int sock, struct err *e)
{
	struct err why;

	frame_link_close(&all->link);
	err_set(&why, ERR_SYSTEM, "cella-fetch: another took its place");
	all->open = false;
	fail_all(all, &why);
	if (frame_link_open(&all->link, all->core->loop, sock, hear, gone, all,
		e) == -1)
		return -1;
	all->open = true;
	core_feed_attach(&all->core->feed);
	return 0;
}

void
core_fetch_close(struct core_fetch *all)
{
	if (all->core == NULL)
		return;
	while (all->first != NULL)
		free_wanted(all->first);
	while (all->sent != NULL) {
		all->sent->fn = NULL; /* the journal has it */
		end_sent(all->sent, NULL);
	}
	frame_link_close(&all->link);
}

static struct core_fetch_wanted *
find(const struct core_fetch *all, const char *hash)
{
	struct core_fetch_wanted *w = all->first;

	while (w != NULL && strcmp(w->hash, hash) != 0)
		w = w->next;
	return w;
}

bool
core_fetch_can(const struct core_fetch *all, const char *hash)
{
	const struct core_fetch_wanted *w = find(all, hash);

	return all->open && all->rules->naleph + all->rules->nipfs > 0 &&
	    (w == NULL || !w->failed);
}

void
core_fetch_want(struct core_fetch *all, const char *hash,
    void (*fn)(void *, const struct err *), void *arg)
{
	struct core_fetch_wanted *w = find(all, hash);
	struct waiter *x = calloc(1, sizeof(*x));

	invariant(x != NULL);
	*x = (struct waiter){ NULL, fn, arg };
	if (w != NULL) {
		invariant(!w->failed);
		x->next = w->waiters;
		w->waiters = x;
		return;
	}
	w = calloc(1, sizeof(*w));
	invariant(w != NULL);
	*w = (struct core_fetch_wanted){ .all = all,
		.next = all->first,
		.message = -1,
		.fd = -1,
		.waiters = x };
	invariant(str_copy(w->hash, sizeof(w->hash), hash));
	all->first = w;
	get(w, FETCH_MESSAGE, w->hash);
}
