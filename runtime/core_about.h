/*
 * What monitoring of other nodes of the network asks for: what runs, and how
 * much of the host is in use (/about/, docs/node.md).
 */
#ifndef RUNTIME_CORE_ABOUT_H
#define RUNTIME_CORE_ABOUT_H

struct core;
struct value;

/* The caller frees both. */
struct value *core_about_executions(const struct core *);
struct value *core_about_usage(const struct core *);

#endif
