/* What the journal keeps of calls that nobody waits for. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/err.h"
#include "runtime/journal.h"
#include "runtime/journal_job.h"

#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static char path[64];

static int
set_up(void **state)
{
	struct err e;

	strcpy(path, "/tmp/cella-test.XXXXXX");
	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	*state = journal_open(&e);
	assert_non_null(*state);
	return 0;
}

static int
tear_down(void **state)
{
	journal_close(*state);
	assert_int_equal(chdir("/"), 0);
	dir_remove(AT_FDCWD, path);
	return 0;
}

static bool
add(struct journal *j, enum journal_job_kind kind, const char *name,
    uint64_t due_ns)
{
	struct journal_job job = { .kind = kind, .due_ns = due_ns };
	buf_auto struct buf request = { 0 }, body = { 0 };
	struct err e;
	bool fresh;

	strcpy(job.hash, HASH);
	snprintf(job.name, sizeof(job.name), "%s", name);
	buf_add_str(&request, "request");
	buf_add_str(&body, name);
	assert_int_equal(journal_add_job(j, &job, &request, &body, &fresh, &e),
	    0);
	return fresh;
}

/* 1: it began, and body is its own. */
static int
begin_next(struct journal *j, uint64_t now_ns, struct journal_job *job)
{
	buf_auto struct buf request = { 0 }, body = { 0 };
	struct err e;
	int r = journal_next_job(j, now_ns, job, &request, &body, &e);

	if (r != 1)
		return r;
	assert_string_equal(buf_text(&request), "request");
	assert_string_equal(buf_text(&body), job->name);
	assert_int_equal(journal_begin_job(j, job->number, &e), 0);
	return 1;
}

static void
what_is_due_comes_in_order_and_once(void **state)
{
	struct journal *j = *state;
	struct journal_job job;
	uint64_t due;
	struct err e;

	assert_true(add(j, JOURNAL_ASYNC, "late", 30));
	assert_true(add(j, JOURNAL_ASYNC, "early", 10));
	assert_false(add(j, JOURNAL_ASYNC, "early", 5)); /* it is known */
	assert_int_equal(journal_first_due(j, &due, &e), 0);
	assert_int_equal(due, 10);
	assert_int_equal(begin_next(j, 9, &job), 0);
	assert_int_equal(begin_next(j, 40, &job), 1);
	assert_string_equal(job.name, "early");
	assert_int_equal(begin_next(j, 40, &job), 1);
	assert_string_equal(job.name, "late");
	assert_int_equal(begin_next(j, 40, &job), 0);
	assert_int_equal(journal_first_due(j, &due, &e), 0);
	assert_true(due == UINT64_MAX);
}

static void
what_came_of_it_stays_and_its_body_goes(void **state)
{
	struct journal *j = *state;
	buf_auto struct buf result = { 0 }, back = { 0 };
	struct journal_job job, found;
	struct err e;

	add(j, JOURNAL_ASYNC, "one", 1);
	assert_int_equal(begin_next(j, 1, &job), 1);
	buf_add_str(&result, "done");
	job.state = JOURNAL_DONE;
	job.status = 201;
	job.ended_ns = 7;
	assert_int_equal(journal_end_job(j, &job, &result, &e), 0);
	assert_int_equal(journal_find_job(j, "one", &found, &back, &e), 0);
	assert_string_equal(buf_text(&back), "done");
	assert_int_equal(found.state, JOURNAL_DONE);
	assert_int_equal(found.status, 201);
	assert_int_equal(found.attempts, 1);
	assert_int_equal(journal_find_job(j, "two", &found, NULL, &e), -1);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_int_equal(journal_prune_jobs(j, 8, &e), 0);
	assert_int_equal(journal_find_job(j, "one", &found, NULL, &e), -1);
}

static int
give_up_cron(void *arg, struct journal_job *j, struct buf *request,
    struct err *e)
{
	assert_string_equal(buf_text(request), "request");
	j->state = j->kind == JOURNAL_CRON ? JOURNAL_DEAD : JOURNAL_WAITING;
	j->due_ns = 99;
	strcpy(j->error, "cut off");
	return journal_end_job(arg, j, NULL, e);
}

/* Another life of the node finds what ran, and what waits as it was. */
static void
a_restart_decides_on_what_ran(void **state)
{
	struct journal *j = *state;
	struct journal_job job;
	struct err e;

	add(j, JOURNAL_CRON, "slot", 1);
	add(j, JOURNAL_MESSAGE, "message", 2);
	add(j, JOURNAL_ASYNC, "waits", 3);
	assert_int_equal(begin_next(j, 2, &job), 1);
	assert_int_equal(begin_next(j, 2, &job), 1);
	journal_close(j);
	*state = j = journal_open(&e);
	assert_non_null(j);
	assert_int_equal(journal_recover_jobs(j, give_up_cron, j, &e), 0);
	assert_int_equal(begin_next(j, 98, &job), 1);
	assert_string_equal(job.name, "waits");
	assert_int_equal(begin_next(j, 98, &job), 0);
	assert_int_equal(begin_next(j, 99, &job), 1);
	assert_string_equal(job.name, "message");
	assert_int_equal(job.attempts, 1); /* and one that begins now */
	assert_int_equal(journal_find_job(j, "slot", &job, NULL, &e), 0);
	assert_int_equal(job.state, JOURNAL_DEAD);
	assert_string_equal(job.error, "cut off");
}

