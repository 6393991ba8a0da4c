/*
 * A node's configuration for who may not read it himself: a command of ours
 * reads the files and the environment, without privilege, and says what options
 * they come to.
 */
#ifndef RUNTIME_CONFIG_OPTIONS_H
#define RUNTIME_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

#define CONFIG_OPTIONS_FILE "/etc/cella/cellad.yaml"
#define CONFIG_OPTIONS_DIRECTORY "/etc/cella/cellad.d"
#define CONFIG_OPTIONS_PREFIX "CELLAD_" /* in the environment */

/*
 * Each option and each value has a NUL behind it; the caller frees.  file NULL:
 * the usual one, if it is there.  What is wrong is on standard error already.
 */
int config_options_read(const char *file, char **data, size_t *len,
    struct err *);

/* The value of one of them, such as "--policy"; or NULL. */
const char *config_options_find(const char *data, size_t len,
    const char *option);

/* Letters, digits, hyphens and dots (RFC 1123, 2.1). */
bool config_options_is_domain(const char *);

#endif
