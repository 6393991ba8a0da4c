/* The audit log: what is written is what is verified, and nothing else is. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/audit_files.h"
#include "runtime/audit_log.h"
#include "runtime/audit_verify.h"

#define FIRST "00000000000000000001.log"

static const struct audit_log_options options = {
	.file_bytes = AUDIT_LOG_FILE_BYTES,
	.boot = "a boot",
};
static const struct audit_mark none;

struct place {
	char path[64];
	int state, dir;
	struct audit_mark key;
};

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->path, "/tmp/cella-test.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->state = open(p->path, O_RDONLY | O_DIRECTORY);
	p->dir = -1;
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	dir_remove(AT_FDCWD, p->path);
	close(p->state);
	if (p->dir != -1)
		close(p->dir);
	free(p);
	return 0;
}

static char *
read_text(int dir, const char *name, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY);
	struct err e;
	char *data;

	assert_true(fd != -1);
	assert_int_equal(fd_read_all(fd, 1 << 30, &data, len, &e), 0);
	close(fd);
	return data;
}

static void
write_text(int dir, const char *name, const char *data, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(fd_write_full(fd, data, len), 0);
	close(fd);
}

/* NULL: it is as it should be. */
static struct audit_log *
open_log(struct place *p, const struct audit_log_options *o, const char *broken)
{
	struct audit_log *l;
	char *told, *text;
	struct err e;
	size_t len;

	l = audit_log_open(p->state, o, &told, &e);
	if (l == NULL)
		fail_msg("%s", e.text);
	if (broken == NULL)
		assert_null(told);
	else
		assert_string_equal(told, broken);
	free(told);
	if (p->dir == -1) {
		p->dir = openat(p->state, "audit", O_RDONLY | O_DIRECTORY);
		text = read_text(p->dir, AUDIT_LOG_INITIAL, &len);
		text[len - 1] = '\0';
		assert_int_equal(audit_verify_mark(&p->key, text, &e), 0);
		free(text);
	}
	return l;
}

static struct value *
record(const char *kind, int n)
{
	struct value *v = value_new(VALUE_MAP);

	value_set_text(v, "kind", kind);
	value_set_int(v, "n", n);
	return v;
}

static void
write_records(struct audit_log *l, int n)
{
	struct err e;

	for (int i = 0; i < n; i++) {
		audit_log_add(l, record("test", i), NULL, NULL);
		if (i % 7 == 6)
			assert_int_equal(audit_log_flush(l, &e), 0);
	}
	assert_int_equal(audit_log_flush(l, &e), 0);
}

/* The reason, or NULL; freed by the next call. */
static const char *
verify(struct place *p, bool with_key, const struct audit_mark *checkpoint)
{
	static struct audit_verified v;
	struct err e;

	audit_verify_fini(&v);
	assert_int_equal(audit_verify(&v, p->dir, with_key ? &p->key : &none,
			     checkpoint, &e),
	    0);
	return v.why;
}

static void
a_log_that_nobody_touched_is_good(void **state)
{
	struct audit_log_options small = options;
	struct place *p = *state;
	struct audit_log *l;
	uint64_t *number;
	struct err e;
	size_t n;

	small.file_bytes = 4096;
	for (int i = 0; i < 4; i++) {
		l = open_log(p, &small, NULL);
		write_records(l, 30);
		audit_log_close(l);
		assert_null(verify(p, true, &none));
		assert_null(verify(p, false, &none));
	}
	assert_int_equal(audit_files_list(p->dir, &number, &n, &e), 0);
	assert_true(n > 4);
	free(number);
}

/* Of 100 records, each byte in turn is another: that record is named. */
static void
every_byte_counts(void **state)
{
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	char *data, wanted[64];
	uint64_t seq = 1;
	const char *why;
	size_t len;

	write_records(l, 98); /* and one in front, and one at the end */
	audit_log_close(l);
	data = read_text(p->dir, FIRST, &len);
	for (size_t i = 0; i < len; i++) {
		data[i] ^= 1;
		/* All bytes of the first and the last, and some of the rest. */
		if (seq <= 2 || seq >= 100 || i % 13 == 0) {
			write_text(p->dir, FIRST, data, len);
			why = verify(p, true, &none);
			snprintf(wanted, sizeof(wanted), "record %" PRIu64 " ",
			    seq);
			if (why == NULL)
				fail_msg("byte %zu of record %" PRIu64, i, seq);
			/* What is no line any more is missing, or cut off. */
			if (seq > 1 && seq < 100 && data[i] != '\n' &&
			    (data[i] ^ 1) != '\n' &&
			    strncmp(why, wanted, strlen(wanted)) != 0)
				fail_msg("byte %zu of record %" PRIu64 ": %s",
				    i, seq, why);
		}
		data[i] ^= 1;
		seq += data[i] == '\n';
	}
	assert_int_equal(seq, 101);
	free(data);
}

