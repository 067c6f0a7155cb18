#include "rpc/grpc/checked_tls_files.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "crypto/sha256.h"

namespace skerry::rpc {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

// What the three files hold at one moment. The key is wiped when it goes.
struct CheckedTlsFiles::Contents {
  std::string ca;
  std::string certificate;
  std::string key;

  static Result<Contents> Read(const TlsFiles& tls) {
    PosixFiles files;
    Contents contents;
    SKERRY_ASSIGN_OR_RETURN(contents.ca, ReadFile(files, tls.ca));
    SKERRY_ASSIGN_OR_RETURN(contents.certificate, ReadFile(files, tls.certificate));
    SKERRY_ASSIGN_OR_RETURN(contents.key, ReadFile(files, tls.key));
    return contents;
  }
  Contents() = default;
  Contents(Contents&&) = default;
  ~Contents() { ::explicit_bzero(key.data(), key.size()); }

  std::string Hash() const {
    std::string hashes;
    for (const std::string* one : {&ca, &certificate, &key}) {
      // A stream's memory is wiped; that of a short message's hash is not, and this may be a key.
      crypto::Sha256Stream stream;
      stream.Update(*one);
      hashes += std::move(stream).Finish().view();
    }
    return hashes;
  }
};

class CheckedTlsFiles::MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("tls", MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }
  Status Put(const std::string& bytes) const {
    const auto size = static_cast<ssize_t>(bytes.size());
    const bool put =
        ::ftruncate(fd_, size) == 0 && ::pwrite(fd_, bytes.data(), bytes.size(), 0) == size;
    return put ? OkStatus() : FromErrno(errno, "keeping a certificate in memory");
  }

 private:
  const int fd_;
};

CheckedTlsFiles::CheckedTlsFiles(TlsFiles originals, Say say)
    : originals_(std::move(originals)),
      say_(std::move(say)),
      ca_(std::make_unique<MemoryFile>()),
      certificate_(std::make_unique<MemoryFile>()),
      key_(std::make_unique<MemoryFile>()) {}

CheckedTlsFiles::~CheckedTlsFiles() = default;

Result<std::unique_ptr<CheckedTlsFiles>> CheckedTlsFiles::Open(TlsFiles originals, Say say) {
  std::unique_ptr<CheckedTlsFiles> opened(
      new CheckedTlsFiles(std::move(originals), std::move(say)));
  SKERRY_ASSIGN_OR_RETURN(const Contents contents, Contents::Read(opened->originals_));
  SKERRY_RETURN_IF_ERROR(opened->Take(contents));
  opened->taken_ = contents.Hash();
  opened->thread_ =
      std::jthread([self = opened.get()](const std::stop_token& stop) { self->LookUntil(stop); });
  return opened;
}

TlsFiles CheckedTlsFiles::files() const {
  return {ca_->path(), certificate_->path(), key_->path()};
}

Status CheckedTlsFiles::Take(const Contents& contents) {
  SKERRY_RETURN_IF_ERROR(ca_->Put(contents.ca));
  SKERRY_RETURN_IF_ERROR(key_->Put(contents.key));
  return certificate_->Put(contents.certificate);
}

void CheckedTlsFiles::Look() {
  const Result<Contents> contents = Contents::Read(originals_);
  if (!contents.ok() || contents->Hash() == taken_) return;
  PosixFiles files;
  const int64_t now = SystemClock().WallNow().unix_millis / 1000;
  Status status = CheckTlsFiles(files, originals_, now);
  // What was checked is what is taken: nothing has been put in place meanwhile.
  const Result<Contents> again = Contents::Read(originals_);
  if (!again.ok() || again->Hash() != contents->Hash()) return;
  if (status.ok()) status = Take(*contents);
  if (!status.ok()) return Refuse(contents->Hash(), status);
  taken_ = contents->Hash();
  refused_.clear();
  say_(OkStatus());
}

// Files are replaced one after the other: only what is still wrong at the next look is said, once.
void CheckedTlsFiles::Refuse(const std::string& hash, const Status& why) {
  const int looks = refused_ == hash ? ++looks_ : looks_ = 1;
  refused_ = hash;
  if (looks == 2) say_(why);
}

void CheckedTlsFiles::LookUntil(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, kLookEvery, [] { return false; });
    if (!stop.stop_requested()) Look();
  }
}

}  // namespace skerry::rpc