static void
a_slot_fires_with_its_job(void **state)
{
	struct journal *j = *state;
	struct journal_job job = { .kind = JOURNAL_CRON };
	buf_auto struct buf b = { 0 };
	struct err e;
	int64_t slot;
	bool fresh, has;

	strcpy(job.hash, HASH);
	strcpy(job.name, "cron:a:0:60");
	buf_add_str(&b, "x");
	assert_int_equal(journal_last_slot(j, HASH, 0, &slot, &e), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(journal_fire(j, &job, 0, 60, &b, &b, &fresh, &e), 0);
	assert_true(fresh);
	assert_int_equal(journal_has_job(j, JOURNAL_CRON, HASH, &has, &e), 0);
	assert_true(has);
	assert_int_equal(journal_has_job(j, JOURNAL_ASYNC, HASH, &has, &e), 0);
	assert_false(has);
	/* Again, and an older one: neither is another call. */
	assert_int_equal(journal_fire(j, &job, 0, 60, &b, &b, &fresh, &e), 0);
	assert_false(fresh);
	assert_int_equal(journal_skip_slot(j, HASH, 0, 30, &e), 0);
	assert_int_equal(journal_last_slot(j, HASH, 0, &slot, &e), 0);
	assert_int_equal(slot, 60);
	assert_int_equal(journal_last_slot(j, HASH, 1, &slot, &e), 0);
	assert_int_equal(slot, 0);
}

static void
there_is_a_bound_on_what_waits(void **state)
{
	struct journal *j = *state;
	struct journal_job job = { .kind = JOURNAL_ASYNC };
	buf_auto struct buf b = { 0 }, back = { 0 };
	struct err e;
	bool fresh;
	int i;

	strcpy(job.hash, HASH);
	buf_add_str(&b, "four");
	journal_limit_jobs(j, 100, 70);
	for (i = 0; i < 32; i++) {
		snprintf(job.name, sizeof(job.name), "%d", i);
		if (journal_add_job(j, &job, &b, &b, &fresh, &e) == -1)
			break;
	}
	assert_int_equal(e.code, ERR_BUSY);
	assert_int_equal(i, 4); /* of eight bytes each */
	journal_limit_jobs(j, 8, 1000);
	assert_int_equal(journal_add_job(j, &job, &b, &b, &fresh, &e), -1);
	assert_int_equal(e.code, ERR_BUSY);
	/* The other half is the operator's, and comes first. */
	job.kind = JOURNAL_CRON;
	strcpy(job.name, "slot");
	assert_int_equal(journal_add_job(j, &job, &b, &b, &fresh, &e), 0);
	assert_int_equal(journal_next_job(j, 1, &job, &back, &back, &e), 1);
	assert_string_equal(job.name, "slot");
	assert_int_equal(journal_begin_job(j, job.number, &e), 0);
	job.kind = JOURNAL_ASYNC;
	/* One ends, and there is room for another. */
	assert_int_equal(journal_find_job(j, "3", &job, NULL, &e), 0);
	job.state = JOURNAL_DEAD;
	assert_int_equal(journal_end_job(j, &job, NULL, &e), 0);
	strcpy(job.name, "more");
	journal_limit_jobs(j, 10, 1000);
	job.state = JOURNAL_WAITING;
	assert_int_equal(journal_add_job(j, &job, &b, &b, &fresh, &e), 0);
	assert_true(fresh);
}

/* What is kept for who never asks does not keep out who comes. */
static void
old_results_make_room(void **state)
{
	struct journal *j = *state;
	buf_auto struct buf big = { 0 }, back = { 0 };
	struct journal_job job;
	struct err e;

	buf_add_str(&big, "a result of more than what is left");
	add(j, JOURNAL_ASYNC, "old", 1);
	assert_int_equal(begin_next(j, 1, &job), 1);
	job.state = JOURNAL_DONE;
	job.ended_ns = 2;
	assert_int_equal(journal_end_job(j, &job, &big, &e), 0);
	journal_limit_jobs(j, 10, 60);
	assert_true(add(j, JOURNAL_ASYNC, "new", 1));
	assert_int_equal(journal_find_job(j, "old", &job, &back, &e), 0);
	assert_int_equal(back.len, 0);
	assert_string_equal(job.error, "its result made room for others");
	assert_false(add(j, JOURNAL_ASYNC, "old", 1)); /* it is known yet */
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(what_is_due_comes_in_order_and_once),
		TEST(what_came_of_it_stays_and_its_body_goes),
		TEST(a_restart_decides_on_what_ran),
		TEST(a_slot_fires_with_its_job),
		TEST(there_is_a_bound_on_what_waits),
		TEST(old_results_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
