#include "learning/onnx/graph.h"

#include <bit>

#include "base/version.h"

namespace skerry::learning {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

constexpr std::string_view kMlDomain = "ai.onnx.ml";
constexpr int64_t kIrVersion = 8;
constexpr int64_t kOperatorSet = 13;
constexpr int64_t kMlOperatorSet = 2;

template <class T>
std::string_view BytesOf(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

// TypeProto and what is in it.
WireMessage ValueInfo(const std::string& name, OnnxType type, int64_t columns) {
  WireMessage rows;
  rows.Bytes(2, "rows");  // dim_param
  WireMessage shape;
  shape.Message(1, rows);
  if (columns > 0) {
    WireMessage width;
    width.Integer(1, columns);  // dim_value
    shape.Message(1, width);
  }
  WireMessage tensor;
  tensor.Integer(1, static_cast<int64_t>(type));  // elem_type
  tensor.Message(2, shape);
  WireMessage type_proto;
  type_proto.Message(1, tensor);  // tensor_type
  WireMessage info;
  info.Bytes(1, name);
  info.Message(2, type_proto);
  return info;
}

// AttributeProto: name is 1, type 20, and each type has a field of its own.
struct AttributeWriter {
  WireMessage& out;

  void operator()(int64_t value) const {
    out.Integer(3, value);
    out.Integer(20, 2);
  }
  void operator()(float value) const {
    out.Float(2, value);
    out.Integer(20, 1);
  }
  void operator()(const std::string& value) const {
    out.Bytes(4, value);
    out.Integer(20, 3);
  }
  void operator()(const std::vector<int64_t>& values) const {
    for (const int64_t value : values) out.Integer(8, value);
    out.Integer(20, 7);
  }
  void operator()(const std::vector<float>& values) const {
    for (const float value : values) out.Float(7, value);
    out.Integer(20, 6);
  }
  void operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) out.Bytes(9, value);
    out.Integer(20, 8);
  }
};

WireMessage OperatorSet(std::string_view domain, int64_t version) {
  WireMessage set;
  set.Bytes(1, domain);
  set.Integer(2, version);
  return set;
}

}  // namespace

void OnnxGraph::AddInput(const std::string& name, OnnxType type, int64_t columns) {
  graph_.Message(11, ValueInfo(name, type, columns));
}

void OnnxGraph::AddOutput(const std::string& name, OnnxType type, int64_t columns) {
  graph_.Message(12, ValueInfo(name, type, columns));
}

std::string OnnxGraph::AddNode(std::string_view op, const std::vector<std::string>& inputs,
                               const OnnxAttributes& attributes, const std::string& output,
                               std::string_view domain) {
  std::string name = output.empty() ? NewName(op) : output;
  WireMessage node;
  for (const std::string& input : inputs) node.Bytes(1, input);
  node.Bytes(2, name);
  node.Bytes(3, name);
  node.Bytes(4, op);
  for (const auto& [key, value] : attributes) {
    WireMessage attribute;
    attribute.Bytes(1, key);
    std::visit(AttributeWriter{attribute}, value);
    node.Message(5, attribute);
  }
  if (!domain.empty()) node.Bytes(7, domain);
  graph_.Message(1, node);
  return name;
}

std::string OnnxGraph::AddConstant(std::span<const float> values, std::span<const int64_t> shape,
                                   const std::string& name) {
  return AddTensor(OnnxType::kFloat, BytesOf(values), shape, name);
}

std::string OnnxGraph::AddConstant(std::span<const double> values, std::span<const int64_t> shape,
                                   const std::string& name) {
  return AddTensor(OnnxType::kDouble, BytesOf(values), shape, name);
}

std::string OnnxGraph::AddConstant(std::span<const int64_t> values, std::span<const int64_t> shape,
                                   const std::string& name) {
  return AddTensor(OnnxType::kInt64, BytesOf(values), shape, name);
}

std::string OnnxGraph::AddTensor(OnnxType type, std::string_view raw,
                                 std::span<const int64_t> shape, const std::string& name) {
  std::string unique = NewName(name.empty() ? "constant" : name);
  WireMessage tensor;
  for (const int64_t dimension : shape) tensor.Integer(1, dimension);
  tensor.Integer(2, static_cast<int64_t>(type));
  tensor.Bytes(8, unique);
  tensor.Bytes(9, raw);
  graph_.Message(5, tensor);
  return unique;
}

std::string OnnxGraph::NewName(std::string_view what) {
  return "/" + std::to_string(num_names_++) + "/" + std::string(what);
}

std::string OnnxGraph::ToFile(const std::string& name,
                              const std::map<std::string, std::string>& metadata) && {
  graph_.Bytes(2, name);
  WireMessage file;
  file.Integer(1, kIrVersion);
  file.Bytes(2, "skerry");
  file.Bytes(3, kVersion);
  file.Message(7, graph_);
  graph_ = WireMessage();
  file.Message(8, OperatorSet("", kOperatorSet));
  file.Message(8, OperatorSet(kMlDomain, kMlOperatorSet));
  for (const auto& [key, value] : metadata) {
    WireMessage entry;
    entry.Bytes(1, key);
    entry.Bytes(2, value);
    file.Message(14, entry);
  }
  return std::move(file).bytes();
}

}  // namespace skerry::learning
