/* Whole conversations with a launcher; each prints what came of it. */
#ifndef TESTS_ATTACK_HOSTILE_TALK_H
#define TESTS_ATTACK_HOSTILE_TALK_H

void hostile_talk_tenants(void);
void hostile_talk_come_and_go(void);
void hostile_talk_noise(void);

#endif
