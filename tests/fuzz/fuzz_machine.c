/* What core may send: a machine that is read back is the machine. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "messages/launch_msgs.h"
#include "policy/machine.h"
#include "sandbox/mount_plan.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m, again;
	static struct mount_plan plan;
	struct buf in = buf_over(data, size), out = { 0 };
	struct launch_exited x;
	struct err e;

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
	return 0;
}
