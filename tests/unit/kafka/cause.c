/* cause: librdkafka's log lines (2.0.2, as seen) become causes with remedies. */
#include "kafka/cause.h"

#include "tap.h"

static struct cause
parsed(const char *text)
{
	struct cause c = { 0 };

	cause_parse(&c, text);
	return c;
}

static void
names_a_refused_connection(void)
{
	struct cause c = parsed("localhost:1/bootstrap: Connect to "
		"ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in "
		"state CONNECT, 1 identical error(s) suppressed)");
	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_CONNECT);
	CHECK_STR(c.broker, "localhost:1");
	CHECK_STR(c.why, "connection refused");
	CHECK(!cause_is_final(&c));
	cause_error(&c, &e);
	CHECK_INT(e.code, ERR_TEMPORARY);
	CHECK_STR(e.msg, "cannot reach broker 'localhost:1': connection refused "
		"(is it running? try: kc-broker)");
}

static void
does_not_offer_kc_broker_for_far_hosts(void)
{
	struct cause c = parsed("kafka.example:9092/1: Connect to "
		"ipv4#10.1.2.3:9092 failed: No route to host (after 3ms in state "
		"CONNECT)");
	struct err e = ERR_INIT;

	cause_error(&c, &e);
	CHECK_STR(e.msg, "cannot reach broker 'kafka.example:9092': no route to "
		"host (is it running? is the address right? see --brokers)");
}

static void
names_a_name_without_address(void)
{
	struct cause c = parsed("nohost.invalid:9092/bootstrap: Failed to "
		"resolve 'nohost.invalid:9092': Name or service not known (after "
		"1ms in state CONNECT)");

	CHECK_INT(c.kind, CAUSE_RESOLVE);
	CHECK_STR(c.broker, "nohost.invalid:9092");
	CHECK_STR(c.why, "cannot resolve the name: name or service not known");
	CHECK(!cause_is_final(&c));
}

static void
takes_a_sasl_failure_as_final(void)
{
	struct cause c = parsed("sasl_plaintext://127.0.0.1:9092/bootstrap: SASL "
		"authentication error: Authentication failed: Invalid username or "
		"password (after 2ms in state AUTH_REQ)");
	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_AUTH);
	CHECK_STR(c.broker, "127.0.0.1:9092");
	CHECK_STR(c.why, "SASL authentication error: Authentication failed: "
		"Invalid username or password");
	CHECK(cause_is_final(&c));
	cause_error(&c, &e);
	CHECK_INT(e.code, ERR_REFUSED);
}

static void
takes_an_untrusted_certificate_as_final(void)
{
	struct cause c = parsed("ssl://h:9093/bootstrap: SSL handshake failed: "
		"error:0A000086:SSL routines::certificate verify failed: broker "
		"certificate could not be verified (after 5ms in state "
		"SSL_HANDSHAKE)");
	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_TLS);
	CHECK_STR(c.why, "TLS handshake failed: certificate verify failed: broker "
		"certificate could not be verified");
	CHECK(cause_is_final(&c));
	cause_error(&c, &e);
	CHECK_INT(e.code, ERR_REFUSED);
}

static void
retries_a_cut_handshake(void)
{
	struct cause c = parsed("ssl://127.0.0.1:9092/bootstrap: SSL handshake "
		"failed: error:0A000126:SSL routines::unexpected eof while reading "
		"(after 0ms in state SSL_HANDSHAKE)");
	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_TLS);
	CHECK(!cause_is_final(&c));
	cause_error(&c, &e);
	CHECK_INT(e.code, ERR_TEMPORARY);
}

static void
suspects_tls_behind_a_cut_first_request(void)
{
	struct cause c = parsed("h:9093/bootstrap: Disconnected while requesting "
		"ApiVersion: might be caused by incorrect security.protocol "
		"configuration (connecting to a SSL listener?) (after 1ms in state "
		"APIVERSION_QUERY)");
	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_PROTOCOL);
	CHECK_STR(c.why, "disconnected while requesting ApiVersion");
	cause_error(&c, &e);
	CHECK_INT(e.code, ERR_TEMPORARY);
	CHECK(strstr(e.msg, "security.protocol=ssl") != NULL);
}

static void
suspects_no_tls_behind_tls(void)
{
	struct cause c = parsed("sasl_ssl://h:9093/bootstrap: Disconnected while "
		"requesting ApiVersion: might be caused by incorrect "
		"security.protocol configuration (after 1ms in state "
		"APIVERSION_QUERY)");
	struct err e = ERR_INIT;

	CHECK(c.tls);
	CHECK_STR(c.broker, "h:9093");
	cause_error(&c, &e);
	CHECK(strstr(e.msg, "(is it a broker's port?)") != NULL);
}

static void
leaves_openssls_codes_out(void)
{
	struct cause c = parsed("ssl://h:9093/bootstrap: error:0A000086:SSL "
		"routines::certificate verify failed (after 5ms in state CONNECT)");

	CHECK_INT(c.kind, CAUSE_TLS);
	CHECK_STR(c.why, "certificate verify failed");
}

static void
takes_no_hint_for_a_cause(void)
{
	struct cause c = parsed("127.0.0.1:9092/1: Disconnected: verify that "
		"security.protocol is correctly configured, broker might require "
		"SASL authentication (after 5ms in state UP)");

	struct err e = ERR_INIT;

	CHECK_INT(c.kind, CAUSE_CONNECT);
	CHECK_STR(c.why, "disconnected");
	CHECK(!cause_is_final(&c));
	cause_error(&c, &e);
	CHECK_STR(e.msg, "cannot reach broker '127.0.0.1:9092': disconnected "
		"(is it running? are security.protocol and sasl.* right?)");
}

static void
reads_coordinators_and_ipv6(void)
{
	struct cause c = parsed("GroupCoordinator: [::1]:9092: Connect to "
		"ipv6#[::1]:9092 failed: Connection timed out (after 9ms in state "
		"CONNECT)");

	CHECK_STR(c.broker, "[::1]:9092");
	CHECK_STR(c.why, "connection timed out");
}

static void
keeps_a_line_of_another_shape(void)
{
	struct cause c = parsed("something new");

	CHECK_INT(c.kind, CAUSE_CONNECT);
	CHECK_STR(c.broker, "");
	CHECK_STR(c.why, "something new");
}

int
main(void)
{
	RUN(names_a_refused_connection);
	RUN(does_not_offer_kc_broker_for_far_hosts);
	RUN(names_a_name_without_address);
	RUN(takes_a_sasl_failure_as_final);
	RUN(takes_an_untrusted_certificate_as_final);
	RUN(retries_a_cut_handshake);
	RUN(suspects_tls_behind_a_cut_first_request);
	RUN(suspects_no_tls_behind_tls);
	RUN(leaves_openssls_codes_out);
	RUN(takes_no_hint_for_a_cause);
	RUN(reads_coordinators_and_ipv6);
	RUN(keeps_a_line_of_another_shape);
	return tap_done();
}
