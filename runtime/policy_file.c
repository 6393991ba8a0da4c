#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "policy/ceiling.h"
#include "runtime/policy_file.h"

#define POLICY_MAX (256 << 10)

int
policy_file_parse(int fd, const char *path, struct ceiling *c,
    struct value **root, struct problems *problems, struct err *e)
{
	char *data;
	size_t len;

	*root = NULL;
	ceiling_default(c);
	if (fd_read_all(fd, POLICY_MAX, &data, &len, e) == -1)
		return err_in(e, "%s", path);
	*root = yaml_parse(data, len, e);
	free(data);
	if (*root == NULL)
		return err_in(e, "%s", path);
	if (ceiling_read(c, *root, problems) == -1)
		return err_set(e, ERR_INVALID, "%s: it is no policy", path);
	return 0;
}

int
policy_file_read(int fd, const char *path, struct ceiling *c,
    struct problems *problems, struct err *e)
{
	value_auto struct value *root = NULL;

	if (fd != -1)
		return policy_file_parse(fd, path, c, &root, problems, e);
	ceiling_default(c);
	return 0;
}
