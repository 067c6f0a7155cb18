#include <algorithm>
#include <utility>

#include "base/text.h"
#include "client/data/csv_scanner.h"
#include "client/data/naming.h"
#include "client/data/table.h"
#include "client/data/text_table.h"

namespace skerry::client {
namespace {

constexpr std::size_t kNotKept = ~std::size_t{0};

// Turns each doubled quote of a field into one, in place: what was read is not needed any more.
void UndoubleQuotes(std::string& text, CsvField& field) {
  std::size_t to = field.begin;
  for (std::size_t from = field.begin; from < field.begin + field.size; ++from) {
    text[to++] = text[from];
    if (text[from] == '"') ++from;
  }
  field.size = to - field.begin;
  field.doubled = false;
}

Status CheckEncoding(std::string_view text, const std::string& name) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return InvalidArgument(name + " is written in UTF-16").WithHint("save it as UTF-8");
  }
  return OkStatus();
}

Result<std::vector<std::string>> ReadHeader(CsvScanner& scanner, std::string& text,
                                            const std::string& name) {
  if (!scanner.NextRecord()) {
    return InvalidArgument(name + " is empty")
        .WithHint("its first line must hold the names of the columns");
  }
  std::vector<std::string> header;
  for (CsvField field; !field.last;) {
    SKERRY_RETURN_IF_ERROR(scanner.NextField(field));
    if (field.doubled) UndoubleQuotes(text, field);
    header.push_back(text.substr(field.begin, field.size));
  }
  return header;
}

// What else than a wrong name may be behind a column that is not found.
Status CheckSeparators(std::span<const std::string> header, const std::string& name) {
  const bool bare_return = std::any_of(header.begin(), header.end(), [](const std::string& field) {
    return field.find('\r') != std::string::npos;
  });
  if (bare_return) {
    return InvalidArgument(name + ":1: lines end with a carriage return alone")
        .WithHint("save the file with LF or CRLF line ends");
  }
  if (header.size() == 1 && header[0].find_first_of(";\t|") != std::string::npos) {
    return InvalidArgument(name + ":1: the columns are not separated by commas")
        .WithHint("save the file with commas between the fields and points in the numbers");
  }
  return OkStatus();
}

Result<ColumnChoice> ChooseCsvColumns(const DataSource& source, std::span<const std::string> asked,
                                      std::span<const std::string> header,
                                      const std::string& name) {
  Result<ColumnChoice> choice = ChooseColumns(source, asked, header, name);
  if (!choice.ok()) SKERRY_RETURN_IF_ERROR(CheckSeparators(header, name));
  return choice;
}

// No more rows than lines, and no more than fit, with a separator for every field.
std::size_t MostRows(std::string_view text, std::size_t num_fields) {
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return std::min(lines, text.size() / num_fields) + 1;
}

// The rows below the header, as spans into the text.
class RowCollector {
 public:
  RowCollector(std::string& text, const DataSource& source, std::size_t num_fields,
               const ColumnChoice& choice)
      : text_(text),
        missing_(source),
        num_kept_(choice.sources.size()),
        slot_of_field_(num_fields, kNotKept) {
    for (std::size_t i = 0; i < num_kept_; ++i) slot_of_field_[choice.sources[i]] = i;
    const std::size_t most_rows = MostRows(text, num_fields);
    cells_.reserve(most_rows * num_kept_);
    lines_.reserve(most_rows);
  }

  // Reads the record that `scanner` stands at.
  Status Add(CsvScanner& scanner) {
    const std::size_t row_begin = cells_.size();
    cells_.resize(row_begin + num_kept_);
    std::size_t count = 0;
    for (CsvField field; !field.last; ++count) {
      SKERRY_RETURN_IF_ERROR(scanner.NextField(field));
      const std::size_t slot = count < slot_of_field_.size() ? slot_of_field_[count] : kNotKept;
      if (slot == kNotKept) continue;
      if (field.size > CellSpan::kMaxSize) return CellTooLong(scanner.Place());
      cells_[row_begin + slot] = Span(field);
    }
    lines_.push_back(scanner.record_line());
    if (count == slot_of_field_.size()) return OkStatus();
    return InvalidArgument(scanner.Place() + ": the row has " + std::to_string(count) +
                           " fields where the header has " + std::to_string(slot_of_field_.size()))
        .WithHint("put double quotes around a field that holds a comma");
  }

  std::vector<CellSpan>& cells() { return cells_; }
  std::vector<uint64_t>& lines() { return lines_; }

 private:
  CellSpan Span(CsvField& field) {
    if (field.doubled) UndoubleQuotes(text_, field);
    const CellSpan span(field.begin, field.size);
    return missing_.Contains(span.In(text_)) ? CellSpan() : span;
  }

  std::string& text_;
  const MissingValues missing_;
  const std::size_t num_kept_;
  std::vector<std::size_t> slot_of_field_;
  std::vector<CellSpan> cells_;
  std::vector<uint64_t> lines_;  // per row, where it begins
};

}  // namespace

Result<std::unique_ptr<Table>> ReadCsv(std::string text, const std::string& name,
                                       const DataSource& source,
                                       std::span<const std::string> columns) {
  SKERRY_RETURN_IF_ERROR(CheckEncoding(text, name));
  CsvScanner scanner(text, name);
  SKERRY_ASSIGN_OR_RETURN(const auto header, ReadHeader(scanner, text, name));
  SKERRY_ASSIGN_OR_RETURN(ColumnChoice choice, ChooseCsvColumns(source, columns, header, name));
  RowCollector rows(text, source, header.size(), choice);
  while (scanner.NextRecord()) SKERRY_RETURN_IF_ERROR(rows.Add(scanner));
  const std::size_t num_rows = rows.lines().size();
  if (num_rows == 0) {
    return InvalidArgument(name + " has no rows below its header")
        .WithHint("check that the export has finished and the path is right");
  }
  auto place = [name, lines = std::move(rows.lines())](std::size_t row) {
    return name + ":" + std::to_string(lines[row]);
  };
  return std::unique_ptr<Table>(std::make_unique<TextTable>(
      std::move(text), std::move(rows.cells()), num_rows, std::move(choice), std::move(place)));
}

}  // namespace skerry::client
