#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "runtime/instance.h"
#include "tests/attack/hostile_talk.h"
#include "tests/attack/hostile_world.h"

/* ---- two tenants of one launcher ---- */

struct seen {
	uint32_t uid;
	char text[256];
};

static struct seen
run_for(struct world *w, uint32_t tenant)
{
	const struct timespec quiet = { 0, 30000000 };
	struct instance i = INSTANCE_NEW;
	struct seen seen = { 0 };
	struct err e;

	i.machine = w->m;
	i.tenant = tenant;
	i.args = w->assembly.args;
	i.source = w->assembly.source;
	i.out.keep = true;
	i.out.limit = i.err.limit = 1 << 16;
	if (instance_run(&i, &w->link, &e) == -1)
		hostile_world_die("run", &e);
	seen.uid = i.created.uid;
	snprintf(seen.text, sizeof(seen.text), "%.*s", (int)i.out.kept.len,
	    i.out.kept.len == 0 ? "" : i.out.kept.data);
	instance_fini(&i);
	/* So that the next slot is fitted for this tenant. */
	nanosleep(&quiet, NULL);
	return seen;
}

void
hostile_talk_tenants(void)
{
	struct world w = { .spawn = { -1, 0 } };
	struct seen a, again, b;
	struct err e;

	hostile_world_start(&w);
	if (launcher_link_open(&w.link, w.spawn.sock, &w.ceiling, 3, &e) ==
		-1 ||
	    launcher_link_wait_ready(&w.link, &e) == -1)
		hostile_world_die("ceiling", &e);
	hostile_world_prepare(&w);
	a = run_for(&w, 1);
	again = run_for(&w, 1);
	b = run_for(&w, 2);
	printf("one tenant: %s, %s\n",
	    a.uid == again.uid ? "one range of ids" : "two ranges",
	    strcmp(a.text, again.text) == 0 ? "one root" : "two roots");
	printf("another: %s, %s\n",
	    a.uid == b.uid ? "the same ids" : "other ids",
	    strcmp(a.text, b.text) == 0 ? "the same root" : "another root");
	hostile_world_end(&w);
}

/* More than there is room for at a time: each is gone when it is freed. */
void
hostile_talk_come_and_go(void)
{
	struct world w = { .spawn = { -1, 0 } };
	buf_auto struct buf b = { 0 };
	uint32_t serial;
	struct err e;
	int fd;

	hostile_world_start(&w);
	if (launcher_link_open(&w.link, w.spawn.sock, &w.ceiling, 0, &e) == -1)
		hostile_world_die("ceiling", &e);
	for (uint32_t i = 1; i <= 1500; i++) {
		fd = launcher_link_volume(&w.link, i, 1 << 20, 16, &serial, &e);
		if (fd == -1)
			hostile_world_die("volume", &e);
		close(fd);
		launcher_link_free_volume(&w.link, serial);
		buf_reset(&b);
		buf_put_u32(&b, i);
		if (frame_send(w.spawn.sock, LAUNCH_FREE_TENANT, 0, &b, NULL, 0,
			&e) == -1)
			hostile_world_die("free", &e);
	}
	printf("1500 tenants and volumes came and went\n");
	hostile_world_end(&w);
}

/* Random bytes under each type: it hangs up or answers, and never stays. */
void
hostile_talk_noise(void)
{
	unsigned seed = 4711, ended = 0;

	for (int round = 0; round < 100; round++) {
		struct world w = { .spawn = { -1, 0 } };
		char data[600];
		size_t len = (size_t)rand_r(&seed) % sizeof(data);

		for (size_t i = 0; i < len; i++)
			data[i] = (char)rand_r(&seed);
		data[0] = (char)(rand_r(&seed) % 16);
		data[1] = data[2] = data[3] = 0;
		hostile_world_start(&w);
		if (round % 2 == 0)
			hostile_world_say_ceiling(&w);
		(void)send(w.spawn.sock, data, len, MSG_NOSIGNAL);
		shutdown(w.spawn.sock, SHUT_WR);
		spawn_end(&w.spawn);
		ended++;
	}
	printf("noise: %u ended\n", ended);
}
