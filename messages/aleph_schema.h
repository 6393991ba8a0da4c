/* The fields of every dialect, as tables; used by aleph.c alone. */
#ifndef MESSAGES_ALEPH_SCHEMA_H
#define MESSAGES_ALEPH_SCHEMA_H

#include "messages/aleph.h"
#include "messages/schema.h"

/* The envelope that all messages of the network have. */
const struct schema *aleph_schema_envelope(void);

/*
 * The program: for the proposals the whole document, for the others the
 * content.
 */
const struct schema *aleph_schema_program(enum aleph_dialect);

/* One of the three kinds of volume. */
const struct schema *aleph_schema_volume(enum aleph_volume_kind);

#endif
