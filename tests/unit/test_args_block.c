/* What a program is started with, as those read it who become it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fd.h"
#include "guest/start_read.h"
#include "runtime/args_block.h"

static const char *strings[START_STRINGS_MAX + 2];

/* A copy of exactly that length, so that nothing behind it can be read. */
static uint32_t
read_block(const void *data, size_t len)
{
	struct start_args *copy = malloc(len == 0 ? 1 : len);
	uint32_t envp;

	assert_non_null(copy);
	memcpy(copy, data, len);
	envp = start_read(copy, len, strings);
	free(copy);
	return envp;
}

static void
it_reads_what_was_made(void **state)
{
	static const char *const argv[] = { "/bin/sh", "", "a b" };
	static const char *const env[] = { "A=1", "B=" };
	static const char *const other[] = { "x" };
	char *data;
	struct err e;
	size_t len;
	int fd = args_block_make(argv, 3, env, 2, &e), second;

	(void)state;
	assert_int_equal(fd_read_all(fd, 4096, &data, &len, &e), 0);
	assert_int_equal(start_read((struct start_args *)data, len, strings),
	    4);
	assert_string_equal(strings[2], "a b");
	assert_null(strings[3]);
	assert_string_equal(strings[5], "B=");
	assert_null(strings[6]);
	free(data);

	second = args_block_with(fd, other, 1, &e);
	assert_int_equal(fd_read_all(second, 4096, &data, &len, &e), 0);
	assert_int_equal(start_read((struct start_args *)data, len, strings),
	    2);
	assert_string_equal(strings[0], "x");
	assert_string_equal(strings[2], "A=1");
	assert_null(strings[4]);
	free(data);
	fd_close(&fd);
	fd_close(&second);
}

static void
without_an_environment_it_has_an_end(void **state)
{
	static const char *const argv[] = { "x" };
	char *data;
	struct err e;
	size_t len;
	int fd = args_block_make(argv, 1, NULL, 0, &e);

	(void)state;
	memset(strings, 0xff, sizeof(strings));
	assert_int_equal(fd_read_all(fd, 4096, &data, &len, &e), 0);
	assert_int_equal(start_read((struct start_args *)data, len, strings),
	    2);
	assert_null(strings[1]);
	assert_null(strings[2]);
	free(data);
	fd_close(&fd);
}

static void
what_is_malformed_is_none(void **state)
{
	static const struct {
		struct start_args head;
		size_t len; /* of the whole */
	} rows[] = {
		{ { START_MAGIC, 1, 0, 4 }, 4 },
		{ { START_MAGIC + 1, 1, 0, 4 }, 20 },
		{ { START_MAGIC, 0, 1, 4 }, 20 },
		{ { START_MAGIC, 3, 0, 4 }, 20 }, /* two are there */
		{ { START_MAGIC, 1, 0, 5 }, 20 },
		{ { START_MAGIC, 1, 0, 3 }, 20 },
		{ { START_MAGIC, 1, 0, 2 }, 18 }, /* no end */
		{ { START_MAGIC, START_STRINGS_MAX + 1, 0, 4 }, 20 },
		{ { START_MAGIC, 1, START_STRINGS_MAX, 4 }, 20 },
		{ { START_MAGIC, UINT32_MAX, 2, 4 }, 20 },
		{ { START_MAGIC, 2, UINT32_MAX, 4 }, 20 },
	};
	struct {
		struct start_args head;
		char text[4];
	} block = { rows[0].head, { 'a', 'b', '\0', '\0' } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		block.head = rows[i].head;
		if (read_block(&block, rows[i].len) != 0)
			fail_msg("row %zu", i);
	}
	block.head = (struct start_args){ START_MAGIC, 2, 0, 4 };
	assert_int_equal(read_block(&block, sizeof(block)), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_what_was_made),
		cmocka_unit_test(without_an_environment_it_has_an_end),
		cmocka_unit_test(what_is_malformed_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
