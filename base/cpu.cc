#include "base/cpu.h"

#include <cstdio>
#include <cstdlib>

namespace skerry {

void RequireCpu() {
#if defined(__x86_64__) && defined(__AVX2__)
  __builtin_cpu_init();
  const bool fits = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
                    __builtin_cpu_supports("bmi2") != 0;
  if (!fits) {
    std::fputs(
        "This program is built for x86-64-v3 (AVX2, FMA, BMI2; Intel Haswell, AMD Excavator and "
        "later), and this CPU lacks one of them.\n"
        "hint: build every part of the federation with -DSKERRY_ARCH=x86-64-v2\n",
        stderr);
    std::exit(78);
  }
#endif
}

}  // namespace skerry
