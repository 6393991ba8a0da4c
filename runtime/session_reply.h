/*
 * What clients are told of sessions, as the messages of
 * messages/proto/server-manager.proto.  Pure; each adds its bytes.
 */
#ifndef RUNTIME_SESSION_REPLY_H
#define RUNTIME_SESSION_REPLY_H

#include "runtime/session.h"

/* StartSessionResponse */
void session_reply_started(struct buf *, const struct session *);

/* GetStatusResponse: of all. */
void session_reply_all(struct buf *, const struct sessions *);

/* GetSessionStatusResponse */
void session_reply_session(struct buf *, const struct session *);

/*
 * GetEpochStatusResponse.  The proofs of an epoch that is not finished are of
 * the time when each input was done; else of all of it.
 */
void session_reply_epoch(struct buf *, const struct session *,
    const struct session_epoch *);

/* InspectStateResponse: of the answer to a query. */
void session_reply_query(struct buf *, const struct session_answer *);

#endif
