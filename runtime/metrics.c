#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "runtime/metrics.h"

/* From a sandbox that is there at once to the longest that one may run. */
static const struct {
	uint64_t ns;
	const char *text;
} bounds[METRICS_BUCKETS] = {
	{ 1000000, "0.001" },
	{ 2500000, "0.0025" },
	{ 5000000, "0.005" },
	{ 10000000, "0.01" },
	{ 25000000, "0.025" },
	{ 50000000, "0.05" },
	{ 100000000, "0.1" },
	{ 250000000, "0.25" },
	{ 500000000, "0.5" },
	{ 1000000000, "1" },
	{ 2500000000, "2.5" },
	{ 10000000000, "10" },
	{ 60000000000, "60" },
	{ 600000000000, "600" },
};

/* As `cella session` names them, in this text's own case. */
static const char *const inputs[METRICS_INPUTS] = { "accepted", "rejected",
	"exception", "machine-halted", "cycle-limit", "time-limit" };

static const char *const triggers[METRICS_TRIGGERS] = { "http", "cron",
	"message", "async", "warm", "persistent" };

void
metrics_observe(struct metrics_histogram *h, uint64_t ns)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS && ns > bounds[i].ns)
		i++;
	h->bucket[i]++;
	h->sum_ns += ns;
}

enum metrics_trigger
metrics_trigger_of(const char *name)
{
	for (int i = 0; i < METRICS_TRIGGERS; i++)
		if (strcmp(triggers[i], name) == 0)
			return (enum metrics_trigger)i;
	return METRICS_HTTP;
}

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
gauge(struct buf *b, const char *name, uint64_t n, const char *help)
{
	head(b, name, "gauge", help);
	buf_printf(b, "%s %" PRIu64 "\n", name, n);
}

static void
counter(struct buf *b, const char *name, uint64_t n, const char *help)
{
	head(b, name, "counter", help);
	buf_printf(b, "%s %" PRIu64 "\n", name, n);
}

static void
write_seconds(struct buf *b, uint64_t ns)
{
	buf_printf(b, "%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000,
	    ns % 1000000000);
}

static void
histogram(struct buf *b, const char *name, const struct metrics_histogram *h,
    const char *help)
{
	uint64_t sum = 0;

	head(b, name, "histogram", help);
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		sum += h->bucket[i];
		buf_printf(b, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
		    bounds[i].text, sum);
	}
	sum += h->bucket[METRICS_BUCKETS];
	buf_printf(b, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum ", name, sum,
	    name);
	write_seconds(b, h->sum_ns);
	buf_printf(b, "%s_count %" PRIu64 "\n", name, sum);
}

/* All of them, so that what never happened is seen as such. */
static void
write_runs(struct buf *b, const struct metrics *m)
{
	static const char name[] = "cella_runs_total";

	head(b, name, "counter", "Runs that ended, by trigger and verdict.");
	for (int t = 0; t < METRICS_TRIGGERS; t++)
		for (int v = 0; v < METRICS_VERDICTS; v++)
			buf_printf(b,
			    "%s{trigger=\"%s\",verdict=\"%s\"} %" PRIu64 "\n",
			    name, triggers[t], verdict_name((enum verdict)v),
			    m->runs[t][v]);
}

static void
write_refusals(struct buf *b, const struct metrics *m)
{
	static const char name[] = "cella_refusals_total";

	head(b, name, "counter",
	    "Runs and publications that were refused, by reason.");
	for (int c = 0; c < METRICS_CODES; c++)
		buf_printf(b, "%s{code=\"%s\"} %" PRIu64 "\n", name,
		    err_code_name((enum err_code)c), m->refusals[c]);
}

