/* An asgi function: one request over the channel (docs/channel.md). */
#ifndef RUNTIME_FUNCTION_ASGI_H
#define RUNTIME_FUNCTION_ASGI_H

#include "runtime/function.h"

int function_asgi_run(const struct function_input *, struct instance *,
    struct launcher_link *, struct function_reply *, struct err *);

#endif
