/* What can be seen of sessions (session.h). */
#ifndef RUNTIME_SESSION_VIEW_H
#define RUNTIME_SESSION_VIEW_H

#include "runtime/session.h"

/* All of them, in no order; those that are just starting, too.  NULL: the end.
 */
const struct session *session_view_first(const struct sessions *);
const struct session *session_view_next(const struct session *);

const char *session_view_id(const struct session *);
const struct session_taint *session_view_taint(const struct session *);
const struct machine_config *session_view_machine(const struct session *);
const struct session_cycles *session_view_cycles(const struct session *);
const struct session_deadlines *session_view_deadlines(const struct session *);

/* From the lowest index to the active one, which is the last. */
const struct session_epoch *session_view_epochs(const struct session *);
const struct session_epoch *session_view_active(const struct session *);

/* Inputs of the active epoch that are not done. */
uint64_t session_view_pending(const struct session *);

/* Whether a machine with such an id is waited for. */
bool session_view_is_awaited(const struct sessions *, const char *id);

struct session_parts;
/* Whether its state is what it is after the last accepted input. */
bool session_view_is_same(const struct session *, const struct session_parts *);

/* Of its ranges, as they are after the last accepted input. */
const struct buf *session_view_content(const struct session *);

#endif
