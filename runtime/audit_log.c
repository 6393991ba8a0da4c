#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/audit.h"
#include "runtime/audit_end.h"
#include "runtime/audit_files.h"
#include "runtime/audit_key.h"
#include "runtime/audit_log.h"
#include "runtime/audit_tail.h"
#include "runtime/record_parts.h"

struct waiting {
	struct waiting *next;
	char *record;
	size_t len;
	audit_log_fn *fn; /* NULL: nobody waits */
	void *arg;
};

struct audit_log {
	struct audit_log_options options;
	char boot[64];
	int dir, key;
	struct audit_tail tail;   /* of the file */
	struct audit_chain chain; /* of the next record */
	uint64_t file;            /* number of the file's first record */
	uint64_t torn;            /* bytes of a line that a crash cut off */
	bool seal;                /* they want a newline yet */
	bool closed;              /* the file has its last record */
	char *broken;
	struct waiting *first, **last;
	size_t nwaiting, nsynced;
	uint64_t lost; /* records that could not be kept */
};

/* ---- where it ends ---- */

static int
open_file(struct audit_log *l, uint64_t number, uint64_t size, int flags,
    struct err *e)
{
	char name[AUDIT_FILES_NAME];
	int fd;

	audit_files_name(name, number);
	audit_tail_close(&l->tail);
	fd = openat(l->dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | flags,
	    0600);
	if (fd == -1)
		return err_sys(e, AUDIT_LOG_DIR "/%s", name);
	l->file = number;
	return audit_tail_open(&l->tail, fd, size, e);
}

static int
take_up(struct audit_log *l, struct err *e)
{
	bool has_key = audit_key_load(l->key, &l->chain);
	struct audit_end at;

	if (audit_end_find(&at, l->dir, has_key ? &l->chain : NULL, e) == -1)
		return -1;
	l->torn = at.torn;
	if (at.file != 0 && open_file(l, at.file, at.size, 0, e) == -1)
		return -1;
	if (has_key) {
		audit_end_go_on(&at, &l->chain, &l->broken);
		explicit_bzero(&at, sizeof(at));
		return 0;
	}
	if (at.last > 0)
		l->broken = str_dup("the key is gone");
	memcpy(l->chain.prev, at.hash, SHA256_LEN);
	l->chain.seq = at.last + 1;
	return audit_key_make(l->key, l->dir, &l->chain, e);
}

/* ---- records ---- */

static void
add_text(struct audit_log *l, char *text, audit_log_fn *fn, void *arg,
    bool in_front)
{
	struct waiting *w = calloc(1, sizeof(*w));

	invariant(w != NULL);
	*w = (struct waiting){ NULL, text, strlen(text), fn, arg };
	l->nwaiting++;
	l->nsynced += fn != NULL;
	if (in_front) {
		w->next = l->first;
		l->first = w;
		if (w->next == NULL)
			l->last = &w->next;
	} else {
		*l->last = w;
		l->last = &w->next;
	}
}

static char *
text_of(struct value *record)
{
	struct value *t = value_set_map(record, "t");
	uint64_t now = clock_real_ns();
	char *text;

	record_parts_time(t, "real", now);
	value_set_int(t, "mono_ns", (int64_t)clock_mono_ns());
	text = json_emit(record, JSON_AS_LINE);
	value_free(record);
	return text;
}

/* The first record of a file and of each start. */
static void
add_open(struct audit_log *l, const char *why)
{
	struct value *v = value_new(VALUE_MAP), *r;
	char hex[2 * SHA256_LEN + 1], host[256] = "";

	(void)gethostname(host, sizeof(host) - 1);
	str_hex(hex, l->chain.prev, SHA256_LEN);
	value_set_text(v, "kind", "open");
	value_set_text(v, "why", why);
	value_set_text(v, "version", VERSION_TEXT);
	value_set_text(v, "host", host);
	value_set_text(v, "boot", l->boot);
	value_set_text(v, "prev", hex);
	if (l->torn > 0) {
		r = value_set_map(v, "recovered");
		value_set_int(r, "partial_bytes", (int64_t)l->torn);
		l->seal = true;
		l->torn = 0;
	}
	if (l->broken != NULL)
		value_set_text(v, "broken", l->broken);
	add_text(l, text_of(v), NULL, NULL, true);
}

