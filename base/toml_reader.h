#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "base/time.h"

namespace skerry {

// Reads a TOML file key by key and remembers what was asked for: Finish() refuses every key that
// nothing asked for and names the nearest known one. Errors are collected, so that a person sees
// all of them at once, each as "file:line: key: what is wrong". Keys are dotted:
// "training.batch_size". Not thread-safe.
class TomlReader {
 public:
  // INVALID_ARGUMENT with file, line and column when the text is no TOML. `name` is for messages.
  static Result<TomlReader> Parse(std::string_view text, const std::string& name);
  static Result<TomlReader> Load(Files& files, const std::string& path);

  // The table `key` as a file of its own: keys are those within it, errors name them in full. Only
  // one of the two readers may be used. nullopt: there is no such table.
  std::optional<TomlReader> Table(std::string_view key) &&;

  TomlReader(TomlReader&&) noexcept;
  TomlReader& operator=(TomlReader&&) noexcept;
  ~TomlReader();

  bool Has(std::string_view key) const;
  // Each takes the key's value, or `otherwise` when the key is absent; without `otherwise` the key
  // is required. A value of the wrong type is an error and gives an empty one.
  std::string String(std::string_view key, std::optional<std::string> otherwise = std::nullopt);
  int64_t Integer(std::string_view key, std::optional<int64_t> otherwise = std::nullopt);
  double Number(std::string_view key, std::optional<double> otherwise = std::nullopt);
  bool Boolean(std::string_view key, std::optional<bool> otherwise = std::nullopt);
  Duration Time(std::string_view key, std::optional<Duration> otherwise = std::nullopt);
  std::vector<std::string> Strings(
      std::string_view key, std::optional<std::vector<std::string>> otherwise = std::nullopt);
  std::vector<int64_t> Integers(std::string_view key,
                                std::optional<std::vector<int64_t>> otherwise = std::nullopt);
  // Whether the key holds a string (and not a number or a list): for keys such as sites = "all".
  bool IsString(std::string_view key) const;
  // How many tables the list `key` has ([[model.layers]]); 0 when it is absent. The keys of the
  // third are "model.layers.2.units" and so on.
  int64_t NumTables(std::string_view key);
  // The names in the table `key`, in the order of their bytes; none when it is absent.
  std::vector<std::string> Keys(std::string_view key);

  // Another reader reads this key or table: nothing in it is unknown.
  void Skip(std::string_view key);

  // Records an error at the place of `key`, for checks that the caller makes. Nothing when the key
  // is absent though required, or of the wrong type: that is said already.
  void Fail(std::string_view key, std::string_view what, std::string_view hint = {});
  // OK, or INVALID_ARGUMENT with every error found, one a line, and the hint; several hints stand
  // behind their errors instead. Call it last.
  Status Finish();

 private:
  struct State;
  explicit TomlReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace skerry
