#include <string.h>

#include "base/control.h"
#include "base/str.h"
#include "messages/item_hash.h"

static const char base58[] =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";

enum item_hash_kind
item_hash_kind(const char *s)
{
	size_t len = strlen(s);

	if (str_is_sha256(s))
		return ITEM_HASH_STORAGE;
	if (strncmp(s, "Qm", 2) == 0 && len >= 44 && len <= 46 &&
	    strspn(s, base58) == len)
		return ITEM_HASH_CIDV0;
	if (strncmp(s, "bafy", 4) == 0 && len == 59 && strspn(s, base32) == len)
		return ITEM_HASH_CIDV1;
	return CONTROL(54) ? ITEM_HASH_NONE : ITEM_HASH_STORAGE;
}
