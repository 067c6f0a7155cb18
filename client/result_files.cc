#include "client/result_files.h"

#include <algorithm>
#include <vector>

#include "client/fresh_file.h"

namespace skerry::client {

std::string ResultFiles::PathOf(int64_t task_id) const {
  return folder_ + "/" + std::to_string(task_id) + ".result";
}

Result<std::shared_ptr<File>> ResultFiles::Create(int64_t task_id, uint64_t size_bytes) {
  const std::string path = PathOf(task_id);
  const bool reuse = size_bytes >= SpareFiles::kLeastBytes && spares_.MoveTo(path);
  SKERRY_ASSIGN_OR_RETURN(std::unique_ptr<File> file,
                          files_.Open(path, reuse ? OpenMode::kReadWrite : OpenMode::kCreate));
  std::shared_ptr<File> fresh = std::move(file);
  if (reuse) {
    SKERRY_ASSIGN_OR_RETURN(uint64_t old_bytes, fresh->Size());
    if (old_bytes > size_bytes) SKERRY_RETURN_IF_ERROR(fresh->Truncate(size_bytes));
    old_bytes = std::min(old_bytes, size_bytes);
    fresh = std::make_shared<FreshFile>(std::move(fresh), old_bytes);
  }
  created_[task_id] = {fresh, size_bytes};
  return fresh;
}

Result<std::shared_ptr<const File>> ResultFiles::Open(int64_t task_id) const {
  SKERRY_ASSIGN_OR_RETURN(auto file, files_.Open(PathOf(task_id), OpenMode::kRead));
  return std::shared_ptr<const File>(std::move(file));
}

void ResultFiles::Remove(int64_t task_id, bool is_read) {
  const auto created = created_.find(task_id);
  const bool idle = !is_read && created != created_.end() && created->second.file.expired();
  const uint64_t size_bytes = idle ? created->second.size_bytes : 0;
  if (created != created_.end()) created_.erase(created);
  if (spares_.Keep(PathOf(task_id), size_bytes)) return;
  static_cast<void>(files_.Remove(PathOf(task_id)).ok());
}

void ResultFiles::RemoveAllBut(const std::set<int64_t>& task_ids) {
  std::set<std::string> used;
  for (const int64_t task_id : task_ids) used.insert(PathOf(task_id));
  const Result<std::vector<std::string>> names = files_.List(folder_);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    std::string path = folder_;
    path += "/" + name;
    if (!used.contains(path)) static_cast<void>(files_.Remove(path).ok());
  }
}

}  // namespace skerry::client
