#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/tree.h"
#include "tests/unit/unit.h"

static void
errors_grow_context_in_front(void **state)
{
	struct err e;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "memory.max = %d", 1), -1);
	assert_int_equal(err_in(&e, "cgroup %s", "m1"), -1);
	assert_string_equal(e.text,
	    "cgroup m1: memory.max = 1: No such file or directory");
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(e.code, ERR_SYSTEM);
}

static void
printable_text_cannot_move_a_terminal(void **state)
{
	static const char bad[] = "a\x1b[31m\n\x7f\xff\xc2\x9b"
				  "é";
	char *s = str_printable(bad, strlen(bad), 100);

	(void)state;
	assert_string_equal(s,
	    "a\\x1b[31m\\x0a\\x7f\\xff\\xc2\\x9b"
	    "é");
	free(s);
	s = str_printable("abcdef", 6, 3);
	assert_string_equal(s, "abc...");
	free(s);
}

static void
utf8_is_well_formed_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(str_utf8_len("\xc0\x80", 2), 0); /* overlong */
	assert_int_equal(str_utf8_len("\xe0\x80\x80", 3), 0);
	assert_int_equal(str_utf8_len("\xed\xa0\x80", 3), 0); /* surrogate */
	assert_int_equal(str_utf8_len("\xf4\x90\x80\x80", 4), 0); /* too high */
	assert_int_equal(str_utf8_len("\xe2\x82", 2), 0);         /* cut */
	assert_int_equal(str_utf8_len("\xe2\x82\xac", 3), 3);
	assert_int_equal(str_utf8_len("\x80", 1), 0);
}

static void
readers_stop_at_the_end(void **state)
{
	struct buf b = { 0 }, over;
	char text[4];

	(void)state;
	buf_put_u64(&b, UINT64_C(0x0123456789abcdef));
	buf_put_str(&b, "abc");
	over = buf_over(b.data, b.len);
	assert_true(buf_get_u64(&over) == UINT64_C(0x0123456789abcdef));
	buf_get_str(&over, text, sizeof(text));
	assert_string_equal(text, "abc");
	assert_true(buf_ok(&over));
	assert_int_equal(buf_get_u8(&over), 0);
	assert_false(buf_ok(&over));
	over = buf_over(b.data, b.len);
	(void)buf_get_u64(&over);
	buf_get_str(&over, text, 3); /* does not fit with its NUL */
	assert_false(buf_ok(&over));
	assert_string_equal(text, "");
	buf_fini(&b);
}

static void
sealed_files_cannot_change(void **state)
{
	struct err e;
	int fd = fd_sealed("x", "abc", 3, &e);
	char *data;
	size_t len;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "y", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fd_read_all(fd, 10, &data, &len, &e), 0);
	assert_int_equal(len, 3);
	free(data);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(fd, 2, &data, &len, &e), -1);
	assert_string_equal(e.text, "more than 2 bytes");
	fd_close(&fd);
}

static void
links_that_leave_are_seen(void **state)
{
	(void)state;
	assert_true(tree_link_stays("a/l", "b"));
	assert_true(tree_link_stays("a/l", "../b"));
	assert_true(tree_link_stays("a/b/l", "../../c/./d"));
	assert_false(tree_link_stays("l", "../b"));
	assert_false(tree_link_stays("a/l", "../../b"));
	assert_false(tree_link_stays("a/l", "x/../../../b"));
	assert_false(tree_link_stays("l", "/etc/passwd"));
	assert_false(tree_link_stays("l", ""));
}

static void
only_a_sealed_file_is_read_as_one(void **state)
{
	int pair[2], fd, file;
	char *data;
	size_t len;
	struct err e;

	(void)state;
	fd = fd_sealed("x", "abc", 3, &e);
	assert_int_equal(fd_read_sealed(fd, 3, &data, &len, &e), 0);
	assert_int_equal(len, 3);
	assert_string_equal(data, "abc");
	free(data);
	close(fd);
	/* Nobody writes it: it would be waited for. */
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(fd_read_sealed(pair[0], 3, &data, &len, &e), -1);
	close(pair[0]);
	close(pair[1]);
	file = memfd_create("y", MFD_ALLOW_SEALING);
	assert_int_equal(fd_read_sealed(file, 3, &data, &len, &e), -1);
	assert_int_equal(e.code, ERR_INVALID);
	close(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_grow_context_in_front),
		cmocka_unit_test(printable_text_cannot_move_a_terminal),
		cmocka_unit_test(utf8_is_well_formed_or_nothing),
		cmocka_unit_test(readers_stop_at_the_end),
		cmocka_unit_test(sealed_files_cannot_change),
		cmocka_unit_test(links_that_leave_are_seen),
		cmocka_unit_test(only_a_sealed_file_is_read_as_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
