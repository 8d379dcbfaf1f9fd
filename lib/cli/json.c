#include "cli/json.h"

#include <cjson/cJSON.h>

#include "base/base64.h"
#include "base/num.h"
#include "base/utf8.h"
#include "base/xalloc.h"

/* `struct json` is cJSON's own node under our name. */
static cJSON *
node(const struct json *j)
{
	return (cJSON *)(uintptr_t)j;
}

static struct json *
checked(cJSON *item)
{
	return (struct json *)xalloc_check(item);
}

struct json *
json_object(void)
{
	return checked(cJSON_CreateObject());
}

struct json *
json_array(void)
{
	return checked(cJSON_CreateArray());
}

void
json_free(struct json *j)
{
	cJSON_Delete(node(j));
}

void
json_add(struct json *to, const char *name, struct json *child)
{
	cJSON_bool ok = name ? cJSON_AddItemToObject(node(to), name, node(child))
		: cJSON_AddItemToArray(node(to), node(child));

	xalloc_check(ok ? to : NULL);
}

void
json_add_str(struct json *to, const char *name, const char *text)
{
	json_add_text(to, name, slice_str(text));
}

static struct json *
base64_object(struct slice bytes)
{
	struct json *j = json_object();
	struct buf text = BUF_INIT;

	base64_encode(&text, bytes.data, bytes.len);
	json_add(j, "base64", checked(cJSON_CreateString(buf_cstr(&text))));
	buf_release(&text);
	return j;
}

void
json_add_text(struct json *to, const char *name, struct slice text)
{
	char *copy;

	if (slice_is_null(text)) {
		json_add_null(to, name);
		return;
	}
	if (!utf8_is_valid(text.data, text.len) ||
	    (text.len && memchr(text.data, '\0', text.len))) {
		json_add(to, name, base64_object(text));
		return;
	}
	copy = xmemdup0(text.data, text.len);
	json_add(to, name, checked(cJSON_CreateString(copy)));
	free(copy);
}

void
json_add_int(struct json *to, const char *name, int64_t value)
{
	struct buf digits = BUF_INIT;

	/* cJSON's own numbers are doubles. */
	buf_addint(&digits, value);
	json_add(to, name, checked(cJSON_CreateRaw(buf_cstr(&digits))));
	buf_release(&digits);
}

void
json_add_bool(struct json *to, const char *name, bool value)
{
	json_add(to, name, checked(cJSON_CreateBool(value)));
}

void
json_add_null(struct json *to, const char *name)
{
	json_add(to, name, checked(cJSON_CreateNull()));
}

void
json_print(struct buf *out, const struct json *j)
{
	char *text = xalloc_check(cJSON_PrintUnformatted(node(j)));

	buf_addstr(out, text);
	buf_addc(out, '\n');
	cJSON_free(text);
}

/* ---- reading ---------------------------------------------------------------- */

/*
 * cJSON accepts what JSON does not allow, and makes doubles of numbers. So
 * its tree is gone through beside the text: what is in no string is looked
 * at, and each number gets its characters back.
 */
struct reading {
	const char *start, *p, *end;
	struct err *e;
};

static int
fail_at(const struct reading *r, const char *at, const char *why)
{
	return err_set(r->e, ERR_FORMAT, "byte %zu: %s",
		(size_t)(at - r->start) + 1, why);
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ';
}

/* From a quote to the one that closes the string. */
static int
skip_string(struct reading *r)
{
	while (*++r->p != '"') {
		if (is_control(*r->p))
			return fail_at(r, r->p, "control character in a string");
		if (*r->p != '\\')
			continue;
		if (!strncmp(r->p, "\\u0000", 6))
			return fail_at(r, r->p, "\\u0000 in a string");
		r->p++;
	}
	return 0;
}

static size_t
digits(const char *p)
{
	return strspn(p, "0123456789");
}

/* To the next number outside of strings, or to the end. */
static int
find_number(struct reading *r)
{
	for (; r->p < r->end && *r->p != '-' && !digits(r->p); r->p++) {
		if (*r->p == '"') {
			if (skip_string(r))
				return -1;
		} else if (is_control(*r->p) && *r->p != '\t' &&
		    *r->p != '\n' && *r->p != '\r') {
			return fail_at(r, r->p, "control character");
		}
	}
	return 0;
}

/* The length of a number as RFC 8259 has it; 0 = it is none. */
static size_t
number_length(const char *text)
{
	const char *p = text + (*text == '-');

	if (!digits(p))
		return 0;
	p += *p == '0' ? 1 : digits(p);
	if (*p == '.') {
		if (!digits(p + 1))
			return 0;
		p += 1 + digits(p + 1);
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '-' || p[1] == '+');
		if (!digits(p))
			return 0;
		p += digits(p);
	}
	return digits(p) ? 0 : (size_t)(p - text);
}

static int
keep_digits(struct reading *r, cJSON *tree)
{
	size_t len;

	for (cJSON *item = tree->child; item; item = item->next)
		if (keep_digits(r, item))
			return -1;
	if (!cJSON_IsNumber(tree))
		return 0;
	if (find_number(r))
		return -1;
	len = number_length(r->p);
	if (!len)
		return fail_at(r, r->p, "not a number");
	tree->type = cJSON_Raw;
	tree->valuestring = xmemdup0(r->p, len);
	r->p += len;
	return 0;
}

struct json *
json_parse(struct slice text, struct err *e)
{
	/* with the NUL: cJSON looks for it behind the document */
	char *copy = xmemdup0(text.data, text.len);
	struct reading r = { copy, copy, copy + text.len, e };
	const char *stop = copy;
	cJSON *tree = NULL;

	if (!utf8_is_valid(text.data, text.len))
		err_set(e, ERR_FORMAT, "not UTF-8");
	else if (!(tree = cJSON_ParseWithLengthOpts(copy, text.len + 1, &stop, 1)))
		fail_at(&r, stop, *stop ? "not JSON" : "the document is cut short");
	else if (keep_digits(&r, tree) || find_number(&r))
		goto fail;
	free(copy);
	return (struct json *)tree;
fail:
	cJSON_Delete(tree);
	free(copy);
	return NULL;
}

const struct json *
json_get(const struct json *object, const char *name)
{
	return (struct json *)cJSON_GetObjectItemCaseSensitive(node(object), name);
}

const struct json *
json_first(const struct json *j)
{
	return j ? (struct json *)node(j)->child : NULL;
}

const struct json *
json_next(const struct json *j)
{
	return (struct json *)node(j)->next;
}

const char *
json_name(const struct json *j)
{
	return node(j)->string;
}

const char *
json_string(const struct json *j)
{
	return cJSON_GetStringValue(node(j));
}

bool
json_int(const struct json *j, int64_t *out)
{
	struct err ignored = ERR_INIT;

	return cJSON_IsRaw(node(j)) && !num_int(slice_str(node(j)->valuestring),
		INT64_MIN, INT64_MAX, out, &ignored);
}

bool
json_bool(const struct json *j, bool *out)
{
	if (!cJSON_IsBool(node(j)))
		return false;
	*out = cJSON_IsTrue(node(j));
	return true;
}

bool
json_is_null(const struct json *j)
{
	return cJSON_IsNull(node(j));
}

bool
json_is_object(const struct json *j)
{
	return cJSON_IsObject(node(j));
}

bool
json_is_array(const struct json *j)
{
	return cJSON_IsArray(node(j));
}
