#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

bool
str_copy(char *out, size_t size, const char *in)
{
	size_t len = strlen(in);

	if (len >= size)
		return false;
	memcpy(out, in, len + 1);
	return true;
}

/* One component, from p to the next slash or the end. */
static bool
is_clean_component(const char *p, size_t len)
{
	if (len == 0 || (len == 1 && p[0] == '.') ||
	    (len == 2 && p[0] == '.' && p[1] == '.'))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return false;
	return true;
}

bool
str_is_clean_path(const char *path)
{
	size_t len;

	if (strcmp(path, "/") == 0)
		return true;
	while (*path == '/') {
		len = strcspn(++path, "/");
		if (!is_clean_component(path, len))
			return false;
		path += len;
		if (*path == '\0')
			return true;
	}
	return false;
}

bool
str_is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, len) == 0 &&
	    (path[len] == '\0' || path[len] == '/');
}

void
str_hex(char *out, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
str_unhex(void *out, size_t len, const char *hex)
{
	unsigned char *p = out;

	if (strlen(hex) != 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++)
		if (digit(hex[i]) == -1)
			return false;
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(digit(hex[2 * i]) << 4 |
		    digit(hex[2 * i + 1]));
	return true;
}

bool
str_is_sha256(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

size_t
str_utf8_len(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t code;
	size_t n;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	code = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	/* Overlong forms, surrogates and what lies beyond Unicode. */
	if ((n == 3 && code < 0x800) || (n == 4 && code < 0x10000) ||
	    (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return 0;
	return n;
}

char *
str_printable(const char *s, size_t len, size_t max)
{
	struct buf out = { 0 };
	size_t shown = len < max ? len : max, n;

	if (!CONTROL(56))
		return str_printf("%.*s", (int)shown, s);
	for (size_t i = 0; i < shown; i += n == 0 ? 1 : n) {
		n = str_utf8_len(s + i, shown - i);
		if (n == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f ||
		    (n == 2 && (unsigned char)s[i] == 0xc2 &&
			(unsigned char)s[i + 1] < 0xa0)) {
			n = n == 0 ? 1 : n;
			for (size_t k = i; k < i + n; k++)
				buf_printf(&out, "\\x%02x",
				    (unsigned char)s[k]);
		} else {
			buf_add(&out, s + i, n);
		}
	}
	if (shown < len)
		buf_add_str(&out, "...");
	(void)buf_text(&out);
	return out.data;
}

char *
str_dup(const char *s)
{
	char *copy = strdup(s);

	invariant(copy != NULL);
	return copy;
}

char *
str_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	invariant(n >= 0);
	return s;
}
