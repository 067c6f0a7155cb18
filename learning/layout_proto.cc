// The way of a result layout over the wire. What comes in was written by strangers.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "learning/layout.h"

namespace skerry::learning {
namespace {

Status UnknownEnum(std::string_view what, int value) {
  return InvalidArgument(std::string(what) + " " + std::to_string(value) + " is unknown")
      .WithHint("coordinator and client must be of versions that know the same ones");
}

Result<DType> FromProto(v1::DType dtype) {
  switch (dtype) {
    case v1::F32:
      return DType::kF32;
    case v1::F64:
      return DType::kF64;
    case v1::I64:
      return DType::kI64;
    default:
      return UnknownEnum("dtype", dtype);
  }
}

Result<Rule> FromProto(v1::Rule rule) {
  switch (rule) {
    case v1::SUM_F64:
      return Rule::kSumF64;
    case v1::SUM_I64:
      return Rule::kSumI64;
    case v1::AGGREGATE:
      return Rule::kAggregate;
    default:
      return UnknownEnum("rule", rule);
  }
}

Result<Encoding> FromProto(const v1::Encoding& proto) {
  const auto made = [&](Encoding::Kind kind) {
    return Encoding{kind, proto.block(), proto.kept()};
  };
  switch (proto.kind()) {
    case v1::Encoding::PLAIN:
      return made(Encoding::Kind::kPlain);
    case v1::Encoding::F16:
      return made(Encoding::Kind::kF16);
    case v1::Encoding::BF16:
      return made(Encoding::Kind::kBF16);
    case v1::Encoding::INT8:
      return made(Encoding::Kind::kInt8);
    case v1::Encoding::TOP_K:
      return made(Encoding::Kind::kTopK);
    default:
      return UnknownEnum("encoding", proto.kind());
  }
}

Result<Section> FromProto(const v1::Section& proto) {
  SKERRY_ASSIGN_OR_RETURN(const Rule rule, FromProto(proto.rule()));
  std::vector<TensorSpec> tensors;
  tensors.reserve(static_cast<std::size_t>(proto.tensors_size()));
  for (const v1::TensorSpec& tensor : proto.tensors()) {
    SKERRY_ASSIGN_OR_RETURN(const DType dtype, FromProto(tensor.dtype()));
    tensors.push_back({tensor.name(), dtype, {tensor.shape().begin(), tensor.shape().end()}});
  }
  SKERRY_ASSIGN_OR_RETURN(Layout layout, Layout::Create(std::move(tensors)));
  SKERRY_ASSIGN_OR_RETURN(const Encoding encoding, FromProto(proto.encoding()));
  return Section{proto.name(), rule, std::move(layout), encoding};
}

v1::Encoding::Kind ToProto(Encoding::Kind kind) {
  switch (kind) {
    case Encoding::Kind::kF16:
      return v1::Encoding::F16;
    case Encoding::Kind::kBF16:
      return v1::Encoding::BF16;
    case Encoding::Kind::kInt8:
      return v1::Encoding::INT8;
    case Encoding::Kind::kTopK:
      return v1::Encoding::TOP_K;
    case Encoding::Kind::kPlain:
      break;
  }
  return v1::Encoding::PLAIN;
}

v1::DType ToProto(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return v1::F32;
    case DType::kF64:
      return v1::F64;
    case DType::kI64:
      break;
  }
  return v1::I64;
}

v1::Rule ToProto(Rule rule) {
  switch (rule) {
    case Rule::kSumF64:
      return v1::SUM_F64;
    case Rule::kSumI64:
      return v1::SUM_I64;
    case Rule::kAggregate:
      break;
  }
  return v1::AGGREGATE;
}

}  // namespace

Result<ResultLayout> ResultLayout::FromProto(const v1::ResultLayout& proto) {
  std::vector<Section> sections;
  for (const v1::Section& section : proto.sections()) {
    Result<Section> read = learning::FromProto(section);
    if (!read.ok()) {
      return std::move(read).status().WithContext("section " + std::to_string(sections.size()));
    }
    sections.push_back(*std::move(read));
  }
  return Create(std::move(sections));
}

v1::ResultLayout ResultLayout::ToProto() const {
  v1::ResultLayout proto;
  for (const Section& section : sections_) {
    v1::Section* to = proto.add_sections();
    to->set_name(section.name);
    to->set_rule(learning::ToProto(section.rule));
    if (section.encoding != Encoding()) {
      to->mutable_encoding()->set_kind(learning::ToProto(section.encoding.kind));
      to->mutable_encoding()->set_block(section.encoding.block);
      to->mutable_encoding()->set_kept(section.encoding.kept);
    }
    for (const TensorSpec& tensor : section.layout.tensors()) {
      v1::TensorSpec* spec = to->add_tensors();
      spec->set_name(tensor.name);
      spec->set_dtype(learning::ToProto(tensor.dtype));
      for (const int64_t dimension : tensor.shape) spec->add_shape(dimension);
    }
  }
  return proto;
}

}  // namespace skerry::learning
