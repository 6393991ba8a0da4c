#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rate.h"
#include "base/str.h"
#include "messages/front_msgs.h"
#include "messages/value.h"
#include "runtime/core.h"
#include "runtime/core_keys.h"
#include "runtime/journal.h"

struct core_key {
	struct core_key *next_digest, *next_hash;
	struct journal_key key;
	uint64_t spent_ns; /* base/rate.h */
};

static size_t
bucket_of(const char *text)
{
	size_t n = 5381;

	for (; *text != '\0'; text++)
		n = n * 33 + (unsigned char)*text;
	return n % CORE_KEYS_BUCKETS;
}

static int
load(void *arg, const struct journal_key *k)
{
	struct core_keys *all = arg;
	struct core_key *x = calloc(1, sizeof(*x)), **at;

	invariant(x != NULL);
	x->key = *k;
	at = &all->by_digest[bucket_of(k->digest)];
	x->next_digest = *at;
	*at = x;
	at = &all->by_hash[bucket_of(k->hash)];
	x->next_hash = *at;
	*at = x;
	all->len++;
	return 0;
}

int
core_keys_open(struct core_keys *all, struct core *c, struct err *e)
{
	*all = (struct core_keys){ .core = c };
	return journal_each_key(c->journal, load, all, e);
}

static void
drop(struct core_keys *all, struct core_key *x)
{
	struct core_key **at = &all->by_digest[bucket_of(x->key.digest)];

	while (*at != x)
		at = &(*at)->next_digest;
	*at = x->next_digest;
	at = &all->by_hash[bucket_of(x->key.hash)];
	while (*at != x)
		at = &(*at)->next_hash;
	*at = x->next_hash;
	all->len--;
	free(x);
}

void
core_keys_close(struct core_keys *all)
{
	for (size_t i = 0; i < CORE_KEYS_BUCKETS; i++)
		while (all->by_digest[i] != NULL)
			drop(all, all->by_digest[i]);
}

/* ---- calls ---- */

static bool
is_private(const struct core_keys *all, const char *hash)
{
	const struct core_key *x = all->by_hash[bucket_of(hash)];

	while (x != NULL && strcmp(x->key.hash, hash) != 0)
		x = x->next_hash;
	return x != NULL;
}

static int
spend(struct core_key *x, struct err *e)
{
	uint64_t now = clock_mono_ns();

	return rate_take(&x->spent_ns, x->key.rate, now) == 0
	    ? 0
	    : err_set(e, ERR_QUOTA,
		  "this key may call %" PRIu32 " times a minute", x->key.rate);
}

int
core_keys_check(struct core_keys *all, const char *hash, const char *digest,
    const char **name, struct err *e)
{
	struct core_key *x = all->by_digest[bucket_of(digest)];

	*name = "";
	if (!is_private(all, hash))
		return 0;
	if (digest[0] == '\0')
		return err_set(e, ERR_AUTH,
		    "not everybody may call this function: a key is needed");
	while (x != NULL && strcmp(x->key.digest, digest) != 0)
		x = x->next_digest;
	if (x == NULL || x->key.revoked_ns != 0 ||
	    strcmp(x->key.hash, hash) != 0)
		return err_set(e, ERR_DENIED, "this key is not good here");
	*name = x->key.name;
	return spend(x, e);
}

/* ---- the operator ---- */

static struct value *
tell(const struct journal_key *k)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_int(v, "key", (int64_t)k->number);
	value_set_text(v, "item_hash", k->hash);
	value_set_text(v, "name", k->name);
	value_set_int(v, "rate", k->rate);
	value_set_int(v, "created_ns", (int64_t)k->created_ns);
	value_set_text(v, "state", k->revoked_ns == 0 ? "good" : "revoked");
	return v;
}

