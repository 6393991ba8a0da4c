#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/audit.h"
#include "runtime/audit_files.h"
#include "runtime/audit_log.h"
#include "runtime/audit_verify.h"

#define OPEN "{\"kind\":\"open\","

struct verify {
	struct audit_verified *out;
	const struct audit_mark *key, *checkpoint;
	struct audit_chain chain;
	bool started;
	size_t torn; /* bytes of a line that the next record must own to */
	bool is_torn;
	uint64_t next; /* the record whose key the node holds; 0: not known */
};

int
audit_verify_mark(struct audit_mark *m, const char *text, struct err *e)
{
	char *end;

	m->seq = strtoull(text, &end, 10);
	if (m->seq > 0 && *end == ':' && str_is_sha256(end + 1) &&
	    str_unhex(m->bytes, SHA256_LEN, end + 1))
		return 0;
	return err_set(e, ERR_INVALID,
	    "not NUMBER:HEX with 64 hexadecimal digits");
}

static bool
wrong(struct verify *v, char *why)
{
	v->out->why = why;
	return false;
}

static bool
has_key(const struct verify *v)
{
	return v->key->seq != 0 && v->chain.seq >= v->key->seq;
}

/* The first key is that of record key->seq; those before cannot be checked. */
static void
reach_key(struct verify *v)
{
	if (v->chain.seq == v->key->seq)
		memcpy(v->chain.key, v->key->bytes, SHA256_LEN);
}

/* An archive may begin in the middle: its first record says what was before. */
static bool
start(struct verify *v, const struct audit_line *l)
{
	value_auto struct value *r = NULL;
	const char *prev;
	struct err e;

	r = json_parse(l->record, l->len, &e);
	prev = value_get_text(r, "prev");
	if (prev == NULL || !str_is_sha256(prev))
		return wrong(v, str_dup("the first record opens no file"));
	v->started = true;
	v->chain.seq = l->seq;
	if (l->seq > 1)
		str_unhex(v->chain.prev, SHA256_LEN, prev);
	if (v->key->seq != 0 && v->key->seq <= l->seq) {
		memcpy(v->chain.key, v->key->bytes, SHA256_LEN);
		for (uint64_t n = v->key->seq; n < l->seq; n++)
			audit_ratchet(v->chain.key);
	}
	v->out->first = l->seq;
	return true;
}

/* What the node said of its own log when it took it up. */
static bool
hear_open(struct verify *v, const struct audit_line *l)
{
	value_auto struct value *r = NULL;
	const struct value *recovered;
	struct err e;
	int64_t partial;

	r = json_parse(l->record, l->len, &e);
	recovered = value_get(r, "recovered");
	partial = value_get_int(recovered, "partial_bytes", 0);
	v->out->breaks += value_get_text(r, "broken") != NULL;
	if (v->is_torn && partial != (int64_t)v->torn)
		return wrong(v, str_dup("the line before is no record"));
	v->is_torn = false;
	return true;
}

static bool
check_mark(struct verify *v, const struct audit_line *l)
{
	const struct audit_mark *m = v->checkpoint;

	if (m->seq != l->seq || memcmp(m->bytes, l->hash, SHA256_LEN) == 0)
		return true;
	return wrong(v,
	    str_printf("record %" PRIu64 " is not that of the checkpoint",
		l->seq));
}

static bool
check_line(struct verify *v, const struct audit_line *l)
{
	enum audit_fault fault;

	if (!v->started && !start(v, l))
		return false;
	reach_key(v);
	fault = audit_check(&v->chain, l, has_key(v));
	if (fault == AUDIT_AGAIN)
		return wrong(v,
		    str_printf("record %" PRIu64 " is missing: record %" PRIu64
			       " %s",
			v->chain.seq, l->seq, audit_fault_name(fault)));
	if (fault != AUDIT_GOOD)
		return wrong(v,
		    str_printf("record %" PRIu64 " %s", v->chain.seq,
			audit_fault_name(fault)));
	v->out->last = l->seq;
	if (l->len > strlen(OPEN) &&
	    memcmp(l->record, OPEN, strlen(OPEN)) == 0) {
		if (!hear_open(v, l))
			return false;
	} else if (v->is_torn) {
		return wrong(v, str_dup("the line before is no record"));
	}
	return check_mark(v, l);
}

