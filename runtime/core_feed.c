#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/fetch_msgs.h"
#include "messages/prepare_msgs.h"
#include "runtime/core.h"
#include "runtime/core_events.h"
#include "runtime/core_feed.h"
#include "runtime/core_publish.h"
#include "runtime/journal.h"

/* Senders' clocks, and messages on their way: asked for once more. */
#define OVERLAP_NS (300 * CLOCK_SECOND)
#define STAMP_NS (10 * CLOCK_SECOND)
#define TRIES 6
#define AGAIN_NS CLOCK_SECOND /* doubled each time */

struct core_feed_heard {
	struct core_feed_heard *next;
	struct core_feed *feed;
	uint32_t serial, generation;
	uint64_t all_ns; /* CLOCK_REALTIME: what had come by then is heard */
	int fd;
	unsigned tries;
	struct loop_timer again;
};

/* ---- how far ---- */

static void
stamp(void *arg)
{
	struct core_feed *f = arg;
	struct core *c = f->core;
	uint64_t all_ns = clock_real_ns();
	struct err e;

	/* Of what came before then nothing is lost, if core is. */
	for (const struct core_feed_heard *h = f->first; h != NULL; h = h->next)
		if (h->all_ns < all_ns)
			all_ns = h->all_ns;
	if (f->up &&
	    journal_set_feed(c->journal, c->ceiling.fetch.feed, all_ns, &e) ==
		-1)
		core_log("%s", e.text);
	loop_timer_set(c->loop, &f->stamp, clock_mono_ns() + STAMP_NS, stamp,
	    f);
}

void
core_feed_init(struct core_feed *f, struct core *c)
{
	*f = (struct core_feed){ .core = c, .counts = &c->metrics.feed };
	f->counts->there = c->ceiling.fetch.feed[0] != '\0';
	if (f->counts->there)
		stamp(f);
}

void
core_feed_attach(struct core_feed *f)
{
	struct core *c = f->core;
	buf_auto struct buf b = { 0 };
	const char *url = c->ceiling.fetch.feed;
	uint64_t since = 0;
	struct err e;

	core_feed_gone(f);
	if (!f->counts->there)
		return;
	if (journal_get_feed(c->journal, url, &since, &e) == -1)
		core_log("%s", e.text);
	/* Never followed: from now on, also for a core after this one. */
	if (since == 0 &&
	    journal_set_feed(c->journal, url, clock_real_ns(), &e) == -1)
		core_log("%s", e.text);
	buf_put_u64(&b, since > OVERLAP_NS ? since - OVERLAP_NS : 0);
	frame_link_send(&c->fetch.link, FETCH_FEED, 0, &b, NULL, 0);
}

void
core_feed_gone(struct core_feed *f)
{
	f->generation++;
	f->heard = 0;
	f->up = f->counts->up = false;
}

/* ---- one message ---- */

static void match(void *arg);

static void
free_heard(struct core_feed_heard *h)
{
	struct core_feed_heard **at = &h->feed->first;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	loop_timer_stop(h->feed->core->loop, &h->again);
	fd_close(&h->fd);
	free(h);
}

void
core_feed_close(struct core_feed *f)
{
	if (f->core == NULL)
		return;
	while (f->first != NULL)
		free_heard(f->first);
	loop_timer_stop(f->core->loop, &f->stamp);
}

/* What becomes of it is written down, or nothing does. */
static void
finish(struct core_feed_heard *h)
{
	struct core_feed *f = h->feed;

	if (h->generation == f->generation) {
		f->heard--;
		frame_link_send(&f->core->fetch.link, FETCH_TAKEN, h->serial,
		    NULL, NULL, 0);
	}
	free_heard(h);
}

/*
 * There may be room later, however long that takes: the feed waits.  What makes
 * a preparer fall over is not held for ever.
 */
static void
fail(struct core_feed_heard *h, const struct err *why)
{
	struct core *c = h->feed->core;
	char *safe;

	if (why->code == ERR_BUSY ||
	    (why->code == ERR_SYSTEM && h->tries < TRIES)) {
		loop_timer_set(c->loop, &h->again,
		    clock_mono_ns() + (AGAIN_NS << h->tries), match, h);
		h->tries += h->tries < TRIES;
		return;
	}
	h->feed->counts->messages[METRICS_FEED_REFUSED]++;
	/* It may quote the message. */
	safe = str_printable(why->text, strlen(why->text), 256);
	core_log("feed: a message is left out: %s", safe);
	free(safe);
	finish(h);
}