struct lines {
	char *data;
	size_t len, n;
	char *line[128];
};

static void
split(struct lines *t, struct place *p)
{
	t->data = read_text(p->dir, FIRST, &t->len);
	t->n = 0;
	for (char *at = t->data; at < t->data + t->len;
	     at = strchr(at, '\n') + 1)
		t->line[t->n++] = at;
	t->line[t->n] = t->data + t->len;
}

/* The lines that are listed, up to -1, as the file. */
static void
put(struct lines *t, struct place *p, const int *which)
{
	buf_auto struct buf b = { 0 };

	for (; *which != -1; which++)
		buf_add(&b, t->line[*which],
		    (size_t)(t->line[*which + 1] - t->line[*which]));
	write_text(p->dir, FIRST, b.data, b.len);
}

static void
what_is_gone_twice_or_elsewhere_is_named(void **state)
{
	static const struct {
		int line[8];
		const char *why;
	} rows[] = {
		{ { 0, 1, 2, 3, 4, 5, 6, -1 }, NULL },
		{ { 0, 1, 3, 4, 5, 6, -1 }, "record 3 is missing" },
		{ { 1, 2, 3, 4, 5, 6, -1 }, "record 1 is missing" },
		{ { 0, 1, 2, 2, 3, 4, 5, -1 },
		    "record 4 is missing: record 3 is there again" },
		{ { 0, 2, 1, 3, 4, 5, 6, -1 }, "record 2 is missing" },
		{ { 0, 1, 2, 3, 4, 5, -1 },
		    "records 7 to 7 are missing at the end" },
		{ { 0, -1 }, "records 2 to 7 are missing at the end" },
	};
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	struct lines t;
	const char *why;

	write_records(l, 5);
	audit_log_close(l);
	split(&t, p);
	for (size_t i = 0; i < nitems(rows); i++) {
		put(&t, p, rows[i].line);
		why = verify(p, true, &none);
		if (rows[i].why == NULL)
			assert_null(why);
		else
			assert_string_equal(why, rows[i].why);
	}
	free(t.data);
}

/* Without the key on the host, only what somebody else remembers tells. */
static void
a_checkpoint_tells_a_log_that_was_cut(void **state)
{
	static const int half[] = { 0, 1, 2, -1 };
	struct audit_mark mark = { .seq = 0 };
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	char hash[SHA256_HEX];
	struct lines t;

	write_records(l, 4);
	mark.seq = audit_log_last(l, hash);
	assert_true(str_unhex(mark.bytes, SHA256_LEN, hash));
	audit_log_close(l);
	assert_null(verify(p, false, &mark));
	split(&t, p);
	put(&t, p, half);
	unlinkat(p->dir, AUDIT_LOG_KEY, 0);
	assert_null(verify(p, true, &none));
	assert_string_equal(verify(p, true, &mark),
	    "record 5 of the checkpoint is missing");
	free(t.data);
}

/* Whoever hashes anew what he changed has no key of what is past. */
static void
a_log_of_another_host_is_foreign(void **state)
{
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	char *data;
	size_t len;

	write_records(l, 4);
	audit_log_close(l);
	data = read_text(p->dir, FIRST, &len);
	unlinkat(p->dir, FIRST, 0);
	unlinkat(p->dir, AUDIT_LOG_KEY, 0);
	l = open_log(p, &options, NULL); /* with another key */
	write_records(l, 9);
	audit_log_close(l);
	assert_null(verify(p, false, &none));
	assert_string_equal(verify(p, true, &none),
	    "record 1 was not written by this node");
	write_text(p->dir, FIRST, data, len);
	assert_string_equal(verify(p, true, &none),
	    "records 7 to 11 are missing at the end");
	free(data);
}

static void
a_line_that_a_crash_cut_off_is_sealed(void **state)
{
	static const int all[] = { 0, 1, 2, 3, -1 };
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	struct lines t;
	int fd;

	write_records(l, 2);
	audit_log_close(l);
	split(&t, p);
	put(&t, p, all);
	fd = openat(p->dir, FIRST, O_WRONLY | O_APPEND);
	assert_int_equal(fd_write_full(fd, t.line[2], 20), 0);
	close(fd);
	assert_null(verify(p, true, &none));
	l = open_log(p, &options, NULL);
	write_records(l, 2);
	audit_log_close(l);
	assert_null(verify(p, true, &none));
	free(t.data);
}

