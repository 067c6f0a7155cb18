#include "client/data/naming.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace skerry::client {
namespace {

constexpr std::size_t kQuotedBytes = 60;
constexpr std::size_t kListedColumns = 20;

bool EqualButForCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

std::string ColumnList(std::span<const std::string> available) {
  std::vector<std::string> names;
  for (const std::string& name : available.first(std::min(available.size(), kListedColumns))) {
    names.push_back(Quoted(name));
  }
  if (available.size() > kListedColumns) names.emplace_back("...");
  return Join(names, ", ");
}

// The name in the source of the column that the run calls `name`.
const std::string& SourceName(const DataSource& source, const std::string& name) {
  const auto renamed = source.rename.find(name);
  return renamed == source.rename.end() ? name : renamed->second;
}

Status MissingColumn(const DataSource& source, const std::string& name,
                     std::span<const std::string> available, const std::string& where) {
  const std::string& wanted = SourceName(source, name);
  std::string message = where + " has no column " + Quoted(wanted);
  if (wanted != name) message += ", which is what agent.toml renames " + Quoted(name) + " to";
  const std::string nearest = NearestOf(wanted, available);
  const std::string at = " under [data." + source.name + "] of agent.toml";
  if (nearest.empty()) {
    return InvalidArgument(message).WithHint("its columns are " + ColumnList(available) +
                                             "; say which one is meant with rename" + at);
  }
  return InvalidArgument(message).WithHint("the nearest is " + Quoted(nearest) +
                                           "; if that is meant, write rename = { " + Quoted(name) +
                                           " = " + Quoted(nearest) + " }" + at);
}

}  // namespace

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string Quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  while (!text.empty()) {
    if (quoted.size() > kQuotedBytes) return quoted + "...\"";
    const std::size_t length = Utf8Length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      quoted += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      if (byte == '"' || byte == '\\') quoted += '\\';
      quoted += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return quoted + "\"";
}

std::string NearestOf(std::string_view name, std::span<const std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (EqualButForCase(name, candidate)) return candidate;
  }
  return NearestName(name, candidates);
}

Result<ColumnChoice> ChooseColumns(const DataSource& source, std::span<const std::string> asked,
                                   std::span<const std::string> available,
                                   const std::string& where) {
  ColumnChoice choice;
  for (const std::string& name : asked) {
    const std::string& wanted = SourceName(source, name);
    const auto found = std::find(available.begin(), available.end(), wanted);
    if (found == available.end()) return MissingColumn(source, name, available, where);
    if (std::find(found + 1, available.end(), wanted) != available.end()) {
      return InvalidArgument(where + " has two columns " + Quoted(wanted))
          .WithHint("give one of them another name in the source");
    }
    const auto index = static_cast<std::size_t>(found - available.begin());
    const auto kept = std::find(choice.sources.begin(), choice.sources.end(), index);
    choice.stored.push_back(static_cast<std::size_t>(kept - choice.sources.begin()));
    if (kept == choice.sources.end()) choice.sources.push_back(index);
    choice.labels.push_back(wanted == name ? name : name + " (here " + wanted + ")");
  }
  return choice;
}

}  // namespace skerry::client
