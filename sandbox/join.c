#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/control.h"
#include "base/err.h"
#include "guest/start_read.h"
#include "sandbox/join.h"

/* Where a name without a slash is looked for if the environment does not say.
 */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

struct program {
	const char *strings[START_STRINGS_MAX + 2];
	uint32_t envp; /* index into strings */
	const struct start_filter *filter;
	struct sock_fprog prog;
};

/* The namespaces that its first process has of its own (slot_process.c). */
static int
enter_namespaces(int init)
{
	return setns(init,
	    CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS |
		(CONTROL(43) ? CLONE_NEWPID : 0) |
		(CONTROL(21) ? CLONE_NEWCGROUP : 0));
}

/* A whole sealed file, of at least a head; the last byte of it is there. */
static const void *
map(int fd, size_t head, uint64_t *len)
{
	struct stat s;
	void *at;

	if (fstat(fd, &s) == -1)
		return NULL;
	if (s.st_size < (off_t)head || s.st_size > START_BYTES_MAX + 4096) {
		errno = EINVAL;
		return NULL;
	}
	*len = (uint64_t)s.st_size;
	at = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static int
read_blocks(struct program *p)
{
	const struct start_args *a;
	uint64_t len;

	a = map(START_FD_ARGS, sizeof(*a), &len);
	if (a == NULL)
		return -1;
	p->envp = start_read(a, len, p->strings);
	if (p->envp != 0) {
		p->filter = map(START_FD_FILTER, sizeof(*p->filter), &len);
		if (p->filter == NULL)
			return -1;
	}
	if (p->envp == 0 || p->filter->magic != START_MAGIC ||
	    sizeof(*p->filter) + 8ULL * p->filter->len != len) {
		errno = EINVAL;
		return -1;
	}
	p->prog.len = (unsigned short)p->filter->len;
	p->prog.filter = (struct sock_filter *)(uintptr_t)(p->filter + 1);
	return 0;
}

static const char *
search_path(const struct program *p)
{
	for (const char *const *e = p->strings + p->envp; *e != NULL; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return *e + 5;
	return PATH_DEFAULT;
}

/* As execvpe(3) does, whose memory the filter may not grant. */
static void
execute(const struct program *p)
{
	const char *name = p->strings[0], *dir = search_path(p);
	char *const *argv = (char *const *)(uintptr_t)p->strings;
	char *const *envp = (char *const *)(uintptr_t)(p->strings + p->envp);
	char path[MACHINE_PATH_MAX + 256];
	bool denied = false;
	size_t n;

	if (strchr(name, '/') != NULL || *name == '\0') {
		execve(name, argv, envp);
		return;
	}
	errno = ENOENT;
	for (;; dir += n + 1) {
		n = strcspn(dir, ":");
		if (snprintf(path, sizeof(path), "%.*s%s%s", (int)n, dir,
			n == 0 ? "" : "/", name) < (int)sizeof(path))
			execve(path, argv, envp);
		denied |= errno == EACCES;
		if (dir[n] == '\0' ||
		    (errno != ENOENT && errno != ENOTDIR && errno != EACCES))
			break;
	}
	if (denied && errno == ENOENT)
		errno = EACCES;
}

/* In the machine.  The filter comes last: after it only what the program
 * itself may call is left. */
static void __attribute__((noreturn))
become_program(const struct program *p, struct join_result *r)
{
	r->child.step = CHILD_PDEATHSIG;
	if (CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		goto failed;
	r->child.step = CHILD_SESSION;
	if (setsid() == -1)
		goto failed;
	r->child.step = CHILD_FDS;
	if (CONTROL(7) &&
	    syscall(SYS_close_range, START_FD_CHANNEL_IN, ~0U, 0) == -1)
		goto failed;
	r->child.step = CHILD_FILTER;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		CONTROL(32) ? SECCOMP_FILTER_FLAG_LOG : 0, &p->prog) != 0)
		goto failed;
	execute(p);
	r->no_exec = true;
failed:
	r->child.sys = errno;
	r->child.failed = true;
	_exit(127);
}

static int
clone_program(const struct program *p, struct join_result *r)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PARENT_SETTID | CLONE_VFORK,
		.parent_tid = (uint64_t)(uintptr_t)&r->program,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		become_program(p, r);
	return pid < 0 ? -1 : 0;
}

/* With its privileges yet. */
static int
enter(const struct child_self *self, pid_t init, const struct join_fds *f,
    struct child_result *r)
{
	r->step = CHILD_PDEATHSIG;
	if (CONTROL(47) && prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return -1;
	r->step = CHILD_CGROUP;
	if (CONTROL(39) && child_self_enter_cgroups(f->tasks) == -1)
		return -1;
	r->step = CHILD_NAMESPACES;
	if (enter_namespaces(f->init) == -1)
		return -1;
	r->step = CHILD_KEYRING;
	if (child_self_new_keyring() == -1)
		return -1;
	r->step = CHILD_CORE_SCHED;
	if (child_self_share_core(self, r, init) == -1)
		return -1;
	r->step = CHILD_SPECULATION;
	return child_self_forbid_speculation(self, r);
}

static int
confine(const struct child_self *self, const struct join_fds *f,
    struct child_result *r)
{
	int start[START_FD_COUNT];

	for (int i = 0; i < START_FD_COUNT; i++)
		start[i] = i < 3 ? f->std[i] : -1;
	start[START_FD_ARGS] = f->args;
	start[START_FD_FILTER] = f->filter;
	start[START_FD_LANDLOCK] = f->rules;
	if (child_self_confine(self, start, r) == -1)
		return -1;
	/* Changing ids may have made us inspectable. */
	r->step = CHILD_IDS;
	if (CONTROL(8) && prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
	r->step = CHILD_CWD;
	return child_self_enter_cwd(self);
}

void
join_run(const struct child_self *self, pid_t init, const struct join_fds *f,
    struct join_result *r)
{
	static struct program p;

	if (enter(self, init, f, &r->child) == -1 ||
	    confine(self, f, &r->child) == -1)
		goto failed;
	(void)umask(022);
	r->child.step = CHILD_ARGS;
	if (read_blocks(&p) == -1)
		goto failed;
	r->child.step = CHILD_RESTRICT;
	if (p.filter->landlock_flags != UINT32_MAX &&
	    syscall(SYS_landlock_restrict_self, START_FD_LANDLOCK,
		p.filter->landlock_flags) == -1)
		goto failed;
	r->child.step = CHILD_CLONE;
	if (clone_program(&p, r) == 0)
		_exit(0);
failed:
	r->child.sys = errno;
	r->child.failed = true;
	_exit(125);
}
