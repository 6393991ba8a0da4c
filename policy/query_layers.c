#include <stddef.h>
#include <string.h>

#include "base/str.h"
#include "policy/query_layers.h"

/* Names with a blank in front and behind. */
static const struct {
	const char *calls, *layer;
} behind[] = {
	{ " mount umount2 pivot_root open_tree open_tree_attr move_mount fsopen "
	  "fsconfig fsmount fspick mount_setattr chroot setns quotactl "
	  "quotactl_fd acct swapon swapoff vhangup sethostname setdomainname "
	  "lookup_dcookie ",
	    "no capability in any set, the bounding set is empty; Landlock "
	    "forbids mounts" },
	{ " unshare clone clone3 ",
	    "no more user namespaces (max_user_namespaces 0), and no "
	    "capability to make others; pids" },
	{ " init_module finit_module delete_module kexec_load kexec_file_load "
	  "reboot iopl ioperm bpf perf_event_open fanotify_init "
	  "open_by_handle_at syslog settimeofday clock_settime adjtimex "
	  "clock_adjtime mknod mknodat ",
	    "no capability in any set, the bounding set is empty" },
	{ " ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp "
	  "process_madvise process_mrelease kill tkill tgkill "
	  "pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo ",
	    "pid namespace of its own, ids of its own; Landlock scopes" },
	{ " keyctl add_key request_key ",
	    "a session keyring of its own, ids of its own" },
	{ " socket socketpair bind connect listen accept accept4 sendto sendmsg "
	  "sendmmsg recvfrom recvmsg recvmmsg ",
	    "network namespace of its own; nf_tables where it has a way out; "
	    "Landlock's TCP rules where it has no network" },
	{ " shmget shmat shmctl semget semop semctl msgget msgsnd msgrcv msgctl "
	  "mq_open mq_unlink ",
	    "ipc namespace of its own; RLIMIT_MSGQUEUE 0; memory" },
	{ " open openat openat2 creat rename renameat renameat2 link linkat "
	  "symlink symlinkat unlink unlinkat mkdir mkdirat rmdir truncate "
	  "ftruncate stat lstat newfstatat statx access faccessat faccessat2 "
	  "readlink readlinkat execve execveat getdents getdents64 ",
	    "mount namespace of its own: flags of each mount, and Landlock" },
	{ " chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setuid "
	  "setgid setreuid setregid setresuid setresgid setfsuid setfsgid "
	  "setgroups capset ",
	    "no-new-privileges, one id, every mount nosuid" },
	{ " fork vfork ", "pids" },
	{ " brk mmap mremap mlock mlock2 memfd_create shmdt userfaultfd ",
	    "memory, without swap" },
	{ " write writev pwrite64 pwritev pwritev2 sendfile splice "
	  "copy_file_range fallocate ",
	    "sizes of file systems and files, bounds of what is read" },
	{ " setpriority sched_setaffinity sched_setscheduler sched_setparam "
	  "sched_setattr ioprio_set prlimit64 ",
	    "RLIMIT_NICE and RLIMIT_RTPRIO 0; cpu" },
};

const char *
query_layers_behind(const char *call)
{
	char word[64];
	size_t n = strlen(call);

	if (n + 3 > sizeof(word))
		return "nothing";
	word[0] = ' ';
	memcpy(word + 1, call, n);
	memcpy(word + 1 + n, " ", 2);
	for (size_t i = 0; i < nitems(behind); i++)
		if (strstr(behind[i].calls, word) != NULL)
			return behind[i].layer;
	return "nothing";
}
