#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/status.h"
#include "rpc/grpc/transport.h"

namespace skerry::rpc {

// Certificates and key as gRPC gets to see them. gRPC takes over whatever stands in the files, and
// with a key that does not fit the certificate it lets nobody in any more. Here a new pair is
// looked at first; while it cannot be used the old one stays, and somebody is told. The copies are
// in memory only.
class CheckedTlsFiles {
 public:
  // Is told, on a thread of its own, of pairs that were taken over and of those that cannot be.
  using Say = std::function<void(const Status& taken)>;

  // `originals` have passed CheckTlsFiles.
  static Result<std::unique_ptr<CheckedTlsFiles>> Open(TlsFiles originals, Say say);
  ~CheckedTlsFiles();
  CheckedTlsFiles(const CheckedTlsFiles&) = delete;
  CheckedTlsFiles& operator=(const CheckedTlsFiles&) = delete;

  // For ServerTls and ChannelTls, whose objects must go first.
  TlsFiles files() const;

 private:
  struct Contents;
  class MemoryFile;
  CheckedTlsFiles(TlsFiles originals, Say say);
  Status Take(const Contents& contents);
  void Look();
  void Refuse(const std::string& hash, const Status& why);
  void LookUntil(const std::stop_token& stop);

  const TlsFiles originals_;
  const Say say_;
  const std::unique_ptr<MemoryFile> ca_;
  const std::unique_ptr<MemoryFile> certificate_;
  const std::unique_ptr<MemoryFile> key_;
  std::string taken_;    // a hash of what gRPC sees
  std::string refused_;  // of what was looked at last and cannot be used
  int looks_ = 0;        // at that
  std::jthread thread_;
};

}  // namespace skerry::rpc
