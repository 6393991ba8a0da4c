/* Documents for tests, and what is changed in them. */
#ifndef TESTS_UNIT_EDIT_H
#define TESTS_UNIT_EDIT_H

#include <stddef.h>

struct value;

/* tests/fixtures/NAME.json; the caller frees, here and below. */
struct value *edit_fixture(const char *name);

/* A member goes; or another, which is taken over, stands in its place. */
void edit_drop(struct value *map, const char *key);
void edit_put(struct value *map, const char *key, struct value *);

/* The map at a path such as "content.volumes[1].parent": borrowed. */
struct value *edit_at(struct value *root, const char *path);

/* Lists of n texts or maps, maps of n texts, a text of n bytes. */
struct value *edit_texts(size_t n);
struct value *edit_maps(size_t n, const struct value *of);
struct value *edit_entries(size_t n, const char *text);
struct value *edit_long_text(size_t n);

/* One member, which is taken over. */
struct value *edit_map_with(const char *key, struct value *);

#endif
