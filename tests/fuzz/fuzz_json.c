/* Whatever jansson accepts, we emit and read again as the same value. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/json.h"
#include "messages/value.h"
#include "tests/fuzz/fuzz.h"

/* A real may lose its last digit in text; nothing else may. */
static void
emit_and_read(const struct value *v, enum json_form form)
{
	struct err e;
	char *text = json_emit(v, form);
	struct value *again = json_parse(text, strlen(text), &e);

	invariant(again != NULL);
	if (strpbrk(text, ".eE") == NULL)
		invariant(value_equal(v, again));
	value_free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct value *v = json_parse((const char *)data, size, &e);

	if (v == NULL)
		return 0;
	emit_and_read(v, JSON_AS_CANONICAL);
	emit_and_read(v, JSON_AS_LINE);
	value_free(v);
	return 0;
}
