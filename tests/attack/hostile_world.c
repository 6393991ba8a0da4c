#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/json.h"
#include "messages/launch_msgs.h"
#include "messages/value.h"
#include "runtime/store_open.h"
#include "tests/attack/hostile_world.h"

const char *hostile_world_store, *hostile_world_message;

void
hostile_world_die(const char *what, const struct err *e)
{
	printf("hostile-core: %s: %s\n", what, e == NULL ? "failed" : e->text);
	exit(2);
}

void
hostile_world_start(struct world *w)
{
	struct err e;

	ceiling_default(&w->ceiling);
	if (spawn_launcher(&w->spawn, &e) == -1)
		hostile_world_die("launcher", &e);
	w->link.sock = w->spawn.sock;
}

void
hostile_world_say_ceiling(struct world *w)
{
	struct err e;

	if (launcher_link_open(&w->link, w->spawn.sock, &w->ceiling, 0, &e) ==
		-1 ||
	    launcher_link_wait_ready(&w->link, &e) == -1)
		hostile_world_die("ceiling", &e);
}

/* The message, decided and assembled; its descriptors in order. */
void
hostile_world_prepare(struct world *w)
{
	static struct problems problems;
	static const struct assemble_extra none;
	const struct decide_wish wish = { .tier = -1 };
	struct assemble_input in = { .program = &w->program,
		.decision = &w->decision,
		.ceiling = &w->ceiling,
		.extra = &none,
		.store = &w->store,
		.link = &w->link,
		.tenant = 1 };
	struct aleph_envelope n;
	struct err e;
	char *data;
	size_t len;
	int fd = open(hostile_world_message, O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &e) == -1 ||
	    store_open(&w->store, hostile_world_store, &e) == -1 ||
	    aleph_read(&w->program, &n, json_parse(data, len, &e), data, len,
		-1, &problems) == -1 ||
	    decide(&w->program, &w->ceiling, &wish, &w->decision, &e) == -1 ||
	    assemble(&in, &w->assembly, &e) == -1)
		hostile_world_die("message", &e);
	free(data);
	close(fd);
	w->m = &w->assembly.machine;
	for (int i = 0; i < 3; i++)
		w->fds[w->nfds++] = null;
	w->fds[w->nfds++] = w->assembly.args;
	for (size_t i = 0; i < w->m->nmounts; i++) {
		if (!machine_has_source(&w->m->mount[i]))
			continue;
		if (w->m->mount[i].kind == MACHINE_TREE &&
		    fchown(w->assembly.source[i], LAUNCH_CORE_ID,
			LAUNCH_CORE_ID) == -1)
			hostile_world_die("tree", NULL);
		w->fds[w->nfds++] = w->assembly.source[i];
	}
}

void
hostile_world_ready(struct world *w)
{
	hostile_world_start(w);
	hostile_world_say_ceiling(w);
	hostile_world_prepare(w);
}

void
hostile_world_send_frame(struct world *w, uint32_t type, uint32_t serial)
{
	struct err e;

	/* It may have hung up on us already. */
	(void)frame_send(w->spawn.sock, type, serial, &w->body, w->fds, w->nfds,
	    &e);
}

void
hostile_world_send_machine(struct world *w, uint32_t tenant, uint32_t serial)
{
	buf_reset(&w->body);
	buf_put_u32(&w->body, tenant);
	machine_put(&w->body, w->m);
	hostile_world_send_frame(w, LAUNCH_CREATE, serial);
}

/* What it answers, until it hangs up or has nothing more to say. */
void
hostile_world_hear(struct world *w, const char *name)
{
	struct frame f;
	struct err e, why;
	int r = frame_recv(w->spawn.sock, &f, &e);

	if (r != 1) {
		printf("%s: hung up\n", name);
		return;
	}
	if (f.type == LAUNCH_ERROR)
		launch_msgs_get_error(&f.body, &why);
	switch (f.type) {
	case LAUNCH_ERROR:
		printf("%s: refused: %s", name, why.text);
		break;
	case LAUNCH_CREATED:
		printf("%s: created", name);
		break;
	default:
		printf("%s: frame %u", name, f.type);
	}
	frame_fini(&f);
	/* A question it must answer, if it still serves: its tenth volume. */
	w->nfds = 0;
	buf_reset(&w->body);
	buf_put_u32(&w->body, 1);
	buf_put_u64(&w->body, 4096);
	buf_put_u64(&w->body, 1);
	if (frame_send(w->spawn.sock, LAUNCH_VOLUME, 77, &w->body, NULL, 0,
		&e) == -1) {
		puts("; hung up");
		return;
	}
	while ((r = frame_recv(w->spawn.sock, &f, &e)) == 1 &&
	    f.type != LAUNCH_VOLUME_MADE)
		frame_fini(&f);
	puts(r == 1 ? "; still serves" : "; hung up");
	if (r == 1)
		frame_fini(&f);
}

void
hostile_world_end(struct world *w)
{
	if (w->m != NULL) {
		assemble_fini(&w->assembly);
		aleph_fini(&w->program);
		store_close(&w->store);
	}
	buf_fini(&w->body);
	spawn_end(&w->spawn);
}
