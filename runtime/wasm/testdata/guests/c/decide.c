// The rule in C, by the members it needs.
#include "rule.h"

__attribute__((import_module("tenterhook"), import_name("get_text")))
int get_text(const char *pointer, u32 pointer_len, u8 *buf, u32 cap);

// member reads a text of at most cap bytes; what is missing, null or longer is empty.
static u32 member(const char *pointer, u32 len, u8 *buf, u32 cap) {
  int n = get_text(pointer, len, buf, cap);
  if (n == -3) __builtin_trap(); // not a text
  return n < 0 || (u32)n > cap ? 0 : (u32)n;
}
#define MEMBER(name, buf) member("/data/userProfile/" name, sizeof "/data/userProfile/" name - 1, buf, sizeof buf)

EXPORT("decide") u64 decide(void) {
  end = 0;
  static u8 a[512], b[512];
  u32 n = MEMBER("email", a);
  if (blocked(a, n)) return deny();
  put("{\"commands\":[{\"type\":\"com.okta.user.profile.update\",\"value\":{\"displayName\":\"");
  n = MEMBER("firstName", a);
  text(a, n, 0);
  put(" ");
  n = MEMBER("lastName", b);
  text(b, n, 0);
  put("\",\"department\":\"");
  n = MEMBER("department", a);
  text(a, n, 1);
  put("\"}}]}");
  return answer();
}
