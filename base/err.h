/*
 * An error is a value with words in it: a code for the program, a sentence for
 * the person, and context that is put in front on the way up.  A sentence is
 * "what, on what, why": lower case, no full stop, no function names.  Nothing
 * is allocated.  Whoever stops the propagation prints it, once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
	ERR_INVALID, /* the request is malformed */
	ERR_AUTH,    /* nobody knows who asks, and that matters */
	ERR_DENIED,  /* the request is well formed and policy refuses it */
	ERR_NOT_FOUND,
	ERR_CONFLICT, /* wrong index, already exists */
	ERR_BUSY,     /* a limit is reached; a later try may succeed */
	ERR_QUOTA,    /* the asker has his share; the node has room */
	ERR_TIMEOUT,
	ERR_GUEST,  /* the machine misbehaved, the node did not */
	ERR_SYSTEM, /* the kernel refused; sys holds errno */
};

struct err {
	enum err_code code;
	int sys; /* errno of the failed call, or 0 */
	char text[512];
};

/* All return -1, so that callers can return them. */
int err_set(struct err *, enum err_code, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* Code ERR_SYSTEM and sys = errno; ": " and its words end the sentence. */
int err_sys(struct err *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "context: " in front of the text; code and sys stay. */
int err_in(struct err *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* A short name for a code, as it stands in JSON: "invalid", "denied"... */
const char *err_code_name(enum err_code);

/*
 * For bugs only, never for bad input: prints what was false and where, and
 * aborts.  Always compiled in.
 */
#define invariant(x)                                                  \
	do {                                                          \
		if (!(x))                                             \
			err_invariant_failed(#x, __FILE__, __LINE__); \
	} while (0)

void err_invariant_failed(const char *what, const char *file, int line)
    __attribute__((noreturn));

#endif
