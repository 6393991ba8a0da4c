/*
 * What this host enforces, control by control, with the kernel's evidence and
 * what to do about it.  Most answers are the launcher's own: the same probe
 * that decides a run.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/value.h"
#include "policy/ceiling.h"
#include "policy/machine.h"
#include "runtime/cli.h"
#include "runtime/launcher_link.h"
#include "runtime/spawn.h"

enum state { AVAILABLE, DEGRADED, ABSENT };

static const char *const state_names[] = { "available", "degraded", "absent" };

struct report {
	struct value *list;
	bool absent;
};

static void
add(struct report *r, const char *control, enum state s, const char *evidence,
    const char *remedy)
{
	struct value *one = value_add(r->list, value_new(VALUE_MAP));

	value_set_text(one, "control", control);
	value_set_text(one, "state", state_names[s]);
	value_set_text(one, "evidence", evidence);
	if (s != AVAILABLE)
		value_set_text(one, "remedy", remedy);
	r->absent |= s == ABSENT;
}

/* The first line of a small file, or why not. */
static void
read_line(const char *path, char *out, size_t size)
{
	fd_auto int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, out, size - 1);

	if (n == -1) {
		snprintf(out, size, "%s", strerrorname_np(errno));
		return;
	}
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static bool
lists_filesystem(const char *name)
{
	fd_auto int fd = open("/proc/filesystems", O_RDONLY | O_CLOEXEC);
	struct err e;
	char *data, *at;
	size_t len;
	bool found;

	if (fd == -1 || fd_read_all(fd, 1 << 16, &data, &len, &e) == -1)
		return false;
	at = strstr(data, name);
	found = at != NULL && at > data && at[-1] == '\t' &&
	    at[strlen(name)] == '\n';
	free(data);
	return found;
}

static void
probe_kernel(struct report *r)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	add(r, "kernel",
	    major > 6 || (major == 6 && minor >= 1) ? AVAILABLE : ABSENT,
	    u.release, "run Linux 6.1 or newer");
}

static void
probe_seccomp(struct report *r)
{
	char text[256];

	read_line("/proc/sys/kernel/seccomp/actions_avail", text, sizeof(text));
	add(r, "seccomp",
	    strstr(text, "kill_process") != NULL &&
		    strstr(text, "errno") != NULL
		? AVAILABLE
		: ABSENT,
	    text, "build the kernel with CONFIG_SECCOMP_FILTER");
}

static void
probe_filesystems(struct report *r)
{
	static const char *const needed[] = { "erofs", "overlay", "tmpfs" };
	char control[32], evidence[64];

	for (size_t i = 0; i < nitems(needed); i++) {
		bool there = lists_filesystem(needed[i]);

		snprintf(control, sizeof(control), "filesystem %s", needed[i]);
		snprintf(evidence, sizeof(evidence), "/proc/filesystems %s it",
		    there ? "lists" : "does not list");
		add(r, control, there ? AVAILABLE : ABSENT, evidence,
		    "load the module, or build it into the kernel");
	}
}

static void
probe_namespaces(struct report *r)
{
	char text[64];

	read_line("/proc/sys/user/max_user_namespaces", text, sizeof(text));
	add(r, "user namespaces", strcmp(text, "0") != 0 ? AVAILABLE : ABSENT,
	    text, "set user.max_user_namespaces above 0");
}

static void
probe_swap(struct report *r)
{
	char text[4096];
	fd_auto int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? 0 : read(fd, text, sizeof(text) - 1);
	const char *second;

	text[n > 0 ? n : 0] = '\0';
	second = strchr(text, '\n');
	if (second == NULL || second[1] == '\0')
		add(r, "swap limit", AVAILABLE, "the host has no swap", NULL);
	else
		add(r, "swap limit", AVAILABLE,
		    "the host has swap; each machine's is set to 0", NULL);
}

/* Only who lets machines out needs it: never a failure of the host. */
static void
probe_forwarding(struct report *r)
{
	static const struct {
		const char *control, *path, *remedy;
	} families[] = {
		{ "forwarding IPv4", "/proc/sys/net/ipv4/ip_forward",
		    "set net.ipv4.ip_forward to 1, or no machine can have a "
		    "way out" },
		{ "forwarding IPv6", "/proc/sys/net/ipv6/conf/all/forwarding",
		    "set net.ipv6.conf.all.forwarding to 1, or machines with "
		    "a way out have no IPv6" },
	};
	char text[64];

	for (size_t i = 0; i < nitems(families); i++) {
		read_line(families[i].path, text, sizeof(text));
		add(r, families[i].control,
		    strcmp(text, "1") == 0 ? AVAILABLE : DEGRADED, text,
		    families[i].remedy);
	}
}

