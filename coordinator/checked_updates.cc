#include "coordinator/checked_updates.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/parallel.h"
#include "crypto/content_hash.h"

namespace skerry::coordinator {
namespace {

using crypto::kChunkBytes;
using Range = std::pair<uint64_t, uint64_t>;  // bytes from, and up to

// Statistics and coordinates are put in order, for which numbers have to be some.
bool Sorts(const learning::Aggregator& aggregator) {
  return aggregator.NeedsStatistics() || aggregator.TrimsCoordinates();
}

// Where the updates stand in every result, in order; empty if they are not plain numbers.
std::vector<Range> PlainRanges(const FinalizeInput& input) {
  const learning::ResultLayout& layout = input.spec.result_layout;
  std::vector<Range> ranges;
  for (const std::size_t i : UpdateSections(input)) {
    const learning::Section& section = layout.sections()[i];
    if (section.encoding.kind != learning::Encoding::Kind::kPlain) return {};
    SKERRY_CHECK(section.size_bytes() == input.program->parameters().size_bytes());
    const auto begin = static_cast<uint64_t>(layout.offset_bytes(i));
    ranges.emplace_back(begin, begin + static_cast<uint64_t>(section.size_bytes()));
  }
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

// The chunks in which something else stands.
std::set<std::size_t> OtherChunks(const std::vector<Range>& ranges, uint64_t size_bytes) {
  std::set<std::size_t> chunks;
  const auto add = [&chunks](uint64_t begin, uint64_t end) {
    for (; begin < end; begin += kChunkBytes - begin % kChunkBytes) {
      chunks.insert(begin / kChunkBytes);
    }
  };
  uint64_t begin = 0;
  for (const auto& [from, to] : ranges) {
    add(begin, from);
    begin = to;
  }
  add(begin, size_bytes);
  return chunks;
}

std::unique_ptr<ReadCheck> CheckOf(const CountedResult& result, uint64_t size_bytes,
                                   const std::set<std::size_t>& other_chunks) {
  if (result.file == nullptr || result.header->size_bytes() != size_bytes) return nullptr;
  if (result.chunk_checksums.size() != crypto::NumChunks(size_bytes)) return nullptr;
  auto check = std::make_unique<ReadCheck>(result.chunk_checksums, size_bytes);
  for (const std::size_t chunk : other_chunks) {
    if (!check->CheckChunk(*result.file, chunk)) return nullptr;
  }
  return check;
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

std::unique_ptr<CheckedUpdates> CheckedUpdates::Of(const FinalizeInput& input, Executor& compute,
                                                   int helpers) {
  const auto size_bytes = static_cast<uint64_t>(input.spec.result_layout.size_bytes());
  if (!input.spec.makes_model || size_bytes <= kChunkBytes) return nullptr;
  if (Sorts(input.program->StrategyOf(input.spec).aggregator())) return nullptr;
  const std::vector<Range> ranges = PlainRanges(input);
  if (ranges.empty()) return nullptr;
  const std::set<std::size_t> other_chunks = OtherChunks(ranges, size_bytes);
  std::vector<std::unique_ptr<ReadCheck>> checks(input.results.size());
  ParallelFor(compute, helpers, checks.size(), [&](std::size_t i) {
    checks[i] = CheckOf(input.results[i], size_bytes, other_chunks);
  });
  if (std::find(checks.begin(), checks.end(), nullptr) != checks.end()) return nullptr;
  return std::unique_ptr<CheckedUpdates>(new CheckedUpdates(std::move(checks)));
}

std::vector<std::size_t> CheckedUpdates::Damaged() const {
  std::vector<std::size_t> damaged;
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    if (!checks_[i]->IsWhole()) damaged.push_back(i);
  }
  return damaged;
}

}  // namespace skerry::coordinator
