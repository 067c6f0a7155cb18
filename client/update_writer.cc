#include "client/update_writer.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/text.h"
#include "client/site_state_file.h"
#include "learning/compression/dense.h"
#include "learning/compression/top_k.h"
#include "learning/program.h"

namespace skerry::client {
namespace {

using learning::Encoding;

constexpr const char* kResidual = "residual";
constexpr int64_t kPieceElements = 64 * 1024;

template <class T>
std::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

Status WriteDense(const Encoding& encoding, const learning::RoundingKey& key,
                  std::span<const float> update, std::size_t section, ResultWriter& writer) {
  const int64_t block = std::max<int64_t>(encoding.block, 1);
  const int64_t step = std::max(block, kPieceElements / block * block);
  const auto size = static_cast<int64_t>(update.size());
  std::vector<char> bytes;
  for (int64_t first = 0; first < size; first += step) {
    const int64_t count = std::min(step, size - first);
    const learning::DenseRange range = learning::BlocksAround(encoding, size, first, count);
    bytes.resize(static_cast<std::size_t>(range.bytes));
    SKERRY_RETURN_IF_ERROR(learning::EncodeDense(
        encoding, key, first,
        update.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), bytes));
    SKERRY_RETURN_IF_ERROR(writer.PutBytes(section, range.offset, BytesOf(bytes)));
  }
  return OkStatus();
}

// What earlier updates did not send; a residual that cannot be read is none.
Result<std::vector<float>> Residual(const WorkOrder& order, std::size_t size, WorkDone& done) {
  if (order.site_state == nullptr) return std::vector<float>();
  Result<std::vector<float>> residual = ReadSiteState(*order.site_state, kResidual, size);
  if (residual.ok() || residual.status().code() != Code::kDataLoss) return residual;
  done.remarks.push_back(residual.status().message() +
                         "; the part of earlier updates that was not sent is lost");
  return std::vector<float>();
}

Status CheckFinite(std::span<const float> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return InvalidArgument("element " + std::to_string(i) + " of the update is " +
                           FormatExact(static_cast<double>(values[i])))
        .WithHint("training has probably diverged: try a smaller learning_rate");
  }
  return OkStatus();
}

Status WriteTopK(const WorkOrder& order, const Encoding& encoding, std::vector<float> update,
                 std::size_t section, ResultWriter& writer, WorkDone& done) {
  if (order.next_state == nullptr) return InvalidArgument("the task keeps no state of its site");
  SKERRY_ASSIGN_OR_RETURN(const std::vector<float> residual, Residual(order, update.size(), done));
  for (std::size_t i = 0; i < residual.size(); ++i) update[i] += residual[i];
  SKERRY_RETURN_IF_ERROR(CheckFinite(update));
  std::vector<uint32_t> indices(static_cast<std::size_t>(encoding.kept));
  std::vector<float> kept(indices.size());
  learning::TakeTopK(update, indices, kept);
  SKERRY_RETURN_IF_ERROR(writer.PutBytes(section, 0, BytesOf(indices)));
  SKERRY_RETURN_IF_ERROR(writer.PutBytes(
      section, static_cast<int64_t>(indices.size() * sizeof(uint32_t)), BytesOf(kept)));
  SKERRY_RETURN_IF_ERROR(WriteSiteState(*order.next_state, kResidual, update));
  done.has_next_state = true;
  return OkStatus();
}

}  // namespace

Status WriteUpdate(const WorkOrder& order, const std::string& site, std::vector<float> update,
                   ResultWriter& writer, WorkDone& done) {
  const auto index = writer.layout().Find(learning::kUpdateSection);
  if (!index || writer.layout().sections()[*index].layout.num_elements() !=
                    static_cast<int64_t>(update.size())) {
    return InvalidArgument("the task's result layout does not fit its run: section \"" +
                           std::string(learning::kUpdateSection) + "\"");
  }
  const Encoding& encoding = writer.layout().sections()[*index].encoding;
  switch (encoding.kind) {
    case Encoding::Kind::kPlain:
      return writer.Put<float>(learning::kUpdateSection, std::span<const float>(update));
    case Encoding::Kind::kTopK:
      return WriteTopK(order, encoding, std::move(update), *index, writer, done);
    default:
      return WriteDense(encoding,
                        {order.spec->seed(), static_cast<uint64_t>(order.task->round()), site},
                        update, *index, writer);
  }
}

Status WriteUpdate(const WorkOrder& /*order*/, const std::string& /*site*/,
                   std::vector<double> update, ResultWriter& writer, WorkDone& /*done*/) {
  return writer.Put<double>(learning::kUpdateSection, std::span<const double>(update));
}

}  // namespace skerry::client
