#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/config_options.h"
#include "runtime/spawn.h"

#define OPTIONS_MAX (64 << 10)

static bool
is_anything_said(void)
{
	if (access(CONFIG_OPTIONS_FILE, F_OK) == 0 ||
	    access(CONFIG_OPTIONS_DIRECTORY, F_OK) == 0)
		return true;
	for (char **env = environ; env != NULL && *env != NULL; env++)
		if (strncmp(*env, CONFIG_OPTIONS_PREFIX,
			strlen(CONFIG_OPTIONS_PREFIX)) == 0)
			return true;
	return false;
}

int
config_options_read(const char *file, char **data, size_t *len, struct err *e)
{
	char path[PATH_MAX];
	const char *args[] = { path, "config", "options", "--config", file,
		NULL };
	fd_auto int out = memfd_create("options", MFD_CLOEXEC);

	if (file == NULL && !is_anything_said()) {
		*data = str_dup("");
		*len = 0;
		return 0;
	}
	if (file == NULL)
		args[3] = NULL;
	if (out == -1)
		return err_sys(e, "memfd");
	if (spawn_find("cella", path, sizeof(path), e) == -1)
		return -1;
	/* It said why. */
	if (spawn_program(args, -1, out, e) == -1)
		return err_set(e, ERR_INVALID,
		    "the configuration is not taken");
	if (lseek(out, 0, SEEK_SET) == -1)
		return err_sys(e, "configuration");
	return fd_read_all(out, OPTIONS_MAX, data, len, e);
}

const char *
config_options_find(const char *data, size_t len, const char *option)
{
	const char *end = data + len, *value;

	for (; data < end; data = value + strlen(value) + 1) {
		value = data + strlen(data) + 1;
		if (value >= end)
			break;
		if (strcmp(data, option) == 0)
			return value;
	}
	return NULL;
}

bool
config_options_is_domain(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strlen(name) <= 200 &&
	    strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-.") == strlen(name);
}
