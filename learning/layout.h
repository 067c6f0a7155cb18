#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learning/compression/encoding.h"
#include "skerry/v1/model.pb.h"

namespace skerry::learning {

enum class DType : uint8_t { kF32, kF64, kI64 };
int64_t SizeOf(DType dtype);              // 4 or 8
std::string_view DTypeName(DType dtype);  // "F32", as in safetensors

struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // row-major; empty for a scalar

  // For a shape that Layout::Create refuses as too large: more than 2^62.
  int64_t NumElements() const;
  int64_t SizeBytes() const;
  friend bool operator==(const TensorSpec&, const TensorSpec&) = default;
};

// Tensors one behind the other, without gaps. Immutable.
class Layout {
 public:
  Layout() = default;
  // INVALID_ARGUMENT for an empty or repeated name or one that does not fit for a log (over 255
  // bytes, control characters), a negative dimension, a size over 2^62 bytes, more than 16
  // dimensions, or more than 65536 tensors.
  static Result<Layout> Create(std::vector<TensorSpec> tensors);

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  int64_t offset_bytes(std::size_t i) const { return offsets_[i]; }  // of tensor i
  int64_t size_bytes() const { return offsets_.back(); }
  int64_t num_elements() const;
  // The index of the tensor with this name.
  std::optional<std::size_t> Find(std::string_view name) const;
  friend bool operator==(const Layout& a, const Layout& b) { return a.tensors_ == b.tensors_; }

 private:
  std::vector<TensorSpec> tensors_;
  std::vector<int64_t> offsets_ = {0};
};

// Of names of our own and sizes that have been checked: a layout that is always good.
Layout OwnLayout(std::vector<TensorSpec> tensors);

enum class Rule : uint8_t { kSumF64, kSumI64, kAggregate };

// Tensors of one dtype that are reduced together: F64, I64, and F32 or F64, in the order of Rule.
struct Section {
  std::string name;
  Rule rule = Rule::kAggregate;
  Layout layout;
  Encoding encoding = {};  // of kAggregate sections; the others are plain

  DType dtype() const;
  // On the wire and in the file of a result.
  int64_t size_bytes() const;
  friend bool operator==(const Section&, const Section&) = default;
};

// What the bytes of a result mean. Immutable.
class ResultLayout {
 public:
  ResultLayout() = default;
  // INVALID_ARGUMENT for a section name that is empty, repeated or does not fit for a log, a dtype
  // that its rule cannot reduce, an encoding that does not fit it, a size over 2^62 bytes, or more
  // than 1024 sections.
  static Result<ResultLayout> Create(std::vector<Section> sections);
  // The same for what a stranger wrote; also for an unknown dtype, rule or encoding.
  static Result<ResultLayout> FromProto(const v1::ResultLayout& proto);
  v1::ResultLayout ToProto() const;

  const std::vector<Section>& sections() const { return sections_; }
  int64_t offset_bytes(std::size_t i) const { return offsets_[i]; }  // of section i
  int64_t size_bytes() const { return offsets_.back(); }
  std::optional<std::size_t> Find(std::string_view section) const;
  // Two layouts have one text exactly when they are equal; its SHA-256 is the layout's name on the
  // wire.
  std::string CanonicalText() const;

 private:
  std::vector<Section> sections_;
  std::vector<int64_t> offsets_ = {0};
};

}  // namespace skerry::learning
