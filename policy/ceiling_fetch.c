#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "policy/amount.h"
#include "policy/ceiling_reader.h"

/* What follows the scheme of a URL, if it is that one or the one with an s. */
static const char *
after_scheme(const char *url, const char *scheme)
{
	size_t n = strlen(scheme);

	if (strncmp(url, scheme, n) != 0)
		return NULL;
	url += n;
	if (*url == 's')
		url++;
	return strncmp(url, "://", 3) == 0 ? url + 3 : NULL;
}

static bool
is_place(const char *host)
{
	if (host == NULL || *host == '\0' || *host == '/' || *host == ':')
		return false;
	for (const char *p = host; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("?#@\\\"<>^`{|}", *p))
			return false;
	return true;
}

bool
ceiling_fetch_is_url(const char *url)
{
	return is_place(after_scheme(url, "http"));
}

bool
ceiling_fetch_is_feed(const char *url)
{
	const char *host = after_scheme(url, "ws");

	return is_place(host) && strchr(host, '/') != NULL;
}

static void
add_server(const struct ceiling_reader *r, const struct value *v,
    const char *path, char list[][CEILING_FETCH_URL], size_t *have)
{
	size_t n = strlen(v->text);

	if (*have == CEILING_FETCH_SERVERS) {
		ceiling_report(r, "policy:many", v, path, "more than 8");
		return;
	}
	while (n > 0 && v->text[n - 1] == '/')
		n--;
	if (n >= CEILING_FETCH_URL || !ceiling_fetch_is_url(v->text)) {
		ceiling_report(r, "policy:url", v, path,
		    "not an http or https URL of a server");
		return;
	}
	memcpy(list[*have], v->text, n);
	list[(*have)++][n] = '\0';
}

static void
add_aleph(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	add_server(r, v, path, r->c->fetch.aleph, &r->c->fetch.naleph);
}

static void
add_ipfs(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	add_server(r, v, path, r->c->fetch.ipfs, &r->c->fetch.nipfs);
}

static void
add_callback(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	struct ceiling_fetch *f = &r->c->fetch;
	size_t n = strlen(v->text);

	if (f->ncallbacks == CEILING_FETCH_SERVERS)
		ceiling_report(r, "policy:many", v, path, "more than 8");
	else if (n >= CEILING_FETCH_URL || !ceiling_fetch_is_url(v->text) ||
	    strchr(strstr(v->text, "//") + 2, '/') == NULL ||
	    v->text[n - 1] != '/')
		ceiling_report(r, "policy:url", v, path,
		    "not an http or https URL with a slash at its end");
	else
		str_copy(f->callback[f->ncallbacks++], CEILING_FETCH_URL,
		    v->text);
}

static void
read_callbacks(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->fetch.ncallbacks = 0;
	ceiling_each_text(r, v, path, add_callback);
}

void
ceiling_fetch_async(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "callbacks",
	    read_callbacks } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}

/* "." and "..", in each way that they are written. */
static bool
leads_back(const char *path)
{
	size_t dots;

	for (; *path != '\0' && *path != '?'; path++) {
		if (*path != '/')
			continue;
		for (dots = 0; dots < 3; dots++)
			if (path[1] == '.')
				path++;
			else if (strncasecmp(path + 1, "%2e", 3) == 0)
				path += 3;
			else
				break;
		if ((dots == 1 || dots == 2) &&
		    (path[1] == '/' || path[1] == '\0' || path[1] == '?'))
			return true;
	}
	return false;
}

bool
ceiling_fetch_may_call(const struct ceiling_fetch *f, const char *url)
{
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '\\')
			return false;
	for (size_t i = 0; i < f->ncallbacks; i++) {
		size_t n = strlen(f->callback[i]);

		if (strncmp(url, f->callback[i], n) == 0)
			return !leads_back(url + n - 1);
	}
	return false;
}

static void
read_aleph(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->fetch.naleph = 0;
	ceiling_each_text(r, v, path, add_aleph);
}

static void
read_ipfs(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	r->c->fetch.nipfs = 0;
	ceiling_each_text(r, v, path, add_ipfs);
}

static void
read_bytes(const struct ceiling_reader *r, const struct value *v,
    const char *path, uint64_t *bytes)
{
	if (v->kind != VALUE_STRING ||
	    !amount_parse(GRANT_MEMORY, v->text, bytes) || *bytes == 0)
		ceiling_report(r, "policy:amount", v, path,
		    "not a number of bytes with its unit");
}

static void
read_max(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_bytes(r, v, path, &r->c->fetch.file_max);
}

static void
read_cache(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	read_bytes(r, v, path, &r->c->fetch.cache_max);
}

static void
read_feed(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (!ceiling_is_kind(r, v, VALUE_STRING, path))
		return;
	if (!ceiling_fetch_is_feed(v->text) ||
	    !str_copy(r->c->fetch.feed, CEILING_FETCH_URL, v->text))
		ceiling_report(r, "policy:url", v, path,
		    "not a ws or wss URL with a path");
}

static void
read_unverified(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	if (ceiling_is_kind(r, v, VALUE_BOOL, path))
		r->c->fetch.feed_unverified = v->truth;
}

void
ceiling_fetch_read(const struct ceiling_reader *r, const struct value *v,
    const char *path)
{
	static const struct ceiling_row rows[] = { { "aleph", read_aleph },
		{ "ipfs", read_ipfs }, { "max", read_max },
		{ "cache", read_cache }, { "feed", read_feed },
		{ "unverified", read_unverified } };

	ceiling_read_rows(r, v, path, rows, nitems(rows));
}
