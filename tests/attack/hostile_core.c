/*
 * A core that was taken over, against the launcher: every case is a launcher
 * of its own, and prints what became of the conversation.
 *
 * usage: hostile-core STORE MESSAGE [CASE]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/start_block.h"
#include "messages/launch_msgs.h"
#include "runtime/instance.h"
#include "tests/attack/hostile_state.h"
#include "tests/attack/hostile_talk.h"
#include "tests/attack/hostile_world.h"

/* ---- cases ---- */

static void
create_before_ceiling(struct world *w)
{
	hostile_world_start(w);
	hostile_world_prepare(w);
	hostile_world_send_machine(w, 1, 1);
}

static void
second_ceiling(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	grant_put(&w->body, grant_of_tier(GRANT_NETWORKED));
	buf_put_u32(&w->body, UINT32_MAX);
	buf_put_u32(&w->body, 0);
	hostile_world_send_frame(w, LAUNCH_CEILING, 0);
}

static void
cut_ceiling(struct world *w)
{
	hostile_world_start(w);
	grant_put(&w->body, &w->ceiling.grant);
	hostile_world_send_frame(w, LAUNCH_CEILING, 0);
}

static void
many_spares(struct world *w)
{
	hostile_world_start(w);
	grant_put(&w->body, &w->ceiling.grant);
	buf_put_u32(&w->body, 0);
	buf_put_u32(&w->body, 1000000);
	hostile_world_send_frame(w, LAUNCH_CEILING, 0);
}

static void
unknown_frame(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	hostile_world_send_frame(w, 4711, 0);
}

static void
no_descriptors(struct world *w)
{
	hostile_world_ready(w);
	w->nfds = 0;
	hostile_world_send_machine(w, 1, 1);
}

static void
one_descriptor_less(struct world *w)
{
	hostile_world_ready(w);
	w->nfds--;
	hostile_world_send_machine(w, 1, 1);
}

static void
one_descriptor_more(struct world *w)
{
	hostile_world_ready(w);
	w->fds[w->nfds++] = w->fds[0];
	hostile_world_send_machine(w, 1, 1);
}

static void
more_memory(struct world *w)
{
	hostile_world_ready(w);
	w->m->grant.limit[GRANT_MEMORY] =
	    w->ceiling.grant.limit[GRANT_MEMORY] + 1;
	hostile_world_send_machine(w, 1, 1);
}

static void
more_groups(struct world *w)
{
	hostile_world_ready(w);
	w->m->grant.groups = UINT64_MAX;
	hostile_world_send_machine(w, 1, 1);
}

static void
more_network(struct world *w)
{
	hostile_world_ready(w);
	w->m->grant.net = GRANT_NET_EGRESS;
	hostile_world_send_machine(w, 1, 1);
}

static void
more_optional(struct world *w)
{
	hostile_world_ready(w);
	w->m->optional |= MACHINE_CONTROL_BIT(MACHINE_CGROUP);
	hostile_world_send_machine(w, 1, 1);
}

static void
endless(struct world *w)
{
	hostile_world_ready(w);
	w->m->grant.limit[GRANT_WALL] = UINT64_MAX;
	hostile_world_send_machine(w, 1, 1);
}

static void
bad_target(struct world *w)
{
	hostile_world_ready(w);
	strcpy(w->m->mount[1].target, "/proc/self");
	hostile_world_send_machine(w, 1, 1);
}

static void
dotted_target(struct world *w)
{
	hostile_world_ready(w);
	strcpy(w->m->mount[1].target, "/opt/../etc");
	hostile_world_send_machine(w, 1, 1);
}

static void
odd_name(struct world *w)
{
	hostile_world_ready(w);
	strcpy(w->m->name, "../../x");
	hostile_world_send_machine(w, 1, 1);
}

static void
cut_machine(struct world *w)
{
	hostile_world_ready(w);
	buf_put_u32(&w->body, 1);
	machine_put(&w->body, w->m);
	w->body.len -= 9;
	hostile_world_send_frame(w, LAUNCH_CREATE, 1);
}

static void
long_machine(struct world *w)
{
	hostile_world_ready(w);
	buf_put_u32(&w->body, 1);
	machine_put(&w->body, w->m);
	buf_put_u64(&w->body, 0);
	hostile_world_send_frame(w, LAUNCH_CREATE, 1);
}

