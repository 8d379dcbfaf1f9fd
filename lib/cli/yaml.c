#include "cli/yaml.h"

#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "base/xalloc.h"

/* An alias may stand for what holds it, or for much that holds much. */
enum { DEPTH_MAX = 64, NODES_MAX = 100000 };

struct reader {
	struct arena *memory;
	const char *path;
	yaml_document_t doc;
	int nodes;
};

int
yaml_fail(const char *path, int line, struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(e, ERR_USAGE, fmt, ap);
	va_end(ap);
	return err_wrap(e, "'%s' line %d", path, line);
}

bool
yaml_is_nothing(const struct yaml *y)
{
	return y->kind == YAML_TEXT && !*y->text && y->plain;
}

static int
line_of(const yaml_node_t *n)
{
	return (int)n->start_mark.line + 1;
}

static const char *
copy_text(struct reader *r, const yaml_node_t *n, struct err *e)
{
	const char *text = (const char *)n->data.scalar.value;

	if (strlen(text) == n->data.scalar.length)
		return (const char *)arena_copy(r->memory, slice_str(text)).data;
	yaml_fail(r->path, line_of(n), e, "a text holds a NUL byte");
	return NULL;
}

static struct yaml *read_node(struct reader *r, int index, int depth, struct err *e);

static int
read_list(struct reader *r, const yaml_node_t *n, struct yaml *y, int depth,
	struct err *e)
{
	const struct yaml **last = &y->first;

	for (const yaml_node_item_t *i = n->data.sequence.items.start;
	     i < n->data.sequence.items.top; i++, y->n++) {
		struct yaml *item = read_node(r, *i, depth + 1, e);

		if (!item)
			return -1;
		*last = item;
		last = &item->next;
	}
	return 0;
}

static int
read_name(struct reader *r, int index, const struct yaml *map, struct yaml *y,
	struct err *e)
{
	const yaml_node_t *n = yaml_document_get_node(&r->doc, index);

	y->name_line = line_of(n);
	if (n->type != YAML_SCALAR_NODE)
		return yaml_fail(r->path, y->name_line, e, "a name wants to be a text");
	y->name = copy_text(r, n, e);
	if (!y->name)
		return -1;
	if (!*y->name)
		return yaml_fail(r->path, y->name_line, e, "no name before the value");
	for (const struct yaml *o = map->first; o; o = o->next)
		if (!strcmp(o->name, y->name))
			return yaml_fail(r->path, y->name_line, e,
				"'%s' is there twice", y->name);
	return 0;
}

static int
read_map(struct reader *r, const yaml_node_t *n, struct yaml *y, int depth,
	struct err *e)
{
	const struct yaml **last = &y->first;

	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
	     p < n->data.mapping.pairs.top; p++, y->n++) {
		struct yaml *member = read_node(r, p->value, depth + 1, e);

		if (!member || read_name(r, p->key, y, member, e))
			return -1;
		*last = member;
		last = &member->next;
	}
	return 0;
}

static struct yaml *
read_node(struct reader *r, int index, int depth, struct err *e)
{
	const yaml_node_t *n = yaml_document_get_node(&r->doc, index);
	struct yaml *y = arena_alloc(r->memory, sizeof(*y));
	int result = 0;

	y->line = line_of(n);
	if (depth > DEPTH_MAX || ++r->nodes > NODES_MAX) {
		yaml_fail(r->path, y->line, e, "too much, or nested too deep");
		return NULL;
	}
	if (n->type == YAML_SEQUENCE_NODE) {
		y->kind = YAML_LIST;
		result = read_list(r, n, y, depth, e);
	} else if (n->type == YAML_MAPPING_NODE) {
		y->kind = YAML_MAP;
		result = read_map(r, n, y, depth, e);
	} else {
		y->kind = YAML_TEXT;
		y->plain = n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
		y->text = copy_text(r, n, e);
		result = y->text ? 0 : -1;
	}
	return result ? NULL : y;
}

int
yaml_read(struct arena *memory, const char *path, struct slice text,
	const struct yaml **out, struct err *e)
{
	struct reader r = { .memory = memory, .path = path };
	yaml_parser_t parser;
	int result = 0;

	*out = NULL;
	xalloc_check(yaml_parser_initialize(&parser) ? memory : NULL);
	yaml_parser_set_input_string(&parser, text.len ? text.data :
		(const unsigned char *)"", text.len);
	if (!yaml_parser_load(&parser, &r.doc)) {
		result = yaml_fail(path, (int)parser.problem_mark.line + 1, e,
			"%s", parser.problem ? parser.problem : "not YAML");
	} else {
		if (yaml_document_get_root_node(&r.doc)) {
			*out = read_node(&r, 1, 0, e);
			result = *out ? 0 : -1;
		}
		yaml_document_delete(&r.doc);
	}
	yaml_parser_delete(&parser);
	return result;
}
