// The exported model as others read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes_file.h"
#include "deployment.h"
#include "storage/safetensors.h"
#include "testing/status_matchers.h"

namespace skerry::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a simulation leaves is what `skerry model export` writes, byte for byte
// (federation_test.cc).
std::string MakeModel(const Deployment& federation) {
  WriteAll(federation.File("run.toml"), Deployment::RunFile(2));
  const Finished made = federation.Skerry(
      {"simulate", federation.File("run.toml"), "--out", federation.File("out"), "--quiet"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  return federation.File("out/model.safetensors");
}

TEST(ExportedModelTest, PassesTheStrictReader) {
  const Deployment federation({"north", "south"});
  const BytesFile file(ReadAll(MakeModel(federation)));
  ASSERT_OK_AND_ASSIGN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  std::vector<std::string> names;
  for (const learning::TensorSpec& tensor : info.layout.tensors()) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("input.fill", "input.mean", "input.scale", "weight", "bias"));
  EXPECT_EQ(info.metadata.at("format"), "skerry model 1");
}

constexpr const char* kProgram = R"(
import sys
try:
    from safetensors import safe_open
    import numpy
except ImportError as error:
    print(error)
    sys.exit(77)
with safe_open(sys.argv[1], framework="np") as model:
    for name in sorted(model.keys()):
        tensor = model.get_tensor(name)
        assert numpy.isfinite(tensor).all()
        print(name, tensor.dtype, tensor.size)
    print(model.metadata()["format"])
)";

TEST(ExportedModelTest, IsReadByThePythonPackageWhereThatIsInstalled) {
  const Deployment federation({"north", "south"});
  const std::string model = MakeModel(federation);
  WriteAll(federation.File("read.py"), kProgram);
  const Finished read =
      RunToEnd({"/usr/bin/env", "python3", federation.File("read.py"), model}, federation.path());
  if (read.exit_code == 77 || read.exit_code == 127) {
    GTEST_SKIP() << "Python's safetensors and numpy are not installed: " << read.out << read.err;
  }
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_EQ(read.out,
            "bias float32 1\ninput.fill float64 4\ninput.mean float64 4\ninput.scale float64 4\n"
            "weight float32 4\nskerry model 1\n");
}

}  // namespace
}  // namespace skerry::testing
