#include "bench/streaming_trainer.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "learning/layout.h"
#include "learning/program.h"
#include "rpc/parsed_layout.h"

namespace skerry::bench {
namespace {

constexpr uint64_t kPieceBytes = 1 << 20;
constexpr int64_t kNumExamples = 100;
constexpr float kShrink = 1.0F / 1024;

// Between -1/64 and 1/64, another one for each site and round.
float TermOf(const std::string& site, int64_t round) {
  RandomStream stream(0, Purpose::kSimulation, static_cast<uint64_t>(round), site, 0);
  return static_cast<float>((stream.Uniform() - 0.5) / 32);
}

// Where the parameters begin: they are the last tensors of a model file.
Result<uint64_t> ParametersBegin(const File& model, uint64_t update_bytes) {
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size_bytes, model.Size());
  if (size_bytes < update_bytes) return InvalidArgument("the update is larger than the model");
  return size_bytes - update_bytes;
}

Status WriteUpdate(const client::WorkOrder& order, uint64_t from, uint64_t to, uint64_t bytes,
                   float term) {
  std::vector<float> piece(std::min(kPieceBytes, bytes) / sizeof(float));
  order.progress->total = static_cast<int64_t>(bytes);
  for (uint64_t at = 0; at < bytes; at += kPieceBytes) {
    if (order.stop.stop_requested()) return Cancelled("asked to stop");
    const std::span<char> raw(reinterpret_cast<char*>(piece.data()),
                              std::min(kPieceBytes, bytes - at));
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, order.model->ReadAt(from + at, raw));
    if (n != raw.size()) return DataLoss("the model file is cut short");
    for (float& x : piece) x = x * kShrink + term;
    SKERRY_RETURN_IF_ERROR(order.result->WriteAt(to + at, {raw.data(), raw.size()}));
    order.progress->done = static_cast<int64_t>(at + raw.size());
  }
  return OkStatus();
}

}  // namespace

Result<client::WorkDone> StreamingTrainer::Run(const client::WorkOrder& order) {
  if (order.task->kind() != v1::TRAIN || order.model == nullptr) {
    return InvalidArgument("the benchmark's client only trains");
  }
  std::shared_ptr<const rpc::ParsedLayout> parsed = order.layout;
  if (parsed == nullptr) {
    SKERRY_ASSIGN_OR_RETURN(parsed, rpc::ParseLayout(order.task->result_layout()));
  }
  const learning::ResultLayout& layout = parsed->layout;
  const auto update = layout.Find(learning::kUpdateSection);
  if (!update) return InvalidArgument("the task asks for no update");
  const auto bytes = static_cast<uint64_t>(layout.sections()[*update].layout.size_bytes());
  SKERRY_RETURN_IF_ERROR(order.result->Truncate(static_cast<uint64_t>(layout.size_bytes())));
  SKERRY_ASSIGN_OR_RETURN(const uint64_t from, ParametersBegin(*order.model, bytes));
  SKERRY_RETURN_IF_ERROR(WriteUpdate(order, from,
                                     static_cast<uint64_t>(layout.offset_bytes(*update)), bytes,
                                     TermOf(site_, order.task->round())));
  client::WorkDone done;
  done.num_examples = kNumExamples;
  done.scalars["train_loss"] = 0;
  return done;
}

}  // namespace skerry::bench
