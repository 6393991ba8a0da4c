/*
 * Strict YAML 1.2 of one document, by libyaml's events: no anchors, aliases,
 * tags, merge keys or duplicate keys, keys are strings, scalars of the core
 * schema (so "no" is a string and 010 is ten).  Every error has line and
 * column, and so has every value.
 */
#ifndef MESSAGES_YAML_H
#define MESSAGES_YAML_H

#include <stddef.h>

struct err;
struct value;

/* NULL and ERR_INVALID if it is not such a document. */
struct value *yaml_parse(const char *, size_t len, struct err *);

#endif
