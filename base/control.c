#include <stdlib.h>

#include "base/control.h"

#ifdef LEAVE_OUT

int control_left_out;

static void __attribute__((constructor)) read_environment(void)
{
	const char *text = getenv("CELLA_LEAVE_OUT");

	control_left_out = text == NULL ? 0 : atoi(text);
}

#endif
