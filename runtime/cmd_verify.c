/* cella verify: whether a receipt is as its node signed it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/receipt.h"
#include "messages/value.h"
#include "runtime/cli.h"

#define RECEIPT_MAX (1 << 20)

/* The last record with a verdict: how the run ended. */
static const struct value *
find_end(const struct value *receipt)
{
	const struct value *list = value_get(receipt, "records"), *r,
			   *end = NULL;

	for (size_t i = 0;
	     list != NULL && list->kind == VALUE_LIST && i < list->len; i++) {
		r = value_get(list->item[i], "record");
		if (value_get_text(r, "verdict") != NULL)
			end = r;
	}
	return end;
}

static void
print_text(const char *before, const char *text)
{
	char *safe = str_printable(text == NULL ? "?" : text,
	    text == NULL ? 1 : strlen(text), 256);

	printf("%s%s", before, safe);
	free(safe);
}

static void
print_good(const struct value *v)
{
	const struct value *end = find_end(v);

	print_text("good: run ", value_get_text(v, "run"));
	print_text(" of ", value_get_text(end, "item_hash"));
	print_text(", verdict ", value_get_text(end, "verdict"));
	print_text(", signed by ", value_get_text(v, "node"));
	putchar('\n');
}

static int
check(const struct value *v, const char *node, struct err *e)
{
	if (receipt_verify(v, e) == -1)
		return -1;
	if (node != NULL && strcmp(value_get_text(v, "node"), node) != 0)
		return err_set(e, ERR_DENIED, "it is signed by another node");
	return 0;
}

static int
run(int argc, char **argv)
{
	static const struct option names[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	value_auto struct value *v = NULL;
	const char *node = NULL;
	bool json = false;
	struct err e;
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (c == 'n')
			node = optarg;
		else if (c == 'j')
			json = true;
		else
			return cli_usage(&cmd_verify_command);
	if (argc - optind != 1 || (node != NULL && !str_is_sha256(node)))
		return cli_usage(&cmd_verify_command);
	v = cli_read_json(argv[optind], RECEIPT_MAX, json_parse, &e);
	if (v == NULL) {
		cli_error(&e, json);
		return CLI_FAILED;
	}
	if (check(v, node, &e) == -1) {
		cli_error(&e, json);
		return 1;
	}
	if (json)
		cli_print(v);
	else
		print_good(v);
	return 0;
}

const struct cli_command cmd_verify_command = { "verify",
	"[--node KEY] [--json] RECEIPT", "whether a node signed a receipt",
	run };
