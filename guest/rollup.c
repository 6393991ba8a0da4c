/*
 * cella-rollup, inside machines: as "rollup", what shells speak to their
 * session with; as "rollup-init", what starts an application that speaks HTTP.
 * Theory of operation:
 *
 * rollup is a process for each word.  Beside rollup-init it has no channel,
 * and asks that over HTTP; else the channel is what it inherited, and takes
 * turns with others (rollup_io.h).
 *
 * rollup-init has the channel for itself.  It listens before the application
 * starts, serves it, and says with an exception that it has ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/rollup_http.h"
#include "guest/rollup_io.h"
#include "guest/rollup_json.h"

#define USAGE 64
#define INPUT_MAX ((size_t)16 << 20)
#define SERVER_EXITED "rollup-http-server exited with 1 status"
#define URL "ROLLUP_HTTP_SERVER_URL"

/* ---- rollup ---- */

static const char usage[] =
    "usage: rollup accept|reject|finish|voucher|notice|report|exception\n"
    "  accept, reject        end what was given, wait for what comes next\n"
    "  finish                the same: {\"status\": \"accept\"|\"reject\"}\n"
    "  voucher               {\"address\": \"0x...\", \"payload\": TEXT}\n"
    "  notice, report,\n"
    "  exception             {\"payload\": TEXT}\n"
    "What is read is JSON on standard input, and so is what is printed.\n";

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "rollup: %s%s%s\n", what, *why == '\0' ? "" : ": ",
	    why);
	return 1;
}

static int
print(const struct buf *b)
{
	if (b->len > 0 &&
	    (fwrite(b->data, 1, b->len, stdout) != b->len ||
		putchar('\n') == EOF || fflush(stdout) != 0))
		return fail("standard output", strerror(errno));
	return 0;
}

/* What it was asked, in the channel's words. */
struct word {
	const char *verb;
	bool accept; /* of a finish */
	unsigned char address[ROLLUP_IO_ADDRESS];
	struct buf payload;
};

static bool
is_finish(const char *verb)
{
	return strcmp(verb, "accept") == 0 || strcmp(verb, "reject") == 0 ||
	    strcmp(verb, "finish") == 0;
}

static int
read_word(struct word *w, struct err *e)
{
	char *text;
	size_t len;
	int r;

	w->accept = strcmp(w->verb, "accept") == 0;
	if (is_finish(w->verb) && strcmp(w->verb, "finish") != 0)
		return 0;
	if (fd_read_all(STDIN_FILENO, INPUT_MAX, &text, &len, e) == -1)
		return err_in(e, "standard input");
	if (strcmp(w->verb, "finish") == 0)
		r = rollup_json_get_status(text, len, &w->accept, e);
	else
		r = rollup_json_get_output(text, len, ROLLUP_JSON_TEXT,
		    strcmp(w->verb, "voucher") == 0 ? w->address : NULL,
		    &w->payload, e);
	free(text);
	return r;
}

static int
say_on_channel(const struct word *w, struct buf *answer)
{
	struct rollup_io_request next = { .payload = NULL };
	const void *p = w->payload.data;
	const size_t len = w->payload.len;
	uint64_t index = 0;
	int r;

	if (is_finish(w->verb)) {
		r = rollup_io_finish(w->accept, &next);
		if (r == 0)
			rollup_json_put_request(answer, &next,
			    ROLLUP_JSON_TEXT);
		rollup_io_request_fini(&next);
		return r;
	}
	if (strcmp(w->verb, "report") == 0)
		return rollup_io_report(p, len);
	if (strcmp(w->verb, "exception") == 0)
		return rollup_io_exception(p, len);
	r = strcmp(w->verb, "voucher") == 0
	    ? rollup_io_voucher(w->address, p, len, &index)
	    : rollup_io_notice(p, len, &index);
	if (r == 0)
		buf_printf(answer, "{\"index\":%llu}",
		    (unsigned long long)index);
	return r;
}

/* ---- the same, over HTTP ---- */

static void
put_hex(struct buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;

	buf_add_str(b, "0x");
	for (size_t i = 0; i < len; i++)
		buf_printf(b, "%02x", p[i]);
}

static void
put_body(struct buf *b, const struct word *w)
{
	if (is_finish(w->verb)) {
		buf_printf(b, "{\"status\":\"%s\"}",
		    w->accept ? "accept" : "reject");
		return;
	}
	buf_add_str(b, "{");
	if (strcmp(w->verb, "voucher") == 0) {
		buf_add_str(b, "\"address\":\"");
		put_hex(b, w->address, ROLLUP_IO_ADDRESS);
		buf_add_str(b, "\",");
	}
	buf_add_str(b, "\"payload\":\"");
	put_hex(b, w->payload.data, w->payload.len);
	buf_add_str(b, "\"}");
}