static void
published(void *arg, const struct err *why)
{
	struct core_feed_heard *h = arg;

	if (why != NULL) {
		fail(h, why);
		return;
	}
	h->feed->counts->messages[METRICS_FEED_PUBLISHED]++;
	finish(h);
}

/* What names others' alone is no news, and leaves no trace. */
static bool
is_about_functions(struct core *c, const char *owner, const char *forgets)
{
	static struct prepare_program p;
	char hash[ITEM_HASH_MAX];
	struct err ignored;
	const char *end;

	for (; (end = strchr(forgets, '\n')) != NULL; forgets = end + 1) {
		if ((size_t)(end - forgets) >= sizeof(hash))
			continue;
		memcpy(hash, forgets, (size_t)(end - forgets));
		hash[end - forgets] = '\0';
		if (journal_find_program(c->journal, hash, &p, &ignored) == 0 &&
		    core_publish_may_forget(&p, owner))
			return true;
	}
	return false;
}

/* It may have to be matched, and published, once more. */
static void
publish(struct core_feed_heard *h)
{
	int copy = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	struct err why;

	if (copy == -1) {
		err_sys(&why, "feed");
		fail(h, &why);
	} else {
		core_publish_heard(h->feed->core, &copy, published, h);
	}
}

static void
matched(void *arg, const struct core_events_done *done, const struct err *why,
    const char *problems)
{
	struct core_feed_heard *h = arg;
	struct core_feed *f = h->feed;
	uint64_t *counts = f->counts->messages;

	(void)problems;
	if (done == NULL) {
		fail(h, why);
		return;
	}
	if (done->news == PREPARE_NEWS_OWNER ||
	    (done->news == PREPARE_NEWS_FORGET &&
		is_about_functions(f->core, done->owner, done->forgets))) {
		publish(h);
		return;
	}
	if (done->news == PREPARE_NEWS_UNVERIFIED)
		counts[METRICS_FEED_UNVERIFIED]++;
	else if (done->nfunctions > 0)
		counts[METRICS_FEED_DELIVERED]++;
	else
		counts[METRICS_FEED_IGNORED]++;
	finish(h);
}

static void
match(void *arg)
{
	struct core_feed_heard *h = arg;
	int copy = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	struct err why;

	if (copy == -1) {
		err_sys(&why, "feed");
		fail(h, &why);
	} else if (core_events_match(h->feed->core, &copy, true, matched, h,
		       &why) == -1) {
		fd_close(&copy);
		fail(h, &why);
	}
}

static int
hear_message(struct core_feed *f, struct frame *frame, struct err *e)
{
	uint64_t all_ns = buf_get_u64(&frame->body);
	struct core_feed_heard *h;

	if (frame->nfds != 1 || !buf_ok(&frame->body) ||
	    f->heard >= FETCH_HEARD_MAX)
		return err_set(e, ERR_SYSTEM, "malformed frame");
	h = calloc(1, sizeof(*h));
	invariant(h != NULL);
	*h = (struct core_feed_heard){ .next = f->first,
		.feed = f,
		.serial = frame->serial,
		.generation = f->generation,
		.all_ns = all_ns,
		.fd = fd_take(&frame->fds[0]) };
	f->first = h;
	f->heard++;
	match(h);
	return 0;
}

int
core_feed_hear(struct core_feed *f, struct frame *frame, struct err *e)
{
	char why[FETCH_WHY_MAX];
	bool up;

	if (frame->type == FETCH_HEARD)
		return hear_message(f, frame, e);
	up = buf_get_u8(&frame->body) != 0;
	buf_get_str(&frame->body, why, sizeof(why));
	if (!buf_ok(&frame->body))
		return err_set(e, ERR_SYSTEM, "malformed frame");
	if (up != f->up || !up)
		core_log("feed: %s%s", why, up ? ": connected" : "");
	f->up = f->counts->up = up;
	return 0;
}
