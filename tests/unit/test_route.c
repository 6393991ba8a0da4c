/* Where requests go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "runtime/route.h"

#define HASH "97ec0eda45042669f2f7de1842f741515d78104048d5a76730a3e41a651ec20f"

static void
targets_are_matched_as_they_came(void **state)
{
	static const struct {
		const char *target, *path, *query;
		enum route_to to;
	} rows[] = {
		{ "/vm/" HASH, "/", "", ROUTE_FUNCTION },
		{ "/vm/" HASH "/", "/", "", ROUTE_FUNCTION },
		{ "/vm/" HASH "/a/../b%2f?c?d", "/a/../b%2f", "c?d",
		    ROUTE_FUNCTION },
		{ "/vm/" HASH "?x", "/", "x", ROUTE_FUNCTION },
		{ "/vm/" HASH "0", "/", "", ROUTE_BAD_HASH },
		{ "/vm/nope", "/", "", ROUTE_BAD_HASH },
		{ "/vm/", "/", "", ROUTE_BAD_HASH },
		{ "/vm/%39" HASH, "/", "", ROUTE_BAD_HASH },
		{ "/vm", "/", "", ROUTE_NOWHERE },
		{ "/healthz", "/", "", ROUTE_HEALTH },
		{ "/healthz/", "/", "", ROUTE_NOWHERE },
		{ "//healthz", "/", "", ROUTE_NOWHERE },
		{ "/vm/../control/messages", "/", "", ROUTE_BAD_HASH },
		{ "/%63ontrol/messages", "/", "", ROUTE_NOWHERE },
		{ "/control/messages?x=y", "/", "x=y", ROUTE_MESSAGES },
		{ "/async/vm/" HASH "/p?q", "/p", "q", ROUTE_ASYNC },
		{ "/async/vm/nope", "/", "", ROUTE_BAD_HASH },
		{ "/async/calls/a-1_b.c", "a-1_b.c", "", ROUTE_CALL },
		{ "/async/calls/", "/", "", ROUTE_NOWHERE },
		{ "/async/calls/a/b", "/", "", ROUTE_NOWHERE },
		{ "/async/calls/%61", "/", "", ROUTE_NOWHERE },
		{ "/control/runs/1-7/stop", "1-7", "", ROUTE_STOP },
		{ "/control/runs/1-7/exec?command=a", "1-7", "command=a",
		    ROUTE_EXEC },
		{ "/control/runs/1-7/execs", "/", "", ROUTE_NOWHERE },
		{ "/control/inspect/1-7", "1-7", "", ROUTE_INSPECT },
		{ "/control/inspect/1-7/x", "/", "", ROUTE_NOWHERE },
		{ "/control/runs/1-7/stop/", "/", "", ROUTE_NOWHERE },
		{ "/control/runs//stop", "/", "", ROUTE_NOWHERE },
		{ "/control/runs", "/", "", ROUTE_RUNS },
		{ "http://host/healthz", "/", "", ROUTE_NOWHERE },
		{ "*", "/", "", ROUTE_NOWHERE },
		{ "", "/", "", ROUTE_NOWHERE },
	};
	static struct route r;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		route_parse(&r, rows[i].target, "x", "");
		if (r.to != rows[i].to)
			fail_msg("%s: %d", rows[i].target, r.to);
		assert_string_equal(r.path, rows[i].path);
		assert_string_equal(r.query, rows[i].query);
	}
	assert_true(route_is_control(ROUTE_MESSAGES));
	assert_true(route_is_control(ROUTE_STOP));
	assert_true(route_is_control(ROUTE_EXEC));
	assert_true(route_is_control(ROUTE_INSPECT));
	assert_false(route_is_control(ROUTE_CALL));
	assert_false(route_is_control(ROUTE_FUNCTION));
}

static void
queries_are_decoded(void **state)
{
	static const struct {
		const char *query;
		int n; /* -1: malformed */
		const char *value[3];
	} rows[] = {
		{ "", 0, { NULL } },
		{ "command", 0, { NULL } },
		{ "command=", 1, { "" } },
		{ "command=sh&command=-c&command=a+b", 3,
		    { "sh", "-c", "a b" } },
		{ "x=y&command=a&commands=b&ommand=c", 1, { "a" } },
		{ "command=%41%2b%c3%BC%26=&", 1, { "A+\xc3\xbc&=" } },
		{ "command=a%0", -1, { NULL } },
		{ "command=a%", -1, { NULL } },
		{ "command=%g0", -1, { NULL } },
		{ "command=%0g", -1, { NULL } },
		{ "command=a%00b", -1, { NULL } },
		{ "command=1&command=2&command=3&command=4", -1, { NULL } },
	};
	char room[64];
	const char *value[3];
	int n;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		n = route_query(rows[i].query, "command", room, value, 3);
		if (n != rows[i].n)
			fail_msg("%s: %d", rows[i].query, n);
		for (int k = 0; k < n; k++)
			assert_string_equal(value[k], rows[i].value[k]);
	}
}

/* The label is HASH, by Python's base64.b32encode(). */
#define LABEL "s7wa5wsfaqtgt4xx3ymef52bkfoxqecajdk2ozzqupsbuzi6yihq"

static void
functions_have_names_of_their_own(void **state)
{
	static const struct {
		const char *host, *target, *path;
		enum route_to to;
	} rows[] = {
		{ LABEL ".fn.example", "/a/b?c", "/a/b", ROUTE_FUNCTION },
		{ LABEL ".FN.Example.:4020", "/", "/", ROUTE_FUNCTION },
		{ LABEL ".fn.example", "/control/messages", "/control/messages",
		    ROUTE_FUNCTION },
		{ LABEL ".fn.example", "/vm/x", "/vm/x", ROUTE_FUNCTION },
		{ "fn.example", "/healthz", "/", ROUTE_HEALTH },
		{ NULL, "/healthz", "/", ROUTE_HEALTH },
		{ LABEL ".other.example", "/healthz", "/", ROUTE_HEALTH },
		{ "x" LABEL ".fn.example", "/healthz", "/", ROUTE_NOWHERE },
		{ "x." LABEL ".fn.example", "/healthz", "/", ROUTE_NOWHERE },
		{ "x.fn.example", "/control/messages", "/", ROUTE_NOWHERE },
		{ ".fn.example", "/healthz", "/", ROUTE_NOWHERE },
		/* Its last four bits are no part of a hash. */
		{ "s7wa5wsfaqtgt4xx3ymef52bkfoxqecajdk2ozzqupsbuzi6yihr"
		  ".fn.example",
		    "/", "/", ROUTE_NOWHERE },
	};
	static struct route r;

	(void)state;
	for (size_t i = 0; i < nitems(rows); i++) {
		route_parse(&r, rows[i].target, rows[i].host, "fn.example");
		if (r.to != rows[i].to)
			fail_msg("%s: %d", rows[i].host, r.to);
		assert_string_equal(r.path, rows[i].path);
		if (r.to == ROUTE_FUNCTION)
			assert_string_equal(r.hash, HASH);
	}
	/* Without a domain there is none. */
	route_parse(&r, "/healthz", LABEL ".fn.example", "");
	assert_int_equal(r.to, ROUTE_HEALTH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_matched_as_they_came),
		cmocka_unit_test(queries_are_decoded),
		cmocka_unit_test(functions_have_names_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
