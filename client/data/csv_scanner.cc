#include "client/data/csv_scanner.h"

#include <algorithm>
#include <utility>

namespace skerry::client {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The first position at or after `from` that holds none of `characters`, or the end.
std::size_t SkipAll(std::string_view text, std::size_t from, std::string_view characters) {
  return std::min(text.find_first_not_of(characters, from), text.size());
}

std::size_t EndOfPlain(std::string_view text, std::size_t from) {
  const char* const end = text.data() + text.size();
  const char* at = text.data() + from;
  while (at != end && *at != ',' && *at != '\n') ++at;
  return static_cast<std::size_t>(at - text.data());
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Sets the field to text[begin, end) without the white space at its ends.
void SetContents(std::string_view text, std::size_t begin, std::size_t end, CsvField& field) {
  while (begin < end && IsSpace(text[begin])) ++begin;
  while (begin < end && IsSpace(text[end - 1])) --end;
  field.begin = begin;
  field.size = end - begin;
}

}  // namespace

CsvScanner::CsvScanner(std::string_view text, std::string name)
    : text_(text),
      name_(std::move(name)),
      position_(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0) {}

bool CsvScanner::NextRecord() {
  for (; position_ < text_.size(); ++position_, ++line_) {
    const std::size_t returned = text_[position_] == '\r' ? 1 : 0;
    const std::size_t next = position_ + returned;
    if (next == text_.size()) return false;
    if (text_[next] != '\n') break;
    position_ = next;
  }
  record_line_ = line_;
  return position_ < text_.size();
}

Status CsvScanner::NextField(CsvField& field) {
  std::size_t begin = position_;
  while (begin < text_.size() && (text_[begin] == ' ' || text_[begin] == '\t')) ++begin;
  if (begin < text_.size() && text_[begin] == '"') return NextQuoted(begin, field);
  const std::size_t end = EndOfPlain(text_, begin);
  field.doubled = false;
  SetContents(text_, begin, end, field);
  EndField(end, field);
  return OkStatus();
}

Status CsvScanner::NextQuoted(std::size_t open, CsvField& field) {
  field.doubled = false;
  std::size_t close = text_.find('"', open + 1);
  while (close != std::string_view::npos && close + 1 < text_.size() && text_[close + 1] == '"') {
    field.doubled = true;
    close = text_.find('"', close + 2);
  }
  if (close == std::string_view::npos) {
    return InvalidArgument(PlaceOf(line_) + ": a quote opens here and never closes")
        .WithHint("close the field with a double quote; inside it a quote is written twice");
  }
  SetContents(text_, open + 1, close, field);
  line_ +=
      static_cast<uint64_t>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(open),
                                       text_.begin() + static_cast<std::ptrdiff_t>(close), '\n'));
  const std::size_t end = SkipAll(text_, close + 1, " \t\r");
  if (end < text_.size() && text_[end] != ',' && text_[end] != '\n') {
    return InvalidArgument(PlaceOf(line_) + ": text follows a closing quote")
        .WithHint("inside a quoted field a quote is written twice");
  }
  EndField(end, field);
  return OkStatus();
}

void CsvScanner::EndField(std::size_t end, CsvField& field) {
  field.last = end == text_.size() || text_[end] == '\n';
  if (end < text_.size() && field.last) ++line_;
  position_ = std::min(end + 1, text_.size());
}

std::string CsvScanner::PlaceOf(uint64_t line) const { return name_ + ":" + std::to_string(line); }

}  // namespace skerry::client
