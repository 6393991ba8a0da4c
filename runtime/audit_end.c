#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/audit_end.h"
#include "runtime/audit_files.h"
#include "runtime/audit_log.h"

/* Keys that are skipped at once, at most: no node is that far behind. */
#define RATCHETS_MAX (1U << 24)

static void
look_at(struct audit_end *at, const struct audit_line *l)
{
	/* Older ones are sealed by keys that are gone. */
	if (l->seq >= at->chain.seq && at->fault == AUDIT_GOOD) {
		memcpy(at->chain.prev, at->hash, SHA256_LEN);
		at->fault = audit_check(&at->chain, l, true);
	}
	at->last = l->seq;
	memcpy(at->hash, l->hash, SHA256_LEN);
}

static int
read_file(struct audit_end *at, int dir, uint64_t number, struct err *e)
{
	char name[AUDIT_FILES_NAME];
	struct audit_file f;
	struct audit_line line;
	const char *text;
	bool whole = true;
	size_t len;

	audit_files_name(name, number);
	if (audit_files_read(&f, dir, name, e) == -1)
		return err_in(e, AUDIT_LOG_DIR);
	while (audit_files_next(&f, &text, &len, &whole))
		if (whole && audit_parse(text, len, &line))
			look_at(at, &line);
	if (at->file == 0) { /* the newest */
		at->file = number;
		at->torn = whole ? 0 : len;
		at->size = f.len;
	}
	audit_files_close(&f);
	return 0;
}

/* The newest file goes on; one without a record says nothing of the chain. */
int
audit_end_find(struct audit_end *at, int dir, const struct audit_chain *key,
    struct err *e)
{
	uint64_t *number = NULL;
	size_t n = 0;
	int r = 0;

	*at = (struct audit_end){ .fault = AUDIT_GOOD };
	if (key != NULL)
		at->chain = *key;
	else
		at->chain.seq = UINT64_MAX; /* nothing can be compared */
	if (audit_files_list(dir, &number, &n, e) == -1)
		return -1;
	for (size_t i = n; r == 0 && at->last == 0 && i > 0; i--)
		r = read_file(at, dir, number[i - 1], e);
	free(number);
	return r;
}

/* Key and log are at the same place, or the log is one flush ahead. */
void
audit_end_go_on(const struct audit_end *at, struct audit_chain *c,
    char **broken)
{
	const uint64_t next = c->seq;

	*broken = NULL;
	if (at->fault != AUDIT_GOOD)
		*broken = str_printf("record %" PRIu64 " %s", at->chain.seq,
		    audit_fault_name(at->fault));
	else if (at->last + 1 < next)
		*broken =
		    str_printf("records %" PRIu64 " to %" PRIu64 " are gone",
			at->last + 1, next - 1);
	*c = at->chain;
	for (unsigned i = 0; c->seq <= at->last && i < RATCHETS_MAX; i++) {
		audit_ratchet(c->key);
		c->seq++;
	}
	memcpy(c->prev, at->hash, SHA256_LEN);
}
