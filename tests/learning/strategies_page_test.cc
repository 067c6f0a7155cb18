// docs/adding-a-strategy.md shows code that is in the tree.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>
#include <string>

#include "base/files.h"
#include "learning/strategy.h"

namespace skerry::learning {
namespace {

std::string Text(const std::string& path) {
  PosixFiles files;
  return ReadFile(files, std::string(SKERRY_SOURCE_DIR) + "/" + path).value();
}

// "`learning/x.cc`:" or "`learning/x.cc`, in ...:" names the file of the next block.
std::string FileNamedIn(const std::string& line) {
  if (!line.starts_with('`') || !line.ends_with(':')) return "";
  const std::string path = line.substr(1, line.find('`', 1) - 1);
  return path.ends_with(".cc") || path.ends_with(".h") ? path : "";
}

TEST(StrategiesPageTest, TheCodeThatItShowsIsThatOfTheFiles) {
  std::istringstream page(Text("docs/adding-a-strategy.md"));
  std::string line;
  std::string path;
  int blocks = 0;
  while (std::getline(page, line)) {
    if (const std::string named = FileNamedIn(line); !named.empty()) path = named;
    if (line != "```cpp") continue;
    std::string block;
    while (std::getline(page, line) && line != "```") block += line + "\n";
    if (path.empty()) continue;  // of a project outside this tree
    block.pop_back();            // the list of strategies goes on behind its line
    EXPECT_NE(Text(path).find(block), std::string::npos) << path << " has no\n" << block;
    path.clear();
    ++blocks;
  }
  EXPECT_GE(blocks, 6);
}

// "fedavgm" is in fed_avg_m.cc, and tested in fed_avg_m_test.cc.
TEST(StrategiesPageTest, EachStrategyHasAFileAndATestOfItsOwn) {
  const std::filesystem::path source = SKERRY_SOURCE_DIR;
  std::set<std::string> tested;
  for (const auto& file : std::filesystem::directory_iterator(source / "learning/strategies")) {
    std::string name = file.path().stem();
    const auto test = source / "tests/learning" / (name + "_test.cc");
    std::erase(name, '_');
    if (file.path().extension() == ".cc" && std::filesystem::exists(test)) tested.insert(name);
  }
  for (const std::string& name : StrategyNames()) EXPECT_EQ(tested.count(name), 1U) << name;
}

}  // namespace
}  // namespace skerry::learning
