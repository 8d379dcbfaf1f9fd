#include "base/uuid.h"

#include "tap.h"

static void
text_is_kafkas(void)
{
	struct uuid u = { { 0 } };
	char t[UUID_TEXT];

	CHECK_STR(uuid_text(&u, t), "AAAAAAAAAAAAAAAAAAAAAA");
	CHECK(uuid_is_zero(&u));
	memset(u.b, 0xff, sizeof(u.b));
	CHECK_STR(uuid_text(&u, t), "_____________________w");
	for (int i = 0; i < 16; i++)
		u.b[i] = (uint8_t)i;
	CHECK_STR(uuid_text(&u, t), "AAECAwQFBgcICQoLDA0ODw");
	CHECK(!uuid_is_zero(&u));
}

static void
random_ones_are_version_4_and_differ(void)
{
	struct uuid last = { { 0 } };

	for (int i = 0; i < 2000; i++) {
		struct uuid u = uuid_random();
		char t[UUID_TEXT];

		CHECK_INT(u.b[6] >> 4, 4);
		CHECK_INT(u.b[8] >> 6, 2);
		CHECK(uuid_text(&u, t)[0] != '-');
		CHECK_INT(strlen(t), 22);
		CHECK(!uuid_eq(&u, &last));
		last = u;
	}
}

int
main(void)
{
	RUN(text_is_kafkas);
	RUN(random_ones_are_version_4_and_differ);
	return tap_done();
}
