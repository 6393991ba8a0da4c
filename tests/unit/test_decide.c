#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "messages/aleph.h"
#include "messages/json.h"
#include "messages/problems.h"
#include "messages/value.h"
#include "messages/yaml.h"
#include "policy/decide.h"
#include "policy/groups.h"
#include "policy/verdict.h"
#include "tests/unit/unit.h"

static struct aleph_program program;

static void
read_program(const char *resources, const char *environment)
{
	static struct problems p;
	struct aleph_envelope n;
	struct err e;
	char *text = str_printf(
	    "{\"type\":\"vm-function\",\"address\":\"0x\",\"time\":1,"
	    "\"allow_amend\":false,\"environment\":{%s},\"resources\":{%s},"
	    "\"code\":{\"encoding\":\"zip\",\"entrypoint\":\"a:b\",\"ref\":"
	    "\"c5e40cd89103d3c57327a514f465b83cd193d1331f307bc5a4c38bfec36ab37d"
	    "\"},\"runtime\":{\"ref\":\"c5e40cd89103d3c57327a514f465b83cd193d1"
	    "331f307bc5a4c38bfec36ab37d\",\"comment\":\"\"},\"on\":{\"http\":"
	    "true}}",
	    environment, resources);
	struct value *v = json_parse(text, strlen(text), &e);

	assert_non_null(v);
	aleph_fini(&program);
	assert_int_equal(
	    aleph_read(&program, &n, v, text, strlen(text), -1, &p), 0);
	free(text);
}

static struct ceiling
ceiling(const char *yaml)
{
	static struct problems p;
	struct ceiling c;
	struct err e;
	struct value *v = yaml_parse(yaml, strlen(yaml), &e);

	assert_non_null(v);
	if (ceiling_read(&c, v, &p) == -1)
		fail_msg("%s: %s", p.item[0].path, p.item[0].text);
	value_free(v);
	return c;
}

static const struct decide_wish none = { .tier = -1 };

static void
what_is_asked_within_the_tier_is_given(void **state)
{
	struct ceiling c;
	struct decision d;
	struct err e;

	(void)state;
	ceiling_default(&c);
	read_program("\"memory\":256,\"vcpus\":2,\"seconds\":10", "");
	assert_int_equal(decide(&program, &c, &none, &d, &e), 0);
	assert_int_equal(d.grant.limit[GRANT_MEMORY], 256 << 20);
	assert_int_equal(d.grant.limit[GRANT_CPU], 200);
	assert_int_equal(d.grant.limit[GRANT_WALL], 10 * CLOCK_SECOND);
	assert_int_equal(d.grant.limit[GRANT_CPU_TIME], 20 * CLOCK_SECOND);
	assert_int_equal(d.origin[GRANT_MEMORY], DECIDE_MESSAGE);
	assert_int_equal(d.origin[GRANT_PIDS], DECIDE_TIER);
	assert_true(grant_within(&d.grant, &c.grant));
}

static void
what_is_above_is_refused_with_rule_and_field(void **state)
{
	struct ceiling c;
	struct decision d;
	struct err e;

	(void)state;
	ceiling_default(&c);
	read_program("\"vcpus\":8", "");
	assert_int_equal(decide(&program, &c, &none, &d, &e), -1);
	assert_int_equal(e.code, ERR_DENIED);
	assert_string_equal(e.text,
	    "resources.vcpus: asked 800 percent, allowed 400 by rule "
	    "limits.cpu of the tier");
	read_program("\"seconds\":301", "");
	assert_int_equal(decide(&program, &c, &none, &d, &e), -1);
	assert_non_null(
	    strstr(e.text, "resources.seconds: asked 301000000000"));
	read_program("", "\"internet\":true");
	assert_int_equal(decide(&program, &c, &none, &d, &e), -1);
	assert_string_equal(e.text,
	    "environment.internet: asked true, allowed loopback by rule "
	    "net.mode of the tier");
	assert_int_equal(decide(&program, &c,
			     &(struct decide_wish){ .tier = GRANT_NETWORKED },
			     &d, &e),
	    -1);
	assert_string_equal(e.text, "tier: asked networked, allowed loopback");
}

