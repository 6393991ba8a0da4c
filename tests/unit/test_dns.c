#include <string.h>

#include "base/str.h"
#include "messages/dns.h"
#include "policy/ceiling.h"
#include "policy/egress_text.h"
#include "runtime/dns_serve.h"
#include "tests/unit/unit.h"

/* A message is written as text: what stands in bytes, names as their labels. */
struct packet {
	size_t len;
	uint8_t data[1024];
};

static void
add(struct packet *p, const void *data, size_t len)
{
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static void
add16(struct packet *p, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	add(p, b, 2);
}

static void
add_name(struct packet *p, const char *name)
{
	const char *dot;
	uint8_t len;

	for (; *name != '\0'; name = *dot == '.' ? dot + 1 : dot) {
		dot = strchrnul(name, '.');
		len = (uint8_t)(dot - name);
		add(p, &len, 1);
		add(p, name, len);
	}
	add(p, "", 1);
}

static struct packet
head(unsigned id, unsigned flags, unsigned questions, unsigned answers)
{
	struct packet p = { 0 };

	add16(&p, id);
	add16(&p, flags);
	add16(&p, questions);
	add16(&p, answers);
	add16(&p, 0);
	add16(&p, 0);
	return p;
}

static struct packet
question(unsigned id, unsigned flags, unsigned answers, const char *name,
    unsigned type)
{
	struct packet p = head(id, flags, 1, answers);

	add_name(&p, name);
	add16(&p, type);
	add16(&p, 1);
	return p;
}

static void
add_record(struct packet *p, const char *name, unsigned type, const void *data,
    size_t len)
{
	add_name(p, name);
	add16(p, type);
	add16(p, 1);
	add16(p, 0);
	add16(p, 60);
	add16(p, (unsigned)len);
	add(p, data, len);
}

static struct dns_query
ask(const char *name, unsigned type)
{
	struct packet p = question(0x1234, 0x0100, 0, name, type);
	struct dns_query q;

	assert_int_equal(dns_read_query(&q, p.data, p.len), DNS_NO_ERROR);
	return q;
}

static void
a_question_is_read_and_passed_on(void **state)
{
	struct dns_query q = ask("Some-Name_1.Example", DNS_AAAA), again;
	uint8_t out[DNS_MESSAGE_MAX];
	size_t len;

	(void)state;
	assert_string_equal(q.name, "some-name_1.example");
	assert_int_equal(q.type, DNS_AAAA);
	assert_true(q.recursion);
	len = dns_write_question(out, &q, 0x4321);
	assert_int_equal(dns_read_query(&again, out, len), DNS_NO_ERROR);
	assert_int_equal(again.id, 0x4321);
	assert_string_equal(again.name, q.name);
}

static void
a_malformed_question_is_refused(void **state)
{
	struct packet p = question(1, 0x0100, 0, "a.example", DNS_A);
	struct packet two = p, more = p, bad = p, other = p, reply = p;
	struct packet pointer = head(1, 0x0100, 1, 0), endless = pointer;
	struct dns_query q;

	(void)state;
	for (size_t n = 0; n < p.len; n++)
		assert_true(dns_read_query(&q, p.data, n) != DNS_NO_ERROR);
	two.data[5] = 2;
	assert_int_equal(dns_read_query(&q, two.data, two.len),
	    DNS_FORMAT_ERROR);
	more.data[7] = 1;
	assert_int_equal(dns_read_query(&q, more.data, more.len),
	    DNS_FORMAT_ERROR);
	bad.data[13] = ' ';
	assert_int_equal(dns_read_query(&q, bad.data, bad.len),
	    DNS_FORMAT_ERROR);
	bad.data[13] = '.';
	assert_int_equal(dns_read_query(&q, bad.data, bad.len),
	    DNS_FORMAT_ERROR);
	other.data[2] |= 0x10; /* another operation */
	assert_int_equal(dns_read_query(&q, other.data, other.len),
	    DNS_NOT_IMPLEMENTED);
	other = p;
	other.data[p.len - 1] = 3; /* another class */
	assert_int_equal(dns_read_query(&q, other.data, other.len),
	    DNS_NOT_IMPLEMENTED);
	reply.data[2] |= 0x80;
	assert_int_equal(dns_read_query(&q, reply.data, reply.len), -1);
	add(&pointer, "\300\014\0\1\0\1", 6);
	assert_int_equal(dns_read_query(&q, pointer.data, pointer.len),
	    DNS_FORMAT_ERROR);
	for (int i = 0; i < 128; i++)
		add(&endless, "\1a", 2);
	add(&endless, "\0\0\1\0\1", 5);
	assert_int_equal(dns_read_query(&q, endless.data, endless.len),
	    DNS_FORMAT_ERROR);
}

static bool
reads(const struct packet *p, struct dns_addresses *a)
{
	struct dns_query q = ask("a.example", DNS_A);

	return dns_read_reply(a, &q, 9, p->data, p->len);
}

static void
addresses_come_through_aliases(void **state)
{
	struct packet p = question(9, 0x8180, 5, "a.example", DNS_A);
	struct dns_addresses a;

	(void)state;
	add_record(&p, "other.example", DNS_A, "\1\1\1\1", 4); /* not ours */
	add_record(&p, "a.example", 5, "\1b\7example", 11);
	add_record(&p, "a.example", DNS_A, "\2\2\2\2", 4); /* not any more */
	add_record(&p, "b.example", 28, "0123456789abcdef", 16);
	add_record(&p, "b.example", DNS_A, "\3\3\3\3", 4);
	assert_true(reads(&p, &a));
	assert_int_equal(a.code, DNS_NO_ERROR);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl, 60);
	assert_memory_equal(a.addr[0], "\3\3\3\3", 4);
}

