#include "client/model_file.h"

#include <algorithm>
#include <span>
#include <string>

#include "base/text.h"
#include "learning/strategy.h"
#include "storage/safetensors.h"

namespace skerry::client {
namespace {

using learning::TensorSpec;

std::string Describe(const TensorSpec& tensor) {
  std::vector<std::string> dims;
  for (const int64_t dim : tensor.shape) dims.push_back(std::to_string(dim));
  return "\"" + tensor.name + "\" " + std::string(DTypeName(tensor.dtype)) + " [" +
         Join(dims, ", ") + "]";
}

template <class T>
Status ReadTensors(const File& file, uint64_t offset, std::span<T> out) {
  const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file.ReadAt(offset, bytes));
  if (n != bytes.size()) return DataLoss("the model file is cut short");
  return OkStatus();
}

}  // namespace

template <class T>
Result<BasicLoadedModel<T>> LoadModelOf(const File& file, const learning::Layout& parameters,
                                        std::size_t num_inputs) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  std::vector<TensorSpec> expected = learning::TransformTensors(num_inputs);
  expected.insert(expected.end(), parameters.tensors().begin(), parameters.tensors().end());
  const std::vector<TensorSpec>& found = info.layout.tensors();
  for (std::size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    if (i < found.size() && i < expected.size() && found[i] == expected[i]) continue;
    if (i >= expected.size() && found[i].name.starts_with(learning::SentTensor(""))) continue;
    return FailedPrecondition(
               "the model has another layout: it has " +
               (i < found.size() ? "tensor " + Describe(found[i]) : "no further tensor") +
               " where " + (i < expected.size() ? Describe(expected[i]) : "none") + " is expected")
        .WithHint("use the run file that the model was made with");
  }
  BasicLoadedModel<T> model;
  std::vector<double> fixed(3 * num_inputs);
  SKERRY_RETURN_IF_ERROR(ReadTensors(file, info.data_begin, std::span(fixed)));
  const auto part = [&](std::size_t i) {
    const auto begin = fixed.begin() + static_cast<std::ptrdiff_t>(i * num_inputs);
    return std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(num_inputs));
  };
  model.transform = {part(0), part(1), part(2)};
  model.parameters.resize(static_cast<std::size_t>(parameters.num_elements()));
  SKERRY_RETURN_IF_ERROR(ReadTensors(file, info.data_begin + fixed.size() * sizeof(double),
                                     std::span(model.parameters)));
  return model;
}

template <class T>
Result<std::vector<T>> LoadSentState(const File& file, const std::string& name, std::size_t size) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  const auto at = info.layout.Find(learning::SentTensor(name));
  if (!at || info.layout.tensors()[*at].SizeBytes() != static_cast<int64_t>(size * sizeof(T))) {
    return FailedPrecondition("the model has no state \"" + name + "\" of its strategy");
  }
  std::vector<T> values(size);
  SKERRY_RETURN_IF_ERROR(
      ReadTensors(file, info.data_begin + static_cast<uint64_t>(info.layout.offset_bytes(*at)),
                  std::span(values)));
  return values;
}

template <class T>
Status SubtractModel(const File& file, std::size_t num_inputs, std::span<T> parameters) {
  SKERRY_ASSIGN_OR_RETURN(const storage::SafetensorsInfo info, storage::ReadSafetensors(file));
  const uint64_t begin = info.data_begin + 3 * num_inputs * sizeof(double);
  constexpr std::size_t kPiece = std::size_t{256} << 10;
  std::vector<T> base(std::min(kPiece, parameters.size()));
  for (std::size_t first = 0; first < parameters.size(); first += kPiece) {
    const std::size_t n = std::min(kPiece, parameters.size() - first);
    SKERRY_RETURN_IF_ERROR(ReadTensors(file, begin + first * sizeof(T), std::span(base).first(n)));
    for (std::size_t i = 0; i < n; ++i) parameters[first + i] -= base[i];
  }
  return OkStatus();
}

template <class T>
Result<std::shared_ptr<const BasicLoadedModel<T>>> ModelCache::Load(
    const std::string& key, const File& file, const learning::Layout& parameters,
    std::size_t num_inputs) {
  constexpr std::size_t kMost = 4;
  MutexLock lock(mutex_);
  Models<T>& models = ModelsOf<T>();
  for (const auto& [known, model] : models) {
    if (known == key) return model;
  }
  SKERRY_ASSIGN_OR_RETURN(BasicLoadedModel<T> loaded, LoadModelOf<T>(file, parameters, num_inputs));
  auto model = std::make_shared<const BasicLoadedModel<T>>(std::move(loaded));
  models.emplace_front(key, model);
  if (models.size() > kMost) models.pop_back();
  return model;
}

template Result<BasicLoadedModel<float>> LoadModelOf<float>(const File&, const learning::Layout&,
                                                            std::size_t);
template Result<std::vector<float>> LoadSentState<float>(const File&, const std::string&,
                                                         std::size_t);
template Status SubtractModel(const File&, std::size_t, std::span<float>);
template Result<std::shared_ptr<const BasicLoadedModel<float>>> ModelCache::Load<float>(
    const std::string&, const File&, const learning::Layout&, std::size_t);
template Result<BasicLoadedModel<double>> LoadModelOf<double>(const File&, const learning::Layout&,
                                                              std::size_t);
template Result<std::vector<double>> LoadSentState<double>(const File&, const std::string&,
                                                           std::size_t);
template Status SubtractModel(const File&, std::size_t, std::span<double>);
template Result<std::shared_ptr<const BasicLoadedModel<double>>> ModelCache::Load<double>(
    const std::string&, const File&, const learning::Layout&, std::size_t);

}  // namespace skerry::client
