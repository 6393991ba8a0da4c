/* From a tree that fits its schema to the struct; used by aleph.c alone. */
#ifndef MESSAGES_ALEPH_FIELDS_H
#define MESSAGES_ALEPH_FIELDS_H

#include "messages/aleph.h"

/* Everything but the volumes. */
void aleph_fields_read(struct aleph_program *, const struct value *content);
void aleph_fields_volume(struct aleph_volume *, const struct value *);

/* Fills in not_enforced and not_granted. */
void aleph_fields_list_idle(struct aleph_program *, const struct value *content,
    const char *prefix);

/* The value at a path of names with dots between them, or NULL. */
const struct value *aleph_fields_lookup(const struct value *, const char *path);

#endif
