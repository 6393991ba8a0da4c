#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "base/err.h"
#include "base/fd.h"
#include "runtime/front_tls.h"

#define PEM_MAX (1 << 20)
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct front_tls_keys {
	unsigned users;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority;
};

struct front_tls {
	struct front_tls_keys *keys;
	gnutls_session_t session;
	bool ready;
	bool sending; /* a record is on its way, and goes on first */
};

static int
fail(const char *what, int code, struct err *e)
{
	return err_set(e, ERR_INVALID, "TLS: %s: %s", what,
	    gnutls_strerror(code));
}

struct front_tls_keys *
front_tls_load(const char *cert, size_t cert_len, const char *key,
    size_t key_len, struct err *e)
{
	struct front_tls_keys *k = calloc(1, sizeof(*k));
	const gnutls_datum_t c = { (unsigned char *)(uintptr_t)cert,
		(unsigned)cert_len };
	const gnutls_datum_t p = { (unsigned char *)(uintptr_t)key,
		(unsigned)key_len };
	int r;

	invariant(k != NULL && cert_len < UINT_MAX && key_len < UINT_MAX);
	k->users = 1;
	r = gnutls_certificate_allocate_credentials(&k->credentials);
	invariant(r == GNUTLS_E_SUCCESS);
	r = gnutls_certificate_set_x509_key_mem(k->credentials, &c, &p,
	    GNUTLS_X509_FMT_PEM);
	if (r < 0)
		fail("certificate and key", r, e);
	else if ((r = gnutls_priority_init(&k->priority, PRIORITY, NULL)) < 0)
		fail("priorities", r, e);
	else
		return k;
	front_tls_release(k);
	return NULL;
}

struct front_tls_keys *
front_tls_read(int cert, int key, struct err *e)
{
	struct front_tls_keys *k = NULL;
	char *c, *p;
	size_t nc, np;

	if (fd_read_all(cert, PEM_MAX, &c, &nc, e) == -1)
		return NULL;
	if (fd_read_all(key, PEM_MAX, &p, &np, e) == 0) {
		k = front_tls_load(c, nc, p, np, e);
		explicit_bzero(p, np);
		free(p);
	}
	free(c);
	return k;
}

void
front_tls_release(struct front_tls_keys *k)
{
	if (k == NULL || --k->users > 0)
		return;
	if (k->priority != NULL)
		gnutls_priority_deinit(k->priority);
	gnutls_certificate_free_credentials(k->credentials);
	free(k);
}

struct front_tls *
front_tls_open(struct front_tls_keys *k, int fd)
{
	static unsigned char h2[] = "h2", http11[] = "http/1.1";
	static const gnutls_datum_t protocols[] = { { h2, sizeof(h2) - 1 },
		{ http11, sizeof(http11) - 1 } };
	struct front_tls *t = calloc(1, sizeof(*t));

	invariant(t != NULL);
	t->keys = k;
	if (gnutls_init(&t->session,
		GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
		free(t);
		return NULL;
	}
	k->users++;
	if (gnutls_priority_set(t->session, k->priority) < 0 ||
	    gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
		k->credentials) < 0 ||
	    gnutls_alpn_set_protocols(t->session, protocols, 2,
		GNUTLS_ALPN_SERVER_PRECEDENCE) < 0) {
		front_tls_close(t);
		return NULL;
	}
	gnutls_transport_set_int(t->session, fd);
	return t;
}

void
front_tls_close(struct front_tls *t)
{
	if (t == NULL)
		return;
	gnutls_deinit(t->session);
	front_tls_release(t->keys);
	free(t);
}

/* What the library says, as the kernel would. */
static ssize_t
judge(ssize_t r)
{
	if (r >= 0)
		return r;
	/* A warning, or another handshake of TLS 1.3: come again. */
	errno = gnutls_error_is_fatal((int)r) == 0 ? EAGAIN : ECONNRESET;
	return -1;
}

static int
shake(struct front_tls *t)
{
	int r = gnutls_handshake(t->session);

	if (r == GNUTLS_E_SUCCESS)
		t->ready = true;
	else if (gnutls_error_is_fatal(r) != 0)
		(void)gnutls_alert_send_appropriate(t->session, r);
	return (int)judge(r);
}

ssize_t
front_tls_recv(struct front_tls *t, void *data, size_t len)
{
	if (!t->ready && shake(t) == -1)
		return -1;
	return judge(gnutls_record_recv(t->session, data, len));
}

ssize_t
front_tls_send(struct front_tls *t, const void *data, size_t len)
{
	ssize_t r;

	if (!t->ready) {
		errno = EAGAIN;
		return -1;
	}
	/* gnutls_record_send(3): what was interrupted is asked for with NULL.
	 */
	r = t->sending ? gnutls_record_send(t->session, NULL, 0)
		       : gnutls_record_send(t->session, data, len);
	t->sending = r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
	return judge(r);
}

void
front_tls_bye(struct front_tls *t)
{
	if (t->ready)
		(void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
}

bool
front_tls_is_ready(const struct front_tls *t)
{
	return t->ready;
}

bool
front_tls_wants_room(const struct front_tls *t)
{
	return !t->ready && gnutls_record_get_direction(t->session) == 1;
}

bool
front_tls_has_more(const struct front_tls *t)
{
	return t->ready && gnutls_record_check_pending(t->session) > 0;
}