static bool
check_file(struct verify *v, struct audit_file *f, uint64_t number, bool last)
{
	struct audit_line l;
	const char *text;
	size_t len;
	bool whole;

	for (v->out->line = 1; audit_files_next(f, &text, &len, &whole);
	     v->out->line++) {
		if (!whole && last) {
			v->out->partial = len;
			return true;
		}
		if (!audit_parse(text, len, &l)) {
			if (v->is_torn || v->out->line == 1)
				return wrong(v, str_dup("it is no record"));
			v->is_torn = true;
			v->torn = len;
			continue;
		}
		if (v->out->line == 1 && l.seq != number)
			return wrong(v,
			    str_printf("record %" PRIu64 " is missing",
				number));
		if (!check_line(v, &l))
			return false;
	}
	if (v->is_torn)
		return wrong(v, str_dup("the last line is no record"));
	return true;
}

static int
check_files(struct verify *v, int dir, const uint64_t *number, size_t n,
    struct err *e)
{
	struct audit_file f;
	bool good = true;

	for (size_t i = 0; good && i < n; i++) {
		audit_files_name(v->out->file, number[i]);
		if (audit_files_read(&f, dir, v->out->file, e) == -1)
			return -1;
		/* One that was made a moment before the end has nothing. */
		good = (f.len == 0 && i + 1 == n) ||
		    check_file(v, &f, number[i], i + 1 == n);
		audit_files_close(&f);
	}
	return 0;
}

/*
 * Before the log: a node may be writing.  A record is written before the key of
 * the next one, so that a log that is read later is never the shorter.
 */
static void
read_next(struct verify *v, int dir)
{
	fd_auto int fd = openat(dir, AUDIT_LOG_KEY,
	    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char data[8];
	struct buf b;

	if (fd == -1 || pread(fd, data, sizeof(data), 0) != sizeof(data))
		return;
	b = buf_over(data, sizeof(data));
	v->next = buf_get_u64(&b);
}

/* What is behind the last line that is there. */
static void
check_end(struct verify *v)
{
	uint64_t last = v->out->last;

	if (v->out->why != NULL)
		return;
	v->out->line = 0;
	if (v->next > last + 1)
		v->out->why = str_printf("records %" PRIu64 " to %" PRIu64
					 " are missing at the end",
		    last + 1, v->next - 1);
	else if (v->checkpoint->seq > last)
		v->out->why = str_printf("record %" PRIu64
					 " of the checkpoint is missing",
		    v->checkpoint->seq);
	else if (v->checkpoint->seq != 0 && v->checkpoint->seq < v->out->first)
		v->out->why = str_printf("record %" PRIu64
					 " of the checkpoint is older than "
					 "what is here",
		    v->checkpoint->seq);
}

int
audit_verify(struct audit_verified *out, int dir, const struct audit_mark *key,
    const struct audit_mark *checkpoint, struct err *e)
{
	struct verify v = { .out = out, .key = key, .checkpoint = checkpoint };
	uint64_t *number;
	size_t n;
	int r;

	memset(out, 0, sizeof(*out));
	read_next(&v, dir);
	if (audit_files_list(dir, &number, &n, e) == -1)
		return -1;
	r = check_files(&v, dir, number, n, e);
	free(number);
	if (r == -1)
		return -1;
	check_end(&v);
	str_hex(out->hash, v.chain.prev, SHA256_LEN);
	return 0;
}

void
audit_verify_fini(struct audit_verified *v)
{
	free(v->why);
	v->why = NULL;
}
