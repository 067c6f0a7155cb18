#include "learning/models/kinds.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace skerry::learning {
namespace {

// What the label is, for messages.
std::string LabelText(int64_t num_classes) {
  return num_classes == 0 ? "a number" : "one of " + std::to_string(num_classes) + " classes";
}

std::string LossFor(int64_t num_classes) {
  if (num_classes == 0) return "squared";
  return num_classes == 2 ? "logistic" : "softmax";
}

// The value of `key` that this label allows.
std::string FittingValue(std::string_view key, int64_t num_classes) {
  const std::string loss = LossFor(num_classes);
  return key == "model.kind" && loss == "squared" ? "linear" : loss;
}

}  // namespace

std::string QuotedName(std::string_view text) {
  return "\"" + std::string(text.substr(0, 64)) + "\"";
}

Status UnknownName(std::string_view key, const std::string& value,
                   std::span<const std::string> known) {
  const std::string nearest = NearestName(value.substr(0, 64), known);
  return InvalidArgument(std::string(key) + ": " + QuotedName(value) + " is unknown")
      .WithHint((nearest.empty() ? "" : "did you mean " + QuotedName(nearest) + "? ") +
                "there are " + Join(known, ", "));
}

Result<Outputs> OutputsOf(std::string_view loss, std::string_view key, const std::string& value,
                          int64_t num_classes) {
  const auto refuse = [&](const char* needed) {
    return InvalidArgument(std::string(key) + ": " + QuotedName(value) + " needs a label that is " +
                           needed + ", but it is " + LabelText(num_classes))
        .WithHint("for this label use " + QuotedName(FittingValue(key, num_classes)));
  };
  if (loss == "squared") {
    if (num_classes != 0) return refuse("a number");
    return Outputs{OutputKind::kValue, 1};
  }
  if (loss == "cox") {
    if (num_classes != 0) return refuse("a number, a time");
    return Outputs{OutputKind::kRisk, 1};
  }
  if (loss == "logistic") {
    if (num_classes != 2) return refuse("one of 2 classes");
    return Outputs{OutputKind::kBinary, 1};
  }
  if (num_classes < 2) return refuse("one of 2 or more classes");
  return Outputs{OutputKind::kClasses, num_classes};
}

Result<Outputs> OutputsOfLoss(const ModelRequest& request) {
  static const std::vector<std::string> losses = {"squared", "logistic", "softmax", "cox"};
  const std::string& given = request.spec.loss();
  const std::string loss = given.empty() ? LossFor(request.num_classes) : given;
  if (std::find(losses.begin(), losses.end(), loss) == losses.end()) {
    return UnknownName("model.loss", loss, losses);
  }
  return OutputsOf(loss, "model.loss", loss, request.num_classes);
}

}  // namespace skerry::learning
