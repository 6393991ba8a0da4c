/* What core may send: a machine that is read back is the machine. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "messages/launch_msgs.h"
#include "policy/machine.h"
#include "policy/mount_plan.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m, again;
	static struct mount_plan plan;
	struct buf in = buf_over(data, size), out = { 0 };
	struct launch_created created;
	struct launch_host host;
	struct launch_exited x;
	struct err e, why;

	if (machine_get(&in, &m, &e) == 0) {
		machine_put(&out, &m);
		invariant(machine_get(&out, &again, &e) == 0);
		invariant(memcmp(&m.grant, &again.grant, sizeof(m.grant)) == 0);
		if (mount_plan_build(&plan, &m, &e) == 0)
			invariant(plan.len <= MOUNT_PLAN_MAX);
		buf_fini(&out);
	}
	in = buf_over(data, size);
	launch_msgs_get_exited(&in, &x);
	if (buf_ok(&in)) {
		launch_msgs_put_exited(&out, &x);
		buf_fini(&out);
	}
	in = buf_over(data, size);
	launch_msgs_get_host(&in, &host);
	if (buf_ok(&in)) {
		launch_msgs_put_host(&out, &host);
		invariant(out.len == size);
		(void)launch_msgs_cgroup_name((enum launch_cgroup)host.cgroup);
		buf_fini(&out);
	}
	in = buf_over(data, size);
	launch_msgs_get_created(&in, &created);
	if (buf_ok(&in)) {
		launch_msgs_put_created(&out, &created);
		invariant(out.len == size);
		buf_fini(&out);
	}
	in = buf_over(data, size);
	launch_msgs_get_error(&in, &why);
	if (buf_ok(&in)) {
		launch_msgs_put_error(&out, &why);
		buf_fini(&out);
	}
	return 0;
}
