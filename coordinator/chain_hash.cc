#include "coordinator/chain_hash.h"

#include "crypto/sha256.h"

namespace skerry::coordinator {

std::string ChainHash(std::string_view before, const storage::RoundRecord& round,
                      const std::vector<const storage::TaskRecord*>& counted) {
  crypto::Sha256Stream stream;
  stream.Update("skerry chain 1");
  stream.Update(before);
  stream.Update(round.run_id + " " + std::to_string(round.round) + " " + round.kind + " " +
                std::to_string(round.base_version) + " " + std::to_string(round.model_version) +
                " ");
  stream.Update(round.model_hash.view());
  stream.Update(round.state_hash.view());
  for (const storage::TaskRecord* task : counted) {
    stream.Update(task->site + " " + std::to_string(task->task_id) + " " +
                  std::to_string(task->num_examples) + " ");
    if (task->base_version >= 0) {
      stream.Update("from " + std::to_string(task->base_version) + ", arrival " +
                    std::to_string(task->arrival) + " ");
    }
    stream.Update(task->content_hash.view());
  }
  return std::string(std::move(stream).Finish().view());
}

}  // namespace skerry::coordinator
