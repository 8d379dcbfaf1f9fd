#include "cli/json.h"

#include <cjson/cJSON.h>

#include "base/base64.h"
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
