/* Mounts, paths, /proc and descriptors. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/attack/attacker.h"

/* Prints what it could read, so that a token of the host would be seen. */
static void
leak(const char *path)
{
	char data[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, data, sizeof(data));

	say(path, n);
	if (n > 0)
		(void)!write(1, data, (size_t)n);
	close(fd);
}

/* argv: files of the host. */
static void
host_secret(char **argv)
{
	static const char *const ways[] = { "", "/proc/1/root",
		"/proc/self/root", "/../../../../../..",
		"/proc/self/cwd/../../../../.." };
	char path[8192];

	for (; *argv != NULL; argv++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			snprintf(path, sizeof(path), "%s%s", ways[i], *argv);
			leak(path);
		}
}

static void
proc_one(char **argv)
{
	static const char *const links[] = { "root", "cwd", "exe", "ns/net" };
	static const char *const files[] = { "environ", "mem", "maps", "status",
		"cmdline" };
	char path[64], target[256];

	(void)argv;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		snprintf(path, sizeof(path), "/proc/1/%s", links[i]);
		say(path, readlink(path, target, sizeof(target)));
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
		say(path, open(path, O_RDONLY));
	}
}

static void
self_exe(char **argv)
{
	char path[64];
	int fd;

	(void)argv;
	say("self", open("/proc/self/exe", O_WRONLY));
	say("init", open("/proc/1/exe", O_WRONLY));
	fd = open("/proc/self/exe", O_PATH);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	say("again", open(path, O_WRONLY | O_TRUNC));
	say("unlink", unlink("/opt/code/attacker"));
}

static void
descriptors(char **argv)
{
	char path[64], target[256];
	ssize_t n;

	(void)argv;
	for (int fd = 0; fd < 65536; fd++) {
		if (fcntl(fd, F_GETFD) == -1)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		printf("%d: %.*s\n", fd, (int)strcspn(target, ":["), target);
	}
}

static void
mount_calls(char **argv)
{
	(void)argv;
	say("mount", mount("none", "/tmp", "tmpfs", 0, ""));
	say("umount2", umount2("/tmp", MNT_DETACH));
	say("remount", mount("", "/", "", MS_REMOUNT | MS_BIND, ""));
	say("bind proc", mount("/proc", "/tmp", "", MS_BIND, ""));
	say("chroot", chroot("/tmp"));
	try_call("pivot_root", SYS_pivot_root, (long)".", (long)".", 0, 0);
	try_call("move_mount", SYS_move_mount, -1, (long)"/", -1, (long)"/");
	try_call("fsopen", SYS_fsopen, (long)"tmpfs", 0, 0, 0);
	try_call("fsmount", SYS_fsmount, -1, 0, 0, 0);
	try_call("fsconfig", SYS_fsconfig, -1, 0, 0, 0);
	try_call("fspick", SYS_fspick, -1, (long)"/", 0, 0);
	try_call("open_tree", SYS_open_tree, -1, (long)"/", 1, 0);
	try_call("mount_setattr", SYS_mount_setattr, -1, (long)"/", 0, 0);
}

/* What is mounted and how, without what differs between runs. */
static void
mounts(char **argv)
{
	char line[1024], where[256], type[64];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	struct statvfs s;
	char *dash;

	(void)argv;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		dash = strstr(line, " - ");
		if (dash == NULL ||
		    sscanf(line, "%*d %*d %*s %*s %255s", where) != 1 ||
		    sscanf(dash + 3, "%63s", type) != 1)
			continue;
		if (statvfs(where, &s) == -1) {
			say(where, -1);
			continue;
		}
		printf("%s: %s%s%s%s%s\n", where, type,
		    s.f_flag & ST_RDONLY ? " ro" : "",
		    s.f_flag & ST_NOSUID ? " nosuid" : "",
		    s.f_flag & ST_NODEV ? " nodev" : "",
		    s.f_flag & ST_NOEXEC ? " noexec" : "");
	}
}