#define EGRESS_YAML                                                  \
	"net: {mode: egress, allow: [{cidr: 203.0.113.0/24, proto: " \
	"tcp, ports: [443, 80-90]}]}\n"

/* Who asks is let out, who does not is not, and no tier but one lets out. */
static void
a_way_out_is_asked_for_and_allowed(void **state)
{
	struct ceiling c = ceiling("version: 1\n" EGRESS_YAML);
	struct decide_wish standard = { .tier = GRANT_STANDARD };
	struct decision d;
	struct err e;

	(void)state;
	read_program("", "\"internet\":true");
	assert_int_equal(decide(&program, &c, &none, &d, &e), 0);
	assert_int_equal(d.tier, GRANT_NETWORKED);
	assert_int_equal(d.grant.net, GRANT_NET_EGRESS);
	assert_int_equal(d.grant.egress.n, 2);
	assert_true(d.grant.groups & GROUPS_BIT(GROUPS_SOCK_INET));
	assert_true(grant_within(&d.grant, &c.grant));
	assert_int_equal(decide(&program, &c, &standard, &d, &e), -1);
	assert_string_equal(e.text,
	    "environment.internet: asked true, allowed loopback by rule "
	    "net.mode of the tier");
	read_program("", "");
	for (int t = -1; t < GRANT_TIERS; t++) {
		struct decide_wish w = { .tier = t };

		assert_int_equal(decide(&program, &c, &w, &d, &e), 0);
		assert_true(d.grant.net != GRANT_NET_EGRESS);
		assert_int_equal(d.grant.egress.n, 0);
		assert_false(d.grant.groups & GROUPS_BIT(GROUPS_SOCK_INET));
	}
}

static void
a_default_is_never_refused(void **state)
{
	struct ceiling c = ceiling("version: 1\nlimits: {memory: 16MiB, wall: "
				   "500ms, cpu: 50%}\n");
	struct decision d;
	struct err e;

	(void)state;
	read_program("", "");
	assert_int_equal(decide(&program, &c, &none, &d, &e), 0);
	assert_int_equal(d.grant.limit[GRANT_MEMORY], 16 << 20);
	assert_int_equal(d.grant.limit[GRANT_WALL], CLOCK_SECOND / 2);
	assert_int_equal(d.grant.limit[GRANT_CPU], 50);
	assert_int_equal(d.origin[GRANT_MEMORY], DECIDE_ADMIN);
}

static void
a_clamp_lowers_and_says_so(void **state)
{
	struct ceiling c =
	    ceiling("version: 1\nlimits: {memory: 16MiB}\nclamp: [memory]\n");
	struct decision d;
	struct err e;

	(void)state;
	read_program("\"memory\":128", "");
	assert_int_equal(decide(&program, &c, &none, &d, &e), 0);
	assert_int_equal(d.grant.limit[GRANT_MEMORY], 16 << 20);
	assert_int_equal(d.origin[GRANT_MEMORY], DECIDE_CLAMP);
}

static void
no_message_widens_any_ceiling(void **state)
{
	static const char *const ceilings[] = { "version: 1\n",
		"version: 1\ntier: strict\n",
		"version: 1\nseccomp: {groups: [life, mem], wx: deny}\n",
		"version: 1\nnet: {mode: none}\nlimits: {pids: 4}\n" };
	struct decision d;
	struct err e;

	(void)state;
	for (size_t i = 0; i < nitems(ceilings); i++)
		for (int tier = -1; tier < 2; tier++)
			for (int memory = 1; memory < 5000; memory *= 7) {
				struct ceiling c = ceiling(ceilings[i]);
				char text[64];

				snprintf(text, sizeof(text), "\"memory\":%d",
				    memory);
				read_program(text, "");
				if (decide(&program, &c,
					&(struct decide_wish){ .tier = tier },
					&d, &e) == 0)
					assert_true(
					    grant_within(&d.grant, &c.grant));
			}
}

