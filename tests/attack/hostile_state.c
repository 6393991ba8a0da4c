#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "messages/launch_msgs.h"
#include "tests/attack/hostile_state.h"
#include "tests/attack/hostile_world.h"

/* A directory like those that cella-files hands over; gone with the store. */
static int
make_tree(void)
{
	char path[4096];
	int fd;

	strcpy(path, hostile_world_store);
	strcat(path, "/tree.XXXXXX");
	if (mkdtemp(path) == NULL ||
	    chown(path, LAUNCH_FILES_ID, LAUNCH_FILES_ID) == -1)
		hostile_world_die("tree", NULL);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		hostile_world_die("tree", NULL);
	return fd;
}

/* What it writes has nowhere to go, so that it lives. */
static int
full_pipe(void)
{
	static const char page[4096];
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) == -1)
		hostile_world_die("pipe", NULL);
	while (write(fds[1], page, sizeof(page)) > 0)
		;
	if (fcntl(fds[1], F_SETFL, 0) == -1)
		hostile_world_die("pipe", NULL);
	return fds[1];
}

static void
add_state(struct world *w, const char *target)
{
	struct machine_mount *v = &w->m->mount[w->m->nmounts++];

	*v = (struct machine_mount){ .kind = MACHINE_STATE,
		.writable = true,
		.replaced = true,
		.bytes = 1 << 20 };
	strcpy(v->target, target);
	w->fds[w->nfds++] = make_tree();
	w->fds[1] = full_pipe();
}

static void
ask(struct world *w, int tree, size_t nfds)
{
	w->fds[0] = tree;
	w->nfds = nfds;
	hostile_world_send_frame(w, LAUNCH_STATE, 1);
}

/* It runs, and the answer to its CREATE is taken. */
static void
run(struct world *w)
{
	struct frame f;
	struct err e;

	hostile_world_send_machine(w, 1, 1);
	if (frame_recv(w->spawn.sock, &f, &e) == 1)
		frame_fini(&f);
	buf_reset(&w->body);
}

void
hostile_state_nobody(struct world *w)
{
	hostile_world_ready(w);
	ask(w, make_tree(), 1);
}

void
hostile_state_without(struct world *w)
{
	hostile_world_ready(w);
	w->fds[1] = full_pipe();
	run(w);
	ask(w, make_tree(), 1);
}

void
hostile_state_no_descriptor(struct world *w)
{
	hostile_world_ready(w);
	ask(w, -1, 0);
}

void
hostile_state_body(struct world *w)
{
	hostile_world_ready(w);
	buf_put_u32(&w->body, 1);
	ask(w, make_tree(), 1);
}

void
hostile_state_volume(struct world *w)
{
	hostile_world_ready(w);
	w->m->mount[w->m->nmounts - 1].replaced = true;
	hostile_world_send_machine(w, 1, 1);
}

void
hostile_state_below(struct world *w)
{
	hostile_world_ready(w);
	add_state(w, "/tmp/s");
	hostile_world_send_machine(w, 1, 1);
}

void
hostile_state_place(struct world *w)
{
	hostile_world_ready(w);
	add_state(w, "/.state/s");
	hostile_world_send_machine(w, 1, 1);
}

void
hostile_state_etc(struct world *w)
{
	hostile_world_ready(w);
	add_state(w, "/zz");
	run(w);
	ask(w, open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC), 1);
}

void
hostile_state_good(struct world *w)
{
	hostile_world_ready(w);
	add_state(w, "/zz");
	run(w);
	ask(w, make_tree(), 1);
}
