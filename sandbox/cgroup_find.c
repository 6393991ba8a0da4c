/* Which directory of cgroupfs is ours, from the text of two files of /proc. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sandbox/cgroup.h"

/* The n-th field of a line, fields being separated by c. */
static bool
field(const char *line, char c, int n, char *out, size_t size)
{
	size_t len;

	for (; n > 0; n--) {
		line += strcspn(line, (char[]){ c, '\n', '\0' });
		if (*line != c)
			return false;
		line++;
	}
	len = strcspn(line, (char[]){ c, '\n', '\0' });
	if (len >= size)
		return false;
	memcpy(out, line, len);
	out[len] = '\0';
	return true;
}

/* True if a comma-separated list holds the word. */
static bool
lists(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (n == len && memcmp(list, word, n) == 0)
			return true;
		if (list[n] == '\0')
			return false;
	}
}

/* "3:cpu,cpuacct:/path": our own path in the hierarchy of a controller. */
static bool
own_path(const char *cgroups, const char *controller, char *out, size_t size)
{
	char names[256];
	const char *line = cgroups;

	for (; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!field(line, ':', 1, names, sizeof(names)) ||
		    !lists(names, controller))
			continue;
		/* The path may hold colons itself: take the rest. */
		line = strchr(strchr(line, ':') + 1, ':') + 1;
		if (strcspn(line, "\n") >= size)
			return false;
		snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
		return true;
	}
	return false;
}

bool
cgroup_find(const char *cgroups, const char *mountinfo, const char *controller,
    char *path, size_t size)
{
	char own[1024], root[1024], point[1024], type[32], options[512];
	const char *line = mountinfo, *rest;
	bool v2 = controller[0] == '\0';

	if (!own_path(cgroups, controller, own, sizeof(own)))
		return false;
	for (; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
		line += *line == '\n';
		rest = strstr(line, " - ");
		if (rest == NULL || rest > line + strcspn(line, "\n") ||
		    !field(line, ' ', 3, root, sizeof(root)) ||
		    !field(line, ' ', 4, point, sizeof(point)) ||
		    !field(rest, ' ', 2, type, sizeof(type)) ||
		    !field(rest, ' ', 4, options, sizeof(options)) ||
		    strcmp(type, v2 ? "cgroup2" : "cgroup") != 0 ||
		    (!v2 && !lists(options, controller)))
			continue;
		/* What is mounted may be a part of the hierarchy. */
		if (!str_is_within(own, root))
			continue;
		rest = strcmp(root, "/") == 0 ? own : own + strlen(root);
		return (size_t)snprintf(path, size, "%s%s", point,
			   strcmp(rest, "/") == 0 ? "" : rest) < size;
	}
	return false;
}
