#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "client/data/table.h"
#include "skerry/v1/task.pb.h"

namespace skerry::client {

// A feature, a category or the label of a run, and what its cells may hold.
struct DeclaredColumn {
  enum class Kind : uint8_t { kNumber, kLevel, kClass };

  std::string name;
  Kind kind = Kind::kNumber;
  std::vector<std::string> names;  // the levels or classes, as declared
  std::map<std::string, std::size_t, std::less<>>
      place_of_name;  // the first place of each in `names`
};

// Features, categories, event and label (if there are such) of a run, in this order.
std::vector<DeclaredColumn> DeclaredColumns(const v1::DataSpec& spec);

// The number that `text` stands for: itself, or the place of the level or class. INVALID_ARGUMENT
// when it is none, without a place; the hint holds the text.
Result<double> ValueOf(const DeclaredColumn& column, std::string_view text);

// Appends the one spelling of what a cell means: 'n' and the number's bits (u64le), or 't', the
// size (u32le) and the name.
void AppendCanonical(const DeclaredColumn& column, double value, std::string& contents);
// The same for a missing cell, 'm', and for any text.
void AppendMissing(std::string& contents);
void AppendText(std::string_view text, std::string& contents);

}  // namespace skerry::client
