/*
 * The key by which a node signs receipts (messages/receipt.h): beside its audit
 * log, made at its first start, Ed25519.
 */
#ifndef RUNTIME_NODE_KEY_H
#define RUNTIME_NODE_KEY_H

#include "messages/receipt.h"

struct err;

/* dir: of the audit log.  One that is there is kept. */
int node_key_make(int dir, struct err *);
int node_key_read(int dir, unsigned char key[RECEIPT_KEY], struct err *);

#endif
