/*
 * The argument rules of groups.c, one row each: group, when, call, number of
 * conditions, conditions (all must hold), answer.  Included there and nowhere
 * else.
 */
{ GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x1002) }, ALLOW }, /* SET_FS */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x1003) },
	    ALLOW }, /* GET_FS */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x1004) },
	    ALLOW }, /* GET_GS */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x1021) },
	    ALLOW }, /* GET_XCOMP_SUPP */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x1022) },
	    ALLOW }, /* GET_XCOMP_PERM */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x3001) },
	    ALLOW }, /* CET_STATUS */
    { GROUPS_LIFE, ALWAYS, "arch_prctl", 1, { EQ(0, 0x5005) },
	    ALLOW }, /* SHSTK_STATUS */

    /* Write and execute never meet. */
    { GROUPS_MEM, WX_DENY, "mmap", 1, { ALL(2, PROT_WX) }, FAIL(EPERM) },
    { GROUPS_MEM, WX_DENY, "mprotect", 1, { ALL(2, PROT_X) }, FAIL(EPERM) },
    { GROUPS_MEM, WX_DENY, "pkey_mprotect", 1, { ALL(2, PROT_X) },
	    FAIL(EPERM) },
    { GROUPS_INFO, WX_DENY, "memfd_create", 1, { CLEAR(1, 0x10) }, ALLOW },

    /* Sharing pages with others, and breaking memory. */
    { GROUPS_MEM, ALWAYS, "madvise", 1, { EQ(2, 12) },
	    FAIL(EINVAL) }, /* MERGEABLE */
    { GROUPS_MEM, ALWAYS, "madvise", 1, { EQ(2, 100) },
	    FAIL(EINVAL) }, /* HWPOISON */
    { GROUPS_MEM, ALWAYS, "madvise", 1, { EQ(2, 101) },
	    FAIL(EINVAL) }, /* SOFT_OFFLINE */
    { GROUPS_FILE, ALWAYS, "chmod", 1, { CLEAR(1, SUID_BITS) }, ALLOW },
    { GROUPS_FILE, ALWAYS, "fchmod", 1, { CLEAR(1, SUID_BITS) }, ALLOW },
    { GROUPS_FILE, ALWAYS, "fchmodat", 1, { CLEAR(2, SUID_BITS) }, ALLOW },
    { GROUPS_FILE, ALWAYS, "fchmodat2", 1, { CLEAR(2, SUID_BITS) }, ALLOW },
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 0) }, ALLOW }, /* DUPFD */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1) }, ALLOW }, /* GETFD */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 2) }, ALLOW }, /* SETFD */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 3) }, ALLOW }, /* GETFL */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 4) }, ALLOW }, /* SETFL */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1030) },
	    ALLOW }, /* DUPFD_CLOEXEC */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1031) },
	    ALLOW }, /* SETPIPE_SZ */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1032) },
	    ALLOW }, /* GETPIPE_SZ */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1033) }, ALLOW }, /* ADD_SEALS */
    { GROUPS_FILE, ALWAYS, "fcntl", 1, { EQ(1, 1034) }, ALLOW }, /* GET_SEALS */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 5) }, ALLOW },    /* GETLK */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 6) }, ALLOW },    /* SETLK */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 7) }, ALLOW },    /* SETLKW */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 36) }, ALLOW },   /* OFD_GETLK */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 37) }, ALLOW },   /* OFD_SETLK */
    { GROUPS_LOCK, ALWAYS, "fcntl", 1, { EQ(1, 38) }, ALLOW }, /* OFD_SETLKW */
    { GROUPS_THREAD, ALWAYS, "clone", 1, { CLEAR(0, NEW_NAMESPACES) }, ALLOW },

    /* Its own limits only. */
    { GROUPS_INFO, ALWAYS, "prlimit64", 1, { EQ(0, 0) }, ALLOW },

    /* Asking, not setting. */
    { GROUPS_INFO, ALWAYS, "personality", 1, { EQ(0, 0xffffffff) }, ALLOW },
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 1) },
	    ALLOW }, /* SET_PDEATHSIG */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 2) },
	    ALLOW }, /* GET_PDEATHSIG */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 3) }, ALLOW }, /* GET_DUMPABLE */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 4) }, ALLOW }, /* SET_DUMPABLE */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 15) }, ALLOW }, /* SET_NAME */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 16) }, ALLOW }, /* GET_NAME */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 21) }, ALLOW }, /* GET_SECCOMP */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 23) },
	    ALLOW }, /* CAPBSET_READ */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 29) },
	    ALLOW }, /* SET_TIMERSLACK */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 30) },
	    ALLOW }, /* GET_TIMERSLACK */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 38) },
	    ALLOW }, /* SET_NO_NEW_PRIVS */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 39) },
	    ALLOW }, /* GET_NO_NEW_PRIVS */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 41) },
	    ALLOW }, /* SET_THP_DISABLE */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 42) },
	    ALLOW }, /* GET_THP_DISABLE */
    { GROUPS_INFO, ALWAYS, "prctl", 1, { EQ(0, 0x53564d41) },
	    ALLOW }, /* SET_VMA */
    { GROUPS_INFO, ALWAYS, "prctl", 2, { EQ(0, 47), EQ(1, 1) },
	    ALLOW }, /* CAP_AMBIENT_IS_SET */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x5401) }, ALLOW }, /* TCGETS */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x540f) },
	    ALLOW }, /* TIOCGPGRP */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x5413) },
	    ALLOW }, /* TIOCGWINSZ */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x541b) },
	    ALLOW }, /* FIONREAD */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x5421) }, ALLOW }, /* FIONBIO */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x5450) },
	    ALLOW }, /* FIONCLEX */
    { GROUPS_INFO, ALWAYS, "ioctl", 1, { EQ(1, 0x5451) }, ALLOW }, /* FIOCLEX */

    /* AF_UNIX: stream, datagram, sequenced packets. */
    { GROUPS_SOCKPAIR, ALWAYS, "socketpair", 2,
	    { EQ(0, 1), { 1, SOCK_TYPE, 1 } }, ALLOW },
    { GROUPS_SOCKPAIR, ALWAYS, "socketpair", 2,
	    { EQ(0, 1), { 1, SOCK_TYPE, 2 } }, ALLOW },
    { GROUPS_SOCKPAIR, ALWAYS, "socketpair", 2,
	    { EQ(0, 1), { 1, SOCK_TYPE, 5 } }, ALLOW },
    { GROUPS_SOCKPAIR, ALWAYS, "socketpair", 1, { EQ(0, 1) },
	    FAIL(EPROTONOSUPPORT) },
    { GROUPS_SOCK_LOCAL, ALWAYS, "socket", 2, { EQ(0, 1), { 1, SOCK_TYPE, 1 } },
	    ALLOW },
    { GROUPS_SOCK_LOCAL, ALWAYS, "socket", 2, { EQ(0, 1), { 1, SOCK_TYPE, 2 } },
	    ALLOW },
    { GROUPS_SOCK_LOCAL, ALWAYS, "socket", 2, { EQ(0, 1), { 1, SOCK_TYPE, 5 } },
	    ALLOW },
    { GROUPS_SOCK_LOCAL, ALWAYS, "socket", 1, { EQ(0, 1) },
	    FAIL(EPROTONOSUPPORT) },

    /* AF_INET and AF_INET6: TCP and UDP, no raw and no ping sockets. */
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 1 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 1 }, EQ(2, 6) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 2 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 2 }, EQ(2, 17) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 1, { EQ(0, 2) },
	    FAIL(EPROTONOSUPPORT) },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 1 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 1 }, EQ(2, 6) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 2 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 2 }, EQ(2, 17) }, ALLOW },
    { GROUPS_SOCK_LO, ALWAYS, "socket", 1, { EQ(0, 10) },
	    FAIL(EPROTONOSUPPORT) },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 1 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 1 }, EQ(2, 6) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 2 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 2), { 1, SOCK_TYPE, 2 }, EQ(2, 17) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 1, { EQ(0, 2) },
	    FAIL(EPROTONOSUPPORT) },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 1 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 1 }, EQ(2, 6) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 2 }, EQ(2, 0) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 3,
	    { EQ(0, 10), { 1, SOCK_TYPE, 2 }, EQ(2, 17) }, ALLOW },
    { GROUPS_SOCK_INET, ALWAYS, "socket", 1, { EQ(0, 10) },
	    FAIL(EPROTONOSUPPORT) },
    { GROUPS_NETLINK_ROUTE, ALWAYS, "socket", 3,
	    { EQ(0, 16), { 1, SOCK_TYPE, 2 }, EQ(2, 0) }, ALLOW },
    { GROUPS_NETLINK_ROUTE, ALWAYS, "socket", 3,
	    { EQ(0, 16), { 1, SOCK_TYPE, 3 }, EQ(2, 0) }, ALLOW },
    { GROUPS_NETLINK_ROUTE, ALWAYS, "socket", 1, { EQ(0, 16) },
	    FAIL(EPROTONOSUPPORT) },

    /* SOL_SOCKET; never a filter, a lock on one, or a mark. */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 2) },
	    ALLOW }, /* REUSEADDR */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 4) },
	    ALLOW }, /* ERROR */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 6) },
	    ALLOW }, /* BROADCAST */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 7) },
	    ALLOW }, /* SNDBUF */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 8) },
	    ALLOW }, /* RCVBUF */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 9) },
	    ALLOW }, /* KEEPALIVE */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 13) },
	    ALLOW }, /* LINGER */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 15) },
	    ALLOW }, /* REUSEPORT */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 16) },
	    ALLOW }, /* PASSCRED */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 20) },
	    ALLOW }, /* RCVTIMEO */
    { GROUPS_SOCKPAIR, ALWAYS, "setsockopt", 2, { EQ(1, 1), EQ(2, 21) },
	    ALLOW }, /* SNDTIMEO */

    /* IPPROTO_TCP; never TCP_ULP, TCP_REPAIR or TCP_CONGESTION. */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 1) },
	    ALLOW }, /* NODELAY */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 3) },
	    ALLOW }, /* CORK */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 4) },
	    ALLOW }, /* KEEPIDLE */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 5) },
	    ALLOW }, /* KEEPINTVL */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 6) },
	    ALLOW }, /* KEEPCNT */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 9) },
	    ALLOW }, /* DEFER_ACCEPT */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 12) },
	    ALLOW }, /* QUICKACK */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 18) },
	    ALLOW }, /* USER_TIMEOUT */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 6), EQ(2, 23) },
	    ALLOW }, /* FASTOPEN */

    /* IPPROTO_IP; never the packet filter (64 and up). */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 0), EQ(2, 1) },
	    ALLOW }, /* TOS */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 0), EQ(2, 2) },
	    ALLOW }, /* TTL */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 0), EQ(2, 10) },
	    ALLOW }, /* MTU_DISCOVER */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 0), EQ(2, 11) },
	    ALLOW }, /* RECVERR */

    /* IPPROTO_IPV6. */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 41), EQ(2, 16) },
	    ALLOW }, /* UNICAST_HOPS */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 41), EQ(2, 25) },
	    ALLOW }, /* RECVERR */
    { GROUPS_SOCK_LO, ALWAYS, "setsockopt", 2, { EQ(1, 41), EQ(2, 26) },
	    ALLOW }, /* V6ONLY */
