/* Reads lines "SECONDS EXPRESSION", writes the next time of each, or "never".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/cron.h"

int
main(void)
{
	char line[1024], *text;
	struct cron c;
	struct err e;
	int64_t after, at;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		after = strtoll(line, &text, 10);
		if (*text++ != ' ' || cron_parse(&c, text, &e) == -1)
			printf("refused\n");
		else if (!cron_next(&c, after, &at))
			printf("never\n");
		else
			printf("%" PRId64 "\n", at);
	}
	return 0;
}
