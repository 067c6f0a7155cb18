#include "client/shared_task.h"

#include <utility>

#include "client/inline_model.h"
#include "crypto/sha256.h"

namespace skerry::client {
namespace {

// What has been read and checked for one description is found again by its hash: so that must be
// its own.
std::shared_ptr<const v1::RunSpec> SpecOf(const v1::Task& task) {
  thread_local std::string last_bytes;
  thread_local std::string last_hash;
  thread_local std::shared_ptr<const v1::RunSpec> last;
  const bool same = last_hash == task.run_spec_sha256() && last_bytes == task.run_spec();
  if (last != nullptr && same) return last;
  const bool named = crypto::Sha256(task.run_spec()).view() == task.run_spec_sha256();
  auto spec = std::make_shared<v1::RunSpec>();
  if (!named || !spec->ParseFromString(task.run_spec())) return nullptr;
  last = std::move(spec);
  last_bytes = task.run_spec();
  last_hash = task.run_spec_sha256();
  return last;
}

}  // namespace

std::shared_ptr<const SharedTask> ShareTask(std::shared_ptr<const v1::Task> task,
                                            const std::shared_ptr<const std::string>& model) {
  thread_local std::shared_ptr<const SharedTask> last;
  thread_local std::shared_ptr<const std::string> last_model;
  if (last != nullptr && last->task == task && last_model == model) return last;
  auto shared = std::make_shared<SharedTask>();
  if (model != nullptr) shared->model = InlineModel(*model, task->model().content_hash());
  shared->bytes = task->SerializeAsString();
  auto layout = rpc::ParseLayout(task->result_layout());
  if (layout.ok()) shared->layout = *std::move(layout);
  shared->spec = SpecOf(*task);
  shared->task = std::move(task);
  last = std::move(shared);
  last_model = model;
  return last;
}

}  // namespace skerry::client
