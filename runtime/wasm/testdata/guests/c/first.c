// A module in C that caches the e-mail address of the first event.
#include "rule.h"

__attribute__((import_module("tenterhook"), import_name("get_text")))
int get_text(const char *pointer, u32 pointer_len, u8 *buf, u32 cap);

static u8 first[512];
static int first_len = -1;

EXPORT("decide") u64 decide(void) {
  static const char pointer[] = "/data/userProfile/email";
  end = 0;
  if (first_len < 0) first_len = get_text(pointer, sizeof pointer - 1, first, sizeof first);
  if (first_len < 0 || first_len > (int)sizeof first) __builtin_trap();
  put("{\"debugContext\":{\"first\":\"");
  text(first, first_len, 0);
  put("\"}}");
  return answer();
}
