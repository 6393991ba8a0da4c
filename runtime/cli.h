/*
 * What all commands share: the table of commands, errors as a person and as a
 * program reads them, and reading files.
 */
#ifndef RUNTIME_CLI_H
#define RUNTIME_CLI_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct problems;
struct value;

#define CLI_USAGE 64   /* sysexits.h: EX_USAGE */
#define CLI_FAILED 125 /* of commands that run something */

struct cli_command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary;
	int (*run)(int argc, char **argv);
};

/* "cella: text" on standard error, or the JSON object of an error. */
void cli_error(const struct err *, bool json);

/* Prints each problem on a line of its own. */
void cli_problems(const struct problems *, const char *file);
struct value *cli_problem_list(const struct problems *);

/* Prints the usage line of a command and returns CLI_USAGE. */
int cli_usage(const struct cli_command *);

/* Prints a document on standard output. */
void cli_print(const struct value *);

/*
 * What a program wrote: as it is, or, on a terminal, so that it obeys nothing
 * of it; lines and tabs stay.  -1 with errno.
 */
int cli_write(int fd, const char *data, size_t len);

/* A file, or standard input for "-", close-on-exec. */
int cli_open(const char *path, struct err *);

/*
 * A file of JSON, or standard input, of at most so many bytes: opened as who
 * started us, and read once nothing of his is left but that.
 */
struct value *cli_read_json(const char *path, size_t max,
    struct value *(*parse)(const char *, size_t, struct err *), struct err *);

/*
 * The umask of whoever started us is for the files he names, cli_create(), and
 * not for the store's, which machines' ids must find.
 */
void cli_take_umask(void);
int cli_create(const char *path, struct err *);

/*
 * A document in JSON or YAML: by the name's ending, else JSON if it begins
 * with a brace.
 */
struct value *cli_parse(const char *path, const char *data, size_t len,
    struct err *);

extern const struct cli_command cmd_run_command;
extern const struct cli_command cmd_validate_command;
extern const struct cli_command cmd_message_command;
extern const struct cli_command cmd_policy_command;
extern const struct cli_command cmd_publish_command;
extern const struct cli_command cmd_ps_command;
extern const struct cli_command cmd_inspect_command;
extern const struct cli_command cmd_stop_command;
extern const struct cli_command cmd_exec_command;
extern const struct cli_command cmd_cron_command;
extern const struct cli_command cmd_jobs_command;
extern const struct cli_command cmd_invoke_command;
extern const struct cli_command cmd_events_command;
extern const struct cli_command cmd_config_command;
extern const struct cli_command cmd_key_command;
extern const struct cli_command cmd_logs_command;
extern const struct cli_command cmd_audit_command;
extern const struct cli_command cmd_usage_command;
extern const struct cli_command cmd_verify_command;
extern const struct cli_command cmd_session_command;
extern const struct cli_command cmd_machine_command;
extern const struct cli_command cmd_store_command;
extern const struct cli_command cmd_image_command;
extern const struct cli_command cmd_doctor_command;
extern const struct cli_command cmd_version_command;

#endif
