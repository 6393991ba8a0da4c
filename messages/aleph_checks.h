/* The rules about a program that a table of fields cannot say. */
#ifndef MESSAGES_ALEPH_CHECKS_H
#define MESSAGES_ALEPH_CHECKS_H

#include "messages/aleph.h"

/* prefix: the path of the program's fields, "content" or "". */
void aleph_checks_run(const struct aleph_program *, const char *prefix,
    struct problems *);

void aleph_checks_ids(void (*)(void *, const char *), void *);

#endif
