#include "client/data/idx.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"
#include "client/data/naming.h"

namespace skerry::client {
namespace {

constexpr int64_t kMaxRowSize = int64_t{1} << 24;  // as many inputs as a model may have
constexpr int64_t kMaxRows = int64_t{1} << 32;
constexpr std::string_view kPixel = "pixel";
constexpr std::string_view kLabel = "label";

Status NotIdx(const std::string& why) {
  return InvalidArgument("it is no IDX file of bytes")
      .WithHint(why +
                "; such a file begins with 00 00 08, the number of sizes, and the sizes; is "
                "it still packed?");
}

int64_t BigEndian(std::string_view bytes) {
  int64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

// An IDX file whose header has been read.
struct IdxFile {
  std::unique_ptr<File> file;
  IdxHeader header;

  static Result<IdxFile> Open(Files& files, const std::string& path) {
    IdxFile idx;
    SKERRY_ASSIGN_OR_RETURN(idx.file, files.Open(path, OpenMode::kRead));
    SKERRY_ASSIGN_OR_RETURN(const uint64_t size, idx.file->Size());
    std::array<char, kMaxIdxHeader> beginning;
    SKERRY_ASSIGN_OR_RETURN(const std::size_t read, idx.file->ReadAt(0, beginning));
    Result<IdxHeader> header = ParseIdxHeader({beginning.data(), read}, size);
    if (!header.ok()) return std::move(header).status().WithContext(path);
    idx.header = *header;
    return idx;
  }

  Status Read(int64_t row, std::span<char> out) const {
    SKERRY_ASSIGN_OR_RETURN(
        const std::size_t read,
        file->ReadAt(static_cast<uint64_t>(header.begin + row * header.row_size), out));
    return read == out.size() ? OkStatus() : DataLoss("the file has become shorter");
  }
};

// The pixel's number, or -1 for the label; nullopt: there is no such column.
std::optional<int64_t> PlaceOf(std::string_view column, int64_t row_size) {
  if (column == kLabel) return -1;
  if (!column.starts_with(kPixel)) return std::nullopt;
  const std::string_view digits = column.substr(kPixel.size());
  int64_t pixel = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pixel);
  const bool whole = error == std::errc() && rest == digits.data() + digits.size();
  if (!whole || pixel < 0 || pixel >= row_size) return std::nullopt;
  if (std::to_string(pixel) != digits) return std::nullopt;  // one name each
  return pixel;
}

class IdxTable final : public Table {
 public:
  struct Contents {
    std::string name;
    std::string pixels;  // of the chosen rows, one after the other
    std::string labels;
    std::vector<int64_t> rows;    // of the file
    std::vector<int64_t> places;  // of each column
    int64_t row_size = 0;
  };

  IdxTable(Contents contents, double divisor) : contents_(std::move(contents)) {
    for (std::size_t byte = 0; byte < texts_.size(); ++byte) {
      labels_[byte] = std::to_string(byte);
      texts_[byte] = FormatExact(static_cast<double>(byte) / divisor);
    }
  }

  std::size_t num_rows() const override { return contents_.rows.size(); }
  std::size_t num_columns() const override { return contents_.places.size(); }
  std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const override {
    const int64_t place = contents_.places[column];
    if (place < 0) return labels_[static_cast<unsigned char>(contents_.labels[row])];
    const std::size_t at = row * static_cast<std::size_t>(contents_.row_size);
    return texts_[static_cast<unsigned char>(
        contents_.pixels[at + static_cast<std::size_t>(place)])];
  }
  std::string Place(std::size_t row, std::size_t column) const override {
    const int64_t place = contents_.places[column];
    return contents_.name + " row " + std::to_string(contents_.rows[row] + 1) + ", column " +
           (place < 0 ? std::string(kLabel) : std::string(kPixel) + std::to_string(place));
  }

 private:
  const Contents contents_;
  std::array<std::string, 256> texts_;
  std::array<std::string, 256> labels_;
};

class Reader {
 public:
  Reader(Files& files, const DataSource& source) : files_(files), source_(source) {}

  Result<std::unique_ptr<Table>> Read(std::span<const std::string> columns) {
    SKERRY_ASSIGN_OR_RETURN(images_, IdxFile::Open(files_, source_.idx.images));
    SKERRY_ASSIGN_OR_RETURN(labels_, IdxFile::Open(files_, source_.idx.labels));
    const std::string name = FileName(source_.idx.images);
    if (labels_.header.row_size != 1 || labels_.header.rows != images_.header.rows) {
      return InvalidArgument(name + " has not one label for each image")
          .WithHint("it has " + std::to_string(images_.header.rows) +
                    " images, and its labels are " + std::to_string(labels_.header.rows) +
                    " rows of " + std::to_string(labels_.header.row_size));
    }
    contents_.name = name;
    contents_.row_size = images_.header.row_size;
    SKERRY_RETURN_IF_ERROR(ChoosePlaces(columns));
    SKERRY_RETURN_IF_ERROR(ChooseRows());
    SKERRY_RETURN_IF_ERROR(ReadRows());
    return std::unique_ptr<Table>(
        std::make_unique<IdxTable>(std::move(contents_), source_.idx.divisor));
  }

