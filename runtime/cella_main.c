/*
 * cella: the one command that people type.  A table of commands, each in a
 * file of its own.
 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "runtime/cli.h"

static const struct cli_command *const commands[] = {
	&cmd_run_command,
	&cmd_validate_command,
	&cmd_publish_command,
	&cmd_invoke_command,
	&cmd_ps_command,
	&cmd_inspect_command,
	&cmd_logs_command,
	&cmd_events_command,
	&cmd_stop_command,
	&cmd_exec_command,
	&cmd_cron_command,
	&cmd_jobs_command,
	&cmd_key_command,
	&cmd_config_command,
	&cmd_message_command,
	&cmd_policy_command,
	&cmd_audit_command,
	&cmd_usage_command,
	&cmd_verify_command,
	&cmd_session_command,
	&cmd_machine_command,
	&cmd_store_command,
	&cmd_image_command,
	&cmd_doctor_command,
	&cmd_version_command,
};

static int
usage(FILE *to)
{
	fprintf(to, "usage: cella COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < nitems(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name,
		    commands[i]->summary);
	fprintf(to, "\n'man cella-COMMAND' says more.\n");
	return to == stdout ? 0 : CLI_USAGE;
}

int
main(int argc, char **argv)
{
	cli_take_umask();
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = (char *)(uintptr_t) "version";
	for (size_t i = 0; i < nitems(commands); i++)
		if (strcmp(argv[1], commands[i]->name) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	fprintf(stderr, "cella: %s: no such command\n", argv[1]);
	return usage(stderr);
}
