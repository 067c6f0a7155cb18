#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/toml_reader.h"

// Any bytes may be given to the reader of configuration files. Whatever is in them, every key can
// be asked for, the errors name the file, and the same text gives the same answers.
namespace skerry {
namespace {

// All that a program may ask.
std::string Ask(TomlReader& toml) {
  std::string answers = toml.String("s", "default") + "\n" + toml.String("t.s") + "\n";
  answers += std::to_string(toml.Integer("i", 1)) + " " + std::to_string(toml.Number("n", 2.0));
  answers += toml.Boolean("b", true) ? " yes " : " no ";
  answers += std::to_string(toml.Time("d", 1s).count()) + "\n";
  for (const std::string& text : toml.Strings("ss", std::vector<std::string>{})) answers += text;
  for (const int64_t number : toml.Integers("t.is", std::vector<int64_t>{})) {
    answers += std::to_string(number);
  }
  for (const std::string& name : toml.Keys("t.k")) {
    answers += name + "=" + toml.String("t.k." + name, "") + "\n";
  }
  if (toml.IsString("all") && toml.Has("all")) toml.Fail("all", "is a string");
  return answers + toml.Finish().ToString();
}

void Run(const std::string& text) {
  Result<TomlReader> toml = TomlReader::Parse(text, "fuzz.toml");
  if (!toml.ok()) {
    SKERRY_CHECK(toml.status().code() == Code::kInvalidArgument);
    SKERRY_CHECK(toml.status().message().starts_with("fuzz.toml:"));
    return;
  }
  Result<TomlReader> again = TomlReader::Parse(text, "fuzz.toml");
  SKERRY_CHECK(again.ok());
  SKERRY_CHECK(Ask(*toml) == Ask(*again));
}

}  // namespace
}  // namespace skerry

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, std::size_t size) {
  skerry::Run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
