/*
 * echo: a machine with a state that gives back what it is given, for trying
 * sessions out.
 *
 *   --vouchers=N --notices=N --reports=N   so many of each (0, 0, 1), in this
 *                                          order; of a query reports alone
 *   --reject=N                             rejects the input of that index
 *   --exception=N                          throws its payload
 *   --reject-inspects                      rejects queries
 *   --work-ms=N                            CPU time, before the first output
 *   --state=FILE                           appends each input to it; a report
 *                                          then begins with its length
 *   --exit=N                               ends at the input of that index
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/rollup_io.h"

static struct {
	unsigned long vouchers, notices, reports, work_ms;
	long reject, exception, exit;
	bool reject_inspects;
	const char *state;
} options = { .reports = 1, .reject = -1, .exception = -1, .exit = -1 };

static bool
take_number(const char *arg, const char *name, long *to)
{
	const size_t len = strlen(name);
	char *end;

	if (strncmp(arg, name, len) != 0 || arg[len] != '=')
		return false;
	errno = 0;
	*to = strtol(arg + len + 1, &end, 10);
	return errno == 0 && *end == '\0' && end != arg + len + 1 && *to >= 0;
}

static bool
take_option(const char *arg)
{
	long n;

	if (take_number(arg, "--vouchers", &n))
		options.vouchers = (unsigned long)n;
	else if (take_number(arg, "--notices", &n))
		options.notices = (unsigned long)n;
	else if (take_number(arg, "--reports", &n))
		options.reports = (unsigned long)n;
	else if (take_number(arg, "--work-ms", &n))
		options.work_ms = (unsigned long)n;
	else if (strcmp(arg, "--reject-inspects") == 0)
		options.reject_inspects = true;
	else if (strncmp(arg, "--state=", 8) == 0)
		options.state = arg + 8;
	else
		return take_number(arg, "--reject", &options.reject) ||
		    take_number(arg, "--exception", &options.exception) ||
		    take_number(arg, "--exit", &options.exit);
	return true;
}

static void
work(void)
{
	struct timespec now;
	unsigned long long end;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	end = (unsigned long long)now.tv_sec * 1000 +
	    (unsigned long long)now.tv_nsec / 1000000 + options.work_ms;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while ((unsigned long long)now.tv_sec * 1000 +
		(unsigned long long)now.tv_nsec / 1000000 <
	    end);
}

static int
fail(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	return -1;
}

/* -1: it could not be written down. */
static long
remember(const struct rollup_io_request *r)
{
	FILE *f = fopen(options.state, "ab");
	long len;

	if (f == NULL)
		return fail(options.state);
	if (r->type == ROLLUP_IO_ADVANCE)
		fwrite(r->payload, 1, r->len, f);
	fseek(f, 0, SEEK_END);
	len = ftell(f);
	return fclose(f) != 0 ? fail(options.state) : len;
}

static int
report(const struct rollup_io_request *r, long len)
{
	char head[32];
	char *text;
	int n, status;

	if (len < 0)
		return rollup_io_report(r->payload, r->len);
	n = snprintf(head, sizeof(head), "%ld ", len);
	text = malloc((size_t)n + r->len);
	if (text == NULL)
		return -1;
	memcpy(text, head, (size_t)n);
	memcpy(text + n, r->payload, r->len);
	status = rollup_io_report(text, (size_t)n + r->len);
	free(text);
	return status;
}

/* What is put out; -1: it could not be. */
static int
answer(const struct rollup_io_request *r)
{
	const bool input = r->type == ROLLUP_IO_ADVANCE;
	long len = options.state == NULL ? -1 : remember(r);

	if (options.state != NULL && len == -1)
		return -1;
	for (unsigned long i = 0; input && i < options.vouchers; i++)
		if (rollup_io_voucher(r->sender, r->payload, r->len, NULL) ==
		    -1)
			return fail("voucher");
	for (unsigned long i = 0; input && i < options.notices; i++)
		if (rollup_io_notice(r->payload, r->len, NULL) == -1)
			return fail("notice");
	for (unsigned long i = 0; i < options.reports; i++)
		if (report(r, len) == -1)
			return fail("report");
	return 0;
}

static bool
is_of(const struct rollup_io_request *r, long index)
{
	return r->type == ROLLUP_IO_ADVANCE && index >= 0 &&
	    r->input_index == (unsigned long long)index;
}

int
main(int argc, char **argv)
{
	struct rollup_io_request r = { .payload = NULL };
	bool accept = true;

	for (int i = 1; i < argc; i++)
		if (!take_option(argv[i])) {
			fprintf(stderr, "echo: %s: no such option\n", argv[i]);
			return 64;
		}
	while (rollup_io_finish(accept, &r) == 0) {
		if (options.work_ms > 0)
			work();
		if (is_of(&r, options.exit))
			return 3;
		if (is_of(&r, options.exception))
			return rollup_io_exception(r.payload, r.len) == -1;
		if (answer(&r) == -1)
			return 1;
		accept = !is_of(&r, options.reject) &&
		    !(r.type == ROLLUP_IO_INSPECT && options.reject_inspects);
	}
	fail("finish");
	return 1;
}
