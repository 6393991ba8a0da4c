/*
 * What tests run in a machine: one static program, whose first argument says
 * what to do.  It prints what it sees, or tries what it must not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int
facts(void)
{
	static const char *const wanted[] = { "Uid:", "Gid:", "Groups:",
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:",
		"NoNewPrivs:", "Seccomp:" };
	char line[512], path[4096];
	FILE *f = fopen("/proc/self/status", "r");

	printf("pid=%d\n", getpid());
	printf("cwd=%s\n", getcwd(path, sizeof(path)));
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				fputs(line, stdout);
	gethostname(path, sizeof(path));
	printf("hostname=%s\n", path);
	return 0;
}

static int
list(const char *dir)
{
	struct dirent *d;
	DIR *dp = opendir(dir);

	if (dp == NULL) {
		printf("%s: %s\n", dir, strerror(errno));
		return 1;
	}
	while ((d = readdir(dp)) != NULL)
		if (d->d_name[0] != '.')
			printf("%s\n", d->d_name);
	closedir(dp);
	return 0;
}

static int
cat(const char *path)
{
	char data[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	if (fd == -1) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	while ((n = read(fd, data, sizeof(data))) > 0)
		(void)!write(1, data, (size_t)n);
	return 0;
}

static int
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || write(fd, text, strlen(text)) == -1) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	return 0;
}

static int
descriptors(void)
{
	char path[64], target[256];
	ssize_t n;

	for (int fd = 0; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) == -1)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		printf("%d %.*s\n", fd, (int)strcspn(target, ":"), target);
	}
	return 0;
}

static void
fork_forever(void)
{
	for (;;) {
		if (fork() == -1)
			usleep(1000);
	}
}

static void
eat_memory(void)
{
	for (;;) {
		char *p = malloc(1 << 20);

		if (p != NULL)
			memset(p, 1, 1 << 20);
	}
}

static int
fill_disk(const char *path)
{
	static char data[1 << 16];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	long long total = 0;
	ssize_t n;

	while ((n = write(fd, data, sizeof(data))) > 0)
		total += n;
	printf("%s after %lld MiB\n", strerror(errno), total >> 20);
	return 0;
}

/* A new file and a new directory: from the one into the other. */
static int
move(const char *from, const char *dir)
{
	char to[256];

	snprintf(to, sizeof(to), "%s/moved", dir);
	if (mkdir(dir, 0755) == -1 || put(from, "x") != 0 ||
	    rename(from, to) == -1) {
		printf("%s\n", strerror(errno));
		return 1;
	}
	puts("moved");
	return 0;
}

/* A server whose backlog is full and that takes nobody. */
static int
fill_backlog(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(8080) };
	int server = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(server, 0) == -1)
		return 1;
	for (int i = 0; i < 8; i++)
		(void)connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0),
		    (struct sockaddr *)&at, sizeof(at));
	for (;;)
		pause();
}

static void
flood(void)
{
	static char data[1 << 16];

	memset(data, 'x', sizeof(data));
	for (;;)
		(void)!write(1, data, sizeof(data));
}

/* One system call by number, with arguments that do nothing by themselves. */
static int
call(int argc, char **argv)
{
	long a[6] = { 0 };
	long r;

	for (int i = 3; i < argc && i < 9; i++)
		a[i - 3] = strtol(argv[i], NULL, 0);
	errno = 0;
	r = syscall(strtol(argv[2], NULL, 0), a[0], a[1], a[2], a[3], a[4],
	    a[5]);
	printf("%s\n", r == -1 ? strerrorname_np(errno) : "allowed");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "facts";

	if (strcmp(what, "facts") == 0)
		return facts();
	if (strcmp(what, "ls") == 0)
		return list(argv[2]);
	if (strcmp(what, "cat") == 0)
		return cat(argv[2]);
	if (strcmp(what, "put") == 0)
		return put(argv[2], argv[3]);
	if (strcmp(what, "fds") == 0)
		return descriptors();
	if (strcmp(what, "env") == 0) {
		for (char **e = environ; *e != NULL; e++)
			puts(*e);
		return 0;
	}
	if (strcmp(what, "echo") == 0) {
		for (int i = 2; i < argc; i++)
			puts(argv[i]);
		return 0;
	}
	if (strcmp(what, "stdin") == 0)
		return cat("/dev/stdin");
	if (strcmp(what, "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(what, "signal") == 0) {
		raise(atoi(argv[2]));
		return 99;
	}
	if (strcmp(what, "forkbomb") == 0)
		fork_forever();
	if (strcmp(what, "memory") == 0)
		eat_memory();
	if (strcmp(what, "spin") == 0)
		for (;;)
			;
	if (strcmp(what, "sleep") == 0)
		for (;;)
			pause();
	if (strcmp(what, "disk") == 0)
		return fill_disk(argv[2]);
	if (strcmp(what, "move") == 0)
		return move(argv[2], argv[3]);
	if (strcmp(what, "backlog") == 0)
		return fill_backlog();
	if (strcmp(what, "flood") == 0)
		flood();
	if (strcmp(what, "call") == 0)
		return call(argc, argv);
	printf("inside: %s?\n", what);
	return 64;
}