static int
add(struct core_keys *all, struct frame *f, struct value **out, struct err *e)
{
	struct prepare_program *row = calloc(1, sizeof(*row));
	struct journal_key k = { .created_ns = clock_real_ns() };
	int r;

	invariant(row != NULL);
	buf_get_str(&f->body, k.hash, sizeof(k.hash));
	buf_get_str(&f->body, k.digest, sizeof(k.digest));
	buf_get_str(&f->body, k.name, sizeof(k.name));
	k.rate = buf_get_u32(&f->body);
	if (!buf_ok(&f->body) || !str_is_sha256(k.digest))
		r = err_set(e, ERR_INVALID, "key: malformed frame");
	else if (all->len >= CORE_KEYS_MAX)
		r = err_set(e, ERR_BUSY, "%d keys are there already",
		    CORE_KEYS_MAX);
	else
		r = journal_find_program(all->core->journal, k.hash, row, e);
	free(row);
	if (r == -1 || journal_add_key(all->core->journal, &k, e) == -1)
		return -1;
	load(all, &k);
	core_log("%s: key %" PRIu64 " (%s) is added", k.hash, k.number, k.name);
	*out = tell(&k);
	return 0;
}

static struct core_key *
find_number(struct core_keys *all, uint64_t number)
{
	for (size_t i = 0; i < CORE_KEYS_BUCKETS; i++)
		for (struct core_key *x = all->by_digest[i]; x != NULL;
		     x = x->next_digest)
			if (x->key.number == number)
				return x;
	return NULL;
}

static int
revoke(struct core_keys *all, struct frame *f, struct value **out,
    struct err *e)
{
	uint64_t number = buf_get_u64(&f->body), now = clock_real_ns();
	struct core_key *x = find_number(all, number);

	if (!buf_ok(&f->body) || x == NULL)
		return err_set(e, ERR_NOT_FOUND, "there is no key %" PRIu64,
		    number);
	if (x->key.revoked_ns == 0 &&
	    journal_revoke_key(all->core->journal, number, now, e) == -1)
		return -1;
	if (x->key.revoked_ns == 0)
		x->key.revoked_ns = now;
	core_log("%s: key %" PRIu64 " (%s) is revoked", x->key.hash, number,
	    x->key.name);
	*out = tell(&x->key);
	return 0;
}

static int
open_function(struct core_keys *all, struct frame *f, struct value **out,
    struct err *e)
{
	char hash[ITEM_HASH_MAX];
	struct core_key *x, *next;

	buf_get_str(&f->body, hash, sizeof(hash));
	if (!buf_ok(&f->body) || !is_private(all, hash))
		return err_set(e, ERR_NOT_FOUND, "%s has no keys", hash);
	if (journal_drop_keys(all->core->journal, hash, e) == -1)
		return -1;
	for (x = all->by_hash[bucket_of(hash)]; x != NULL; x = next) {
		next = x->next_hash;
		if (strcmp(x->key.hash, hash) == 0)
			drop(all, x);
	}
	core_log("%s: everybody may call it", hash);
	*out = value_new(VALUE_MAP);
	value_set_text(*out, "item_hash", hash);
	value_set_text(*out, "state", "open");
	return 0;
}

int
core_keys_hear(void *arg, struct frame *f, struct err *e)
{
	static int (*const does[FRONT_KEYS])(struct core_keys *, struct frame *,
	    struct value **, struct err *) = {
		[FRONT_KEY_ADD] = add,
		[FRONT_KEY_REVOKE] = revoke,
		[FRONT_KEY_OPEN] = open_function,
	};
	struct core *c = arg;
	uint8_t what = buf_get_u8(&f->body);
	struct value *v = NULL;
	struct err why;

	if (what >= FRONT_KEYS)
		return err_set(e, ERR_INVALID, "key: malformed frame");
	if (does[what](&c->keys, f, &v, &why) == 0)
		core_answer(c, f->serial, v);
	else
		core_refuse(c, f->serial, &why, NULL);
	return 0;
}

static int
by_number(const void *a, const void *b)
{
	const struct core_key *const *x = a, *const *y = b;

	return (*x)->key.number < (*y)->key.number ? -1 : 1;
}

struct value *
core_keys_list(const struct core_keys *all)
{
	const struct core_key **x = calloc(all->len + 1, sizeof(*x));
	struct value *list = value_new(VALUE_LIST);
	size_t n = 0;

	invariant(x != NULL);
	for (size_t i = 0; i < CORE_KEYS_BUCKETS; i++)
		for (const struct core_key *k = all->by_digest[i]; k != NULL;
		     k = k->next_digest)
			x[n++] = k;
	qsort(x, n, sizeof(*x), by_number);
	for (size_t i = 0; i < n; i++)
		value_add(list, tell(&x[i]->key));
	free(x);
	return list;
}
