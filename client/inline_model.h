#pragma once

#include <memory>
#include <string>

#include "base/files.h"

namespace skerry::client {

// The model that came inside a task as a file, whose content hash is `content_hash`; null: the
// bytes have another. Nobody may write to it. Each thread keeps its last one, since the sites of a
// simulation get the same: equal bytes are compared, not hashed again, and are in memory once.
std::shared_ptr<File> InlineModel(std::string contents, const std::string& content_hash);

}  // namespace skerry::client
