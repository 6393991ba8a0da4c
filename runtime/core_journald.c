#include <inttypes.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "runtime/core_journald.h"

/* A journal that is behind loses it, which is what the files are for. */
static bool
send_line(const struct core_journald *j, const struct buf *b)
{
	return send(j->sock, b->data, b->len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    -1;
}

static void
tell_left_out(struct core_journald *j)
{
	buf_auto struct buf b = { 0 };

	if (j->left_out == 0)
		return;
	buf_printf(&b,
	    "PRIORITY=5\nSYSLOG_IDENTIFIER=cella\nMESSAGE=%" PRIu64
	    " lines of functions are left out here: cella logs has them\n",
	    j->left_out);
	if (send_line(j, &b))
		j->left_out = 0;
}

static bool
may_say(struct core_journald *j)
{
	uint64_t now = clock_mono_ns() / CLOCK_SECOND;

	if (now != j->second) {
		j->second = now;
		j->in_second = 0;
		tell_left_out(j);
	}
	if (j->in_second == CORE_JOURNALD_RATE) {
		j->left_out++;
		return false;
	}
	j->in_second++;
	return true;
}

void
core_journald_line(struct core_journald *j, const char *hash, const char *run,
    const char *stream, const char *text)
{
	buf_auto struct buf b = { 0 };

	if (j->sock == -1 || !may_say(j))
		return;
	buf_printf(&b,
	    "PRIORITY=6\nSYSLOG_IDENTIFIER=cella\nCELLA_FUNCTION=%s\n"
	    "CELLA_RUN=%s\nCELLA_STREAM=%s\nMESSAGE=%s\n",
	    hash, run, stream, text);
	if (!send_line(j, &b))
		j->left_out++;
}
