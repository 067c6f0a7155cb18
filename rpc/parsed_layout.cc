#include "rpc/parsed_layout.h"

#include <string>
#include <utility>

#include "rpc/chunks.h"

namespace skerry::rpc {

Result<std::shared_ptr<const ParsedLayout>> ParseLayout(const v1::ResultLayout& message) {
  thread_local std::string bytes;
  thread_local std::string last_bytes;
  thread_local std::shared_ptr<const ParsedLayout> last;
  message.SerializeToString(&bytes);
  if (last != nullptr && bytes == last_bytes) return last;
  ParsedLayout parsed;
  SKERRY_ASSIGN_OR_RETURN(parsed.layout, learning::ResultLayout::FromProto(message));
  parsed.hash = LayoutHash(parsed.layout);
  last = std::make_shared<const ParsedLayout>(std::move(parsed));
  last_bytes = bytes;
  return last;
}

}  // namespace skerry::rpc