static struct waiting *
take_first(struct audit_log *l)
{
	struct waiting *w = l->first;

	l->first = w->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->nwaiting--;
	l->nsynced -= w->fn != NULL;
	return w;
}

static void
free_waiting(struct waiting *w)
{
	free(w->record);
	free(w);
}

/* ---- writing ---- */

static int
write_close(struct audit_log *l, const char *why, struct err *e)
{
	struct value *v = value_new(VALUE_MAP);
	struct audit_chain chain = l->chain;
	buf_auto struct buf b = { 0 };
	char *text;
	int r;

	value_set_text(v, "kind", "close");
	value_set_text(v, "why", why);
	text = text_of(v);
	audit_append(&chain, text, strlen(text), &b);
	free(text);
	r = audit_tail_append(&l->tail, &b, true, e);
	if (r == 0) {
		l->chain = chain;
		l->closed = true;
		(void)audit_key_save(l->key, &l->chain);
	}
	explicit_bzero(&chain, sizeof(chain));
	return r;
}

static int
next_file(struct audit_log *l, const char *why, struct err *e)
{
	if (open_file(l, l->chain.seq, 0, O_CREAT | O_EXCL, e) == -1)
		return -1;
	l->closed = false;
	add_open(l, why);
	if (fsync(l->dir) == -1)
		return err_sys(e, AUDIT_LOG_DIR);
	return 0;
}

static int
rotate_if_full(struct audit_log *l, struct err *e)
{
	if (!l->closed && l->tail.size < l->options.file_bytes)
		return 0;
	if (!l->closed && write_close(l, "full", e) == -1)
		return -1;
	return next_file(l, "rotated", e);
}

static int
write_waiting(struct audit_log *l, struct err *e)
{
	struct audit_chain chain = l->chain;
	buf_auto struct buf b = { 0 };
	int r;

	if (l->seal)
		buf_add_char(&b, '\n');
	for (const struct waiting *w = l->first; w != NULL; w = w->next)
		audit_append(&chain, w->record, w->len, &b);
	r = audit_tail_append(&l->tail, &b, l->nsynced > 0, e);
	if (r == 0) {
		l->seal = false;
		l->chain = chain;
		/* If it is not written, the next start goes through more. */
		(void)audit_key_save(l->key, &l->chain);
	}
	explicit_bzero(&chain, sizeof(chain));
	return r;
}

static struct waiting *
take_all(struct audit_log *l)
{
	struct waiting *all = l->first;

	l->first = NULL;
	l->last = &l->first;
	l->nwaiting = l->nsynced = 0;
	return all;
}

static void
tell(struct waiting *all)
{
	struct waiting *w;

	while ((w = all) != NULL) {
		all = w->next;
		if (w->fn != NULL)
			w->fn(w->arg, NULL);
		free_waiting(w);
	}
}

/* Who waits is told; the others stay, as long as there is room for them. */
static void
tell_failure(struct audit_log *l, const struct err *why)
{
	const struct err *told = l->options.drop_when_full ? NULL : why;
	struct waiting *all = take_all(l), *w;

	while ((w = all) != NULL) {
		all = w->next;
		w->next = NULL;
		if (w->fn == NULL && l->nwaiting < AUDIT_LOG_WAITING_MAX) {
			*l->last = w;
			l->last = &w->next;
			l->nwaiting++;
			continue;
		}
		l->lost += w->fn == NULL || told == NULL;
		if (w->fn != NULL)
			w->fn(w->arg, told);
		free_waiting(w);
	}
}

