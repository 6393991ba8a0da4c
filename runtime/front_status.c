/* What monitoring of other nodes of the network asks for, and front knows. */
#include <stdlib.h>
#include <string.h>

#include "messages/json.h"
#include "messages/value.h"
#include "runtime/front_request.h"

/* Numbers between dots; what is no number counts as 0. */
static bool
is_at_least(const char *ours, const char *wanted)
{
	unsigned long a, b;
	char *end;

	while (*ours != '\0' || *wanted != '\0') {
		a = strtoul(ours, &end, 10);
		ours = end + strcspn(end, ".");
		ours += *ours == '.';
		b = strtoul(wanted, &end, 10);
		wanted = end + strcspn(end, ".");
		wanted += *wanted == '.';
		if (a != b)
			return a > b;
	}
	return true;
}

static enum MHD_Result
queue(struct front_request *r, unsigned status, const struct value *v)
{
	char *text = json_emit(v, JSON_AS_LINE);
	enum MHD_Result result =
	    front_request_queue_text(r, status, "application/json", text);

	free(text);
	return result;
}

enum MHD_Result
front_status_answer(struct front_request *r)
{
	static const char key[] = "reference=";
	value_auto struct value *v = value_new(VALUE_MAP);
	const char *wanted = r->route.query;
	bool good;

	if (r->route.to == ROUTE_CONFIG) {
		value_set_text(v, "VERSION", VERSION_TEXT);
		value_set_text(v, "DOMAIN_NAME", r->front->rules.domain);
		return queue(r, MHD_HTTP_OK, v);
	}
	if (strncmp(wanted, key, sizeof(key) - 1) != 0)
		return front_request_fail(r, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
		    "reference: the version that is needed");
	good = is_at_least(VERSION_TEXT, wanted + sizeof(key) - 1);
	value_set_bool(v, "result", good);
	return queue(r, good ? MHD_HTTP_OK : MHD_HTTP_FORBIDDEN, v);
}
