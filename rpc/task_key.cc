#include "rpc/task_key.h"

#include <cstring>

#include "crypto/sha256.h"

namespace skerry::rpc {

std::string TaskKey(const v1::Task& task) {
  uint64_t learning_rate = 0;
  const double rate = task.learning_rate();
  std::memcpy(&learning_rate, &rate, sizeof(learning_rate));
  // Names and numbers have no spaces, and the two hashes have a fixed length or none.
  std::string text = "skerry task 1 " + task.run_id() + " " + std::to_string(task.round()) + " " +
                     std::to_string(task.attempt()) + " " + std::to_string(task.kind()) + " " +
                     std::to_string(learning_rate) + " " + (task.evaluate() ? "1 " : "0 ");
  text += task.run_spec_sha256();
  text += task.model().content_hash();
  return std::string(crypto::Sha256(text).view());
}

}  // namespace skerry::rpc
