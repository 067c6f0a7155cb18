#include "learning/layout.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"

namespace skerry::learning {
namespace {

constexpr int64_t kMaxBytes = int64_t{1} << 62;
// Far above what any model needs; low enough that a hostile message costs nothing.
constexpr std::size_t kMaxTensors = 65536;
constexpr std::size_t kMaxSections = 1024;
constexpr std::size_t kMaxRank = 16;
constexpr std::size_t kMaxNameBytes = 255;

// Why `name` cannot be used, or "". Names end up in logs and in ledgers that people read, so no
// control characters.
std::string_view NameFault(std::string_view name) {
  if (name.empty()) return "has no name";
  if (name.size() > kMaxNameBytes) return "has a name of more than 255 bytes";
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
  return clean ? "" : "has a name with control characters";
}

std::string Quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::vector<std::string> parts;
  parts.reserve(shape.size());
  for (const int64_t dimension : shape) parts.push_back(std::to_string(dimension));
  return "[" + Join(parts, ", ") + "]";
}

// The product of the dimensions, or kMaxBytes + 1 when it is larger. An empty tensor's other
// dimensions must fit too: whether a shape is refused does not depend on their order.
int64_t CappedElements(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  bool empty = false;
  for (const int64_t dimension : shape) {
    if (dimension == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, dimension, &product) || product > kMaxBytes) {
      return kMaxBytes + 1;
    }
  }
  return empty ? 0 : product;
}

// The size of a tensor whose name is good.
Result<int64_t> CheckedBytes(const TensorSpec& tensor) {
  const std::string what = "tensor " + Quoted(tensor.name);
  if (tensor.shape.size() > kMaxRank) {
    return InvalidArgument(what + " has " + std::to_string(tensor.shape.size()) +
                           " dimensions; at most 16 are allowed");
  }
  for (const int64_t dimension : tensor.shape) {
    if (dimension < 0) {
      return InvalidArgument(what + " has the shape " + ShapeText(tensor.shape) +
                             ": a dimension is negative");
    }
  }
  const int64_t elements = CappedElements(tensor.shape);
  if (elements > kMaxBytes / SizeOf(tensor.dtype)) {
    return InvalidArgument(what + " of shape " + ShapeText(tensor.shape) +
                           " is larger than 2^62 bytes");
  }
  return elements * SizeOf(tensor.dtype);
}

DType DTypeOf(Rule rule) {
  switch (rule) {
    case Rule::kSumF64:
      return DType::kF64;
    case Rule::kSumI64:
      return DType::kI64;
    case Rule::kAggregate:
      break;
  }
  return DType::kF32;
}

std::string_view RuleName(Rule rule) {
  switch (rule) {
    case Rule::kSumF64:
      return "SUM_F64";
    case Rule::kSumI64:
      return "SUM_I64";
    case Rule::kAggregate:
      break;
  }
  return "AGGREGATE";
}

Status CheckDTypes(const Section& section) {
  const std::vector<TensorSpec>& tensors = section.layout.tensors();
  const bool f64 =
      section.rule == Rule::kAggregate && !tensors.empty() && tensors.front().dtype == DType::kF64;
  for (const TensorSpec& tensor : tensors) {
    if (tensor.dtype == (f64 ? DType::kF64 : DTypeOf(section.rule))) continue;
    return InvalidArgument("tensor " + Quoted(tensor.name) + " is " +
                           std::string(DTypeName(tensor.dtype)) + ", but the rule " +
                           std::string(RuleName(section.rule)) + " reduces " +
                           std::string(DTypeName(DTypeOf(section.rule))) +
                           (section.rule == Rule::kAggregate ? " alone or F64 alone" : ""));
  }
  return OkStatus();
}

Status CheckSectionEncoding(const Section& section) {
  if (section.encoding != Encoding() && section.rule != Rule::kAggregate) {
    return InvalidArgument("the rule " + std::string(RuleName(section.rule)) +
                           " adds what is not encoded");
  }
  if (section.encoding != Encoding() && section.dtype() == DType::kF64) {
    return InvalidArgument("only F32 is encoded");
  }
  return CheckEncoding(section.encoding, section.layout.num_elements());
}

// How messages call the section: its number where its name cannot be shown.
std::string SectionText(std::string_view name, std::size_t index) {
  return NameFault(name).empty() ? "section " + Quoted(name) : "section " + std::to_string(index);
}

}  // namespace

int64_t SizeOf(DType dtype) { return dtype == DType::kF32 ? 4 : 8; }

std::string_view DTypeName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF64:
      return "F64";
    case DType::kI64:
      break;
  }
  return "I64";
}