static void
ungranted_wishes_are_refused_if_the_admin_says_so(void **state)
{
	struct ceiling c = ceiling("version: 1\nrefuse_ungranted: true\n");
	struct decision d;
	struct err e;

	(void)state;
	read_program("", "\"aleph_api\":true");
	assert_int_equal(decide(&program, &c, &none, &d, &e), -1);
	assert_string_equal(e.text,
	    "environment.aleph_api: asked true, not offered by this node, and "
	    "rule refuse_ungranted of the policy file is set");
}

struct bad {
	const char *yaml, *id, *sentence;
};

static size_t unseen;
static const char *seen[64];
static size_t nseen;

static void
check_seen(void *arg, const char *id)
{
	(void)arg;
	for (size_t i = 0; i < nseen; i++)
		if (strcmp(seen[i], id) == 0)
			return;
	print_message("no test provokes %s\n", id);
	unseen++;
}

static const struct bad bad[] = {
	{ "version: 1\nzzz: 1\n", "policy:unknown", "unknown key" },
	{ "version: 1\nnet: 3\n", "policy:type", "an integer, not an object" },
	{ "version: 2\n", "policy:version", "not 1" },
	{ "why: x\n", "policy:version", "missing" },
	{ "version: 1\ntier: wild\n", "policy:tier",
	    "\"wild\" is none of strict, standard, networked" },
	{ "version: 1\nnet: {mode: lan}\n", "policy:net",
	    "none of none, loopback, egress" },
	{ "version: 1\nnet: {mode: egress}\n", "policy:net",
	    "mode egress, and no other, needs a list allow" },
	{ "version: 1\nnet: {allow: []}\n", "policy:net", "mode is missing" },
	{ "version: 1\ntier: networked\n", "policy:net",
	    "missing: tier networked needs to know where to" },
	{ "version: 1\nnet: {mode: egress, allow: [{cidr: "
	  "169.254.0.0/16, proto: tcp, ports: [80]}]}\n",
	    "policy:egress",
	    "never reachable: this host, link-local, metadata, "
	    "multicast and translated networks" },
	{ "version: 1\nnet: {mode: egress, allow: [{cidr: 10.0.0.1/8, "
	  "proto: tcp, ports: [80]}]}\n",
	    "policy:egress",
	    "not a network such as 203.0.113.0/24 or 2001:db8::/32, "
	    "with no bit set past its prefix" },
	{ "version: 1\nnet: {mode: egress, allow: [{cidr: 9.0.0.0/8, "
	  "proto: icmp, ports: [80]}]}\n",
	    "policy:egress",
	    "needs cidr, proto (tcp or udp) and a list of ports, and "
	    "nothing else" },
	{ "version: 1\nnet: {mode: egress, allow: [{cidr: 9.0.0.0/8, "
	  "proto: tcp, ports: [70000]}]}\n",
	    "policy:egress", "not a port or a range such as 8000-8100" },
	{ "version: 1\nnet: {mode: egress, dns: {names: [A.b]}}\n",
	    "policy:dns",
	    "\"A.b\" is neither a domain name in lower case, nor "
	    "*.NAME, nor *" },
	{ "version: 1\nnet: {mode: egress, dns: {servers: "
	  "[9.0.0.0/8]}}\n",
	    "policy:dns", "\"9.0.0.0/8\" is not an address" },
	{ "version: 1\nnet: {mode: egress, dns: {names: ['*']}}\n",
	    "policy:dns", "needs names and servers" },
	{ "version: 1\nseccomp: {groups: [bpf]}\n", "policy:group",
	    "\"bpf\" is no group of system calls" },
	{ "version: 1\naudit: {on_full: maybe}\n", "policy:choice",
	    "neither stop nor drop" },
	{ "version: 1\ncron: {overlap: 3}\n", "policy:choice",
	    "neither skip nor allow" },
	{ "version: 1\nadmission: {host: {memory: 8}}\n", "policy:amount",
	    "not an amount in bytes with its unit" },
	{ "version: 1\nadmission: {sender: {runs: 0}}\n", "policy:amount",
	    "not an amount in count with its unit" },
	{ "version: 1\nadmission: {queue: -1}\n", "policy:amount",
	    "not a number up to 100000" },
	{ "version: 1\ncallers: {rate: 0}\n", "policy:amount",
	    "not a number from 1 to 1000000" },
	{ "version: 1\nexec: maybe\n", "policy:choice",
	    "neither allow nor refuse" },
	{ "version: 1\ncron: {min_period: 60}\n", "policy:amount",
	    "not a time with its unit, of a year at most" },
	{ "version: 1\nfetch: {aleph: [ftp://x]}\n", "policy:url",
	    "not an http or https URL of a server" },
	{ "version: 1\nfetch: {aleph: ['https://u@x']}\n", "policy:url",
	    "not an http or https URL of a server" },
	{ "version: 1\nfetch: {aleph: ['http:///x']}\n", "policy:url",
	    "not an http or https URL of a server" },
	{ "version: 1\nfetch: {aleph: [http://a, http://a, http://a, "
	  "http://a, http://a, http://a, http://a, http://a, http://a]}\n",
	    "policy:many", "more than 8" },
	{ "version: 1\nwarm: {functions: [x]}\n", "policy:digest",
	    "\"x\" is no item hash" },
	{ "version: 1\nasync: {callbacks: ['https://h']}\n", "policy:url",
	    "not an http or https URL with a slash at its end" },
	{ "version: 1\nfetch: {feed: 'https://x/'}\n", "policy:url",
	    "not a ws or wss URL with a path" },
	{ "version: 1\nfetch: {feed: 'wss://x'}\n", "policy:url",
	    "not a ws or wss URL with a path" },
	{ "version: 1\nfetch: {feed: 'wss://x/y?z'}\n", "policy:url",
	    "not a ws or wss URL with a path" },
	{ "version: 1\nfetch: {feed: 'wss://x/', unverified: 1}\n",
	    "policy:type", "an integer, not a boolean" },
	{ "version: 1\nlogs: {total: 1KiB}\n", "policy:amount",
	    "not a number of bytes with its unit, at least 64KiB" },
	{ "version: 1\nfetch: {max: 4}\n", "policy:amount",
	    "not a number of bytes with its unit" },
	{ "version: 1\nseccomp: {wx: maybe}\n", "policy:wx",
	    "neither allow nor deny" },
	{ "version: 1\nlimits: {memory: 128}\n", "policy:amount",
	    "not an amount in bytes with its unit" },
	{ "version: 1\nlimits: {memory: 99999999999GiB}\n", "policy:amount",
	    "not an amount in bytes with its unit" },
	{ "version: 1\nlimits: {memroy: 1MiB}\n", "policy:limit",
	    "no such limit" },
	{ "version: 1\nclamp: [x]\n", "policy:limit", "\"x\" is no limit" },
	{ "version: 1\noptional: [x]\n", "policy:control",
	    "\"x\" is no control" },
	{ "version: 1\nuserns: {nested: allow}\n", "policy:fixed",
	    "always deny" },
	{ "version: 1\nlimits: {swap: 1}\n", "policy:fixed", "always 0" },
	{ "version: 1\nlandlock: {required_abi: 1}\n", "policy:abi",
	    "outside 2..7" },
	{ "version: 1\nlandlock: {optional: [refer]}\n", "policy:control",
	    "\"refer\" is none of truncate, tcp, ioctl_dev, scope, log" },
	{ "version: 1\nimages: {trusted: [x]}\n", "policy:digest",
	    "\"x\" is not a SHA-256 digest" },
};