 private:
  Status ChoosePlaces(std::span<const std::string> columns) {
    for (const std::string& column : columns) {
      const auto renamed = source_.rename.find(column);
      const std::string& stored = renamed == source_.rename.end() ? column : renamed->second;
      const std::optional<int64_t> place = PlaceOf(stored, contents_.row_size);
      if (!place) {
        return InvalidArgument(contents_.name + ": there is no column " + Quoted(column))
            .WithHint("an image file has pixel0 to pixel" + std::to_string(contents_.row_size - 1) +
                      " and label");
      }
      contents_.places.push_back(*place);
    }
    return OkStatus();
  }

  Status ChooseRows() {
    std::string parts;
    if (!source_.idx.parts.empty()) {
      SKERRY_ASSIGN_OR_RETURN(parts, ReadFile(files_, source_.idx.parts));
      if (static_cast<int64_t>(parts.size()) != images_.header.rows) {
        return InvalidArgument(source_.idx.parts + " has not one byte for each image")
            .WithHint("it has " + std::to_string(parts.size()) + " bytes for " +
                      std::to_string(images_.header.rows) + " images");
      }
    }
    for (int64_t row = 0; row < images_.header.rows; ++row) {
      const bool mine =
          parts.empty() ||
          static_cast<unsigned char>(parts[static_cast<std::size_t>(row)]) == source_.idx.part;
      if (mine) contents_.rows.push_back(row);
    }
    if (!contents_.rows.empty()) return OkStatus();
    return NotFound("no image is of part " + std::to_string(source_.idx.part));
  }

  Status ReadRows() {
    const auto row_size = static_cast<std::size_t>(contents_.row_size);
    contents_.pixels.resize(contents_.rows.size() * row_size);
    contents_.labels.resize(contents_.rows.size());
    std::string labels(static_cast<std::size_t>(labels_.header.rows), '\0');
    SKERRY_RETURN_IF_ERROR(labels_.Read(0, labels));
    const auto& rows = contents_.rows;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      contents_.labels[i] = labels[static_cast<std::size_t>(rows[i])];
    }
    // Rows that stand together are read together.
    for (std::size_t begin = 0; begin < rows.size();) {
      std::size_t end = begin + 1;
      while (end < rows.size() && rows[end] == rows[end - 1] + 1) ++end;
      SKERRY_RETURN_IF_ERROR(images_.Read(
          rows[begin],
          std::span(contents_.pixels).subspan(begin * row_size, (end - begin) * row_size)));
      begin = end;
    }
    return OkStatus();
  }

  Files& files_;
  const DataSource& source_;
  IdxFile images_;
  IdxFile labels_;
  IdxTable::Contents contents_;
};

}  // namespace

Result<IdxHeader> ParseIdxHeader(std::string_view beginning, uint64_t file_size) {
  if (beginning.size() < 8 || beginning[0] != 0 || beginning[1] != 0) {
    return NotIdx("its first bytes are others");
  }
  if (beginning[2] != 8) {
    return NotIdx("its values are of type " +
                  std::to_string(static_cast<unsigned char>(beginning[2])));
  }
  const auto rank = static_cast<std::size_t>(static_cast<unsigned char>(beginning[3]));
  if (rank < 1 || rank > 8) return NotIdx("it has " + std::to_string(rank) + " sizes");
  IdxHeader header;
  header.begin = static_cast<int64_t>(4 + 4 * rank);
  if (beginning.size() < static_cast<std::size_t>(header.begin)) return NotIdx("it ends early");
  header.rows = BigEndian(beginning.substr(4, 4));
  header.row_size = 1;
  for (std::size_t i = 1; i < rank; ++i) {
    const int64_t size = BigEndian(beginning.substr(4 + 4 * i, 4));
    if (size < 1 || size > kMaxRowSize / header.row_size) {
      return NotIdx("a row has 1 to 2^24 values");
    }
    header.row_size *= size;
  }
  if (header.rows < 1 || header.rows >= kMaxRows) return InvalidArgument("the file has no rows");
  const auto needed = static_cast<uint64_t>(header.begin + header.rows * header.row_size);
  if (needed != file_size) {
    return NotIdx("it speaks of " + std::to_string(needed) + " bytes and has " +
                  std::to_string(file_size));
  }
  return header;
}

Result<std::unique_ptr<Table>> ReadIdx(Files& files, const DataSource& source,
                                       std::span<const std::string> columns) {
  return Reader(files, source).Read(columns);
}

}  // namespace skerry::client
