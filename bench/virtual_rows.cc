#include "bench/virtual_rows.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/text.h"
#include "client/data/table.h"

namespace skerry::bench {
namespace {

constexpr uint64_t kSeed = 11;

class VirtualTable final : public client::Table {
 public:
  VirtualTable(uint64_t site, int64_t num_rows, int64_t num_features)
      : num_rows_(static_cast<std::size_t>(num_rows)),
        num_columns_(static_cast<std::size_t>(num_features) + 1) {
    RandomStream random(kSeed, Purpose::kSimulation, site, "rows", 0);
    cells_.reserve(num_rows_ * num_columns_);
    for (std::size_t row = 0; row < num_rows_; ++row) {
      double sum = random.Normal();
      for (std::size_t j = 0; j + 1 < num_columns_; ++j) {
        // Thousandths, so that a cell is short.
        const auto thousandths = static_cast<int64_t>(1000 * random.Normal());
        const double sign = j % 2 == 0 ? 0.001 : -0.001;
        sum += sign * static_cast<double>(thousandths);
        cells_.push_back(std::to_string(thousandths) + "e-3");
      }
      cells_.emplace_back(sum > 0 ? "1" : "0");
    }
  }

  std::size_t num_rows() const override { return num_rows_; }
  std::size_t num_columns() const override { return num_columns_; }
  std::optional<std::string_view> Cell(std::size_t row, std::size_t column) const override {
    return cells_[row * num_columns_ + column];
  }
  std::string Place(std::size_t row, std::size_t column) const override {
    return "row " + std::to_string(row) + ", column " + std::to_string(column);
  }

 private:
  const std::size_t num_rows_;
  const std::size_t num_columns_;
  std::vector<std::string> cells_;
};

}  // namespace

client::RowReader VirtualRows(uint64_t site, int64_t num_rows, int64_t num_features) {
  return [=](std::span<const std::string> columns) -> Result<std::unique_ptr<client::Table>> {
    if (columns.size() != static_cast<std::size_t>(num_features) + 1) {
      return InvalidArgument("virtual rows have " + std::to_string(num_features) +
                             " features and a label");
    }
    return std::unique_ptr<client::Table>(
        std::make_unique<VirtualTable>(site, num_rows, num_features));
  };
}

}  // namespace skerry::bench