static void
results_go_where_the_policy_says(void **state)
{
	static const char inside[][64] = { "https://h/in/",
		"https://h/in/x?a=/../", "https://h/in/...",
		"https://h/in/.a/b.", "https://h/in/%2e%2ex" };
	static const char outside[][64] = { "https://h/", "https://h/inn",
		"http://h/in/", "https://h/in/../x", "https://h/in/..",
		"https://h/in/%2E./x", "https://h/in/.%2e?", "https://h/in/./x",
		"https://h/in/a\\..", "https://h/in/a b", "https://h.x/in/",
		"https://h/in/#x", "" };
	struct ceiling_fetch f = { .ncallbacks = 1,
		.callback = { "https://h/in/" } };

	(void)state;
	for (size_t i = 0; i < nitems(inside); i++)
		assert_true(ceiling_fetch_may_call(&f, inside[i]));
	for (size_t i = 0; i < nitems(outside); i++)
		assert_false(ceiling_fetch_may_call(&f, outside[i]));
}

static void
every_mistake_in_a_policy_has_its_sentence(void **state)
{
	static struct problems p;
	struct ceiling c;
	struct err e;
	struct buf many = { 0 };
	struct value *v;

	(void)state;
	for (size_t i = 0; i < nitems(bad); i++) {
		v = yaml_parse(bad[i].yaml, strlen(bad[i].yaml), &e);
		assert_non_null(v);
		assert_int_equal(ceiling_read(&c, v, &p), -1);
		assert_string_equal(p.item[0].id, bad[i].id);
		assert_string_equal(p.item[0].text, bad[i].sentence);
		seen[nseen++] = bad[i].id;
		problems_fini(&p);
		value_free(v);
	}
	buf_add_str(&many, "version: 1\nimages:\n trusted:\n");
	for (int i = 0; i < 65; i++)
		buf_printf(&many, " - '%064d'\n", i);
	v = yaml_parse(many.data, many.len, &e);
	assert_int_equal(ceiling_read(&c, v, &p), -1);
	assert_string_equal(p.item[0].text, "more than 64 trusted images");
	seen[nseen++] = "policy:trusted";
	problems_fini(&p);
	value_free(v);
	buf_fini(&many);
	ceiling_ids(check_seen, NULL);
	assert_int_equal(unseen, 0);
}

