#include "base/err.h"
#include "messages/aleph.h"
#include "messages/aleph_item.h"
#include "runtime/cli.h"
#include "runtime/message_file.h"

static int
judge(const char *name, const struct aleph_envelope *n, int status,
    const struct problems *problems, struct err *e)
{
	if (status == -1)
		return err_set(e, ERR_INVALID,
		    "%s: %zu thing%s wrong with the message", name,
		    problems->len, problems->len == 1 ? " is" : "s are");
	if (n->signature == SIGNATURE_BAD ||
	    n->signature == SIGNATURE_UNSUPPORTED)
		return err_set(e, ERR_DENIED, "%s: signature: %s", name,
		    n->why);
	return 0;
}

int
message_file_read(struct aleph_program *p, const char *name, const char *data,
    size_t len, int dialect, struct problems *problems, struct err *e)
{
	struct value *root = cli_parse(name, data, len, e);
	struct aleph_envelope n;
	int status;

	if (root == NULL)
		return -1;
	status = aleph_read(p, &n, root, data, len, dialect, problems);
	if (n.present && !n.is_program)
		return err_set(e, ERR_INVALID, "%s: not a PROGRAM", name);
	return judge(name, &n, status, problems, e);
}

int
message_file_read_any(struct aleph_program *p, struct aleph_item *item,
    const char *name, const char *data, size_t len, struct problems *problems,
    struct err *e)
{
	struct value *root = cli_parse(name, data, len, e);
	struct aleph_envelope n;
	int status;

	if (root == NULL)
		return -1;
	status = aleph_read(p, &n, root, data, len, -1, problems);
	if (!n.present || n.is_program)
		return judge(name, &n, status, problems, e);
	status = aleph_item_read(item, &n, root, problems);
	if (status == -1 && problems->len == 0)
		return err_set(e, ERR_INVALID,
		    "%s: not a PROGRAM, a STORE or a FORGET", name);
	return judge(name, &n, status, problems, e) == -1 ? -1 : 1;
}
