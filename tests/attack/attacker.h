/*
 * The hostile program of the attack suite: one row a function, each of which
 * tries what it must not and prints "what: ok" or "what: <errno>" a line.
 * tests/attack/rows.py holds what the lines must be.
 */
#ifndef TESTS_ATTACK_ATTACKER_H
#define TESTS_ATTACK_ATTACKER_H

struct row {
	const char *name;
	void (*run)(char **argv); /* what follows the name */
};

/* r -1: the errno's name. */
void say(const char *what, long r);

/* A call by number, said by its name. */
void try_call(const char *what, long nr, long a, long b, long c, long d);

/* In a child: "killed by N" if it does not come back. */
void try_child(const char *what, void (*fn)(void));

extern const struct row rows_paths[], rows_creds[], rows_filter[],
    rows_resources[], rows_net[], rows_stress[];

#endif
