/*
 * Where a control of docs/threat-model.md is enforced, by its number there.
 * A build made with --enable-leave-out, for the attack suite and nothing else,
 * leaves out the one that the environment variable CELLA_LEAVE_OUT names, so
 * that the suite proves that it would be missed.  In every other build
 * CONTROL() is the constant true, and no trace of this is compiled.
 */
#ifndef BASE_CONTROL_H
#define BASE_CONTROL_H

#ifdef LEAVE_OUT

extern int control_left_out;

#define CONTROL(item) (control_left_out != (item))

#else

#define CONTROL(item) (1)

#endif

#endif
