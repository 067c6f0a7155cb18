#include "client/model_files.h"

#include <vector>

#include "base/text.h"

namespace skerry::client {

Result<std::shared_ptr<FilledFile>> ModelFiles::Open(const v1::ModelRef& model, Reader reader) {
  const std::string hex = HexEncode(model.content_hash());
  Opened& opened = opened_[hex];
  if (reader == Reader::kAnybody) opened.reader = reader;
  if (auto file = opened.file.lock()) return file;
  SKERRY_ASSIGN_OR_RETURN(
      std::shared_ptr<FilledFile> file,
      FilledFile::Open(files_, PathOf(hex), NumberPathOf(hex), model.size_bytes(), spares_));
  opened.file = file;
  opened.size_bytes = model.size_bytes();
  return file;
}

uint64_t ModelFiles::BytesOnDisk(const v1::ModelRef& model) const {
  const auto file = files_.Open(PathOf(HexEncode(model.content_hash())), OpenMode::kRead);
  const Result<uint64_t> size = file.ok() ? (*file)->Size() : file.status();
  return size.ok() ? *size : 0;
}

void ModelFiles::RemoveAllBut(const std::set<std::string>& content_hashes) {
  std::set<std::string> used;
  for (const std::string& hash : content_hashes) used.insert(HexEncode(hash));
  const Result<std::vector<std::string>> names = files_.List(folder_);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string hex = name.substr(0, name.find('.'));
    if (!used.contains(hex)) Remove(hex);
  }
}

void ModelFiles::Remove(const std::string& hex) {
  const auto opened = opened_.find(hex);
  const bool idle = opened != opened_.end() && opened->second.file.expired() &&
                    opened->second.reader == Reader::kThisProcess;
  const uint64_t size_bytes = idle ? opened->second.size_bytes : 0;
  if (opened != opened_.end()) opened_.erase(opened);
  if (!spares_.Keep(PathOf(hex), size_bytes)) {
    static_cast<void>(files_.Remove(PathOf(hex)).ok());
  }
  static_cast<void>(files_.Remove(NumberPathOf(hex)).ok());
}

}  // namespace skerry::client
