#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "runtime/core_launcher.h"
#include "runtime/core_program.h"
#include "runtime/journal.h"

struct waiting {
	struct waiting *next;
	core_program_fn *fn;
	void *arg;
};

struct core_program {
	struct core_programs *all;
	struct core_program *next;          /* in its bucket */
	struct core_program *newer, *older; /* by use */
	char hash[ITEM_HASH_MAX];
	char owner[PREPARE_SENDER_MAX];
	struct core_assembly *assembly; /* one that can be used again */
	struct waiting *first, **last;
	struct core_prepare_job *job; /* for those who wait */
	struct core_tenant *tenant;   /* of the job */
	bool stale;                   /* the job: it began before a change */
	bool forgotten, persistent;
	uint8_t interface; /* enum aleph_interface */
};

/* ---- assemblies ---- */

void
core_program_give_back(struct core_assembly *a)
{
	if (--a->users > 0)
		return;
	core_prepare_release(a->all->prepare, &a->made);
	a->tenant->users--;
	a->tenant->used_last = ++a->all->clock;
	value_free(a->terms);
	fd_close(&a->args);
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		fd_close(&a->source[i]);
	free(a);
}

/* A state is its session's. */
static bool
is_prepared(const struct machine_mount *v)
{
	return machine_has_source(v) && v->kind != MACHINE_STATE;
}

static int
take_fds(struct core_assembly *a, struct frame *f, struct err *e)
{
	size_t at = 0, want = 1;

	for (size_t i = 0; i < a->machine.nmounts; i++)
		want += is_prepared(&a->machine.mount[i]);
	if (f->nfds != want)
		return err_set(e, ERR_SYSTEM, "preparer: %zu descriptors",
		    f->nfds);
	a->args = fd_take(&f->fds[at++]);
	for (size_t i = 0; i < a->machine.nmounts; i++)
		if (is_prepared(&a->machine.mount[i]))
			a->source[i] = fd_take(&f->fds[at++]);
	return 0;
}

/*
 * The launcher hangs up on whoever asks for more than the ceiling, or for what
 * does not fit together: whatever a preparer says, it does not come so far.
 */
static int
check_assembly(const struct core_program *p, const struct core_assembly *a,
    struct err *e)
{
	const struct ceiling *c = p->all->prepare->ceiling;

	if (grant_check(&a->machine.grant, &c->grant, e) == -1)
		return err_in(e, "preparer");
	if (a->facts.interface >= ALEPH_INTERFACES ||
	    a->machine.channel !=
		(a->facts.interface == ALEPH_ASGI ||
		    a->facts.interface >= ALEPH_FUNCTIONS) ||
	    (a->machine.optional & ~c->optional) != 0 ||
	    (a->machine.resolver && c->dns.nservers == 0))
		return err_set(e, ERR_SYSTEM, "preparer: malformed machine");
	return 0;
}

/* The preparer's words, which are kept as values and written as such. */
static int
take_terms(struct core_assembly *a, struct frame *f, struct err *e)
{
	char *text = malloc(PREPARE_TERMS_MAX);

	invariant(text != NULL);
	buf_get_str(&f->body, text, PREPARE_TERMS_MAX);
	a->terms = json_parse(text, strlen(text), e);
	free(text);
	if (a->terms == NULL || a->terms->kind != VALUE_MAP)
		return err_set(e, ERR_SYSTEM, "preparer: malformed terms");
	text = json_emit(a->terms, JSON_AS_CANONICAL);
	sha256_of(text, strlen(text), a->digest);
	free(text);
	return 0;
}

static struct core_assembly *
new_assembly(struct core_program *p, struct frame *f, struct err *e)
{
	struct core_assembly *a = calloc(1, sizeof(*a));

	invariant(a != NULL);
	a->all = p->all;
	a->users = 1;
	a->tenant = p->tenant;
	a->tenant->users++;
	a->made = core_prepare_maker(p->job);
	a->args = -1;
	for (size_t i = 0; i < MACHINE_MOUNTS_MAX; i++)
		a->source[i] = -1;
	prepare_msgs_get_assembled(&f->body, &a->facts);
	memcpy(a->owner, p->owner, sizeof(a->owner));
	if (take_terms(a, f, e) == 0 &&
	    machine_get(&f->body, &a->machine, e) == 0 &&
	    check_assembly(p, a, e) == 0 && take_fds(a, f, e) == 0)
		return a;
	core_program_give_back(a);
	return NULL;
}

/* ---- the table ---- */

static size_t
bucket_of(const char *hash)
{
	size_t n = 5381;

	for (; *hash != '\0'; hash++)
		n = n * 33 + (unsigned char)*hash;
	return n % CORE_PROGRAM_BUCKETS;
}

static void
unlink_use(struct core_program *p)
{
	*(p->newer != NULL ? &p->newer->older : &p->all->newest) = p->older;
	*(p->older != NULL ? &p->older->newer : &p->all->oldest) = p->newer;
}

