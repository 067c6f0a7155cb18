#include "learning/tensor_split.h"

#include <utility>

#include "base/text.h"

namespace skerry::learning {
namespace {

std::vector<std::string> Names(const Layout& layout) {
  std::vector<std::string> names;
  for (const TensorSpec& tensor : layout.tensors()) names.push_back(tensor.name);
  return names;
}

// A misspelt beginning would share what was to stay at the sites.
Status CheckBeginnings(const Layout& all, std::span<const std::string> beginnings) {
  for (const std::string& beginning : beginnings) {
    const std::vector<std::string> names = Names(all);
    const bool found = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.starts_with(beginning);
    });
    if (found && !beginning.empty()) continue;
    return InvalidArgument("model.local_tensors: no tensor of the model begins with \"" +
                           beginning.substr(0, 64) + "\"")
        .WithHint("it has " + Join(names, ", "));
  }
  return OkStatus();
}

}  // namespace

Result<TensorSplit> TensorSplit::Create(const Layout& all,
                                        std::span<const std::string> beginnings) {
  SKERRY_RETURN_IF_ERROR(CheckBeginnings(all, beginnings));
  TensorSplit split;
  std::vector<TensorSpec> shared;
  int64_t in_all = 0;
  int64_t num_shared = 0;
  for (const TensorSpec& tensor : all.tensors()) {
    const bool local =
        std::any_of(beginnings.begin(), beginnings.end(),
                    [&](const std::string& begin) { return tensor.name.starts_with(begin); });
    int64_t& place = local ? split.num_local_ : num_shared;
    split.ranges_.push_back({in_all, place, tensor.NumElements(), local});
    place += tensor.NumElements();
    in_all += tensor.NumElements();
    if (!local) shared.push_back(tensor);
  }
  if (shared.empty()) {
    return InvalidArgument("model.local_tensors: no tensor would be left for the run to share");
  }
  SKERRY_ASSIGN_OR_RETURN(split.shared_, Layout::Create(std::move(shared)));
  return split;
}

Result<TensorSplit> TensorSplit::Create(const Layout& all, const v1::ModelSpec& spec) {
  const std::vector<std::string> beginnings(spec.local_tensors().begin(),
                                            spec.local_tensors().end());
  return Create(all, beginnings);
}

}  // namespace skerry::learning
