/*
 * dump - many values of every message in every version, as our writer puts
 * them, one a line: kind, name, version, hex. And the error codes we know.
 * Again.java has Kafka's own classes read them and write them again.
 */
#include "wire/any.h"
#include "wire/errors.h"

enum { VALUES = 40 };

static void
dump(const struct any_message *m, int version, uint64_t *seed)
{
	struct arena a = { 0 };
	struct wire_writer w = { .out = BUF_INIT };
	uint8_t *value = arena_alloc(&a, m->size);

	any_fill(m->type, version, seed, &a, value);
	m->write(&w, (int16_t)version, value);
	if (w.bad)
		abort();
	printf("%s %s %d ", m->kind, m->name, version);
	for (size_t i = 0; i < w.out.len; i++)
		printf("%02x", w.out.data[i]);
	putchar('\n');
	wire_writer_release(&w);
	arena_release(&a);
}

int
main(void)
{
	uint64_t seed = 1;

	for (int code = -1; code < 1000; code++)
		if (strcmp(kerr_name((int16_t)code), "UNKNOWN_ERROR_CODE"))
			printf("error %s %d \n", kerr_name((int16_t)code), code);
	for (size_t i = 0; i < ANY_MESSAGES; i++)
		for (int v = any_messages[i].min; v <= any_messages[i].max; v++)
			for (int n = 0; n < VALUES; n++)
				dump(&any_messages[i], v, &seed);
	return 0;
}
