// A module in C that calls a function which no library defines.
#include "rule.h"

int strange(u32 n);

EXPORT("decide") u64 decide(void) {
  end = 0;
  if (strange(1)) return deny();
  return 0;
}
