#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "runtime/audit_log.h"
#include "runtime/audit_open.h"
#include "runtime/spawn.h"
#include "runtime/store_open.h"

int
audit_open(const char *store, const char *path, struct err *e)
{
	return path != NULL ? store_open_part(path, "", e)
			    : store_open_part(store, AUDIT_LOG_DIR, e);
}

int
audit_open_time(const char *option, const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	size_t n = strlen(text);
	bool good = n >= 4 && n < sizeof(form);

	for (size_t i = 0; good && i < n; i++)
		good = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9'
				      : text[i] == form[i];
	if (good)
		return 0;
	fprintf(stderr,
	    "cella: %s %s: not like 2026-01-31T23:59:59 (UTC), or "
	    "the beginning of it\n",
	    option, text);
	return -1;
}

/* Times have one form: their order is that of their bytes. */
bool
audit_open_is_within(const struct value *record, const char *since,
    const char *until)
{
	const char *t = value_get_text(value_get(record, "t"), "real");

	if (t == NULL)
		return since == NULL && until == NULL;
	return (since == NULL || strcmp(t, since) >= 0) &&
	    (until == NULL || strcmp(t, until) < 0);
}
