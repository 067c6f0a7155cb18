#pragma once

#include <memory>

#include "crypto/digest.h"
#include "learning/layout.h"
#include "skerry/v1/model.pb.h"

namespace skerry::rpc {

struct ParsedLayout {
  learning::ResultLayout layout;
  crypto::Digest hash;  // LayoutHash(layout)
};

// What a message says, with its hash. Errors are ResultLayout::FromProto's. Each thread keeps its
// last one: all tasks of a round have the same, and to compare is less work than to parse.
Result<std::shared_ptr<const ParsedLayout>> ParseLayout(const v1::ResultLayout& message);

}  // namespace skerry::rpc
