/* What a machine may send: frames, and the JSON in them. */
#include <stdlib.h>

#include "base/err.h"
#include "messages/channel.h"
#include "messages/channel_json.h"
#include "runtime/function_binary.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel_reader r = { { 0 } };
	struct function_binary_head head;
	struct channel_frame f;
	struct err e;

	channel_feed(&r, data, size);
	while (channel_next(&r, &f, &e) == 1)
		channel_json_free(channel_json_parse(f.payload, f.len, &e));
	channel_reader_fini(&r);
	channel_json_free(channel_json_parse((const char *)data, size, &e));
	(void)function_binary_parse_head((const char *)data, size, &head, &e);
	return 0;
}
