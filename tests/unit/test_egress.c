#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "policy/egress.h"
#include "policy/egress_text.h"
#include "tests/unit/unit.h"

static struct egress_net
net(const char *text)
{
	struct egress_net n;

	if (!egress_text_net(text, &n))
		fail_msg("%s", text);
	return n;
}

static struct egress
list(const char *cidr, uint8_t proto, uint16_t first, uint16_t last)
{
	struct egress e = { 0 };
	struct egress_rule r;

	memset(&r, 0, sizeof(r));
	r.net = net(cidr);
	r.proto = proto;
	r.first = first;
	r.last = last;
	assert_true(egress_add(&e, &r));
	return e;
}

static bool
allows(const struct egress *e, const char *host, uint8_t proto, uint16_t port)
{
	struct egress_net n = net(host);

	return egress_allows(e, &n, proto, port);
}

static void
only_what_is_listed_is_reached(void **state)
{
	struct egress e = list("203.0.113.0/28", EGRESS_TCP, 80, 90);

	(void)state;
	assert_true(allows(&e, "203.0.113.1", EGRESS_TCP, 80));
	assert_true(allows(&e, "203.0.113.15", EGRESS_TCP, 90));
	assert_false(allows(&e, "203.0.113.16", EGRESS_TCP, 80));
	assert_false(allows(&e, "203.0.113.1", EGRESS_UDP, 80));
	assert_false(allows(&e, "203.0.113.1", EGRESS_TCP, 79));
	assert_false(allows(&e, "203.0.113.1", EGRESS_TCP, 91));
	assert_false(allows(&e, "::ffff:203.0.113.1", EGRESS_TCP, 80));
}

/* A wide list opens none of these, in any spelling that is an address. */
static void
some_addresses_are_never_reached(void **state)
{
	static const char *const hosts[] = { "169.254.169.254", "169.254.170.2",
		"100.100.100.200", "192.0.0.192", "168.63.129.16", "127.0.0.1",
		"127.8.8.8", "0.0.0.0", "198.18.0.1", "224.0.0.251",
		"255.255.255.255", "240.0.0.1", "::1",
		"::", "::ffff:169.254.169.254", "::169.254.169.254",
		"64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a9fe:a9fe::1",
		"2001::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1",
		"fec0::1", "ff02::1", "fdce:11a0:ce11::1" };
	static const char *const private[] = { "10.0.0.1", "172.16.0.1",
		"172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1",
		"fdff::1" };
	static const char *const public[] = { "172.32.0.1", "9.9.9.9",
		"100.128.0.1", "198.20.0.1", "2001:db8::1", "2606:4700::1" };
	struct egress top, wide = list("0.0.0.0/0", EGRESS_TCP, 1, 65535);
	struct egress wide6 = list("::/0", EGRESS_TCP, 1, 65535);

	(void)state;
	egress_top(&top);
	for (size_t i = 0; i < nitems(hosts); i++) {
		assert_false(allows(&top, hosts[i], EGRESS_TCP, 80));
		assert_false(allows(&wide, hosts[i], EGRESS_TCP, 80));
		assert_false(allows(&wide6, hosts[i], EGRESS_TCP, 80));
	}
	for (size_t i = 0; i < nitems(private); i++) {
		assert_true(allows(&top, private[i], EGRESS_TCP, 80));
		assert_false(allows(&wide, private[i], EGRESS_TCP, 80));
		assert_false(allows(&wide6, private[i], EGRESS_TCP, 80));
	}
	for (size_t i = 0; i < nitems(public); i++)
		assert_true(allows(&wide, public[i], EGRESS_TCP, 80) ||
		    allows(&wide6, public[i], EGRESS_TCP, 80));
}

static void
a_private_network_is_reached_if_it_is_listed(void **state)
{
	struct egress e = list("10.1.2.0/24", EGRESS_TCP, 5432, 5432);
	struct egress around = list("10.0.0.0/7", EGRESS_TCP, 5432, 5432);

	(void)state;
	assert_true(allows(&e, "10.1.2.3", EGRESS_TCP, 5432));
	assert_false(allows(&e, "10.1.3.3", EGRESS_TCP, 5432));
	assert_false(allows(&around, "10.1.2.3", EGRESS_TCP, 5432));
	assert_true(allows(&around, "11.1.2.3", EGRESS_TCP, 5432));
}

static struct egress
random_list(unsigned *seed)
{
	static const char *const nets[] = { "0.0.0.0/0", "8.0.0.0/6",
		"10.0.0.0/7", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3",
		"11.0.0.0/9", "::/0", "fc00::/7", "fd12::/16", "2001:db8::/32",
		"169.254.0.0/15" };
	struct egress e = { 0 };
	struct egress_rule r;
	int n = rand_r(seed) % 5;

	memset(&r, 0, sizeof(r));
	for (int i = 0; i < n; i++) {
		r.net = net(nets[(size_t)rand_r(seed) % nitems(nets)]);
		r.proto = rand_r(seed) % 2 ? EGRESS_TCP : EGRESS_UDP;
		r.first = (uint16_t)(1 + rand_r(seed) % 6);
		r.last = (uint16_t)(r.first + rand_r(seed) % 4);
		assert_true(egress_add(&e, &r));
	}
	return e;
}

