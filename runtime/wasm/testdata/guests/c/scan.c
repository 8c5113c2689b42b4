// The rule in C, by searching the event's text for the names of members. It takes no text with escapes in it: it refuses.
#include "rule.h"

static u8 in[65536];

EXPORT("alloc") u8 *alloc(u32 size) { return size <= sizeof in ? in : 0; }

struct span { const u8 *at; u32 n; };

// member finds the text behind "name": in n bytes.
static struct span member(const u8 *s, u32 n, const char *name, u32 size) {
  struct span found = {0, 0};
  for (u32 i = 0; i + size < n; i++) {
    u32 j = 0;
    while (j < size && s[i + j] == (u8)name[j]) j++;
    if (j < size) continue;
    for (i += size; i < n && s[i] != '"'; i++) if (s[i] != ' ') return found;
    found.at = s + ++i;
    for (; i < n && s[i] != '"'; i++) {
      if (s[i] == '\\') __builtin_trap();
      found.n++;
    }
    return found;
  }
  return found;
}
#define MEMBER(name) member(event, size, "\"" name "\":", sizeof name + 2)

EXPORT("evaluate") u64 evaluate(const u8 *event, u32 size) {
  end = 0;
  struct span email = MEMBER("email"), first = MEMBER("firstName"), last = MEMBER("lastName"), department = MEMBER("department");
  if (blocked(email.at, email.n)) return deny();
  put("{\"commands\":[{\"type\":\"com.okta.user.profile.update\",\"value\":{\"displayName\":\"");
  text(first.at, first.n, 0);
  put(" ");
  text(last.at, last.n, 0);
  put("\",\"department\":\"");
  text(department.at, department.n, 1);
  put("\"}}]}");
  return answer();
}
