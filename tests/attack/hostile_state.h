/* A core that asks for states that it may not have. */
#ifndef TESTS_ATTACK_HOSTILE_STATE_H
#define TESTS_ATTACK_HOSTILE_STATE_H

struct world;

void hostile_state_nobody(struct world *);
void hostile_state_without(struct world *);
void hostile_state_no_descriptor(struct world *);
void hostile_state_body(struct world *);
void hostile_state_volume(struct world *); /* a link for what is no state */
void hostile_state_below(struct world *);  /* a state in another mount */
void hostile_state_place(struct world *);  /* a volume where states stand */
void hostile_state_etc(struct world *);
void hostile_state_good(struct world *);

#endif
