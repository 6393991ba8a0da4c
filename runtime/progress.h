/* A bar on standard error for what takes long, and nothing if that is no tty.
 */
#ifndef RUNTIME_PROGRESS_H
#define RUNTIME_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* True if somebody would see it. */
bool progress_is_seen(void);

/* Draws "label [####    ] 42 %" over the last one. */
void progress_show(const char *label, uint64_t done, uint64_t total);

/* Clears the line. */
void progress_end(void);

#endif