static int
exchange(const struct word *w, struct buf *answer, struct err *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(ROLLUP_HTTP_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	fd_auto int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	buf_auto struct buf body = { 0 }, head = { 0 };
	char *text;
	size_t len;

	put_body(&body, w);
	buf_printf(&head,
	    "POST /%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    is_finish(w->verb) ? "finish" : w->verb, body.len);
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    fd_write_full(fd, head.data, head.len) == -1 ||
	    fd_write_full(fd, body.data, body.len) == -1)
		return err_sys(e, "127.0.0.1:%d", ROLLUP_HTTP_PORT);
	if (fd_read_all(fd, 2 * INPUT_MAX, &text, &len, e) == -1)
		return -1;
	buf_add(answer, text, len);
	free(text);
	return 0;
}

static int
say_over_http(const struct word *w, struct buf *answer, struct err *e)
{
	buf_auto struct buf b = { 0 };
	const char *body;
	int status = 0;

	if (exchange(w, &b, e) == -1)
		return -1;
	body = strstr(buf_text(&b), "\r\n\r\n");
	if (body == NULL || sscanf(b.data, "HTTP/1.1 %d", &status) != 1)
		return err_set(e, ERR_SYSTEM, "not an answer");
	body += 4;
	if (status >= 400)
		return err_set(e, ERR_INVALID, "%s", body);
	if (is_finish(w->verb))
		return rollup_json_put_text(answer, body, e);
	buf_add_str(answer, body);
	return 0;
}

static int
rollup(int argc, char **argv)
{
	static const char *const verbs[] = { "accept", "reject", "finish",
		"voucher", "notice", "report", "exception" };
	struct word w = { .verb = argc == 2 ? argv[1] : "" };
	buf_auto struct buf answer = { 0 };
	struct err e;
	bool known = false;
	int r;

	for (size_t i = 0; i < nitems(verbs); i++)
		known |= strcmp(w.verb, verbs[i]) == 0;
	if (!known) {
		fputs(usage, stderr);
		return USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	if (read_word(&w, &e) == -1) {
		r = fail(w.verb, e.text);
	} else if (getenv(URL) != NULL || !rollup_io_is_here()) {
		r = say_over_http(&w, &answer, &e) == -1 ? fail(w.verb, e.text)
							 : print(&answer);
	} else {
		r = say_on_channel(&w, &answer) == -1
		    ? fail(w.verb, strerror(errno))
		    : print(&answer);
	}
	buf_fini(&w.payload);
	return r;
}

/* ---- rollup-init ---- */

static void
say_mode(void)
{
	const char *memory = getenv("CELLA_MEMORY");

	fprintf(stderr,
	    memory != NULL && strcmp(memory, "kept") == 0
		? "rollup-init: memory is kept: what accepted an input goes on "
		  "to the next\n"
		: "rollup-init: memory is reset: each input starts where the "
		  "application first waited\n");
}

/* It has the standard streams and knows where the front end is. */
static pid_t
start(char **argv)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setenv(URL, "http://127.0.0.1:5004", 1);
	execvp(argv[0], argv);
	fprintf(stderr, "rollup-init: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* What ended, and how: the words that clients know. */
static int throw(const char *what, const char *how)
{
	buf_auto struct buf b = { 0 };

	buf_printf(&b, "%s%s", what, how);
	(void)rollup_io_exception(b.data, b.len);
	return 1;
}

/* Whoever it left behind is nobody's. */
static int
tell_end(pid_t pid)
{
	char text[64];
	int status = 0;

	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "%d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		return throw("dapp exited with signal: ", text);
	}
	snprintf(text, sizeof(text), "%d", WEXITSTATUS(status));
	return throw("dapp exited with exit status: ", text);
}

/* Only the application's own end counts, not that of children it had. */
static int
serve(int listener, int signals, pid_t pid)
{
	struct signalfd_siginfo info;
	struct err e;
	siginfo_t dead;

	for (;;) {
		if (rollup_http_serve(listener, signals, &e) == -1) {
			fprintf(stderr, "rollup-init: %s\n", e.text);
			return throw(SERVER_EXITED, "");
		}
		(void)read(signals, &info, sizeof(info));
		dead.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &dead,
			WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    dead.si_pid == pid)
			return tell_end(pid);
	}
}

static int
rollup_init(int argc, char **argv)
{
	fd_auto int listener = -1, signals = -1;
	struct err e;
	sigset_t set;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: rollup-init COMMAND [ARGUMENT]...\n");
		return USAGE;
	}
	if (!rollup_io_is_here()) {
		fprintf(stderr,
		    "rollup-init: descriptors 3 and 4 are not a channel\n");
		return 1;
	}
	fcntl(ROLLUP_IO_IN, F_SETFD, FD_CLOEXEC);
	fcntl(ROLLUP_IO_OUT, F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	listener = rollup_http_listen(ROLLUP_HTTP_PORT, &e);
	if (listener == -1 || signals == -1) {
		fprintf(stderr, "rollup-init: %s\n",
		    listener == -1 ? e.text : strerror(errno));
		return throw(SERVER_EXITED, "");
	}
	say_mode();
	pid = start(argv + 1);
	if (pid == -1)
		return throw("dapp exited with exit status: ", "126");
	return serve(listener, signals, pid);
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name == NULL ? argv[0] : name + 1;
	return strcmp(name, "rollup-init") == 0 ? rollup_init(argc, argv)
						: rollup(argc, argv);
}
