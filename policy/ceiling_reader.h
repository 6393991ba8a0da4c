/* What the parts of the policy file's reader share: ceiling.c,
 * ceiling_fetch.c, ceiling_net.c, ceiling_node.c. */
#ifndef POLICY_CEILING_READER_H
#define POLICY_CEILING_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "messages/value.h"
#include "policy/ceiling.h"

struct problems;

struct ceiling_reader {
	struct ceiling *c;
	struct problems *problems;
};

/* A problem at the place of a value; the sentence may quote its text. */
void ceiling_report(const struct ceiling_reader *, const char *id,
    const struct value *, const char *path, const char *why);
void ceiling_report_text(const struct ceiling_reader *, const char *id,
    const struct value *, const char *path, const char *why);

/* Reports and is false if it is another kind. */
bool ceiling_is_kind(const struct ceiling_reader *, const struct value *,
    enum value_kind, const char *path);

typedef void ceiling_read_fn(const struct ceiling_reader *,
    const struct value *, const char *path);

/* Calls the function for each text of a list. */
void ceiling_each_text(const struct ceiling_reader *, const struct value *,
    const char *path, ceiling_read_fn *);

struct ceiling_row {
	const char *key;
	ceiling_read_fn *read;
};

/* A map whose keys are in the table; another key is a problem. */
void ceiling_read_rows(const struct ceiling_reader *, const struct value *,
    const char *path, const struct ceiling_row *, size_t n);

/* "audit", "callers", "cron", "exec", "logs", "warm" and "admission". */
void ceiling_node_logs(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_node_audit(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_node_cron(const struct ceiling_reader *, const struct value *,
    const char *path);

void ceiling_node_callers(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_node_exec(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_node_warm(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_node_admission(const struct ceiling_reader *, const struct value *,
    const char *path);

/* The keys "fetch" and "async". */
void ceiling_fetch_async(const struct ceiling_reader *, const struct value *,
    const char *path);
void ceiling_fetch_read(const struct ceiling_reader *, const struct value *,
    const char *path);

/* The key "net". */
void ceiling_net_read(const struct ceiling_reader *, const struct value *,
    const char *path);

/* Of net.allow: 443 or "8000-8100"; false: it is neither. */
bool ceiling_net_ports(const struct value *, struct egress_rule *);

#endif