static void
what_is_no_answer_to_the_question_is_not_taken(void **state)
{
	struct packet good = question(9, 0x8180, 1, "a.example", DNS_A), p;
	struct packet name = question(9, 0x8180, 0, "b.example", DNS_A);
	struct packet type = question(9, 0x8180, 0, "a.example", 28);
	struct packet none = question(9, 0x8183, 0, "a.example", DNS_A);
	struct packet loop = question(9, 0x8180, 1, "a.example", DNS_A);
	struct packet size = question(9, 0x8180, 1, "a.example", DNS_A);
	struct dns_addresses a;

	(void)state;
	add_record(&good, "a.example", DNS_A, "\3\3\3\3", 4);
	assert_true(reads(&good, &a));
	for (size_t n = 0; n < good.len; n++) {
		p = good;
		p.len = n;
		assert_false(reads(&p, &a));
	}
	p = good;
	p.data[1] ^= 1; /* another id */
	assert_false(reads(&p, &a));
	p = good;
	p.data[2] &= 0x7f; /* a question */
	assert_false(reads(&p, &a));
	assert_false(reads(&name, &a));
	assert_false(reads(&type, &a));
	assert_true(reads(&none, &a));
	assert_int_equal(a.code, DNS_NO_NAME);
	add(&loop, "\300\033\0\1\0\1\0\0\0\0\0\4\1\1\1\1", 16);
	assert_int_equal(loop.data[27], 0300);
	assert_false(reads(&loop, &a)); /* a name that points to itself */
	add_record(&size, "a.example", DNS_A, "\3\3\3", 3);
	assert_false(reads(&size, &a));
}

static void
an_answer_repeats_the_question_and_fits(void **state)
{
	struct dns_query q = ask("A.Example", DNS_A);
	struct dns_addresses a = { .ttl = 5,
		.family = 4,
		.n = DNS_ADDRESSES_MAX },
			     got;
	struct dns_query lower = ask("a.example", DNS_A);
	uint8_t out[DNS_MESSAGE_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < a.n; i++)
		memset(a.addr[i], (int)i + 1, 4);
	len = dns_write_reply(out, &q, DNS_NO_ERROR, &a);
	assert_true(len <= sizeof(out));
	assert_memory_equal(out + 12, "\1A\7Example\0\0\1\0\1", 15);
	assert_true(dns_read_reply(&got, &lower, q.id, out, len));
	assert_int_equal(got.n, a.n);
	assert_int_equal(got.ttl, 5);
	assert_memory_equal(got.addr, a.addr, sizeof(a.addr));
	a.family = 6;
	q = ask("a.example", DNS_AAAA);
	len = dns_write_reply(out, &q, DNS_NO_ERROR, &a);
	assert_true(len <= sizeof(out));
	assert_true(dns_read_reply(&got, &q, q.id, out, len));
	assert_int_equal(got.n, 17); /* as many as 512 bytes hold */
	len = dns_write_reply(out, &q, DNS_REFUSED, NULL);
	assert_true(dns_read_reply(&got, &q, q.id, out, len));
	assert_int_equal(got.code, DNS_REFUSED);
}

static void
only_listed_names_may_be_asked(void **state)
{
	struct ceiling_dns d = { .nnames = 2,
		.name = { "example.org", "*.example.net" } };
	struct ceiling_dns all = { .nnames = 1, .name = { "*" } };

	(void)state;
	assert_true(dns_serve_may_ask(&d, "example.org"));
	assert_true(dns_serve_may_ask(&d, "a.b.example.net"));
	assert_false(dns_serve_may_ask(&d, "a.example.org"));
	assert_false(dns_serve_may_ask(&d, "example.net"));
	assert_false(dns_serve_may_ask(&d, ".example.net"));
	assert_false(dns_serve_may_ask(&d, "badexample.net"));
	assert_false(dns_serve_may_ask(&d, ""));
	assert_true(dns_serve_may_ask(&all, "anything"));
}

static void
addresses_that_are_out_of_reach_are_left_out(void **state)
{
	static const char *const given[] = { "169.254.169.254", "203.0.113.7",
		"10.0.0.1", "203.0.113.9", "127.0.0.1" };
	struct dns_addresses a = { .family = 4, .n = nitems(given) };
	struct egress e = { 0 };
	struct egress_rule r = { .proto = EGRESS_TCP,
		.first = 443,
		.last = 443 };
	struct egress_net n;

	(void)state;
	assert_true(egress_text_net("0.0.0.0/0", &r.net));
	assert_true(egress_add(&e, &r));
	for (size_t i = 0; i < nitems(given); i++) {
		assert_true(egress_text_net(given[i], &n));
		memcpy(a.addr[i], n.addr, 16);
	}
	dns_serve_filter(&a, &e);
	assert_int_equal(a.n, 2);
	assert_memory_equal(a.addr[0], "\313\0\161\7", 4);
	assert_memory_equal(a.addr[1], "\313\0\161\11", 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read_and_passed_on),
		cmocka_unit_test(a_malformed_question_is_refused),
		cmocka_unit_test(addresses_come_through_aliases),
		cmocka_unit_test(
		    what_is_no_answer_to_the_question_is_not_taken),
		cmocka_unit_test(an_answer_repeats_the_question_and_fits),
		cmocka_unit_test(only_listed_names_may_be_asked),
		cmocka_unit_test(addresses_that_are_out_of_reach_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