static void
link_newest(struct core_program *p)
{
	p->newer = NULL;
	p->older = p->all->newest;
	*(p->older != NULL ? &p->older->newer : &p->all->oldest) = p;
	p->all->newest = p;
}

static void
drop(struct core_program *p)
{
	struct core_program **at = &p->all->bucket[bucket_of(p->hash)];

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	unlink_use(p);
	p->all->len--;
	if (p->assembly != NULL)
		core_program_give_back(p->assembly);
	free(p);
}

/* The one that was used longest ago and that nobody waits for or runs. */
static bool
drop_oldest(struct core_programs *all)
{
	struct core_program *p = all->oldest;

	while (p != NULL &&
	    (p->first != NULL || p->job != NULL ||
		(p->assembly != NULL && p->assembly->users > 1)))
		p = p->newer;
	if (p != NULL)
		drop(p);
	return p != NULL;
}

/* One that is free, or the one that nobody uses for the longest time. */
static struct core_tenant *
choose_tenant(struct core_programs *all)
{
	struct core_tenant *best = NULL, *t;

	for (size_t i = 0; i < CORE_PROGRAM_TENANTS; i++) {
		t = &all->tenant[i];
		if (t->name == NULL)
			return t;
		if (t->users == 0 &&
		    (best == NULL || t->used_last < best->used_last))
			best = t;
	}
	return best;
}

/* The launcher gives the ids back; no machine has them any more. */
static void
free_tenant(struct core_programs *all, struct core_tenant *t)
{
	buf_auto struct buf b = { 0 };

	buf_put_u32(&b, t->number);
	frame_link_send(&all->prepare->launcher->link, LAUNCH_FREE_TENANT, 0,
	    &b, NULL, 0);
	free(t->name);
	*t = (struct core_tenant){ .name = NULL };
}

/*
 * Machines of one tenant share ids on the host.  A sender that nobody vouches
 * for is a claim: such a message is its own tenant.
 */
static const char *
owner_of(const struct prepare_program *row)
{
	return row->unverified || row->sender[0] == '\0' ? row->hash
							 : row->sender;
}

static struct core_tenant *
find_tenant(struct core_programs *all, const char *owner, struct err *e)
{
	struct core_tenant *t;

	for (size_t i = 0; i < CORE_PROGRAM_TENANTS; i++) {
		t = &all->tenant[i];
		if (t->name != NULL && strcmp(t->name, owner) == 0)
			return t;
	}
	while ((t = choose_tenant(all)) == NULL)
		if (!drop_oldest(all)) {
			err_set(e, ERR_BUSY,
			    "functions of %d senders run already",
			    CORE_PROGRAM_TENANTS);
			return NULL;
		}
	if (t->name != NULL)
		free_tenant(all, t);
	*t = (struct core_tenant){ .name = str_dup(owner),
		.number = ++all->last_tenant };
	return t;
}

static struct core_program *
look_up(const struct core_programs *all, const char *hash)
{
	struct core_program *p = all->bucket[bucket_of(hash)];

	while (p != NULL && strcmp(p->hash, hash) != 0)
		p = p->next;
	return p;
}

bool
core_program_knows(const struct core_programs *all, const char *hash,
    uint8_t *interface, bool *persistent)
{
	const struct core_program *p = look_up(all, hash);

	if (p == NULL)
		return false;
	*interface = p->interface;
	*persistent = p->persistent;
	return true;
}

const struct value *
core_program_terms(const struct core_programs *all, const char *hash)
{
	const struct core_program *p = look_up(all, hash);

	return p == NULL || p->assembly == NULL ? NULL : p->assembly->terms;
}

/* row: what is known of it, unless it is in the table. */
static struct core_program *
add(struct core_programs *all, const struct prepare_program *row)
{
	size_t bucket = bucket_of(row->hash);
	struct core_program *p = look_up(all, row->hash);
	if (p != NULL) {
		unlink_use(p);
		link_newest(p);
		return p;
	}
	while (all->len >= CORE_PROGRAM_KEPT && drop_oldest(all))
		;
	p = calloc(1, sizeof(*p));
	invariant(p != NULL);
	p->all = all;
	p->interface = row->interface;
	p->persistent = row->persistent;
	invariant(str_copy(p->owner, sizeof(p->owner), owner_of(row)));
	memcpy(p->hash, row->hash, sizeof(p->hash));
	p->last = &p->first;
	p->next = all->bucket[bucket];
	all->bucket[bucket] = p;
	all->len++;
	link_newest(p);
	return p;
}

static struct core_program *
find(struct core_programs *all, const char *hash, struct err *e)
{
	struct core_program *p = look_up(all, hash);
	static struct prepare_program row; /* a large one */

	/* What a session has is nobody's to call. */
	if (p != NULL && p->interface >= ALEPH_FUNCTIONS) {
		err_set(e, ERR_NOT_FOUND, "%s: nobody published it", hash);
		return NULL;
	}
	if (p == NULL &&
	    journal_find_program(all->journal, hash, &row, e) == -1)
		return NULL;
	if (p != NULL)
		memcpy(row.hash, p->hash, sizeof(row.hash));
	return add(all, &row);
}

