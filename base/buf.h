/*
 * Bytes that grow, and the one way in which our processes put values on a
 * wire: little endian, strings with a u32 length in front.  A reader that runs
 * out of bytes, or meets a length above its bound, sets the buffer's error
 * mark and returns zero; check buf_ok() once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data;
	size_t len;
	size_t size;
	size_t at;   /* where the next get reads */
	bool failed; /* a get went past the end, or found a bad length */
};

#define buf_auto __attribute__((cleanup(buf_fini)))

void buf_fini(struct buf *);
void buf_reset(struct buf *); /* empty, memory kept */

/* Borrowed bytes for reading: buf_fini() must not be called on it. */
struct buf buf_over(const void *data, size_t len);

void buf_add(struct buf *, const void *, size_t);
void buf_add_char(struct buf *, char);
void buf_add_str(struct buf *, const char *);
void buf_printf(struct buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* The bytes as a string; a NUL stands behind them.  Borrowed. */
const char *buf_text(struct buf *);

void buf_put_u8(struct buf *, uint8_t);
void buf_put_u32(struct buf *, uint32_t);
void buf_put_u64(struct buf *, uint64_t);
void buf_put_str(struct buf *, const char *);

uint8_t buf_get_u8(struct buf *);
uint32_t buf_get_u32(struct buf *);
uint64_t buf_get_u64(struct buf *);

/* Into out, which holds size bytes with the final NUL; refuses inner NULs. */
void buf_get_str(struct buf *, char *out, size_t size);

/* True if every get so far was good and nothing is left over. */
bool buf_ok(const struct buf *);

#endif
