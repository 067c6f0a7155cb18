#include "storage/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace skerry::storage {
namespace {

constexpr std::string_view kMetadataKey = "__metadata__";

std::optional<learning::DType> FindDType(std::string_view name) {
  for (const learning::DType dtype :
       {learning::DType::kF32, learning::DType::kF64, learning::DType::kI64}) {
    if (learning::DTypeName(dtype) == name) return dtype;
  }
  return std::nullopt;
}

// Takes the events of the JSON parser. The place in the text is one of a handful, so no stack is
// needed: any nesting that the format does not know ends the parse. A function that returns false
// has set `error_`.
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Result<ParsedHeader> Finish(bool parsed) && {
    if (!error_.empty()) return DataLoss(error_);
    if (!parsed || place_ != Place::kAfter) return DataLoss("its header is not a JSON object");
    return std::move(header_);
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::kBefore:
        return Go(Place::kTop);
      case Place::kMetadataValue:
        return Go(Place::kMetadata);
      case Place::kTensorValue:
        header_.tensors.emplace_back().spec.name = name_;
        has_dtype_ = has_shape_ = has_offsets_ = false;
        return Go(Place::kTensor);
      default:
        return Unexpected("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::kTop) return Go(Place::kAfter);
    if (place_ == Place::kTensor && !(has_dtype_ && has_shape_ && has_offsets_)) {
      return Fail("tensor \"" + name_ + "\" lacks its dtype, shape or data_offsets");
    }
    return Go(Place::kTop);
  }

  bool key(string_t& key) override {
    if (place_ == Place::kTop) return TopKey(key);
    if (place_ == Place::kTensor) return TensorKey(key);
    // In the metadata: its values are texts, so no other place has keys.
    name_ = key;
    return header_.metadata.try_emplace(key).second ||
           Fail("metadata \"" + key + "\" is there twice");
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kShapeValue) return Go(Place::kShape);
    if (place_ == Place::kOffsetsValue) return Go(Place::kOffsets);
    return Unexpected("a list");
  }

  bool end_array() override {
    if (place_ == Place::kOffsets) {
      if (offsets_.size() != 2) return Fail("tensor \"" + name_ + "\" needs two data_offsets");
      header_.tensors.back().begin = offsets_[0];
      header_.tensors.back().end = offsets_[1];
      offsets_.clear();
    }
    return Go(Place::kTensor);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::kOffsets) {
      if (offsets_.size() == 2) return Fail("tensor \"" + name_ + "\" needs two data_offsets");
      offsets_.push_back(value);
      return true;
    }
    if (place_ != Place::kShape) return Unexpected("a number");
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return Fail("tensor \"" + name_ + "\" is too large");
    }
    header_.tensors.back().spec.shape.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::kMetadata) {
      header_.metadata[name_] = std::move(text);
      return true;
    }
    if (place_ != Place::kDTypeValue) return Unexpected("a text");
    const std::optional<learning::DType> dtype = FindDType(text);
    if (!dtype) {
      return Fail("tensor \"" + name_ + "\" has the dtype \"" + text +
                  "\"; Skerry reads F32, F64 and I64");
    }
    header_.tensors.back().spec.dtype = *dtype;
    return Go(Place::kTensor);
  }

  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a truth value"); }
  bool number_integer(number_integer_t) override { return Unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Unexpected("a fraction"); }
  bool binary(binary_t&) override { return Unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail("its header is not JSON from byte " + std::to_string(position) + " on");
  }

 private:
  enum class Place {
    kBefore,
    kTop,
    kMetadataValue,
    kMetadata,
    kTensorValue,
    kTensor,
    kDTypeValue,
    kShapeValue,
    kShape,
    kOffsetsValue,
    kOffsets,
    kAfter
  };

  bool Go(Place place) {
    place_ = place;
    return true;
  }
  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool Unexpected(const char* what) {
    if (place_ == Place::kBefore) return Fail("its header is not a JSON object");
    return Fail(std::string(what) + " where none may be, at or after \"" + name_ + "\"");
  }

  bool TopKey(const std::string& key) {
    name_ = key;
    if (!names_.insert(key).second) return Fail("\"" + key + "\" is there twice");
    return Go(key == kMetadataKey ? Place::kMetadataValue : Place::kTensorValue);
  }

  bool TensorKey(const std::string& key) {
    if (key == "dtype" && !std::exchange(has_dtype_, true)) return Go(Place::kDTypeValue);
    if (key == "shape" && !std::exchange(has_shape_, true)) return Go(Place::kShapeValue);
    if (key == "data_offsets" && !std::exchange(has_offsets_, true)) {
      return Go(Place::kOffsetsValue);
    }
    return Fail("tensor \"" + name_ + "\" has the key \"" + key + "\" twice or for no reason");
  }

  ParsedHeader header_;
  Place place_ = Place::kBefore;
  std::string name_;             // of the tensor or of the metadata's key
  std::set<std::string> names_;  // of all keys at the top
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  std::vector<uint64_t> offsets_;
  std::string error_;
};

}  // namespace

Result<ParsedHeader> ParseHeader(std::string_view json) {
  // The parser would skip white space and a byte order mark; the format has neither.
  if (!json.starts_with('{')) return DataLoss("its header is not a JSON object");
  HeaderReader reader;
  const bool parsed = nlohmann::json::sax_parse(json, &reader);
  return std::move(reader).Finish(parsed);
}

}  // namespace skerry::storage
