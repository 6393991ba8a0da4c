/* Small things about strings that more than one directory needs. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define nitems(a) (sizeof(a) / sizeof((a)[0]))

/* Copies with the final NUL; false, and out untouched, if it does not fit. */
bool str_copy(char *out, size_t size, const char *in);

/*
 * True for an absolute path without ".", "..", "//", a trailing slash (but "/"
 * itself is clean) or a control character.
 */
bool str_is_clean_path(const char *);

/* True if path is dir or lies below it; both clean. */
bool str_is_within(const char *path, const char *dir);

/* 2 * len lower-case digits and a NUL. */
void str_hex(char *out, const void *data, size_t len);

/* Exactly len bytes from 2 * len hexadecimal digits of either case. */
bool str_unhex(void *out, size_t len, const char *hex);

/* True for 64 lower-case hexadecimal digits: a SHA-256 as we write it. */
bool str_is_sha256(const char *);

/*
 * A copy that is safe to print on a terminal: bytes below 0x20, 0x7f, and
 * everything that is not part of well-formed UTF-8 become \xNN; C1 controls
 * too.  At most max bytes of the input are shown, then "...".  The caller
 * frees.
 */
char *str_printable(const char *, size_t len, size_t max);

/* The length of the well-formed UTF-8 sequence at s, or 0. */
size_t str_utf8_len(const char *s, size_t len);

/* Never NULL. */
char *str_dup(const char *);
char *str_printf(const char *, ...) __attribute__((format(printf, 1, 2)));

#endif
