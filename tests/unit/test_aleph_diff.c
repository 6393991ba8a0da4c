#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "messages/aleph_diff.h"
#include "messages/json.h"
#include "messages/launch_msgs.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "tests/unit/unit.h"

/* Compares and expects these paths, in this order, and no others. */
static void
differ(const char *content, const char *item_content, const char *paths)
{
	static struct problems p;
	struct buf got = { 0 };
	struct err e;
	struct value *a = json_parse(content, strlen(content), &e);
	struct value *b = json_parse(item_content, strlen(item_content), &e);

	assert_non_null(a);
	assert_non_null(b);
	aleph_diff_run(a, b, &p);
	for (size_t i = 0; i < p.len; i++) {
		assert_string_equal(p.item[i].id, "content:differs");
		buf_printf(&got, "%s%s", i == 0 ? "" : " ", p.item[i].path);
	}
	assert_string_equal(buf_text(&got), paths);
	buf_fini(&got);
	problems_fini(&p);
	value_free(a);
	value_free(b);
}

static void
each_difference_is_named(void **state)
{
	(void)state;
	differ("{\"a\":1}", "{\"a\":1}", "");
	differ("{\"a\":1}", "{\"a\":2}", "a");
	differ("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"c\":3,\"b\":1}}", "a.c");
	differ("{\"l\":[{\"x\":1},2]}", "{\"l\":[{\"x\":2},2]}", "l[0].x");
	differ("{\"l\":[1]}", "{\"l\":[1,2]}", "l");
	differ("{\"v\":{\"k\":\"1\"}}", "{}", "v");
	differ("{}", "{\"v\":{\"k\":\"1\"}}", "v");
	differ("{\"a\":1}", "{\"a\":\"1\"}", "a");
	differ("{\"a\":1}", "{\"a\":1.0}", "");
	differ("{\"a\":1}", "{\"a\":true}", "a");
}

static void
a_volume_is_one_thing(void **state)
{
	(void)state;
	differ("{\"volumes\":[{\"mount\":\"/a\",\"name\":\"x\"}]}",
	    "{\"volumes\":[{\"mount\":\"/b\",\"name\":\"y\"}]}", "volumes[0]");
	differ("{\"volumes\":[1]}", "{\"volumes\":[{}]}", "volumes[0]");
	differ("{\"volumes\":[{\"mount\":\"/a\"},{\"mount\":\"/b\"}]}",
	    "{\"volumes\":[{\"mount\":\"/a\"},{\"mount\":\"/c\"}]}",
	    "volumes[1]");
}

static void
nulls_and_defaults_left_out_are_no_difference(void **state)
{
	(void)state;
	differ("{\"a\":null}", "{}", "");
	differ("{}", "{\"code\":false}", "");
	differ("{\"resources\":{}}",
	    "{\"resources\":{\"vcpus\":1,\"memory\":128,\"seconds\":1}}", "");
	differ("{\"resources\":{}}", "{\"resources\":{\"memory\":129}}",
	    "resources.memory");
	differ("{\"runtime\":{}}", "{\"runtime\":{\"use_latest\":true}}", "");
	differ("{\"runtime\":{}}", "{\"runtime\":{\"use_latest\":false}}",
	    "runtime.use_latest");
	differ("{\"volumes\":[{}]}", "{\"volumes\":[{\"ephemeral\":true}]}",
	    "");
	differ("{\"resources\":{\"published_ports\":[{}]}}",
	    "{\"resources\":{\"published_ports\":[{\"protocol\":\"tcp\"}]}}",
	    "");
	differ("{}", "{\"volumes\":[]}", "");
}

static void
launch_messages_survive_the_wire(void **state)
{
	struct launch_host h = { LAUNCH_CGROUP_V2, 7, true, 0x55 }, h2;
	struct launch_created c = { .degraded = 1,
		.memory = 2,
		.pids = 3,
		.cpu_quota_us = 4,
		.cpu_period_us = 5,
		.nofile = 6,
		.fsize = 7,
		.phase_ns = { 8, 9, 10, 11 },
		.filter_len = 13,
		.uid = 14 },
			      c2;
	struct launch_exited x = { LAUNCH_CAUSE_WALL, LAUNCH_END_SIGNAL, 9, 1,
		2, 3, 4, 5, 6 },
			     x2;
	struct err e = { .code = ERR_DENIED, .sys = 1, .text = "no" }, e2;
	struct buf b = { 0 };

	(void)state;
	memset(&c2, 0, sizeof(c2));
	launch_msgs_put_host(&b, &h);
	launch_msgs_put_created(&b, &c);
	launch_msgs_put_exited(&b, &x);
	launch_msgs_put_error(&b, &e);
	launch_msgs_get_host(&b, &h2);
	launch_msgs_get_created(&b, &c2);
	launch_msgs_get_exited(&b, &x2);
	launch_msgs_get_error(&b, &e2);
	assert_true(buf_ok(&b));
	assert_int_equal(h2.missing, 0x55);
	assert_true(h2.rootless);
	assert_int_equal(c2.uid, 14);
	assert_int_equal(c2.phase_ns[LAUNCH_PHASE_START], 11);
	assert_int_equal(x2.throttled_ns, 6);
	assert_int_equal(x2.end, LAUNCH_END_SIGNAL);
	assert_string_equal(e2.text, "no");
	assert_int_equal(e2.code, ERR_DENIED);
	/* Values outside their ranges are no values. */
	buf_reset(&b);
	x.end = LAUNCH_ENDS;
	launch_msgs_put_exited(&b, &x);
	launch_msgs_get_exited(&b, &x2);
	assert_false(buf_ok(&b));
	assert_string_equal(launch_msgs_cgroup_name(LAUNCH_CGROUP_V2), "v2");
	assert_string_equal(launch_msgs_phase_name(LAUNCH_PHASE_MOUNTS),
	    "mounts");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_difference_is_named),
		cmocka_unit_test(a_volume_is_one_thing),
		cmocka_unit_test(nulls_and_defaults_left_out_are_no_difference),
		cmocka_unit_test(launch_messages_survive_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
