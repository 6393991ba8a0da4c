/*
 * The parts that result records and audit records are made of: one name and
 * one form for each fact, whoever tells it (docs/result.schema.json).
 */
#ifndef RUNTIME_RECORD_PARTS_H
#define RUNTIME_RECORD_PARTS_H

#include <stdbool.h>
#include <stdint.h>

struct aleph_program;
struct ceiling;
struct decision;
struct launch_created;
struct launch_exited;
struct launch_host;
struct value;
struct verdict_facts;

/* An amount; what is beyond 63 bits is the greatest there is. */
void record_parts_set(struct value *, const char *key, uint64_t);

/* UTC with milliseconds (RFC 3339), from ns since 1970. */
#define RECORD_PARTS_TIME 40
void record_parts_time_text(char out[RECORD_PARTS_TIME], uint64_t ns);
void record_parts_time(struct value *, const char *key, uint64_t ns);

/* What was asked: message, not_enforced and not_granted. */
void record_parts_message(struct value *, const struct aleph_program *);

/* What was decided: policy; limits, which is returned.  reuse: fresh, or what
 * of assemble_args_reuse(). */
void record_parts_policy(struct value *, const struct decision *,
    const struct ceiling *, const char *reuse);
struct value *record_parts_limits(struct value *, const struct decision *);

/* What the kernel said: limits.read_back, degraded, phases_ns, host. */
void record_parts_read_back(struct value *limits,
    const struct launch_created *);
void record_parts_degraded(struct value *, uint32_t controls);
void record_parts_phases(struct value *, const struct launch_created *);
void record_parts_host(struct value *, const struct launch_host *);

/* What happened: end and its code; usage, which is returned. */
void record_parts_end(struct value *, const struct launch_exited *);
struct value *record_parts_usage(struct value *, const struct launch_exited *);

/* served: a machine that was stopped was stopped because its work was done. */
void record_parts_facts(const struct launch_exited *, bool served,
    struct verdict_facts *);

#endif
