#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/str.h"
#include "runtime/crontab.h"

#define MINUTE 60
#define NEVER INT64_MAX

void
crontab_fini(struct crontab *t)
{
	for (size_t i = 0; i < t->len; i++)
		free(t->entry[i].text);
	free(t->entry);
	t->entry = NULL;
	t->len = 0;
}

/* The first slot that may fire after one that did. */
static int64_t
slot_after(const struct crontab *t, const struct crontab_entry *x,
    int64_t fired)
{
	int64_t at;

	if (fired > NEVER - t->period)
		return NEVER;
	/* cron_next() is strictly after; a period reaches to its end. */
	if (t->period > 0)
		fired += t->period - 1;
	return cron_next(&x->cron, fired, &at) ? at : NEVER;
}

/* The same for a function on every node and after every start. */
static int64_t
delay_of(const struct crontab *t, const char *hash)
{
	unsigned char digest[SHA256_LEN];
	uint64_t n = 0;

	sha256_raw(hash, strlen(hash), digest);
	for (int i = 0; i < 8; i++)
		n = n << 8 | digest[i];
	return (int64_t)(n % ((uint64_t)t->jitter + 1));
}

int
crontab_add(struct crontab *t, const char *hash, unsigned place,
    const char *text, int64_t fired, struct err *e)
{
	struct crontab_entry x = { .place = place, .fired = fired };

	if (cron_parse(&x.cron, text, e) == -1)
		return -1;
	invariant(str_copy(x.hash, sizeof(x.hash), hash));
	x.delay = delay_of(t, hash);
	x.next = slot_after(t, &x, fired);
	x.text = str_dup(text);
	t->entry = reallocarray(t->entry, t->len + 1, sizeof(*t->entry));
	invariant(t->entry != NULL);
	t->entry[t->len++] = x;
	return 0;
}

void
crontab_remove(struct crontab *t, const char *hash)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (strcmp(t->entry[i].hash, hash) == 0)
			free(t->entry[i].text);
		else
			t->entry[kept++] = t->entry[i];
	}
	t->len = kept;
}

static int64_t
due_at(const struct crontab_entry *x)
{
	return x->next > NEVER - x->delay ? NEVER : x->next + x->delay;
}

int64_t
crontab_due(const struct crontab *t)
{
	int64_t first = NEVER, at;

	for (size_t i = 0; i < t->len; i++) {
		at = due_at(&t->entry[i]);
		first = at < first ? at : first;
	}
	return first;
}

/*
 * The latest slot up to a time, from one that is not after it: by windows that
 * grow backwards, so that years that were missed are not walked through.
 */
static int64_t
latest_slot(const struct crontab_entry *x, int64_t first, int64_t until)
{
	int64_t width = MINUTE, from, at, last = first;

	for (; until - width > first; width *= 4) {
		from = until - width;
		if (cron_next(&x->cron, from, &at) && at <= until) {
			last = at;
			break;
		}
	}
	while (cron_next(&x->cron, last, &at) && at <= until)
		last = at;
	return last;
}

struct crontab_entry *
crontab_fire(struct crontab *t, int64_t now, int64_t *slot)
{
	struct crontab_entry *x;

	for (size_t i = 0; i < t->len; i++) {
		x = &t->entry[i];
		if (due_at(x) > now)
			continue;
		*slot = latest_slot(x, x->next, now - x->delay);
		x->fired = *slot;
		x->next = slot_after(t, x, *slot);
		return x;
	}
	return NULL;
}

size_t
crontab_next(const struct crontab *t, const struct crontab_entry *x,
    int64_t now, int64_t *slots, size_t n)
{
	int64_t at = x->next;
	size_t len = 0;

	/* Those that were missed come down to one, and that is now. */
	if (at < now)
		at = latest_slot(x, at, now);
	for (; len < n && at != NEVER; at = slot_after(t, x, at))
		slots[len++] = at;
	return len;
}
