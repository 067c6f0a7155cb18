#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "learning/onnx/wire.h"

namespace skerry::learning {

// Element types, by their numbers in ONNX.
enum class OnnxType : uint8_t { kFloat = 1, kInt64 = 7, kString = 8, kBool = 9, kDouble = 11 };

// An attribute of a node. Lists may be empty.
using OnnxAttribute = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                                   std::vector<float>, std::vector<std::string>>;
using OnnxAttributes = std::map<std::string, OnnxAttribute>;

// A graph of ONNX operators that grows node by node. Values are known by name: those of AddNode and
// AddConstant are made up, and begin with '/'. Operators are of operator set 13, those of
// "ai.onnx.ml" of set 2; https://onnx.ai/onnx/operators says what they do.
class OnnxGraph {
 public:
  // Both of shape [rows, columns], where rows is whatever a caller brings; columns 0: [rows].
  void AddInput(const std::string& name, OnnxType type, int64_t columns);
  void AddOutput(const std::string& name, OnnxType type, int64_t columns);

  // The name of the node's only output; `output`: to be called so.
  std::string AddNode(std::string_view op, const std::vector<std::string>& inputs,
                      const OnnxAttributes& attributes = {}, const std::string& output = "",
                      std::string_view domain = "");
  // Row-major. `name` is for those who look at the graph, and may be empty.
  std::string AddConstant(std::span<const float> values, std::span<const int64_t> shape,
                          const std::string& name = "");
  std::string AddConstant(std::span<const double> values, std::span<const int64_t> shape,
                          const std::string& name = "");
  std::string AddConstant(std::span<const int64_t> values, std::span<const int64_t> shape,
                          const std::string& name = "");

  // The bytes of a file with this graph, which is used up: a large model is not copied more often
  // than its place in the file asks for.
  std::string ToFile(const std::string& name,
                     const std::map<std::string, std::string>& metadata) &&;

 private:
  std::string AddTensor(OnnxType type, std::string_view raw, std::span<const int64_t> shape,
                        const std::string& name);
  std::string NewName(std::string_view what);

  WireMessage graph_;
  int64_t num_names_ = 0;
};

}  // namespace skerry::learning
