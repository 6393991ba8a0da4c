#include <stddef.h>

#include "base/err.h"
#include "messages/aleph.h"
#include "runtime/function.h"
#include "runtime/instance.h"

static int
run_exec(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct err *e)
{
	if (in->request != NULL)
		return err_set(e, ERR_INVALID,
		    "--request: an exec function takes standard input; use "
		    "--input");
	i->input = in->input;
	return instance_run(i, link, e);
}

int
function_run(const struct function_input *in, struct instance *i,
    struct launcher_link *link, struct err *e)
{
	switch (in->program->code.interface) {
	case ALEPH_EXEC:
		return run_exec(in, i, link, e);
	case ALEPH_ASGI:
	case ALEPH_BINARY:
	case ALEPH_INTERFACES:
		break;
	}
	return err_set(e, ERR_INVALID, "interface not offered");
}
