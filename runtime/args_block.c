#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/start_read.h"
#include "runtime/args_block.h"

int
args_block_make(const char *const *argv, size_t nargs, const char *const *env,
    size_t nenv, struct err *e)
{
	struct start_args head = { START_MAGIC, (uint32_t)nargs, (uint32_t)nenv,
		0 };
	buf_auto struct buf b = { 0 };

	if (nargs + nenv > START_STRINGS_MAX)
		return err_set(e, ERR_INVALID,
		    "more than %d arguments and variables", START_STRINGS_MAX);
	buf_add(&b, &head, sizeof(head));
	for (size_t i = 0; i < nargs; i++)
		buf_add(&b, argv[i], strlen(argv[i]) + 1);
	for (size_t i = 0; i < nenv; i++)
		buf_add(&b, env[i], strlen(env[i]) + 1);
	if (b.len > START_BYTES_MAX)
		return err_set(e, ERR_INVALID,
		    "arguments and variables: more than %d bytes",
		    START_BYTES_MAX);
	head.bytes = (uint32_t)(b.len - sizeof(head));
	memcpy(b.data, &head, sizeof(head));
	return fd_sealed("args", b.data, b.len, e);
}

int
args_block_with(int block, const char *const *argv, size_t nargs, struct err *e)
{
	static const char *strings[START_STRINGS_MAX + 2];
	uint32_t envp = 0;
	size_t nenv = 0;
	struct stat s;
	void *at;
	int fd;

	if (fstat(block, &s) == -1)
		return err_sys(e, "arguments");
	if (s.st_size <= 0 || s.st_size > START_BYTES_MAX + 4096)
		return err_set(e, ERR_SYSTEM, "arguments: no block");
	at = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, block, 0);
	if (at == MAP_FAILED)
		return err_sys(e, "arguments");
	envp = start_read(at, (uint64_t)s.st_size, strings);
	while (envp != 0 && strings[envp + nenv] != NULL)
		nenv++;
	fd = envp == 0 ? err_set(e, ERR_SYSTEM, "arguments: malformed")
		       : args_block_make(argv, nargs, strings + envp, nenv, e);
	munmap(at, (size_t)s.st_size);
	return fd;
}