int64_t TensorSpec::NumElements() const { return CappedElements(shape); }
int64_t TensorSpec::SizeBytes() const {
  const int64_t elements = NumElements();
  return elements > kMaxBytes / SizeOf(dtype) ? kMaxBytes + 1 : elements * SizeOf(dtype);
}

Layout OwnLayout(std::vector<TensorSpec> tensors) {
  return Layout::Create(std::move(tensors)).value();
}

Result<Layout> Layout::Create(std::vector<TensorSpec> tensors) {
  if (tensors.size() > kMaxTensors) return InvalidArgument("more than 65536 tensors");
  Layout layout;
  layout.tensors_ = std::move(tensors);
  layout.offsets_.reserve(layout.tensors_.size() + 1);
  std::set<std::string_view> names;
  for (const TensorSpec& tensor : layout.tensors_) {
    const std::string_view fault = NameFault(tensor.name);
    if (!fault.empty()) {
      return InvalidArgument("tensor " + std::to_string(names.size()) + " " + std::string(fault));
    }
    if (!names.insert(tensor.name).second) {
      return InvalidArgument("two tensors are called " + Quoted(tensor.name));
    }
    SKERRY_ASSIGN_OR_RETURN(const int64_t bytes, CheckedBytes(tensor));
    if (bytes > kMaxBytes - layout.size_bytes()) {
      return InvalidArgument("the tensors up to " + Quoted(tensor.name) +
                             " are together larger than 2^62 bytes");
    }
    layout.offsets_.push_back(layout.size_bytes() + bytes);
  }
  return layout;
}

int64_t Layout::num_elements() const {
  int64_t elements = 0;
  for (const TensorSpec& tensor : tensors_) elements += tensor.NumElements();
  return elements;
}

std::optional<std::size_t> Layout::Find(std::string_view name) const {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].name == name) return i;
  }
  return std::nullopt;
}

DType Section::dtype() const {
  return layout.tensors().empty() ? DTypeOf(rule) : layout.tensors().front().dtype;
}

int64_t Section::size_bytes() const {
  if (encoding.kind == Encoding::Kind::kPlain) return layout.size_bytes();
  return EncodedBytes(encoding, layout.num_elements());
}

Result<ResultLayout> ResultLayout::Create(std::vector<Section> sections) {
  if (sections.size() > kMaxSections) return InvalidArgument("more than 1024 sections");
  ResultLayout layout;
  layout.sections_ = std::move(sections);
  layout.offsets_.reserve(layout.sections_.size() + 1);
  std::set<std::string_view> names;
  for (const Section& section : layout.sections_) {
    const std::string what = SectionText(section.name, names.size());
    const std::string_view fault = NameFault(section.name);
    if (!fault.empty()) return InvalidArgument(what + " " + std::string(fault));
    if (!names.insert(section.name).second) {
      return InvalidArgument("two sections are called " + Quoted(section.name));
    }
    SKERRY_RETURN_IF_ERROR(CheckDTypes(section).WithContext(what));
    SKERRY_RETURN_IF_ERROR(CheckSectionEncoding(section).WithContext(what));
    if (section.size_bytes() > kMaxBytes - layout.size_bytes()) {
      return InvalidArgument("the sections up to " + Quoted(section.name) +
                             " are together larger than 2^62 bytes");
    }
    layout.offsets_.push_back(layout.size_bytes() + section.size_bytes());
  }
  return layout;
}

std::optional<std::size_t> ResultLayout::Find(std::string_view section) const {
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    if (sections_[i].name == section) return i;
  }
  return std::nullopt;
}

// One line per section and tensor: "section RULE TENSORS BYTES:NAME" and
// "tensor DTYPE RANK DIMENSIONS... BYTES:NAME"; and, after the line of a section that is not plain,
// "encoding KIND NUMBER". Names come with their length and counts before what
// they count, so no name can pass for another layout.
std::string ResultLayout::CanonicalText() const {
  const auto named = [](const std::string& name) {
    return std::to_string(name.size()) + ":" + name + "\n";
  };
  std::string text = "skerry result layout 1, " + std::to_string(sections_.size()) + "\n";
  for (const Section& section : sections_) {
    text += "section " + std::string(RuleName(section.rule)) + " " +
            std::to_string(section.layout.tensors().size()) + " " + named(section.name);
    const std::string encoding = EncodingText(section.encoding);
    if (!encoding.empty()) text += "encoding " + encoding + "\n";
    for (const TensorSpec& tensor : section.layout.tensors()) {
      text += "tensor " + std::string(DTypeName(tensor.dtype)) + " " +
              std::to_string(tensor.shape.size()) + " ";
      for (const int64_t dimension : tensor.shape) text += std::to_string(dimension) + " ";
      text += named(tensor.name);
    }
  }
  return text;
}

}  // namespace skerry::learning
