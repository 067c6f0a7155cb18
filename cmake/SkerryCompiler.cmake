# One set of flags for every target of ours, on an interface target. Generated and foreign code is
# included as SYSTEM and keeps its own manners.
add_library(skerry_compiler INTERFACE)
target_compile_options(skerry_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # False alarms of g++ 12 in std::string (GCC bug 105329) and, at -O3, in std::variant.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>)

# Same bits on every machine (docs/decisions.md): one instruction set, no contraction of a*b+c, and
# none of the -ffast-math family, which also breaks the checks for NaN.
add_library(skerry_arch INTERFACE)
set_target_properties(skerry_arch PROPERTIES EXPORT_NAME arch)
if(SKERRY_ARCH)
  target_compile_options(skerry_arch INTERFACE -march=${SKERRY_ARCH})
endif()
target_compile_options(skerry_arch INTERFACE -ffp-contract=off)
target_compile_definitions(skerry_arch INTERFACE EIGEN_DONT_PARALLELIZE)

add_library(skerry_hardening INTERFACE)
target_compile_options(skerry_hardening INTERFACE -fstack-protector-strong)
target_compile_definitions(skerry_hardening INTERFACE _GLIBCXX_ASSERTIONS)
if(SKERRY_SANITIZE)
  add_compile_options(-fsanitize=${SKERRY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SKERRY_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  target_compile_definitions(skerry_hardening INTERFACE _FORTIFY_SOURCE=2)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()