/* Nothing else waits.  If it cannot be written, it is told later. */
static void
write_lost(struct audit_log *l)
{
	struct value *v = value_new(VALUE_MAP);
	struct err ignored;

	value_set_text(v, "kind", "lost");
	value_set_int(v, "records", (int64_t)l->lost);
	add_text(l, text_of(v), NULL, NULL, false);
	if (write_waiting(l, &ignored) == 0)
		l->lost = 0;
	free_waiting(take_first(l));
}

int
audit_log_flush(struct audit_log *l, struct err *e)
{
	struct waiting *all;

	if (l->nwaiting == 0)
		return 0;
	if (rotate_if_full(l, e) == -1 || write_waiting(l, e) == -1) {
		tell_failure(l, e);
		return -1;
	}
	all = take_all(l);
	if (l->lost > 0)
		write_lost(l);
	tell(all);
	audit_tail_make_room(&l->tail);
	return 0;
}

void
audit_log_add(struct audit_log *l, struct value *record, audit_log_fn *fn,
    void *arg)
{
	char *text = text_of(record);

	if (fn == NULL && l->nwaiting >= AUDIT_LOG_WAITING_MAX) {
		l->lost++;
		free(text);
		return;
	}
	add_text(l, text, fn, arg, false);
}

void
audit_log_forget(struct audit_log *l, const void *arg)
{
	for (struct waiting *w = l->first; w != NULL; w = w->next)
		if (w->fn != NULL && w->arg == arg) {
			w->fn = NULL;
			l->nsynced--;
		}
}

uint64_t
audit_log_last(const struct audit_log *l, char hash[SHA256_HEX])
{
	str_hex(hash, l->chain.prev, SHA256_LEN);
	return l->chain.seq - 1;
}

uint64_t
audit_log_file(const struct audit_log *l)
{
	return l->file;
}

/* ---- opening ---- */

static int
open_dir(struct audit_log *l, int state, struct err *e)
{
	if (mkdirat(state, AUDIT_LOG_DIR, 0700) == -1 && errno != EEXIST)
		return err_sys(e, AUDIT_LOG_DIR);
	l->dir = openat(state, AUDIT_LOG_DIR,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (l->dir == -1)
		return err_sys(e, AUDIT_LOG_DIR);
	l->key = audit_key_open(l->dir, e);
	return l->key == -1 ? -1 : 0;
}

static void
free_log(struct audit_log *l)
{
	while (l->first != NULL)
		free_waiting(take_first(l));
	explicit_bzero(&l->chain, sizeof(l->chain));
	audit_tail_close(&l->tail);
	fd_close(&l->key);
	fd_close(&l->dir);
	free(l->broken);
	free(l);
}

struct audit_log *
audit_log_open(int dir, const struct audit_log_options *o, char **broken,
    struct err *e)
{
	struct audit_log *l = calloc(1, sizeof(*l));
	int r;

	invariant(l != NULL);
	*l = (struct audit_log){ .options = *o,
		.dir = -1,
		.key = -1,
		.tail.fd = -1 };
	l->last = &l->first;
	l->options.boot = NULL;
	(void)str_copy(l->boot, sizeof(l->boot), o->boot);
	*broken = NULL;
	if (open_dir(l, dir, e) == -1 || take_up(l, e) == -1) {
		free_log(l);
		return NULL;
	}
	if (l->tail.fd == -1) {
		r = next_file(l, "started", e);
	} else {
		add_open(l, "started");
		r = 0;
	}
	if (r == -1 || audit_log_flush(l, e) == -1) {
		free_log(l);
		return NULL;
	}
	*broken = l->broken;
	l->broken = NULL;
	return l;
}

void
audit_log_close(struct audit_log *l)
{
	struct err ignored;

	if (l == NULL)
		return;
	if (audit_log_flush(l, &ignored) == 0)
		(void)write_close(l, "stopped", &ignored);
	free_log(l);
}