static void
write_sessions(struct buf *b, const struct metrics *m,
    const struct metrics_now *n)
{
	static const char name[] = "cella_session_inputs_total";

	gauge(b, "cella_sessions", n->sessions, "Sessions.");
	gauge(b, "cella_sessions_tainted", n->tainted,
	    "Sessions that take no input any more.");
	gauge(b, "cella_session_inputs_pending", n->inputs_pending,
	    "Inputs that were taken and are not done.");
	head(b, name, "counter",
	    "Inputs that are done, by what became of them.");
	for (int i = 0; i < METRICS_INPUTS; i++)
		buf_printf(b, "%s{status=\"%s\"} %" PRIu64 "\n", name,
		    inputs[i], m->inputs[i]);
}

static void
write_feed(struct buf *b, const struct metrics_feed *f)
{
	static const char name[] = "cella_feed_messages_total";
	static const char *const kinds[METRICS_FEED_MESSAGES] = { "delivered",
		"published", "ignored", "unverified", "refused" };

	if (!f->there)
		return;
	gauge(b, "cella_feed_up", f->up, "1 if the feed is connected.");
	head(b, name, "counter",
	    "Messages of the feed, by what became of them.");
	for (int i = 0; i < METRICS_FEED_MESSAGES; i++)
		buf_printf(b, "%s{result=\"%s\"} %" PRIu64 "\n", name, kinds[i],
		    f->messages[i]);
}

static void
write_quota(struct buf *b, const struct quota *q)
{
	const uint64_t *limit = q->limits.limit[QUOTA_HOST];

	gauge(b, "cella_reserved_memory_bytes", q->used[QUOTA_MEMORY],
	    "Memory that machines may use together.");
	gauge(b, "cella_reserved_memory_limit_bytes", limit[QUOTA_MEMORY],
	    "Memory that can be reserved.");
	gauge(b, "cella_reserved_cpu_percent", q->used[QUOTA_CPU],
	    "CPU that machines may use together, in percent of one.");
	gauge(b, "cella_reserved_cpu_limit_percent", limit[QUOTA_CPU],
	    "CPU that can be reserved.");
}

void
metrics_write(struct buf *b, const struct metrics *m,
    const struct metrics_now *n)
{
	head(b, "cella_build_info", "gauge", "Version, as a label.");
	buf_printf(b, "cella_build_info{version=\"%s\"} 1\n", VERSION_TEXT);
	head(b, "cella_start_time_seconds", "gauge",
	    "When this core started, since 1970.");
	buf_add_str(b, "cella_start_time_seconds ");
	write_seconds(b, n->started_ns);
	gauge(b, "cella_functions", n->functions, "Functions in the journal.");
	gauge(b, "cella_runs_active", n->runs,
	    "Runs from their trigger to their end.");
	gauge(b, "cella_runs_queued", n->queued, "Runs that wait for room.");
	write_runs(b, m);
	write_refusals(b, m);
	histogram(b, "cella_start_seconds", &m->start,
	    "From a trigger to a machine that can be talked to.");
	histogram(b, "cella_run_seconds", &m->run, "Wall time of machines.");
	head(b, "cella_run_cpu_seconds_total", "counter",
	    "CPU time of machines.");
	buf_add_str(b, "cella_run_cpu_seconds_total ");
	write_seconds(b, m->cpu_ns);
	write_quota(b, n->quota);
	write_sessions(b, m, n);
	write_feed(b, &m->feed);
	gauge(b, "cella_jobs_waiting", n->jobs_waiting,
	    "Calls that nobody waits for and that have not ended.");
	gauge(b, "cella_jobs_kept_bytes", n->jobs_bytes,
	    "What the journal keeps of such calls.");
	counter(b, "cella_audit_records_total", n->audit_records,
	    "Number of the last record of the audit log.");
	gauge(b, "cella_audit_failing", n->audit_fails,
	    "1 if the audit log cannot be written.");
	gauge(b, "cella_logs_bytes", n->log_bytes,
	    "What is kept of what functions wrote.");
	counter(b, "cella_logs_dropped_bytes_total", n->log_dropped,
	    "What functions wrote and was not kept: too much, or no disk.");
}
