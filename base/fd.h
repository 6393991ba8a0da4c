/*
 * Descriptors with one owner.  "fd_auto int fd = -1;" closes at the end of the
 * scope; fd_take() moves the descriptor out.  Everything is close-on-exec.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define fd_auto __attribute__((cleanup(fd_close)))

/* Closes *fd if it is not -1, and makes it -1; errno stays as it was. */
void fd_close(int *fd);

/* Returns *fd and leaves -1 in its place. */
int fd_take(int *fd);

/*
 * Reads until len bytes or the end of the file; EINTR is retried.  Returns the
 * number of bytes, or -1 with errno.
 */
ssize_t fd_read_full(int fd, void *data, size_t len);

/* Writes all of it, or returns -1 with errno. */
int fd_write_full(int fd, const void *data, size_t len);

/*
 * Reads a whole file into memory that the caller frees; one NUL byte follows
 * the data and is not counted.  A file of more than max bytes is refused.
 */
int fd_read_all(int fd, size_t max, char **data, size_t *len, struct err *);

/*
 * An anonymous file in memory that holds these bytes and can never change
 * (all seals of fcntl(2)).  Returns the descriptor or -1.
 */
int fd_sealed(const char *name, const void *data, size_t len, struct err *);

/* The same of a file that is sealed like that, and of no other: reading one
 * that another process hands over waits for nobody. */
int fd_read_sealed(int fd, size_t max, char **data, size_t *len, struct err *);

/*
 * One descriptor over a unix socket, with one byte.  fd_send(): system calls
 * alone; -1 with errno.  fd_receive(): the descriptor, or -1 if none is there
 * now.
 */
int fd_send(int sock, int fd);
int fd_receive(int sock);

#endif
