#include "coordinator/result_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/text.h"
#include "coordinator/result_sums.h"
#include "coordinator/update_reader.h"
#include "learning/aggregator.h"
#include "learning/finite.h"

namespace skerry::coordinator {
namespace {

using learning::DType;
using learning::IsFinite;
using learning::TensorSpec;

constexpr int64_t kBlockElements = 64 * 1024;

// Values of one tensor, a block at a time; every block is checked fast, and looked through slowly
// only when something is wrong with it.
template <class T>
class TensorCheck {
 public:
  TensorCheck(const std::string& section, const TensorSpec& tensor, double limit)
      : section_(section), tensor_(tensor), limit_(limit) {}

  // `read(first, out)` gives elements of the tensor.
  template <class Read>
  Status Run(const Read& read) {
    std::vector<T> block(static_cast<std::size_t>(std::min(kBlockElements, tensor_.NumElements())));
    for (int64_t first = 0; first < tensor_.NumElements(); first += kBlockElements) {
      const int64_t n = std::min(kBlockElements, tensor_.NumElements() - first);
      const std::span<T> values(block.data(), static_cast<std::size_t>(n));
      SKERRY_RETURN_IF_ERROR(read(first, values));
      SKERRY_RETURN_IF_ERROR(Check(first, values));
    }
    return OkStatus();
  }

 private:
  Status Check(int64_t first, std::span<const T> values) const {
    if constexpr (std::is_same_v<T, float>) {
      const learning::UpdateCheck check = learning::CheckF32(values);
      if (check.finite && check.max_abs <= limit_) return OkStatus();
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      const bool too_large = std::abs(value) > limit_;
      if (IsFinite(value) && !too_large) continue;
      return InvalidArgument("element " + std::to_string(first + static_cast<int64_t>(i)) +
                             " of tensor \"" + tensor_.name + "\" in section \"" + section_ +
                             "\" is " + FormatExact(value) +
                             (too_large ? "; the limit is " + FormatExact(limit_) : ""))
          .WithHint("training has probably diverged: try a smaller learning_rate");
    }
    return OkStatus();
  }

  const std::string& section_;
  const TensorSpec& tensor_;
  const double limit_;  // of magnitudes
};

template <class T>
Status CheckPlain(const File& file, uint64_t offset, const std::string& section,
                  const TensorSpec& tensor, double limit) {
  return TensorCheck<T>(section, tensor, limit).Run([&](int64_t first, std::span<T> out) -> Status {
    const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
    SKERRY_ASSIGN_OR_RETURN(const std::size_t got,
                            file.ReadAt(offset + static_cast<uint64_t>(first) * sizeof(T), bytes));
    return got == bytes.size() ? OkStatus() : DataLoss("the result is cut short");
  });
}

// Whether a section's bytes can be decoded, before any of them is.
Status CheckF32Section(const File& file, const learning::ResultLayout& layout, std::size_t index,
                       const GoodChunks& good) {
  const learning::Section& section = layout.sections()[index];
  const UpdateReader reader(layout, index);
  SKERRY_RETURN_IF_ERROR(reader.Check(file).WithContext("section \"" + section.name + "\""));
  const bool plain = section.encoding.kind == learning::Encoding::Kind::kPlain;
  int64_t begin = 0;
  for (const TensorSpec& tensor : section.layout.tensors()) {
    const auto bytes = static_cast<uint64_t>(layout.offset_bytes(index)) +
                       static_cast<uint64_t>(begin) * sizeof(float);
    const auto size = static_cast<uint64_t>(tensor.NumElements()) * sizeof(float);
    if (!plain || !AreGood(good, {bytes, bytes + size})) {
      SKERRY_RETURN_IF_ERROR(TensorCheck<float>(section.name, tensor, kMaxMagnitude)
                                 .Run([&](int64_t first, std::span<float> out) {
                                   return reader.Read(file, begin + first, out);
                                 }));
    }
    begin += tensor.NumElements();
  }
  return OkStatus();
}

}  // namespace

Status CheckHeader(const v1::ResultHeader& header, const learning::ResultLayout& layout,
                   const crypto::Digest& layout_hash) {
  if (header.layout_hash() != layout_hash.view()) {
    return InvalidArgument(
        "the result has another layout than its task asked for (tensor names, shapes, order)");
  }
  if (header.size_bytes() != static_cast<uint64_t>(layout.size_bytes())) {
    return InvalidArgument("the result has " + std::to_string(header.size_bytes()) +
                           " bytes; its layout has " + std::to_string(layout.size_bytes()));
  }
  if (header.content_hash().size() != 32) return InvalidArgument("content_hash must have 32 bytes");
  constexpr int64_t kMaxExamples = int64_t{1} << 50;
  if (header.num_examples() < 1 || header.num_examples() > kMaxExamples) {
    return InvalidArgument("num_examples is " + std::to_string(header.num_examples()) +
                           "; it must be at least 1");
  }
  constexpr int kMaxScalars = 100;
  if (header.scalars_size() > kMaxScalars) return InvalidArgument("too many scalars");
  for (const auto& [name, value] : header.scalars()) {
    if (name.size() > 100 || !IsFinite(value)) {
      return InvalidArgument("scalar \"" + name.substr(0, 100) + "\" is not a finite number");
    }
  }
  return OkStatus();
}

Status CheckValues(const File& file, const learning::ResultLayout& layout, const GoodChunks& good) {
  for (std::size_t s = 0; s < layout.sections().size(); ++s) {
    const learning::Section& section = layout.sections()[s];
    if (section.dtype() == DType::kF32) {
      SKERRY_RETURN_IF_ERROR(CheckF32Section(file, layout, s, good));
      continue;
    }
    for (std::size_t t = 0; t < section.layout.tensors().size(); ++t) {
      const TensorSpec& tensor = section.layout.tensors()[t];
      const auto offset =
          static_cast<uint64_t>(layout.offset_bytes(s) + section.layout.offset_bytes(t));
      Status status;
      const bool aggregated = section.rule == learning::Rule::kAggregate;
      if (tensor.dtype == DType::kF64) {
        status = CheckPlain<double>(file, offset, section.name, tensor,
                                    aggregated ? kMaxMagnitude : kMaxSum);
      }
      if (tensor.dtype == DType::kI64) {
        status =
            CheckPlain<int64_t>(file, offset, section.name, tensor, static_cast<double>(kMaxCount));
      }
      SKERRY_RETURN_IF_ERROR(status);
    }
  }
  return OkStatus();
}

Result<std::vector<learning::Metric>> CheckResult(const File& file, const v1::ResultHeader& header,
                                                  const learning::RoundSpec& spec,
                                                  const learning::Program& program,
                                                  const GoodChunks& good) {
  if (spec.result_layout.Find(learning::kUpdateSection) && spec.kind == v1::TRAIN) {
    const auto& scalars = header.scalars();
    SKERRY_RETURN_IF_ERROR(program.strategy().CheckScalars({scalars.begin(), scalars.end()}));
  }
  SKERRY_RETURN_IF_ERROR(CheckValues(file, spec.result_layout, good));
  learning::Sums sums;
  SKERRY_RETURN_IF_ERROR(AddSums(file, spec, sums));
  SKERRY_ASSIGN_OR_RETURN(std::vector<learning::Metric> metrics, program.Metrics(spec, sums));
  const v1::ResultHeader* const headers[] = {&header};
  AppendTrainLoss(headers, metrics);
  return metrics;
}

}  // namespace skerry::coordinator
