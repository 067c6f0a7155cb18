#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/status.h"
#include "client/data/table.h"

namespace skerry::client {

// The beginning of an IDX file of bytes, the format of MNIST and its kin:
//
//   file := 0x00 0x00 type rank size{rank} values     type := 0x08 (unsigned byte)
//   size := u32, big-endian; the first is the number of rows     values := a byte each, row-major
struct IdxHeader {
  int64_t rows = 0;
  int64_t row_size = 0;  // values of a row; 1 where there is one size only
  int64_t begin = 0;     // where the values begin
};

// `beginning`: the first bytes of the file, all or at least kMaxIdxHeader of them.
// INVALID_ARGUMENT: it is no such file, or its size is not the one that it speaks of; what it holds
// stands in the hint.
constexpr std::size_t kMaxIdxHeader = 4 + 4 * 8;
Result<IdxHeader> ParseIdxHeader(std::string_view beginning, uint64_t file_size);

// Reads the rows of source.idx: the columns "pixel0", "pixel1", ... of an image, row-major from its
// first line on, each divided by `divisor`, and "label". With `idx.parts`, a file of a byte for
// each image, only images whose byte is `idx.part`. Errors as ReadTable has them; NOT_FOUND also
// when no image has that part.
Result<std::unique_ptr<Table>> ReadIdx(Files& files, const DataSource& source,
                                       std::span<const std::string> columns);

}  // namespace skerry::client