static void
proc_view(char **argv)
{
	static const char *const files[] = { "/proc/kcore", "/proc/keys",
		"/proc/kallsyms", "/proc/sysrq-trigger", "/proc/timer_list",
		"/proc/sys/kernel/core_pattern", "/proc/kmsg", "/proc/cpuinfo",
		"/proc/bus", "/proc/acpi", "/proc/interrupts", "/proc/modules",
		"/proc/self/root/proc/kcore", "/sys/kernel", "/sys/firmware" };
	struct dirent *d;
	DIR *dp = opendir("/proc");
	int others = 0;

	(void)argv;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		say(files[i], open(files[i], O_RDONLY));
	while (dp != NULL && (d = readdir(dp)) != NULL)
		others += d->d_name[0] >= '0' && d->d_name[0] <= '9' &&
		    atoi(d->d_name) != getpid();
	printf("others in /proc: %d\n", others);
}

static void
write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	say(path, fd == -1 ? -1 : write(fd, text, strlen(text)));
	close(fd);
}

static void
proc_writes(char **argv)
{
	(void)argv;
	write_to("/proc/sys/kernel/core_pattern", "|/tmp/x");
	write_to("/proc/sysrq-trigger", "h");
	write_to("/proc/sys/vm/drop_caches", "1");
	write_to("/proc/self/oom_score_adj", "-1000");
	write_to("/proc/self/uid_map", "0 0 1");
	write_to("/proc/self/gid_map", "0 0 1");
	write_to("/proc/self/setgroups", "allow");
	write_to("/proc/1/oom_score_adj", "1000");
}

/* Devices, links and bits that must not come to be. */
static void
make_special(char **argv)
{
	static const char *const dirs[] = { "/tmp", "/data", "/dev" };
	char path[64];
	int fd;

	(void)argv;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/fifo", dirs[i]);
		say(path, mkfifo(path, 0600));
		snprintf(path, sizeof(path), "%s/null", dirs[i]);
		say(path, mknod(path, S_IFCHR | 0666, 0x103));
	}
	fd = open("/tmp/s", O_CREAT | O_RDWR, 0755);
	say("setuid bit", fchmod(fd, 04755));
	say("setgid bit", fchmod(fd, 02755));
	say("link out", link("/proc/self/exe", "/tmp/exe"));
}

/* Programs may be written nowhere. */
static void
exec_written(char **argv)
{
	static const char *const dirs[] = { "/tmp", "/dev/shm", "/data" };
	char path[64], data[65536];
	int from, to;
	ssize_t n;

	(void)argv;
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/copy", dirs[i]);
		from = open("/proc/self/exe", O_RDONLY);
		to = open(path, O_CREAT | O_WRONLY, 0755);
		while (to != -1 && (n = read(from, data, sizeof(data))) > 0)
			(void)!write(to, data, (size_t)n);
		close(to);
		close(from);
		say(path, execl(path, path, "descriptors", NULL));
	}
}

static void
list_dev(char **argv)
{
	struct dirent *d;
	DIR *dp = opendir("/dev");
	struct stat s;
	char path[300];

	(void)argv;
	while (dp != NULL && (d = readdir(dp)) != NULL) {
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		if (d->d_name[0] != '.' && lstat(path, &s) == 0)
			printf("%s: %c\n", d->d_name,
			    S_ISCHR(s.st_mode)       ? 'c'
				: S_ISLNK(s.st_mode) ? 'l'
				: S_ISDIR(s.st_mode) ? 'd'
						     : '?');
	}
}

/* What an export may not hold.  argv: a file of the host. */
static void
export_traps(char **argv)
{
	int fd;

	say("link", symlink(argv[0], "/out/link"));
	say("up", symlink("../../../../etc", "/out/up"));
	say("proc", symlink("/proc/1/environ", "/out/environ"));
	say("fifo", mkfifo("/out/fifo", 0666));
	fd = open("/out/file", O_CREAT | O_WRONLY, 0644);
	(void)!write(fd, "kept", 4);
	say("hard", link("/out/file", "/out/hard"));
	fd = open("/out/sparse", O_CREAT | O_WRONLY, 0644);
	say("sparse", ftruncate(fd, 1LL << 26));
	say("name", open("/out/a\033[31m\nb", O_CREAT | O_WRONLY, 0644));
}

