#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "messages/json.h"
#include "messages/value.h"
#include "tests/unit/edit.h"
#include "tests/unit/unit.h"

struct value *
edit_fixture(const char *name)
{
	char *path = str_printf("%s/tests/fixtures/%s.json",
	    getenv("abs_top_srcdir"), name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct value *v;
	struct err e;
	char *data;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(fd_read_all(fd, 1 << 20, &data, &len, &e), 0);
	v = json_parse(data, len, &e);
	assert_non_null(v);
	close(fd);
	free(data);
	free(path);
	return v;
}

void
edit_drop(struct value *map, const char *key)
{
	for (size_t i = 0; i < map->len; i++)
		if (strcmp(map->key[i], key) == 0) {
			free(map->key[i]);
			value_free(map->item[i]);
			for (; i + 1 < map->len; i++) {
				map->key[i] = map->key[i + 1];
				map->item[i] = map->item[i + 1];
			}
			map->len--;
			return;
		}
}

void
edit_put(struct value *map, const char *key, struct value *v)
{
	edit_drop(map, key);
	value_set(map, key, v);
}

struct value *
edit_at(struct value *root, const char *path)
{
	struct value *v = root;
	char part[64];
	size_t n;

	while (*path != '\0') {
		if (*path == '[') {
			v = v->item[strtoul(path + 1, NULL, 10)];
			path = strchr(path, ']') + 1;
		} else {
			n = strcspn(path, ".[");
			memcpy(part, path, n);
			part[n] = '\0';
			v = (struct value *)(uintptr_t)value_get(v, part);
			assert_non_null(v);
			path += n;
		}
		path += *path == '.';
	}
	return v;
}

struct value *
edit_texts(size_t n)
{
	struct value *v = value_new(VALUE_LIST);

	while (n-- > 0)
		value_add_text(v, "x");
	return v;
}

struct value *
edit_maps(size_t n, const struct value *of)
{
	struct value *v = value_new(VALUE_LIST);

	while (n-- > 0)
		value_add(v, value_copy(of));
	return v;
}

struct value *
edit_entries(size_t n, const char *text)
{
	struct value *v = value_new(VALUE_MAP);
	char key[32];

	while (n-- > 0) {
		snprintf(key, sizeof(key), "k%zu", n);
		value_set_text(v, key, text);
	}
	return v;
}

struct value *
edit_long_text(size_t n)
{
	char *text = malloc(n + 1);
	struct value *v;

	memset(text, 'x', n);
	text[n] = '\0';
	v = value_of_text(text);
	free(text);
	return v;
}

struct value *
edit_map_with(const char *key, struct value *v)
{
	struct value *m = value_new(VALUE_MAP);

	value_set(m, key, v);
	return m;
}
