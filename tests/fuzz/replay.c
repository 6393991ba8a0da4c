/*
 * Runs a target over files, without a fuzzer: each file as it is; and of those
 * that people wrote, every prefix and some hundred mutations, the same every
 * time.  What a fuzzer found has a digest for its name.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "tests/fuzz/fuzz.h"

#define MUTATIONS 300

/* A copy of exactly that size, so that a sanitizer sees a step too far. */
static void
try(const char *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	invariant(copy != NULL);
	memcpy(copy, data, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
mutate(const char *data, size_t len)
{
	char *copy = malloc(len + 1);
	unsigned seed = (unsigned)len;

	invariant(copy != NULL);
	for (int i = 0; i < MUTATIONS && len > 0; i++) {
		memcpy(copy, data, len);
		for (int k = rand_r(&seed) % 4; k >= 0; k--)
			copy[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
		try(copy, len);
	}
	free(copy);
}

static bool
is_found(const char *name)
{
	return strlen(name) == 40 &&
	    strspn(name, "0123456789abcdef") == strlen(name);
}

static int
replay(const char *path, bool found)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e;
	char *data;
	size_t len, step;

	if (fd == -1 || fd_read_all(fd, 1 << 20, &data, &len, &e) == -1)
		return 0;
	try(data, len);
	step = len / 200 + 1;
	for (size_t n = 0; n < len && !found; n += step)
		try(data, n);
	if (!found)
		mutate(data, len);
	free(data);
	close(fd);
	return 1;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '_');
	char dir[4096], path[8192];
	struct dirent *d;
	DIR *dp;
	int n = 0;

	(void)argc;
	snprintf(dir, sizeof(dir), "%s/tests/corpus/%s",
	    getenv("abs_top_srcdir"), name == NULL ? "" : name + 1);
	dp = opendir(dir);
	while (dp != NULL && (d = readdir(dp)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		n += replay(path, is_found(d->d_name));
	}
	if (dp != NULL)
		closedir(dp);
	printf("%s: %d files\n", dir, n);
	return n > 0 ? 0 : 1;
}