static void
where(char **argv)
{
	char path[4096];

	(void)argv;
	printf("cwd: %s\n", getcwd(path, sizeof(path)));
	say("up", chdir("../../../../.."));
	printf("cwd: %s\n", getcwd(path, sizeof(path)));
	say("fd", chdir("/proc/self/fd/7"));
	say("code", chdir("/proc/self/cwd/opt/code"));
}

/* argv: a writable directory that is not /tmp. */
static void
volume_socket(char **argv)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/sock", argv[0]);
	say("bind", bind(fd, (struct sockaddr *)&at, sizeof(at)));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/file", argv[0]);
	say("file", open(at.sun_path, O_CREAT | O_WRONLY, 0644));
}

/* Which pages of a shared file others have touched.  argv: the file. */
static void
page_cache(char **argv)
{
	int fd = open(argv[0], O_RDONLY);
	unsigned char in[16];
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	say("mincore", (long)syscall(SYS_mincore, p, 4096, in));
	try_call("cachestat", 451, fd, (long)in, (long)in, 0);
	try_call("fincore", 480, fd, (long)in, (long)in, 0);
}

/* Where scripts that look for a way out of a container look. */
static void
escape_places(char **argv)
{
	static const char *const places[] = { "/var/run/docker.sock",
		"/run/docker.sock", "/run/containerd/containerd.sock",
		"/run/crio/crio.sock", "/run/systemd/private",
		"/run/dbus/system_bus_socket", "/.dockerenv",
		"/run/secrets/kubernetes.io/serviceaccount/token", "/root/.ssh",
		"/root/.aws/credentials", "/etc/kubernetes", "/dev/sda",
		"/dev/vda", "/dev/nvme0n1", "/dev/mem", "/dev/kmsg", "/dev/kvm",
		"/dev/fuse", "/dev/net/tun", "/dev/loop-control",
		"/dev/userfaultfd", "/dev/mqueue", "/dev/hugepages",
		"/sys/kernel/debug", "/sys/kernel/security", "/sys/fs/bpf",
		"/sys/fs/cgroup/release_agent", "/sys/kernel/uevent_helper",
		"/sys/class/powercap", "/proc/sys/fs/binfmt_misc/register",
		"/proc/sys/kernel/modprobe", "/proc/config.gz",
		"/proc/sched_debug", "/proc/self/task/1/cwd", "/host",
		"/mnt/host", "/lib/modules", "/boot", "/var/lib/cella",
		"/run/cella" };

	(void)argv;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		say(places[i], open(places[i], O_RDONLY | O_NONBLOCK));
}

/* Which superblock the root is of. */
static void
identity(char **argv)
{
	struct stat s;

	(void)argv;
	stat("/", &s);
	printf("root: %lu\n", (unsigned long)s.st_dev);
}

/* What a sibling run may have left. */
static void
leave(char **argv)
{
	(void)argv;
	say("tmp", open("/tmp/left", O_CREAT | O_RDWR, 0666));
	say("shm", open("/dev/shm/left", O_CREAT | O_RDWR, 0666));
}

static void
look(char **argv)
{
	(void)argv;
	say("tmp", open("/tmp/left", O_RDONLY));
	say("shm", open("/dev/shm/left", O_RDONLY));
}

const struct row rows_paths[] = {
	{ "host-secret", host_secret },
	{ "proc-1", proc_one },
	{ "self-exe", self_exe },
	{ "descriptors", descriptors },
	{ "mount-calls", mount_calls },
	{ "mounts", mounts },
	{ "proc-view", proc_view },
	{ "proc-writes", proc_writes },
	{ "make-special", make_special },
	{ "exec-written", exec_written },
	{ "list-dev", list_dev },
	{ "export-traps", export_traps },
	{ "where", where },
	{ "volume-socket", volume_socket },
	{ "page-cache", page_cache },
	{ "escape-places", escape_places },
	{ "identity", identity },
	{ "leave", leave },
	{ "look", look },
	{ NULL, NULL },
};
