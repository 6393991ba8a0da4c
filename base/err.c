#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	e->sys = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	e->code = ERR_SYSTEM;
	e->sys = saved;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	errno = saved;
	snprintf(e->text + len, sizeof(e->text) - len, ": %m");
	return -1;
}

int
err_in(struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	size_t len;
	va_list ap;

	memcpy(text, e->text, sizeof(text));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %.*s",
	    (int)(sizeof(text) - 1), text);
	return -1;
}

const char *
err_code_name(enum err_code code)
{
	static const char *const names[] = {
		[ERR_INVALID] = "invalid",
		[ERR_DENIED] = "denied",
		[ERR_NOT_FOUND] = "not-found",
		[ERR_CONFLICT] = "conflict",
		[ERR_BUSY] = "busy",
		[ERR_QUOTA] = "quota",
		[ERR_AUTH] = "auth",
		[ERR_TIMEOUT] = "timeout",
		[ERR_GUEST] = "guest",
		[ERR_SYSTEM] = "system",
	};

	invariant((size_t)code < sizeof(names) / sizeof(names[0]));
	return names[code];
}

void
err_invariant_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this cannot be, and is: %s\n", file, line,
	    what);
	abort();
}
