/* Lists of strangers: read from the wire, and from people's text. */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "policy/egress.h"
#include "policy/egress_text.h"
#include "tests/fuzz/fuzz.h"

/* Within all that can be allowed; and what a rule holds is reached or never. */
static void
look_at(const struct egress *e)
{
	static struct egress top, meet;
	char text[EGRESS_TEXT_MAX];
	const struct egress_rule *r;

	if (top.n == 0)
		egress_top(&top);
	invariant(egress_first_above(e, &top) == NULL);
	egress_meet(&meet, e, &top);
	invariant(egress_first_above(e, &meet) == NULL);
	for (uint32_t i = 0; i < e->n; i++) {
		r = &e->rule[i];
		egress_rule_text(text, r);
		invariant(egress_is_never(&r->net) ||
		    (egress_allows(e, &r->net, r->proto, r->last) &&
			egress_allows_host(e, &r->net)));
	}
	(void)egress_first_above(&top, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct egress e, again, meet;
	struct buf in = buf_over(data, size), out = { 0 };
	struct egress_net net, back;
	char text[64], shown[EGRESS_TEXT_MAX];
	uint16_t first, last;

	egress_get(&in, &e);
	if (buf_ok(&in)) {
		egress_put(&out, &e);
		egress_get(&out, &again);
		invariant(buf_ok(&out) && memcmp(&e, &again, sizeof(e)) == 0);
		look_at(&e);
		egress_meet(&meet, &e, &e);
		invariant(egress_first_above(&meet, &e) == NULL &&
		    egress_first_above(&e, &meet) == NULL);
		buf_fini(&out);
	}
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (egress_text_net(text, &net)) {
		egress_net_text(shown, &net);
		invariant(egress_text_net(shown, &back));
		invariant(memcmp(&net, &back, sizeof(net)) == 0);
	}
	if (egress_text_ports(text, &first, &last))
		invariant(first > 0 && first <= last);
	return 0;
}