/* The meet reaches exactly what both reach. */
static void
meet_reaches_what_both_reach(void **state)
{
	static const char *const hosts[] = { "8.1.1.1", "10.1.2.3", "10.1.9.9",
		"10.9.9.9", "11.1.1.1", "11.200.1.1", "169.254.1.1",
		"169.255.1.1", "fd12::5", "fd13::5", "2001:db8::5", "2606::5",
		"fe80::5" };
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct egress a = random_list(&seed), b = random_list(&seed);
		struct egress m;

		egress_meet(&m, &a, &b);
		assert_null(egress_first_above(&m, &a));
		assert_null(egress_first_above(&m, &b));
		for (size_t h = 0; h < nitems(hosts); h++)
			for (uint16_t port = 1; port < 10; port++)
				assert_int_equal(
				    allows(&m, hosts[h], EGRESS_TCP, port),
				    allows(&a, hosts[h], EGRESS_TCP, port) &&
					allows(&b, hosts[h], EGRESS_TCP, port));
	}
}

static void
a_list_survives_the_wire(void **state)
{
	unsigned seed = 5;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct egress a = random_list(&seed), b;
		buf_auto struct buf w = { 0 };

		egress_put(&w, &a);
		egress_get(&w, &b);
		assert_true(buf_ok(&w));
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.rule, b.rule, a.n * sizeof(a.rule[0]));
	}
}

/* Each field in turn is what egress_add() never makes. */
static void
a_malformed_list_is_refused(void **state)
{
	struct egress good = list("10.1.0.0/16", EGRESS_TCP, 1, 2), bad, out;
	buf_auto struct buf many = { 0 };

	(void)state;
	for (int k = 0; k < 9; k++) {
		buf_auto struct buf w = { 0 };

		bad = good;
		if (k == 0)
			bad.rule[0].net.family = 5;
		else if (k == 1)
			bad.rule[0].net.prefix = 33;
		else if (k == 2)
			bad.rule[0].net.prefix = 12; /* bits past it */
		else if (k == 3)
			bad.rule[0].net.addr[9] = 1;
		else if (k == 4)
			bad.rule[0].proto = 1;
		else if (k == 5)
			bad.rule[0].first = 0;
		else if (k == 6)
			bad.rule[0].last = 0;
		else if (k == 7) { /* twice the same */
			bad.rule[1] = bad.rule[0];
			bad.n = 2;
		} else { /* out of order */
			bad.rule[0].first = bad.rule[0].last = 7;
			bad.rule[1] = good.rule[0];
			bad.n = 2;
		}
		egress_put(&w, &bad);
		egress_get(&w, &out);
		assert_false(buf_ok(&w));
	}
	buf_put_u32(&many, EGRESS_RULES_MAX + 1);
	egress_get(&many, &out);
	assert_false(buf_ok(&many));
}

static void
a_list_has_room_for_so_many(void **state)
{
	struct egress e = { 0 };
	struct egress_rule r;

	(void)state;
	memset(&r, 0, sizeof(r));
	r.net = net("203.0.113.0/24");
	r.proto = EGRESS_TCP;
	for (int i = 0; i < EGRESS_RULES_MAX; i++) {
		r.first = r.last = (uint16_t)(1000 - 2 * i);
		assert_true(egress_add(&e, &r));
	}
	r.first = r.last = 5000;
	assert_false(egress_add(&e, &r));
	/* One that holds them all takes the place of them all. */
	r.first = 1;
	r.last = 65535;
	assert_true(egress_add(&e, &r));
	assert_int_equal(e.n, 1);
}

static void
networks_and_ports_have_one_spelling(void **state)
{
	static const char *const bad_nets[] = { "", "1", "10.0.0.0/33",
		"10.0.0.1/24", "10.0.0.0/08", "010.0.0.1", "0x7f.0.0.1",
		"2130706433", "127.1", "10.0.0.0/", "10.0.0.0/-1", "::/129",
		"2001:db8::1/32", "fe80::1%eth0", "1.2.3.4 ", "a.b.c.d" };
	static const char *const bad_ports[] = { "", "0", "65536", "1-", "-1",
		"2-1", "01", "1-2-3", "http", "0-5", "1 -2" };
	struct egress_net n;
	uint16_t a, b;
	char text[EGRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < nitems(bad_nets); i++)
		if (egress_text_net(bad_nets[i], &n))
			fail_msg("%s", bad_nets[i]);
	for (size_t i = 0; i < nitems(bad_ports); i++)
		if (egress_text_ports(bad_ports[i], &a, &b))
			fail_msg("%s", bad_ports[i]);
	assert_true(egress_text_ports("8000-8100", &a, &b));
	assert_int_equal(a, 8000);
	assert_int_equal(b, 8100);
	n = net("2001:db8::/32");
	egress_net_text(text, &n);
	assert_string_equal(text, "2001:db8::/32");
	n = net("1.2.3.4");
	egress_net_text(text, &n);
	assert_string_equal(text, "1.2.3.4/32");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_listed_is_reached),
		cmocka_unit_test(some_addresses_are_never_reached),
		cmocka_unit_test(a_private_network_is_reached_if_it_is_listed),
		cmocka_unit_test(meet_reaches_what_both_reach),
		cmocka_unit_test(a_list_survives_the_wire),
		cmocka_unit_test(a_malformed_list_is_refused),
		cmocka_unit_test(a_list_has_room_for_so_many),
		cmocka_unit_test(networks_and_ports_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
