/* What a machine may send: frames, and the JSON in them. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/channel.h"
#include "messages/base64.h"
#include "messages/channel_json.h"
#include "tests/fuzz/fuzz.h"

/* What goes out again is what came in. */
static void
put_again(const struct channel_frame *f)
{
	struct channel_reader r = { .max = 0 };
	struct buf b = { 0 };
	struct channel_frame again;
	struct err e;

	channel_put(&b, f->kind, f->payload, f->len);
	channel_feed(&r, b.data, b.len);
	invariant(channel_next(&r, &again, &e) == 1);
	invariant(again.kind == f->kind && again.len == f->len &&
	    memcmp(again.payload, f->payload, f->len) == 0);
	channel_reader_fini(&r);
	buf_fini(&b);
}

static void
look_at(const struct channel_frame *f)
{
	struct channel_dialogue d = { 0 };
	struct err e;
	struct channel_json *v = channel_json_parse(f->payload, f->len, &e);
	const char *text = channel_json_text(v, "Body");
	char *bytes, *back;
	size_t len;

	put_again(f);
	(void)channel_dialogue_send(&d);
	(void)channel_dialogue_receive(&d,
	    channel_json_text(v, "DialogueNonce"), &e);
	bytes = text == NULL ? NULL : base64_bytes(text, strlen(text), &len);
	if (bytes != NULL) {
		back = base64_text(bytes, len);
		free(bytes);
		bytes = base64_bytes(back, strlen(back), &len);
		invariant(bytes != NULL);
		free(back);
		free(bytes);
	}
	channel_json_free(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel_reader r = { .max = 0 };
	struct channel_frame f;
	struct err e;

	channel_feed(&r, data, size);
	while (channel_next(&r, &f, &e) == 1)
		look_at(&f);
	channel_reader_fini(&r);
	channel_json_free(channel_json_parse((const char *)data, size, &e));
	return 0;
}
