#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "learning/model.h"

// How the kinds of [model] come from their description. A kind is one line of the table in
// model.cc and one function here.
namespace skerry::learning {

struct ModelRequest {
  const v1::ModelSpec& spec;
  int64_t num_features = 0;
  int64_t num_classes = 0;  // 0: the label is a number
};

Result<std::unique_ptr<Model>> MakeShallow(const ModelRequest& request);  // one layer
Result<std::unique_ptr<Model>> MakeMlp(const ModelRequest& request);
Result<std::unique_ptr<Model>> MakeCox(const ModelRequest& request);
Result<std::unique_ptr<ModelF64>> MakeShallowF64(const ModelRequest& request);
Result<std::unique_ptr<ModelF64>> MakeMlpF64(const ModelRequest& request);
Result<std::unique_ptr<ModelF64>> MakeCoxF64(const ModelRequest& request);
Result<std::unique_ptr<Model>> MakeLayeredNetwork(const ModelRequest& request);

// What the outputs of a model are.
struct Outputs {
  OutputKind kind = OutputKind::kValue;
  int64_t count = 1;
};

// The outputs that go with the loss of [model], or with the label where it names none.
// INVALID_ARGUMENT: there is no such loss, or the label does not allow it.
Result<Outputs> OutputsOfLoss(const ModelRequest& request);
// Those of a loss that the researcher chose by writing `value` at `key`.
Result<Outputs> OutputsOf(std::string_view loss, std::string_view key, const std::string& value,
                          int64_t num_classes);

// In quotes, and cut: what strangers wrote may be of any length.
std::string QuotedName(std::string_view text);
// INVALID_ARGUMENT that names the nearest of `known`.
Status UnknownName(std::string_view key, const std::string& value,
                   std::span<const std::string> known);

}  // namespace skerry::learning
