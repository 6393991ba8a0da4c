/* Whatever jansson accepts, we emit and read again as the same value. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/json.h"
#include "messages/value.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct value *v = json_parse((const char *)data, size, &e), *again;
	char *text;

	if (v == NULL)
		return 0;
	text = json_emit(v, JSON_AS_CANONICAL);
	again = json_parse(text, strlen(text), &e);
	invariant(again != NULL);
	/* A real may lose its last digit in text; nothing else may. */
	if (strpbrk(text, ".eE") == NULL)
		invariant(value_equal(v, again));
	value_free(again);
	value_free(v);
	free(text);
	return 0;
}
