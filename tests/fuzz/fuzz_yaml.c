/* Whatever the strict reader accepts has no anchor in it and can be emitted. */
#include <stdlib.h>

#include "base/err.h"
#include "messages/json.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "policy/ceiling.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct problems p;
	struct ceiling c;
	struct err e;
	struct value *v = yaml_parse((const char *)data, size, &e);

	if (v == NULL)
		return 0;
	free(json_emit(v, JSON_AS_LINE));
	(void)ceiling_read(&c, v, &p);
	problems_fini(&p);
	value_free(v);
	return 0;
}
