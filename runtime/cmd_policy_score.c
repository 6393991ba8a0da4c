#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/decide.h"
#include "policy/score.h"
#include "runtime/cli.h"
#include "runtime/cmd_policy.h"

#define IMPROVEMENTS 3

static struct value *
describe(const struct score *s, const size_t *best, size_t n)
{
	struct value *doc = value_new(VALUE_MAP), *list, *one;

	value_set_int(doc, "score", s->total);
	value_set_text(doc, "band", score_band(s->total));
	list = value_set_list(doc, "checks");
	for (size_t i = 0; i < SCORE_CHECKS; i++) {
		one = value_add(list, value_new(VALUE_MAP));
		value_set_text(one, "id", s->check[i].id);
		value_set_text(one, "what", s->check[i].what);
		value_set_int(one, "weight", s->check[i].weight);
		value_set_int(one, "badness", s->check[i].badness);
	}
	list = value_set_list(doc, "improvements");
	for (size_t i = 0; i < n; i++) {
		one = value_add(list, value_new(VALUE_MAP));
		value_set_text(one, "id", s->check[best[i]].id);
		value_set_text(one, "improve", s->check[best[i]].improve);
	}
	return doc;
}

/* What adds most comes first; what adds nothing, not at all. */
static void
print(const struct score *s, const size_t *best, size_t n)
{
	const struct score_check *c;
	bool done[SCORE_CHECKS] = { false };
	size_t most;

	printf("%u (%s)\n\n", s->total, score_band(s->total));
	for (;;) {
		most = SCORE_CHECKS;
		for (size_t i = 0; i < SCORE_CHECKS; i++)
			if (!done[i] && s->check[i].badness > 0 &&
			    (most == SCORE_CHECKS ||
				s->check[i].weight * s->check[i].badness >
				    s->check[most].weight *
					s->check[most].badness))
				most = i;
		if (most == SCORE_CHECKS)
			break;
		done[most] = true;
		c = &s->check[most];
		printf("%s %6.2f  %s\n", c->id,
		    (double)(c->weight * c->badness) / 10000, c->what);
	}
	for (size_t i = 0; i < n; i++)
		printf("%simprove %s  %s\n", i == 0 ? "\n" : "",
		    s->check[best[i]].id, s->check[best[i]].improve);
}

int
cmd_policy_score(const struct cmd_policy *o, struct err *e)
{
	value_auto struct value *doc = NULL;
	size_t best[IMPROVEMENTS], n;
	struct score_facts facts;
	struct score score;
	struct decision d;
	struct ceiling c;

	if (cmd_policy_load(o, &d, &c, e) == -1 ||
	    score_gather(&d, &c, &facts, e) == -1)
		return -1;
	score_rate(&facts, &score);
	n = score_improvements(&score, best, IMPROVEMENTS);
	if (o->json) {
		doc = describe(&score, best, n);
		cli_print(doc);
	} else {
		print(&score, best, n);
	}
	return o->has_threshold && score.total > o->threshold ? 2 : 0;
}
