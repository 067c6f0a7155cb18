#include "client/data/naming.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace skerry::client {
namespace {

constexpr std::size_t kQuotedBytes = 60;
constexpr std::size_t kListedColumns = 20;

unsigned char ByteAt(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// The bytes of the UTF-8 sequence at the beginning of `text` (RFC 3629, no overlong forms, no
// surrogates), or 0 when there is none.
std::size_t Utf8Length(std::string_view text) {
  const unsigned char lead = ByteAt(text, 0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = ByteAt(text, 1);
  const bool too_low = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool too_high = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
  return too_low || too_high ? 0 : length;
}

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

std::string Quoted(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string quoted = "\"";
  while (!text.empty()) {
    if (quoted.size() > kQuotedBytes) return quoted + "...\"";
    const std::size_t length = Utf8Length(text);
    const unsigned char byte = ByteAt(text, 0);
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