/* The log was written, the key was not. */
static void
a_key_that_is_behind_catches_up(void **state)
{
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	char *old;
	size_t len;

	write_records(l, 3);
	old = read_text(p->dir, AUDIT_LOG_KEY, &len);
	write_records(l, 5);
	audit_log_close(l);
	write_text(p->dir, AUDIT_LOG_KEY, old, len);
	l = open_log(p, &options, NULL);
	write_records(l, 1);
	audit_log_close(l);
	assert_null(verify(p, true, &none));
	free(old);
}

/* The node goes on, and says what it found; nobody takes it for whole. */
static void
a_log_that_is_behind_its_key_is_told(void **state)
{
	static const int some[] = { 0, 1, 2, -1 };
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	struct lines t;

	write_records(l, 6);
	audit_log_close(l);
	split(&t, p);
	put(&t, p, some);
	l = open_log(p, &options, "records 4 to 8 are gone");
	write_records(l, 1);
	audit_log_close(l);
	assert_string_equal(verify(p, true, &none), "record 4 is missing");
	free(t.data);
}

static void
there_is_one_writer(void **state)
{
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	struct err e;
	char *told;

	assert_null(audit_log_open(p->state, &options, &told, &e));
	assert_int_equal(e.code, ERR_BUSY);
	audit_log_close(l);
}

struct asked {
	int written, refused;
};

static void
count(void *arg, const struct err *why)
{
	struct asked *a = arg;

	a->written += why == NULL;
	a->refused += why != NULL;
}

static void
set_limit(rlim_t bytes)
{
	const struct rlimit r = { bytes, RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A full disk: who waits for his record is refused, and the rest comes later.
 */
static void
nothing_is_admitted_without_its_record(void **state)
{
	struct place *p = *state;
	struct audit_log *l = open_log(p, &options, NULL);
	struct asked a = { 0 };
	char *data, *at;
	struct err e;
	size_t len, n = 0;

	signal(SIGXFSZ, SIG_IGN);
	write_records(l, 3);
	set_limit(1200);
	audit_log_add(l, record("wanted", 1), count, &a);
	for (int i = 0; i < AUDIT_LOG_WAITING_MAX + 10; i++)
		audit_log_add(l, record("later", i), NULL, NULL);
	assert_int_equal(audit_log_flush(l, &e), -1);
	assert_int_equal(a.refused, 1);
	audit_log_add(l, record("wanted", 2), count, &a);
	assert_int_equal(audit_log_flush(l, &e), -1);
	assert_int_equal(a.refused, 2);
	assert_null(verify(p, true, &none));
	set_limit(RLIM_INFINITY);
	audit_log_add(l, record("wanted", 3), count, &a);
	assert_int_equal(audit_log_flush(l, &e), 0);
	assert_int_equal(a.written, 1);
	audit_log_close(l);
	assert_null(verify(p, true, &none));
	data = read_text(p->dir, FIRST, &len);
	for (at = data; (at = strstr(at, "\"kind\":\"later\"")) != NULL; at++)
		n++;
	assert_int_equal(n, AUDIT_LOG_WAITING_MAX - 1);
	assert_non_null(strstr(data, "{\"kind\":\"lost\",\"records\":11,"));
	assert_null(strstr(data, "\"kind\":\"wanted\",\"n\":1,"));
	assert_non_null(strstr(data, "\"kind\":\"wanted\",\"n\":3,"));
	free(data);
}

static void
an_operator_may_prefer_to_lose_records(void **state)
{
	struct audit_log_options o = options;
	struct place *p = *state;
	struct asked a = { 0 };
	struct audit_log *l;
	struct err e;

	o.drop_when_full = true;
	l = open_log(p, &o, NULL);
	signal(SIGXFSZ, SIG_IGN);
	set_limit(400);
	audit_log_add(l, record("wanted", 1), count, &a);
	assert_int_equal(audit_log_flush(l, &e), -1);
	set_limit(RLIM_INFINITY);
	assert_int_equal(a.written, 1);
	write_records(l, 1);
	audit_log_close(l);
	assert_null(verify(p, true, &none));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(a_log_that_nobody_touched_is_good),
		TEST(every_byte_counts),
		TEST(what_is_gone_twice_or_elsewhere_is_named),
		TEST(a_checkpoint_tells_a_log_that_was_cut),
		TEST(a_log_of_another_host_is_foreign),
		TEST(a_line_that_a_crash_cut_off_is_sealed),
		TEST(a_key_that_is_behind_catches_up),
		TEST(a_log_that_is_behind_its_key_is_told),
		TEST(there_is_one_writer),
		TEST(nothing_is_admitted_without_its_record),
		TEST(an_operator_may_prefer_to_lose_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
