#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest/rollup_fork.h"
#include "guest/rollup_io.h"

/* Kinds of frames, and what DONE says: docs/channel.md. */
enum {
	FINISH = 1010,
	ADVANCE,
	INSPECT,
	VOUCHER,
	NOTICE,
	REPORT,
	EXCEPTION,
	DONE,
	SETTLED
};
enum { OK, FIRST, QUERY, NO_ROOM };
enum { REJECT, ACCEPT, ACCEPT_AND_COPY }; /* FINISH */

#define HEAD 8
#define INPUT_HEAD (ROLLUP_IO_ADDRESS + 4 * 8)
#define DONE_SIZE 12

bool
rollup_io_is_here(void)
{
	struct stat in, out;

	return fstat(ROLLUP_IO_IN, &in) == 0 && S_ISFIFO(in.st_mode) &&
	    fstat(ROLLUP_IO_OUT, &out) == 0 && S_ISFIFO(out.st_mode);
}

/* ---- bytes ---- */

static void
put_u32(unsigned char *p, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(n >> (8 * i));
}

static uint64_t
get(const unsigned char *p, int bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | p[bytes];
	return n;
}

static int
read_all(void *to, size_t len)
{
	char *p = to;
	ssize_t n;

	while (len > 0) {
		n = read(ROLLUP_IO_IN, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_all(struct iovec *v, int n)
{
	ssize_t did;

	while (n > 0) {
		did = writev(ROLLUP_IO_OUT, v, n);
		if (did == -1 && errno == EINTR)
			continue;
		if (did == -1)
			return -1;
		for (; n > 0 && (size_t)did >= v->iov_len; v++, n--)
			did -= (ssize_t)v->iov_len;
		if (n > 0) {
			v->iov_base = (char *)v->iov_base + did;
			v->iov_len -= (size_t)did;
		}
	}
	return 0;
}

/* ---- turns ---- */

/* Other processes of the machine may have the same channel. */
static int
lock(short type)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET };
	int r;

	while ((r = fcntl(ROLLUP_IO_OUT, F_SETLKW, &l)) == -1 && errno == EINTR)
		;
	return r;
}

static void
unlock(void)
{
	int saved = errno;

	lock(F_UNLCK);
	errno = saved;
}

/* ---- frames ---- */

static int
send_frame(uint32_t kind, const void *head, size_t nhead, const void *payload,
    size_t len)
{
	unsigned char frame[HEAD];
	struct iovec v[3] = { { frame, HEAD }, { (void *)head, nhead },
		{ (void *)payload, len } };

	if (len > UINT32_MAX - nhead) {
		errno = ENOBUFS;
		return -1;
	}
	put_u32(frame, (uint32_t)(nhead + len));
	put_u32(frame + 4, kind);
	return write_all(v, 3);
}

static int
read_done(uint64_t *index)
{
	static const int errors[] = { [OK] = 0,
		[FIRST] = EBADE,
		[QUERY] = EOPNOTSUPP,
		[NO_ROOM] = ENOBUFS };
	unsigned char b[HEAD + DONE_SIZE];
	uint64_t status;

	if (read_all(b, sizeof(b)) == -1)
		return -1;
	status = get(b + HEAD, 4);
	if (get(b, 4) != DONE_SIZE || get(b + 4, 4) != DONE || status > NO_ROOM)
		errno = EPROTO;
	else if (status != OK)
		errno = errors[status];
	else {
		if (index != NULL)
			*index = get(b + HEAD + 4, 8);
		return 0;
	}
	return -1;
}

static int
put_out(uint32_t kind, const void *head, size_t nhead, const void *payload,
    size_t len, uint64_t *index)
{
	int r;

	if (lock(F_WRLCK) == -1)
		return -1;
	rollup_fork_busy();
	r = send_frame(kind, head, nhead, payload, len);
	if (r == 0)
		r = read_done(index);
	rollup_fork_not_busy(false);
	unlock();
	return r;
}

/* A frame that is not answered. */
static int
say(uint32_t kind, const void *payload, size_t len, bool last)
{
	int r;

	if (lock(F_WRLCK) == -1)
		return -1;
	rollup_fork_busy();
	r = send_frame(kind, NULL, 0, payload, len);
	rollup_fork_not_busy(last);
	unlock();
	return r;
}

int
rollup_io_voucher(const unsigned char address[ROLLUP_IO_ADDRESS],
    const void *payload, size_t len, uint64_t *index)
{
	return put_out(VOUCHER, address, ROLLUP_IO_ADDRESS, payload, len,
	    index);
}

int
rollup_io_notice(const void *payload, size_t len, uint64_t *index)
{
	return put_out(NOTICE, NULL, 0, payload, len, index);
}

int
rollup_io_report(const void *payload, size_t len)
{
	return put_out(REPORT, NULL, 0, payload, len, NULL);
}

int
rollup_io_exception(const void *payload, size_t len)
{
	return say(EXCEPTION, payload, len, true);
}

/* ---- what comes next ---- */

void
rollup_io_request_fini(struct rollup_io_request *r)
{
	free(r->payload);
	r->payload = NULL;
}

static int
read_payload(struct rollup_io_request *r, size_t len)
{
	unsigned char *p = realloc(r->payload, len + 1);

	if (p == NULL)
		return -1;
	r->payload = p;
	r->len = len;
	p[len] = '\0'; /* for those who print it */
	return read_all(p, len);
}

static int
read_request(struct rollup_io_request *r)
{
	unsigned char head[HEAD], input[INPUT_HEAD];
	uint64_t *const to[] = { &r->block_number, &r->timestamp,
		&r->epoch_index, &r->input_index };
	size_t len;

	if (read_all(head, HEAD) == -1)
		return -1;
	len = (size_t)get(head, 4);
	if (get(head + 4, 4) == INSPECT) {
		r->type = ROLLUP_IO_INSPECT;
		return read_payload(r, len);
	}
	if (get(head + 4, 4) != ADVANCE || len < INPUT_HEAD) {
		errno = EPROTO;
		return -1;
	}
	if (read_all(input, INPUT_HEAD) == -1)
		return -1;
	r->type = ROLLUP_IO_ADVANCE;
	memcpy(r->sender, input, ROLLUP_IO_ADDRESS);
	for (int i = 0; i < 4; i++)
		*to[i] = get(input + ROLLUP_IO_ADDRESS + 8 * i, 8);
	return read_payload(r, len - INPUT_HEAD);
}

int
rollup_io_finish_begin(bool accept)
{
	const unsigned char verdict = accept;

	if (lock(F_WRLCK) == -1)
		return -1;
	if (send_frame(FINISH, &verdict, 1, NULL, 0) == 0)
		return 0;
	unlock();
	return -1;
}

int
rollup_io_finish_end(struct rollup_io_request *next)
{
	int r = read_request(next);

	unlock();
	return r;
}

/* Each input in a copy of this process; 0 in the copy. */
static int
be_copied(void)
{
	const unsigned char verdict = ACCEPT_AND_COPY;
	int r = say(FINISH, &verdict, 1, false);

	while (r == 0) {
		r = rollup_fork_copy(ROLLUP_IO_IN);
		if (r == 0)
			r = say(SETTLED, NULL, 0, false);
		else if (r == 1)
			return 0;
	}
	return -1;
}

/* As if the machine ended here: nothing that is left to be written is. */
static void __attribute__((noreturn)) leave(bool accept)
{
	const unsigned char verdict = accept ? ACCEPT : REJECT;

	_exit(say(FINISH, &verdict, 1, true) == 0 ? 0 : 1);
}

int
rollup_io_finish(bool accept, struct rollup_io_request *next)
{
	static bool is_query; /* what was given last; it changes nothing */

	if (rollup_fork_is_copy() &&
	    !(accept && !is_query && rollup_fork_go_on()))
		leave(accept);
	if (accept && rollup_fork_may()) {
		if (be_copied() == -1 || read_request(next) == -1)
			return -1;
		is_query = next->type == ROLLUP_IO_INSPECT;
		return 0;
	}
	return rollup_io_finish_begin(accept) == -1
	    ? -1
	    : rollup_io_finish_end(next);
}