static void
the_digest_follows_the_decision(void **state)
{
	struct decision a, b;
	char one[65], two[65];
	struct value *v;
	struct ceiling c;
	struct err e;

	(void)state;
	ceiling_default(&c);
	read_program("\"memory\":128", "");
	assert_int_equal(decide(&program, &c, &none, &a, &e), 0);
	b = a;
	v = decide_document(&a, &c);
	decide_digest(v, one);
	value_free(v);
	v = decide_document(&b, &c);
	decide_digest(v, two);
	value_free(v);
	assert_string_equal(one, two);
	for (size_t i = 0; i < GRANT_LIMITS; i++) {
		b = a;
		b.grant.limit[i]++;
		v = decide_document(&b, &c);
		decide_digest(v, two);
		value_free(v);
		assert_string_not_equal(one, two);
	}
}

static void
verdicts_follow_their_precedence(void **state)
{
	struct verdict_facts f = { .ours_failed = true,
		.not_started = true,
		.over_cpu = true,
		.over_wall = true,
		.over_output = true,
		.over_disk = true,
		.oom_kills = 1,
		.signal = SIGSYS,
		.status = 3 };

	(void)state;
	assert_int_equal(verdict_of(&f), VERDICT_INTERNAL_ERROR);
	f.ours_failed = false;
	assert_int_equal(verdict_of(&f), VERDICT_SETUP_ERROR);
	f.not_started = false;
	assert_int_equal(verdict_of(&f), VERDICT_POLICY_VIOLATION);
	f.signal = SIGKILL;
	assert_int_equal(verdict_of(&f), VERDICT_OOM);
	f.oom_kills = 0;
	assert_int_equal(verdict_of(&f), VERDICT_CPU);
	f.over_cpu = false;
	assert_int_equal(verdict_of(&f), VERDICT_WALL);
	f.over_wall = false;
	assert_int_equal(verdict_of(&f), VERDICT_OUTPUT);
	f.over_output = false;
	assert_int_equal(verdict_of(&f), VERDICT_DISK);
	f.over_disk = false;
	f.signal = SIGXFSZ;
	assert_int_equal(verdict_of(&f), VERDICT_DISK);
	f.signal = SIGKILL;
	assert_int_equal(verdict_of(&f), VERDICT_SIGNAL);
	assert_int_equal(verdict_exit_status(VERDICT_SIGNAL, &f), 137);
	f.signal = 0;
	assert_int_equal(verdict_of(&f), VERDICT_EXIT);
	assert_int_equal(verdict_exit_status(VERDICT_EXIT, &f), 3);
	f.status = 0;
	assert_int_equal(verdict_of(&f), VERDICT_OK);
	assert_int_equal(verdict_exit_status(VERDICT_SETUP_ERROR, &f), 125);
	assert_int_equal(verdict_exit_status(VERDICT_OOM, &f), 137);
}

