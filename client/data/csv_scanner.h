#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace skerry::client {

// One field of a CSV record: where its contents stand, without quotes and outer white space.
struct CsvField {
  std::size_t begin = 0;
  std::size_t size = 0;
  bool doubled = false;  // each quote in it is written twice
  bool last = false;     // the record ends after it
};

// Walks over the fields of CSV text (RFC 4180), each byte once:
//
//   text   := [byte-order mark] record*       record := field ("," field)* (LF | CR LF | end)
//   field  := space* (quoted | plain) space*  quoted := '"' (any but '"' | '""')* '"'
//   plain  := what holds no comma and no line feed and does not begin with '"'
//
// A line with nothing on it is no record. For each record: NextRecord(), then NextField() until
// `last`.
class CsvScanner {
 public:
  // `text` must outlive the scanner; what lies before the last field returned may be overwritten.
  // `name` is for messages.
  CsvScanner(std::string_view text, std::string name);

  // Moves to the next record. False when there is none.
  bool NextRecord();
  // INVALID_ARGUMENT with file and line: a quote that never closes, text after a closing quote.
  Status NextField(CsvField& field);

  // Where the record began: the line as editors count, and "icu.csv:17".
  uint64_t record_line() const { return record_line_; }
  std::string Place() const { return PlaceOf(record_line_); }

 private:
  Status NextQuoted(std::size_t open, CsvField& field);
  void EndField(std::size_t end, CsvField& field);
  std::string PlaceOf(uint64_t line) const;

  const std::string_view text_;
  const std::string name_;
  std::size_t position_ = 0;
  uint64_t line_ = 1;
  uint64_t record_line_ = 1;
};

}  // namespace skerry::client
