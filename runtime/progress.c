#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/progress.h"

#define WIDTH 30

bool
progress_is_seen(void)
{
	return isatty(STDERR_FILENO) == 1;
}

void
progress_show(const char *label, uint64_t done, uint64_t total)
{
	unsigned percent = total == 0
	    ? 0
	    : (unsigned)((done < total ? done : total) * 100 / total);
	unsigned full = percent * WIDTH / 100;
	char bar[WIDTH + 1];

	if (!progress_is_seen())
		return;
	memset(bar, ' ', WIDTH);
	memset(bar, '#', full);
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K%s [%s] %3u %%", label, bar, percent);
}

void
progress_end(void)
{
	if (progress_is_seen())
		fprintf(stderr, "\r\033[K");
}