/* Every section that a policy file may have, at once. */
static void
a_whole_policy_file_is_read(void **state)
{
	static const char text[] =
	    "version: 1\ntier: standard\nwhy: default for paid senders\n"
	    "ceiling: true\nuserns: {range: auto, nested: deny}\n"
	    "net: {mode: loopback}\n"
	    "seccomp:\n  default: enosys\n  groups: [life, mem, io, file]\n"
	    "  wx: allow\n"
	    "landlock: {required_abi: 4, optional: [ioctl_dev, log]}\n"
	    "mounts: {runtime: ro, data: ro, export: {size: 64MiB, "
	    "files: 100}, tmp: {size: 32MiB, exec: deny}, shm: {size: 1MiB}}\n"
	    "limits: {memory: 1GiB, swap: 0, cpu_time: message}\n"
	    "optional: [core_sched, io_max, landlock_tcp]\n";
	static struct problems problems;
	struct ceiling c;
	struct err e;
	struct value *v = yaml_parse(text, sizeof(text) - 1, &e);

	(void)state;
	assert_non_null(v);
	assert_int_equal(ceiling_read(&c, v, &problems), 0);
	value_free(v);
	assert_int_equal(c.grant.limit[GRANT_EXPORT], 64 << 20);
	assert_int_equal(c.grant.limit[GRANT_EXPORT_FILES], 100);
	assert_int_equal(c.grant.limit[GRANT_TMP], 32 << 20);
	assert_int_equal(c.grant.limit[GRANT_SHM], 1 << 20);
	/* The section on Landlock has the last word on its controls. */
	assert_int_equal(c.optional,
	    MACHINE_CONTROL_BIT(MACHINE_CORE_SCHED) |
		MACHINE_CONTROL_BIT(MACHINE_IO_MAX) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_IOCTL) |
		MACHINE_CONTROL_BIT(MACHINE_LANDLOCK_LOG));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_policy_file_is_read),
		cmocka_unit_test(what_is_asked_within_the_tier_is_given),
		cmocka_unit_test(what_is_above_is_refused_with_rule_and_field),
		cmocka_unit_test(a_way_out_is_asked_for_and_allowed),
		cmocka_unit_test(a_default_is_never_refused),
		cmocka_unit_test(a_clamp_lowers_and_says_so),
		cmocka_unit_test(no_message_widens_any_ceiling),
		cmocka_unit_test(
		    ungranted_wishes_are_refused_if_the_admin_says_so),
		cmocka_unit_test(results_go_where_the_policy_says),
		cmocka_unit_test(every_mistake_in_a_policy_has_its_sentence),
		cmocka_unit_test(the_digest_follows_the_decision),
		cmocka_unit_test(verdicts_follow_their_precedence),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	aleph_fini(&program);
	return r;
}
