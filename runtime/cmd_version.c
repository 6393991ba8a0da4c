#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "messages/value.h"
#include "runtime/cli.h"

static int
run(int argc, char **argv)
{
	value_auto struct value *v = NULL;
	struct utsname u;

	if (argc == 1) {
		puts("cella " VERSION_TEXT);
		return 0;
	}
	if (argc != 2 || strcmp(argv[1], "--json") != 0)
		return cli_usage(&cmd_version_command);
	uname(&u);
	v = value_new(VALUE_MAP);
	value_set_text(v, "name", "cella");
	value_set_text(v, "version", VERSION_TEXT);
	value_set_text(v, "kernel", u.release);
	value_set_text(v, "architecture", u.machine);
	cli_print(v);
	return 0;
}

const struct cli_command cmd_version_command = { "version", "[--json]",
	"print the version", run };
