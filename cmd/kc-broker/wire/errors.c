#include "wire/errors.h"

const char *
kerr_name(int16_t code)
{
	switch ((enum kerr)code) {
#define X(name, value, text) case KERR_##name: return #name;
	KERR_CODES(X)
#undef X
	}
	return "UNKNOWN_ERROR_CODE";
}

const char *
kerr_message(int16_t code)
{
	switch ((enum kerr)code) {
#define X(name, value, text) case KERR_##name: return text;
	KERR_CODES(X)
#undef X
	}
	return "an error code that this broker does not know";
}
