#include "learning/compression/spec.h"

#include "learning/compression/top_k.h"

namespace skerry::learning {

using Kind = Encoding::Kind;

std::vector<std::string> EncodingNames() { return {"f32", "f16", "bf16", "int8", "top_k"}; }

Encoding UpdateEncoding(const v1::CompressionSpec& spec, int64_t num_elements) {
  switch (spec.update()) {
    case v1::Encoding::F16:
      return {Kind::kF16, spec.block(), 0};
    case v1::Encoding::BF16:
      return {Kind::kBF16, 0, 0};
    case v1::Encoding::INT8:
      return {Kind::kInt8, spec.block(), 0};
    case v1::Encoding::TOP_K:
      return {Kind::kTopK, 0, KeptOf(spec.ratio(), num_elements)};
    default:
      return {};
  }
}

bool HasErrorFeedback(const v1::CompressionSpec& spec) {
  return spec.update() == v1::Encoding::TOP_K;
}

}  // namespace skerry::learning