/* ---- who wants one ---- */

static void ask(struct core_program *p);

static void
serve_first(struct core_program *p, struct core_assembly *a,
    const struct err *why)
{
	struct waiting *w = p->first;

	p->first = w->next;
	if (p->first == NULL)
		p->last = &p->first;
	w->fn(w->arg, a, why);
	free(w);
}

/* Whoever calls did nothing wrong: what the message names is bad, or gone. */
static void
refuse_all(struct core_program *p, const struct err *cause)
{
	struct err why = *cause;

	if (why.code == ERR_INVALID || why.code == ERR_NOT_FOUND)
		why.code = ERR_GUEST;
	while (p->first != NULL)
		serve_first(p, NULL, &why);
}

static void
forget_assembly(struct core_program *p)
{
	if (p->assembly != NULL)
		core_program_give_back(p->assembly);
	p->assembly = NULL;
}

/* Answers are for who waited when they were asked for: the first, or all. */
static void
answered(void *arg, struct frame *f, const struct err *why,
    const char *problems)
{
	struct core_program *p = arg;
	struct core_assembly *a;
	struct err e;

	(void)problems; /* they were told when it was published */
	a = f == NULL ? NULL : new_assembly(p, f, &e);
	p->job = NULL;
	p->tenant->users--;
	if (a == NULL) {
		refuse_all(p, why != NULL ? why : &e);
		return;
	}
	if (!a->facts.reusable) {
		serve_first(p, a, NULL);
	} else {
		p->assembly = a;
		while (p->first != NULL) {
			a->users++;
			serve_first(p, a, NULL);
		}
		if (p->stale)
			forget_assembly(p);
	}
	p->stale = false;
	if (p->first != NULL)
		ask(p);
}

static void
ask(struct core_program *p)
{
	buf_auto struct buf b = { 0 };
	struct err why;

	if (p->job != NULL)
		return;
	p->tenant = find_tenant(p->all, p->owner, &why);
	if (p->tenant == NULL) {
		refuse_all(p, &why);
		return;
	}
	p->tenant->users++;
	buf_put_u32(&b, p->tenant->number);
	buf_put_str(&b, p->hash);
	p->job = core_prepare_ask(p->all->prepare,
	    &(struct core_prepare_ask){ .type = PREPARE_ASSEMBLE,
		.body = &b,
		.tenant = p->tenant->number },
	    answered, p);
}

static void
wait_for(struct core_program *p, core_program_fn *fn, void *arg)
{
	struct waiting *w = calloc(1, sizeof(*w));

	invariant(w != NULL);
	*w = (struct waiting){ NULL, fn, arg };
	*p->last = w;
	p->last = &w->next;
	ask(p);
}

static void
want(struct core_program *p, core_program_fn *fn, void *arg)
{
	struct core_programs *all = p->all;
	struct err e;

	if (p->forgotten) {
		err_set(&e, ERR_NOT_FOUND, "%s: its owner took it back",
		    p->hash);
		fn(arg, NULL, &e);
		return;
	}
	/* What a preparer made goes with its process. */
	if (p->assembly != NULL &&
	    !core_prepare_holds(all->prepare, &p->assembly->made))
		forget_assembly(p);
	if (p->assembly == NULL) {
		wait_for(p, fn, arg);
		return;
	}
	p->assembly->users++;
	fn(arg, p->assembly, NULL);
}

void
core_program_want(struct core_programs *all, const char *hash,
    core_program_fn *fn, void *arg)
{
	struct core_program *p;
	struct err e;

	p = find(all, hash, &e);
	if (p == NULL)
		fn(arg, NULL, &e);
	else
		want(p, fn, arg);
}

void
core_program_want_machine(struct core_programs *all,
    const struct prepare_program *row, core_program_fn *fn, void *arg)
{
	struct err e;

	if (row->interface < ALEPH_FUNCTIONS) {
		err_set(&e, ERR_INVALID,
		    "its message is a function, and no machine of sessions");
		fn(arg, NULL, &e);
		return;
	}
	want(add(all, row), fn, arg);
}

void
core_program_refresh(struct core_programs *all)
{
	for (struct core_program *p = all->newest; p != NULL; p = p->older) {
		forget_assembly(p);
		p->stale = p->job != NULL;
	}
}

void
core_program_forget(struct core_programs *all, const char *hash)
{
	struct core_program *p = look_up(all, hash);

	if (p == NULL)
		return;
	p->forgotten = p->stale = true;
	forget_assembly(p);
}

void
core_program_init(struct core_programs *all, struct core_prepare *prepare,
    struct journal *journal)
{
	*all = (struct core_programs){ .prepare = prepare, .journal = journal };
}

void
core_program_fini(struct core_programs *all)
{
	struct waiting *w;

	while (all->newest != NULL) {
		while ((w = all->newest->first) != NULL) {
			all->newest->first = w->next;
			free(w);
		}
		drop(all->newest);
	}
	for (size_t i = 0; i < CORE_PROGRAM_TENANTS; i++)
		free(all->tenant[i].name);
}
