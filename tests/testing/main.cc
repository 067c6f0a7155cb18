#include <gmock/gmock.h>

#include "base/cpu.h"
#include "learning/setup.h"

int main(int argc, char** argv) {
  skerry::RequireCpu();
  skerry::learning::FixKernels();
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
