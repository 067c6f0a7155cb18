#include "client/data/declared_column.h"

#include <bit>
#include <cstdint>
#include <utility>

#include "client/data/naming.h"
#include "client/data/number.h"

namespace skerry::client {
namespace {

DeclaredColumn MakeColumn(std::string name, DeclaredColumn::Kind kind,
                          std::vector<std::string> names) {
  DeclaredColumn column;
  column.name = std::move(name);
  column.kind = kind;
  column.names = std::move(names);
  for (std::size_t i = 0; i < column.names.size(); ++i) {
    column.place_of_name.emplace(column.names[i], i);
  }
  return column;
}

template <class Word>
void AppendLittleEndian(Word word, std::string& bytes) {
  for (std::size_t i = 0; i < sizeof(Word); ++i) {
    bytes += static_cast<char>(static_cast<unsigned char>(word >> (8 * i)));
  }
}

Status NotANumber(std::string_view text) {
  std::string hint = "the cell is " + Quoted(text);
  const std::string_view remark = NumberRemark(text);
  if (remark.empty()) {
    hint += "; if that means missing, list it in the source's missing_values in agent.toml";
  } else {
    hint.append("; ").append(remark);
  }
  return InvalidArgument("not a number").WithHint(std::move(hint));
}

Status NotDeclared(const DeclaredColumn& column, std::string_view text) {
  const bool level = column.kind == DeclaredColumn::Kind::kLevel;
  constexpr std::size_t kLookedAt = 64;  // a cell may hold megabytes
  const std::string nearest = NearestOf(text.substr(0, kLookedAt), column.names);
  std::string hint = "the cell is " + Quoted(text);
  if (!nearest.empty()) hint += ", the nearest is " + Quoted(nearest);
  hint += level ? "; mend the cell, or declare the level in categories of the run"
                : "; mend the cell, or declare the class in label_classes of the run";
  return InvalidArgument(level ? "not one of the declared levels"
                               : "not one of the declared classes")
      .WithHint(std::move(hint));
}

}  // namespace

std::vector<DeclaredColumn> DeclaredColumns(const v1::DataSpec& spec) {
  using Kind = DeclaredColumn::Kind;
  std::vector<DeclaredColumn> columns;
  for (const std::string& name : spec.features()) {
    columns.push_back(MakeColumn(name, Kind::kNumber, {}));
  }
  for (const v1::Category& category : spec.categories()) {
    columns.push_back(MakeColumn(category.column(), Kind::kLevel,
                                 {category.levels().begin(), category.levels().end()}));
  }
  if (!spec.event().empty()) columns.push_back(MakeColumn(spec.event(), Kind::kNumber, {}));
  if (spec.label().empty()) return columns;
  columns.push_back(MakeColumn(spec.label(),
                               spec.label_classes().empty() ? Kind::kNumber : Kind::kClass,
                               {spec.label_classes().begin(), spec.label_classes().end()}));
  return columns;
}

Result<double> ValueOf(const DeclaredColumn& column, std::string_view text) {
  if (column.kind == DeclaredColumn::Kind::kNumber) {
    if (const auto number = ParseNumber(text)) return *number;
    return NotANumber(text);
  }
  const auto found = column.place_of_name.find(text);
  if (found == column.place_of_name.end()) return NotDeclared(column, text);
  return static_cast<double>(found->second);
}

void AppendCanonical(const DeclaredColumn& column, double value, std::string& contents) {
  if (column.kind != DeclaredColumn::Kind::kNumber) {
    AppendText(column.names[static_cast<std::size_t>(value)], contents);
    return;
  }
  contents += 'n';
  AppendLittleEndian(std::bit_cast<uint64_t>(value), contents);
}

void AppendMissing(std::string& contents) { contents += 'm'; }

void AppendText(std::string_view text, std::string& contents) {
  contents += 't';
  AppendLittleEndian(static_cast<uint32_t>(text.size()), contents);
  contents += text;
}

}  // namespace skerry::client
