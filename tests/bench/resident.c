#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/json.h"
#include "messages/value.h"
#include "runtime/store_open.h"
#include "tests/bench/resident.h"

void
resident_die(const char *what, const struct err *e)
{
	fprintf(stderr, "bench: %s: %s\n", what,
	    e == NULL ? "failed" : e->text);
	exit(1);
}

void
resident_open(struct resident *r, const char *store, const char *message)
{
	static struct problems problems;
	static const struct assemble_extra none;
	const struct decide_wish wish = { .tier = -1 };
	struct assemble_input in = { .program = &r->program,
		.decision = &r->decision,
		.ceiling = &r->ceiling,
		.extra = &none,
		.store = &r->store,
		.link = &r->link,
		.tenant = 1 };
	struct aleph_envelope n;
	struct value *v;
	struct err e;
	char *data;
	size_t len;
	int fd = open(message, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &e) == -1)
		resident_die(message, NULL);
	v = json_parse(data, len, &e);
	ceiling_default(&r->ceiling);
	if (spawn_launcher(&r->spawn, &e) == -1 ||
	    store_open(&r->store, store, &e) == -1 || v == NULL ||
	    aleph_read(&r->program, &n, v, data, len, -1, &problems) == -1 ||
	    decide(&r->program, &r->ceiling, &wish, &r->decision, &e) == -1 ||
	    launcher_link_open(&r->link, r->spawn.sock, &r->ceiling, 4, &e) ==
		-1 ||
	    assemble(&in, &r->assembly, &e) == -1)
		resident_die("resident launcher", &e);
	/* We have not dropped to the id that core has. */
	for (size_t i = 0; i < r->assembly.machine.nmounts; i++)
		if (r->assembly.machine.mount[i].kind == MACHINE_TREE &&
		    fchown(r->assembly.source[i], SPAWN_CORE_ID,
			SPAWN_CORE_ID) == -1)
			resident_die("tree", NULL);
	free(data);
	close(fd);
}

void
resident_close(struct resident *r)
{
	assemble_fini(&r->assembly);
	aleph_fini(&r->program);
	store_close(&r->store);
	spawn_end(&r->spawn);
}
