#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/audit_open.h"
#include "runtime/audit_show.h"

static bool
is_wanted(const struct audit_show *o, const struct value *record)
{
	const char *run = value_get_text(record, "run");
	const char *kind = value_get_text(record, "kind");

	return audit_open_is_within(record, o->since, o->until) &&
	    (o->run == NULL || (run != NULL && strcmp(run, o->run) == 0)) &&
	    (o->kind == NULL || (kind != NULL && strcmp(kind, o->kind) == 0));
}

/* What somebody wrote into it is never the terminal's to obey. */
static void
print_text(const char *before, const char *text)
{
	char *safe;

	if (text == NULL)
		return;
	safe = str_printable(text, strlen(text), 512);
	printf("%s%s", before, safe);
	free(safe);
}

static void
print_line(uint64_t seq, const struct value *r)
{
	const struct value *t = value_get(r, "t"), *x = value_get(r, "error");

	printf("%" PRIu64, seq);
	print_text(" ", value_get_text(t, "real"));
	print_text(" ", value_get_text(r, "kind"));
	print_text(" ", value_get_text(r, "what"));
	print_text(" ", value_get_text(r, "run"));
	print_text(" ", value_get_text(r, "item_hash"));
	print_text(" ", value_get_text(r, "verdict"));
	print_text(" ", value_get_text(r, "why"));
	print_text(": ", value_get_text(r, "broken"));
	print_text(": ", value_get_text(x, "message"));
	putchar('\n');
}

int
audit_show_print(void *arg, uint64_t seq, const char *hash,
    const struct value *record)
{
	const struct audit_show *o = arg;
	char *text;

	(void)hash;
	if (o->last != NULL)
		*o->last = seq;
	if (!is_wanted(o, record))
		return 0;
	if (!o->json) {
		print_line(seq, record);
		return 0;
	}
	text = json_emit(record, JSON_AS_LINE);
	printf("{\"seq\":%" PRIu64 ",\"record\":%s}\n", seq, text);
	free(text);
	return 0;
}