/* What the launcher said it cannot enforce. */
static void
add_launcher(struct report *r, const struct launch_host *h)
{
	static const char *const remedies[MACHINE_CONTROLS] = {
		[MACHINE_CGROUP] = "delegate the memory, pids and cpu "
				   "controllers: systemd-run --scope -p "
				   "Delegate=yes, or run as root",
		[MACHINE_LANDLOCK] = "boot with lsm=landlock,...",
		[MACHINE_SPECULATION] =
		    "turn the mitigations on: "
		    "spec_store_bypass_disable=prctl spectre_v2_user=prctl",
		[MACHINE_CORE_SCHED] = "build the kernel with "
				       "CONFIG_SCHED_CORE",
		[MACHINE_IO_MAX] = "this version throttles no disk",
	};
	struct ceiling c;
	char evidence[64];

	ceiling_default(&c);
	snprintf(evidence, sizeof(evidence), "cgroups: %s",
	    launch_msgs_cgroup_name((enum launch_cgroup)h->cgroup));
	for (int i = 0; i < MACHINE_CONTROLS; i++) {
		bool missing = (h->missing & MACHINE_CONTROL_BIT(i)) != 0;
		bool optional = (c.optional & MACHINE_CONTROL_BIT(i)) != 0;

		if (i >= MACHINE_LANDLOCK && i <= MACHINE_LANDLOCK_LOG)
			snprintf(evidence, sizeof(evidence), "Landlock ABI %u",
			    h->landlock_abi);
		else if (i > MACHINE_LANDLOCK_LOG)
			snprintf(evidence, sizeof(evidence), "%s",
			    missing ? "probed: no" : "probed: yes");
		add(r, machine_control_name((enum machine_control)i),
		    !missing       ? AVAILABLE
			: optional ? DEGRADED
				   : ABSENT,
		    evidence,
		    remedies[i] != NULL ? remedies[i] : "run a newer kernel");
	}
}

/* A cookie for a process that ends at once: nobody keeps it. */
static bool
has_core_sched(void)
{
	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, 0, 0, 0) == 0;
}

/* Not affected, or ours to turn off, for each kind that strict turns off. */
static bool
has_speculation_control(void)
{
	static const unsigned long kinds[] = { PR_SPEC_STORE_BYPASS,
		PR_SPEC_INDIRECT_BRANCH };
	int state;

	for (size_t i = 0; i < nitems(kinds); i++) {
		state = prctl(PR_GET_SPECULATION_CTRL, kinds[i], 0, 0, 0);
		if (state != PR_SPEC_NOT_AFFECTED &&
		    (state == -1 ||
			(state & (PR_SPEC_PRCTL | PR_SPEC_FORCE_DISABLE)) == 0))
			return false;
	}
	return true;
}

static void
probe_launcher(struct report *r, struct spawn *s)
{
	struct launcher_link link;
	struct ceiling c;
	struct err e;

	ceiling_default(&c);
	if (launcher_link_open(&link, s->sock, &c, 0, &e) == -1 ||
	    launcher_link_wait_ready(&link, &e) == -1) {
		add(r, "launcher", ABSENT, e.text,
		    "the sentence names the step that the kernel refused");
		return;
	}
	add(r, "launcher", AVAILABLE,
	    link.host.rootless ? "rootless, one id" : "root, nine capabilities",
	    NULL);
	if (!has_core_sched())
		link.host.missing |= MACHINE_CONTROL_BIT(MACHINE_CORE_SCHED);
	if (!has_speculation_control())
		link.host.missing |= MACHINE_CONTROL_BIT(MACHINE_SPECULATION);
	add_launcher(r, &link.host);
}

static void
print_human(const struct value *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct value *v = list->item[i];

		printf("%-20s %-10s %s\n", value_get_text(v, "control"),
		    value_get_text(v, "state"), value_get_text(v, "evidence"));
		if (value_get_text(v, "remedy") != NULL)
			printf("%-20s %-10s -> %s\n", "", "",
			    value_get_text(v, "remedy"));
	}
}

static int
run(int argc, char **argv)
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	value_auto struct value *doc = value_new(VALUE_MAP);
	struct report r = { value_set_list(doc, "controls"), false };
	struct spawn s = { -1, 0 };
	struct err e;

	if (argc > 2 || (argc == 2 && !json))
		return cli_usage(&cmd_doctor_command);
	probe_kernel(&r);
	probe_namespaces(&r);
	probe_seccomp(&r);
	probe_filesystems(&r);
	probe_swap(&r);
	probe_forwarding(&r);
	if (spawn_launcher(&s, &e) == -1) {
		add(&r, "launcher", ABSENT, e.text, "install Cella whole");
	} else {
		probe_launcher(&r, &s);
		spawn_end_launcher(&s);
	}
	if (json)
		cli_print(doc);
	else
		print_human(r.list);
	return r.absent ? 1 : 0;
}

const struct cli_command cmd_doctor_command = { "doctor", "[--json]",
	"what this host enforces", run };
