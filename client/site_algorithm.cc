#include "client/site_algorithm.h"

#include <map>

#include "client/model_file.h"
#include "client/site_state_file.h"

namespace skerry::client {

template <class T>
Result<KeptVectors<T>> KeptVectors<T>::Read(const WorkOrder& order,
                                            const std::vector<std::string>& names, std::size_t size,
                                            WorkDone& done) {
  KeptVectors kept;
  if (names.empty()) return kept;
  if (order.next_state == nullptr) return InvalidArgument("the task keeps no state of its site");
  if (order.site_state == nullptr) return kept;
  for (const std::string& name : names) {
    Result<std::vector<T>> values = ReadSiteVector<T>(*order.site_state, name, size);
    if (values.ok()) {
      kept.vectors_[name] = *std::move(values);
      continue;
    }
    if (values.status().code() != Code::kDataLoss) return std::move(values).status();
    done.remarks.push_back(values.status().message() + "; beginning without its \"" + name + "\"");
  }
  return kept;
}

template <class T>
Status KeptVectors<T>::Write(const WorkOrder& order, WorkDone& done) const {
  if (vectors_.empty()) return OkStatus();
  std::map<std::string, std::span<const T>> spans;
  for (const auto& [name, values] : vectors_) spans[name] = values;
  SKERRY_RETURN_IF_ERROR(WriteSiteVectors(*order.next_state, spans));
  done.has_next_state = true;
  return OkStatus();
}

template <class T>
Status SiteAlgorithm<T>::Begin(const WorkOrder& order, const learning::BasicModel<T>& model,
                               const learning::BasicDataset<T>& rows, std::span<const T> parameters,
                               const KeptVectors<T>& kept) {
  learning::LocalBeginning<T> beginning;
  beginning.parameters = parameters;
  for (const std::string& name : algorithm_->Sent()) {
    SKERRY_ASSIGN_OR_RETURN(beginning.sent[name],
                            LoadSentState<T>(*order.model, name, parameters.size()));
  }
  for (const std::string& name : algorithm_->Kept()) {
    const auto found = kept.vectors().find(name);
    if (found != kept.vectors().end()) beginning.kept[name] = found->second;
  }
  if (algorithm_->NeedsInitialLoss()) {
    SKERRY_ASSIGN_OR_RETURN(beginning.initial_loss,
                            learning::LossOverRows(model, rows, parameters, ProgressOf(order)));
  }
  algorithm_->Begin(std::move(beginning));
  return OkStatus();
}

template <class T>
Status SiteAlgorithm<T>::End(std::span<const T> delta, const learning::LocalTrainingResult& trained,
                             double learning_rate, KeptVectors<T>& kept, ResultWriter& writer,
                             WorkDone& done) {
  learning::LocalEnd<T> end;
  algorithm_->End(delta, trained.num_steps, learning_rate, end);
  for (const auto& [section, values] : end.sections) {
    SKERRY_RETURN_IF_ERROR(writer.Put<T>(section, std::span<const T>(values)));
  }
  done.scalars.insert(end.scalars.begin(), end.scalars.end());
  kept.Put(std::move(end.kept));
  return OkStatus();
}

template class KeptVectors<float>;
template class KeptVectors<double>;
template class SiteAlgorithm<float>;
template class SiteAlgorithm<double>;

}  // namespace skerry::client
