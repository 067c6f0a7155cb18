#include "coordinator/checked_updates.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/parallel.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

using Range = std::pair<uint64_t, uint64_t>;

bool HasChecksums(const CountedResult& result, uint64_t size_bytes) {
  return result.file != nullptr && result.header->size_bytes() == size_bytes &&
         result.chunk_checksums.size() == crypto::NumChunks(size_bytes);
}

// What is left of `size_bytes` without `ranges`, which are in order and apart.
std::vector<Range> Without(const std::vector<Range>& ranges, uint64_t size_bytes) {
  std::vector<Range> rest;
  uint64_t begin = 0;
  for (const auto& [from, to] : ranges) {
    if (begin < from) rest.emplace_back(begin, from);
    begin = to;
  }
  if (begin < size_bytes) rest.emplace_back(begin, size_bytes);
  return rest;
}

void NoteRange(const File& file, const Range& range, ReadCheck& check) {
  std::string buffer;
  for (uint64_t at = range.first; at < range.second; at += buffer.size()) {
    buffer.resize(std::min(crypto::kChunkBytes, range.second - at));
    const Result<std::size_t> n = file.ReadAt(at, buffer);
    if (!n.ok() || *n != buffer.size()) return;  // never whole, then
    check.Note(at, buffer);
  }
}

}  // namespace

std::vector<std::size_t> UpdateSections(const FinalizeInput& input) {
  const learning::ResultLayout& layout = input.spec.result_layout;
  std::vector<std::size_t> sections;
  if (!layout.Find(learning::kUpdateSection)) return sections;
  for (const std::string& name : input.program->StrategyOf(input.spec).Sections()) {
    const auto section = layout.Find(name);
    SKERRY_CHECK(section);  // the program has laid it out so
    sections.push_back(*section);
  }
  return sections;
}

std::unique_ptr<CheckedUpdates> CheckedUpdates::Of(const FinalizeInput& input) {
  const learning::ResultLayout& layout = input.spec.result_layout;
  const auto size_bytes = static_cast<uint64_t>(layout.size_bytes());
  if (!input.spec.makes_model || size_bytes <= crypto::kChunkBytes) return nullptr;
  std::vector<Range> ranges;
  for (const std::size_t i : UpdateSections(input)) {
    const learning::Section& section = layout.sections()[i];
    const bool plain = section.encoding.kind == learning::Encoding::Kind::kPlain;
    if (!plain || section.size_bytes() != input.program->parameters().size_bytes()) return nullptr;
    const auto begin = static_cast<uint64_t>(layout.offset_bytes(i));
    ranges.emplace_back(begin, begin + static_cast<uint64_t>(section.size_bytes()));
  }
  if (ranges.empty()) return nullptr;
  std::sort(ranges.begin(), ranges.end());
  auto made = std::unique_ptr<CheckedUpdates>(new CheckedUpdates());
  made->rest_ = Without(ranges, size_bytes);
  for (const CountedResult& result : input.results) {
    if (!HasChecksums(result, size_bytes)) return nullptr;
    made->checks_.push_back(std::make_unique<ReadCheck>(result.chunk_checksums, size_bytes));
  }
  return made;
}

std::vector<std::size_t> CheckedUpdates::Finish(const std::vector<CountedResult>& results,
                                                Executor& compute, int helpers) {
  ParallelFor(compute, helpers, results.size(), [&](std::size_t i) {
    for (const Range& range : rest_) NoteRange(*results[i].file, range, of(i));
  });
  std::vector<std::size_t> damaged;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!of(i).IsWhole()) damaged.push_back(i);
  }
  return damaged;
}

}  // namespace skerry::coordinator
