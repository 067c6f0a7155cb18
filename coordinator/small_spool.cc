#include "coordinator/small_spool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include "base/crc32c.h"

namespace skerry::coordinator {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Header {
  uint64_t task_id = 0;
  uint32_t size = 0;
  uint32_t checksum = 0;
};
constexpr uint64_t kHeaderBytes = sizeof(Header);
static_assert(kHeaderBytes == 16);
using HeaderBytes = std::array<char, kHeaderBytes>;
// The file may have so many bytes that nobody needs, or as many as are needed, before those that
// are get a new one.
constexpr uint64_t kMostWasted = uint64_t{4} << 20;

uint64_t RecordBytes(uint64_t size) { return size + kHeaderBytes; }

HeaderBytes Encode(int64_t task_id, uint64_t size) {
  Header header = {static_cast<uint64_t>(task_id), static_cast<uint32_t>(size), 0};
  const auto bytes = std::bit_cast<HeaderBytes>(header);
  header.checksum = Crc32c({bytes.data(), offsetof(Header, checksum)});
  return std::bit_cast<HeaderBytes>(header);
}

// In one piece, so that a record is followed by the end, or by nothing that can be one.
Status Write(File& file, uint64_t offset, int64_t task_id, std::string_view contents) {
  const HeaderBytes header = Encode(task_id, contents.size());
  std::string record;
  record.reserve(RecordBytes(contents.size()) + kHeaderBytes);
  record.append(header.data(), header.size()).append(contents).append(kHeaderBytes, '\0');
  return file.WriteAt(offset, record);
}

Status NotThere(int64_t task_id) {
  return NotFound("there is no small result of task " + std::to_string(task_id));
}

}  // namespace

Status SmallSpool::Scan() {
  Result<std::unique_ptr<File>> file = files_.Open(path_, OpenMode::kRead);
  if (file.status().code() == Code::kNotFound) return OkStatus();
  SKERRY_RETURN_IF_ERROR(file.status());
  file_ = *std::move(file);
  SKERRY_ASSIGN_OR_RETURN(const uint64_t size, file_->Size());
  while (size - end_ >= kHeaderBytes) {
    HeaderBytes bytes{};
    SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file_->ReadAt(end_, bytes));
    const auto header = std::bit_cast<Header>(bytes);
    const auto task_id = static_cast<int64_t>(header.task_id);
    if (n < bytes.size() || task_id <= 0 || bytes != Encode(task_id, header.size)) break;
    if (header.size > size - end_ - kHeaderBytes) break;
    Note(task_id, {end_, header.size});
    end_ += RecordBytes(header.size);
  }
  return OkStatus();
}

Status SmallSpool::Append(int64_t task_id, std::string_view contents) {
  if (!writable_) {
    SKERRY_ASSIGN_OR_RETURN(file_, files_.Open(path_, OpenMode::kReadWrite));
    writable_ = true;
  }
  // A compaction that finds no room may wait; what is at hand goes behind the rest.
  const uint64_t wasted = end_ - needed_bytes_;
  if (wasted > std::max({kMostWasted, needed_bytes_, wasted_in_vain_}) && !Compact().ok()) {
    static_cast<void>(files_.Remove(path_ + ".new").ok());
    wasted_in_vain_ = 2 * wasted;
  }
  SKERRY_RETURN_IF_ERROR(Write(*file_, end_, task_id, contents));
  Note(task_id, {end_, contents.size()});
  end_ += RecordBytes(contents.size());
  return OkStatus();
}

// Another process may be writing over it.
Result<std::string> SmallSpool::Read(int64_t task_id) const {
  const auto found = places_.find(task_id);
  if (found == places_.end()) return NotThere(task_id);
  const auto [offset, size] = found->second;
  std::string record(RecordBytes(size), '\0');
  SKERRY_ASSIGN_OR_RETURN(const std::size_t n, file_->ReadAt(offset, record));
  const HeaderBytes header = Encode(task_id, size);
  const bool there = n == record.size() && record.starts_with({header.data(), header.size()});
  if (!there) return NotThere(task_id);
  return record.substr(kHeaderBytes);
}

void SmallSpool::Note(int64_t task_id, const Place& place) {
  const auto [found, is_new] = places_.try_emplace(task_id);
  if (!is_new) needed_bytes_ -= RecordBytes(found->second.size);
  found->second = place;
  needed_bytes_ += RecordBytes(place.size);
}

void SmallSpool::Remove(int64_t task_id) {
  const auto found = places_.find(task_id);
  if (found == places_.end()) return;
  needed_bytes_ -= RecordBytes(found->second.size);
  places_.erase(found);
  if (places_.empty()) end_ = 0;
}

void SmallSpool::RemoveAllBut(const std::set<int64_t>& task_ids) {
  std::erase_if(places_, [&](const auto& entry) {
    if (task_ids.contains(entry.first)) return false;
    needed_bytes_ -= RecordBytes(entry.second.size);
    return true;
  });
  if (places_.empty()) end_ = 0;
}

void SmallSpool::RemoveFileIfEmpty() {
  if (file_ == nullptr || !places_.empty()) return;
  file_.reset();
  writable_ = false;
  static_cast<void>(files_.Remove(path_).ok());  // else the next one is written over it
}

// Those who read the old file keep it.
Status SmallSpool::Compact() {
  const std::string path = path_ + ".new";
  SKERRY_ASSIGN_OR_RETURN(std::unique_ptr<File> file, files_.Open(path, OpenMode::kCreate));
  std::map<int64_t, Place> places;
  uint64_t end = 0;
  for (const auto& [task_id, place] : places_) {
    const Result<std::string> contents = Read(task_id);
    if (contents.status().code() == Code::kNotFound) continue;
    SKERRY_RETURN_IF_ERROR(contents.status());
    SKERRY_RETURN_IF_ERROR(Write(*file, end, task_id, *contents));
    places[task_id] = {end, place.size};
    end += RecordBytes(place.size);
  }
  SKERRY_RETURN_IF_ERROR(files_.Rename(path, path_));
  file_ = std::move(file);
  places_ = std::move(places);
  needed_bytes_ = end_ = end;
  wasted_in_vain_ = 0;
  return OkStatus();
}

}  // namespace skerry::coordinator
