/*
 * stack.h - what a stack trace says in three words: the exception at the
 * root, its message, and the first frame of the application's own code.
 *
 * Read are the texts of Java (printStackTrace), Python (traceback), Go
 * (panic, debug.Stack, pkg/errors' %+v) and Node. Nothing is guessed: what a
 * text does not show is null.
 */
#ifndef MODEL_STACK_H
#define MODEL_STACK_H

#include "base/arena.h"
#include "base/slice.h"

struct stack {
	struct slice class;   /* of the innermost exception */
	struct slice message; /* its message, the first line */
	/*
	 * Without line number and what changes from build to build:
	 * "com.shop.Billing.charge", "shop/billing.py charge",
	 * "main.(*Billing).Charge", "src/billing.js charge".
	 */
	struct slice frame;
};

/* Borrows from text and arena. */
void stack_read(struct slice text, struct stack *out, struct arena *a);

#endif