static void
raw(struct world *w, size_t len)
{
	char *data = calloc(1, len);
	int size = 1 << 22;

	if (data == NULL)
		hostile_world_die("memory", NULL);
	setsockopt(w->spawn.sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	data[0] = LAUNCH_CREATE;
	(void)send(w->spawn.sock, data, len, MSG_NOSIGNAL);
	free(data);
}

static void
short_head(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	raw(w, 5);
}

static void
oversized(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	raw(w, FRAME_BODY_MAX + 100);
}

static void
volume_of_nothing(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	buf_put_u32(&w->body, 1);
	buf_put_u64(&w->body, 0);
	buf_put_u64(&w->body, 0);
	hostile_world_send_frame(w, LAUNCH_VOLUME, 3);
}

static void
port_zero(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	buf_put_u32(&w->body, 0);
	hostile_world_send_frame(w, LAUNCH_CONNECT, 3);
}

static void
nobodys_machine(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	buf_put_u32(&w->body, 80);
	hostile_world_send_frame(w, LAUNCH_CONNECT, 3);
}

static void
odd_cause(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	buf_put_u8(&w->body, 200);
	hostile_world_send_frame(w, LAUNCH_KILL, 3);
}

/* Where the image's descriptor stands: behind the four fixed ones. */
#define IMAGE 4

static void
image_is(struct world *w, const char *path, int flags)
{
	hostile_world_ready(w);
	w->fds[IMAGE] = open(path, flags | O_CLOEXEC);
	hostile_world_send_machine(w, 1, 1);
}

static void
image_is_null(struct world *w)
{
	image_is(w, "/dev/null", O_RDONLY);
}

static void
image_is_directory(struct world *w)
{
	image_is(w, "/etc", O_RDONLY | O_DIRECTORY);
}

static void
image_is_garbage(struct world *w)
{
	static const char text[] = "not an image";
	struct err e;

	hostile_world_ready(w);
	w->fds[IMAGE] = fd_sealed("garbage", text, sizeof(text), &e);
	hostile_world_send_machine(w, 1, 1);
}

/* A directory of the host, where core hands over one of its own. */
static void
tree_of_the_host(struct world *w, const char *path)
{
	hostile_world_ready(w);
	w->fds[IMAGE + 1] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	hostile_world_send_machine(w, 1, 1);
}

static void
tree_is_root(struct world *w)
{
	tree_of_the_host(w, "/");
}

static void
tree_is_etc(struct world *w)
{
	tree_of_the_host(w, "/etc");
}

static void
tree_is_proc(struct world *w)
{
	tree_of_the_host(w, "/proc");
}

/* init reads it; the launcher never does. */
static void
args_are(struct world *w, const struct start_args *a, size_t len)
{
	struct err e;

	hostile_world_ready(w);
	w->fds[3] = fd_sealed("args", a, len, &e);
	hostile_world_send_machine(w, 1, 1);
}

static void
args_without_end(struct world *w)
{
	const struct {
		struct start_args head;
		char text[8];
	} a = { { START_MAGIC, 1, 0, 8 }, "aaaaaaaa" };

	args_are(w, &a.head, sizeof(a));
}

static void
args_too_many(struct world *w)
{
	const struct start_args a = { START_MAGIC, UINT32_MAX, UINT32_MAX, 0 };

	args_are(w, &a, sizeof(a));
}

static void
same_serial(struct world *w)
{
	struct frame f;
	struct err e;

	hostile_world_ready(w);
	/* Both are there before the first can have come to its end. */
	hostile_world_send_machine(w, 1, 1);
	hostile_world_send_machine(w, 1, 1);
	if (frame_recv(w->spawn.sock, &f, &e) == 1)
		frame_fini(&f);
}

static void
make_volume(struct world *w, uint32_t serial)
{
	struct frame f;
	struct err e;

	buf_reset(&w->body);
	buf_put_u32(&w->body, 1);
	buf_put_u64(&w->body, 1 << 20);
	buf_put_u64(&w->body, 16);
	hostile_world_send_frame(w, LAUNCH_VOLUME, serial);
	if (frame_recv(w->spawn.sock, &f, &e) == 1)
		frame_fini(&f);
	buf_reset(&w->body);
}

static void
volume_again(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	make_volume(w, 3);
	make_volume(w, 3);
}

static void
nobodys_volume(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	hostile_world_send_frame(w, LAUNCH_FREE_VOLUME, 9);
}

static void
volume_freed_twice(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	make_volume(w, 3);
	hostile_world_send_frame(w, LAUNCH_FREE_VOLUME, 3);
	hostile_world_send_frame(w, LAUNCH_FREE_VOLUME, 3);
}

static void
cut_tenant(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	buf_put_u8(&w->body, 1);
	hostile_world_send_frame(w, LAUNCH_FREE_TENANT, 3);
}

/* The machine's end is the answer. */
static void
tenant_that_runs(struct world *w)
{
	struct frame f;
	struct err e;

	hostile_world_ready(w);
	hostile_world_send_machine(w, 1, 1);
	if (frame_recv(w->spawn.sock, &f, &e) == 1)
		frame_fini(&f);
	buf_reset(&w->body);
	buf_put_u32(&w->body, 1);
	w->nfds = 0;
	hostile_world_send_frame(w, LAUNCH_FREE_TENANT, 3);
}

/*
 * The descriptors of a machine's CREATE stand for any.  Nobody is answered, so
 * something else is asked behind it.
 */
static void
join_with(struct world *w, uint32_t serial, size_t nfds)
{
	w->nfds = nfds;
	hostile_world_send_frame(w, LAUNCH_JOIN, serial);
}

static void
join_nobody(struct world *w)
{
	hostile_world_ready(w);
	join_with(w, 9, 5);
	w->nfds = 0;
	buf_put_u32(&w->body, 80);
	hostile_world_send_frame(w, LAUNCH_CONNECT, 9);
}

static void
join_one_descriptor_less(struct world *w)
{
	hostile_world_ready(w);
	join_with(w, 9, 4);
}

static void
join_with_a_body(struct world *w)
{
	hostile_world_ready(w);
	buf_put_u32(&w->body, 1);
	join_with(w, 9, 5);
}

/* Its args are no block, and nobody can be told so: the machine goes on. */
static void
join_with_garbage(struct world *w)
{
	struct frame f;
	struct err e;

	hostile_world_ready(w);
	hostile_world_send_machine(w, 1, 1);
	if (frame_recv(w->spawn.sock, &f, &e) == 1)
		frame_fini(&f);
	buf_reset(&w->body);
	w->fds[3] = w->fds[4] = w->fds[0];
	for (int i = 0; i < 20; i++)
		join_with(w, 1, 5);
}

static void
honest(struct world *w)
{
	hostile_world_ready(w);
	hostile_world_send_machine(w, 1, 1);
}

static const struct {
	const char *name;
	void (*run)(struct world *);
} cases[] = {
	{ "honest", honest },
	{ "create before ceiling", create_before_ceiling },
	{ "second ceiling", second_ceiling },
	{ "cut ceiling", cut_ceiling },
	{ "many spares", many_spares },
	{ "unknown frame", unknown_frame },
	{ "no descriptors", no_descriptors },
	{ "one descriptor less", one_descriptor_less },
	{ "one descriptor more", one_descriptor_more },
	{ "more memory", more_memory },
	{ "more groups", more_groups },
	{ "more network", more_network },
	{ "more optional", more_optional },
	{ "endless", endless },
	{ "bad target", bad_target },
	{ "dotted target", dotted_target },
	{ "odd name", odd_name },
	{ "cut machine", cut_machine },
	{ "long machine", long_machine },
	{ "short head", short_head },
	{ "oversized", oversized },
	{ "volume of nothing", volume_of_nothing },
	{ "port zero", port_zero },
	{ "nobody's machine", nobodys_machine },
	{ "odd cause", odd_cause },
	{ "image is null", image_is_null },
	{ "image is a directory", image_is_directory },
	{ "image is garbage", image_is_garbage },
	{ "tree is the root", tree_is_root },
	{ "tree is /etc", tree_is_etc },
	{ "tree is /proc", tree_is_proc },
	{ "args without end", args_without_end },
	{ "args too many", args_too_many },
	{ "same serial", same_serial },
	{ "volume again", volume_again },
	{ "nobody's volume", nobodys_volume },
	{ "volume freed twice", volume_freed_twice },
	{ "cut tenant", cut_tenant },
	{ "tenant that runs", tenant_that_runs },
	{ "join nobody", join_nobody },
	{ "join, one descriptor less", join_one_descriptor_less },
	{ "join with a body", join_with_a_body },
	{ "join with garbage", join_with_garbage },
	{ "state of nobody", hostile_state_nobody },
	{ "state for one without", hostile_state_without },
	{ "state, no descriptor", hostile_state_no_descriptor },
	{ "state with a body", hostile_state_body },
	{ "state that is a volume", hostile_state_volume },
	{ "state in another mount", hostile_state_below },
	{ "state where states stand", hostile_state_place },
	{ "state is /etc", hostile_state_etc },
	{ "state, honest", hostile_state_good },
};

int
main(int argc, char **argv)
{
	if (argc < 3 || argc > 4)
		return 64;
	hostile_world_store = argv[1];
	hostile_world_message = argv[2];
	for (size_t i = 0; i < nitems(cases); i++) {
		struct world *w = calloc(1, sizeof(*w));

		if (w == NULL)
			return 2;
		if (argc == 3 || strcmp(argv[3], cases[i].name) == 0) {
			cases[i].run(w);
			hostile_world_hear(w, cases[i].name);
			hostile_world_end(w);
		}
		fflush(stdout);
		free(w);
	}
	if (argc == 3 || strcmp(argv[3], "tenants") == 0)
		hostile_talk_tenants();
	if (argc == 3) {
		hostile_talk_come_and_go();
		hostile_talk_noise();
	}
	return 0;
}
