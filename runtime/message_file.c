#include "base/err.h"
#include "messages/aleph.h"
#include "runtime/cli.h"
#include "runtime/message_file.h"

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
	if (status == -1)
		return err_set(e, ERR_INVALID,
		    "%s: %zu thing%s wrong with the message", name,
		    problems->len, problems->len == 1 ? " is" : "s are");
	if (n.signature == SIGNATURE_BAD ||
	    n.signature == SIGNATURE_UNSUPPORTED)
		return err_set(e, ERR_DENIED, "%s: signature: %s", name, n.why);
	return 0;
}
