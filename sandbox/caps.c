#include <errno.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "base/err.h"
#include "base/str.h"
#include "sandbox/caps.h"

static const cap_value_t kept[] = {
	CAP_SYS_ADMIN,         /* namespaces, mounts */
	CAP_SETUID,            /* id maps of slots */
	CAP_SETGID, CAP_MKNOD, /* the nodes of /dev */
	CAP_CHOWN,             /* cgroup.procs, for the one who starts a task */
	CAP_DAC_OVERRIDE,      /* cgroupfs and images of core's id */
	CAP_FOWNER, CAP_KILL,  /* machines run under ids that are not ours */
	CAP_NET_ADMIN,         /* links and rules, if the ceiling has any */
	CAP_SYS_PTRACE,        /* /proc/<slot>/ns/user */
};

static bool
is_kept(cap_value_t cap, bool rootless)
{
	/* A map that holds the parent's id 0 asks for it: user_namespaces(7).
	 */
	if (rootless && cap == CAP_SETFCAP)
		return true;
	for (size_t i = 0; i < nitems(kept); i++)
		if (kept[i] == cap)
			return true;
	return false;
}

static int
apply(cap_t caps, bool rootless, struct err *e)
{
	cap_flag_value_t has;

	for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++) {
		if (cap_get_flag(caps, cap, CAP_PERMITTED, &has) == -1)
			return err_sys(e, "capabilities");
		if (is_kept(cap, rootless) && has == CAP_SET)
			continue;
		if (cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR) ||
		    cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR) ||
		    cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_CLEAR))
			return err_sys(e, "capabilities");
		/* Needs CAP_SETPCAP, which an ordinary user does not have. */
		if (cap_drop_bound(cap) == -1 && errno != EPERM)
			return err_sys(e, "capabilities: bounding set");
	}
	if (cap_set_proc(caps) == -1)
		return err_sys(e, "capabilities: set");
	return 0;
}

int
caps_drop_for_good(bool rootless, struct err *e)
{
	cap_t caps = cap_get_proc();
	cap_flag_value_t has = CAP_SET;
	int r;

	if (caps == NULL)
		return err_sys(e, "capabilities: get");
	r = apply(caps, rootless, e);
	cap_free(caps);
	if (r == -1)
		return -1;
	caps = cap_get_proc();
	if (caps == NULL ||
	    cap_get_flag(caps, CAP_SYS_MODULE, CAP_PERMITTED, &has) == -1 ||
	    has == CAP_SET)
		r = err_set(e, ERR_SYSTEM, "capabilities: still there");
	if (caps != NULL)
		cap_free(caps);
	return r;
}

int
caps_drop_network(struct err *e)
{
	const cap_value_t cap = CAP_NET_ADMIN;
	cap_t caps = cap_get_proc();
	int r = 0;

	if (caps == NULL)
		return err_sys(e, "capabilities: get");
	if (cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_CLEAR) == -1 ||
	    cap_set_flag(caps, CAP_PERMITTED, 1, &cap, CAP_CLEAR) == -1 ||
	    cap_set_proc(caps) == -1)
		r = err_sys(e, "capabilities: network");
	cap_free(caps);
	return r;
}
