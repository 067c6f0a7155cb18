#include "client/inline_model.h"

#include <utility>

#include "base/bytes_file.h"
#include "crypto/content_hash.h"

namespace skerry::client {

std::shared_ptr<File> InlineModel(std::string contents, const std::string& content_hash) {
  thread_local std::shared_ptr<BytesFile> last;
  thread_local std::string last_hash;
  if (last != nullptr && last_hash == content_hash && last->bytes() == contents) return last;
  auto file = std::make_shared<BytesFile>(std::move(contents));
  const Result<crypto::Digest> hash = crypto::ContentHashOf(crypto::kFileHeader, *file);
  if (!hash.ok() || hash->view() != content_hash) return nullptr;
  last = std::move(file);
  last_hash = content_hash;
  return last;
}

}  // namespace skerry::client
