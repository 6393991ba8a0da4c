#include "messages/subscription.h"
#include "messages/value.h"

static bool
is_one_of(const struct value *list, const struct value *v)
{
	for (size_t i = 0; i < list->len; i++)
		if (value_equal(list->item[i], v))
			return true;
	return false;
}

/* Depth is bounded by the readers of both. */
bool
subscription_matches(const struct value *s, const struct value *message)
{
	const struct value *want, *have;

	if (s->kind != VALUE_MAP || s->len == 0)
		return false;
	for (size_t i = 0; i < s->len; i++) {
		want = s->item[i];
		have = value_get(message, s->key[i]);
		if (have == NULL)
			return false;
		if (want->kind == VALUE_MAP
			? !subscription_matches(want, have)
			: !(want->kind == VALUE_LIST ? is_one_of(want, have)
						     : value_equal(want, have)))
			return false;
	}
	return true;
}

bool
subscription_matches_any(const struct value *list, const struct value *message)
{
	if (list->kind != VALUE_LIST)
		return false;
	for (size_t i = 0; i < list->len; i++)
		if (subscription_matches(list->item[i], message))
			return true;
	return false;
}
