#include "base/arena.h"

#include <stdalign.h>

#include "tap.h"

static bool
is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void
memory_is_zeroed_and_aligned_also_after_a_reset(void)
{
	struct arena a = { 0 };

	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 700; n++) {
			uint8_t *p = arena_alloc(&a, n);

			if (!CHECK((uintptr_t)p % alignof(max_align_t) == 0) ||
			    !CHECK(is_zero(p, n)))
				break;
			memset(p, 0xaa, n);
		}
		arena_reset(&a);
	}
	arena_release(&a);
}

static void
allocations_do_not_overlap(void)
{
	struct arena a = { 0 };
	uint8_t *p[1000];
	bool ok = true;

	for (int i = 0; i < 1000; i++) {
		p[i] = arena_alloc(&a, (size_t)i % 97 + 1);
		memset(p[i], i & 0xff, (size_t)i % 97 + 1);
	}
	for (int i = 0; i < 1000; i++)
		for (int k = 0; k < i % 97 + 1; k++)
			ok = ok && p[i][k] == (i & 0xff);
	CHECK(ok);
	arena_release(&a);
}

static void
nothing_and_much_can_be_asked_for(void)
{
	struct arena a = { 0 };
	uint8_t *big;

	CHECK(arena_alloc(&a, 0) != NULL);
	CHECK(arena_array(&a, 0, 8) != NULL);
	big = arena_alloc(&a, 3 << 20);
	CHECK(is_zero(big, 3 << 20));
	memset(big, 1, 3 << 20);
	CHECK(is_zero(arena_alloc(&a, 100), 100));
	arena_release(&a);
}

static void
a_reset_keeps_little(void)
{
	struct arena a = { 0 };

	arena_alloc(&a, 100);
	arena_reset(&a);
	CHECK(a.total > 0 && a.total <= 1 << 17);
	arena_alloc(&a, 50 << 20);
	arena_reset(&a);
	CHECK(a.total <= 1 << 17);
	for (int i = 0; i < 5000; i++)
		arena_alloc(&a, 1000);
	arena_reset(&a);
	CHECK(a.total <= 1 << 17);
	arena_release(&a);
	CHECK_INT(a.total, 0);
	arena_reset(&a);
	arena_release(&a);
}

static void
copies_have_a_nul_behind_them(void)
{
	struct arena a = { 0 };
	struct slice s = arena_copy(&a, slice_make("a\0b", 3));
	struct slice empty = arena_copy(&a, slice_make("", 0));

	CHECK(slice_eq(s, slice_make("a\0b", 3)));
	CHECK_INT(((const char *)s.data)[3], 0);
	CHECK(slice_is_null(arena_copy(&a, SLICE_NULL)));
	CHECK(!slice_is_null(empty) && !empty.len);
	CHECK_STR(arena_printf(&a, "%s %05d", "x", 42), "x 00042");
	CHECK_INT(strlen(arena_printf(&a, "%9000d", 1)), 9000);
	arena_release(&a);
}

int
main(void)
{
	RUN(memory_is_zeroed_and_aligned_also_after_a_reset);
	RUN(allocations_do_not_overlap);
	RUN(nothing_and_much_can_be_asked_for);
	RUN(a_reset_keeps_little);
	RUN(copies_have_a_nul_behind_them);
	return tap_done();
}
