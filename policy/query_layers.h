/* What stands behind the filter, call by call: docs/threat-model.md has where
 * each is made. */
#ifndef POLICY_QUERY_LAYERS_H
#define POLICY_QUERY_LAYERS_H

/* Never NULL. */
const char *query_layers_behind(const char *call);

#endif
