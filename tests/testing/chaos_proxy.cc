#include "testing/chaos_proxy.h"

#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"

namespace skerry::testing {
namespace {

sockaddr_in AddressOf(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  SKERRY_CHECK(colon != std::string::npos);
  const std::string host = text.substr(0, colon);
  uint16_t port = 0;
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  SKERRY_CHECK(::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  return address;
}

Socket Listen(const std::string& where, int& port) {
  Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SKERRY_CHECK(listener.is_open());
  Configure(listener.fd());
  const int on = 1;
  ::setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = AddressOf(where);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  SKERRY_CHECK(::bind(listener.fd(), generic, size) == 0);
  SKERRY_CHECK(::listen(listener.fd(), 64) == 0);
  SKERRY_CHECK(::getsockname(listener.fd(), generic, &size) == 0);
  port = ntohs(address.sin_port);
  return listener;
}

// The first bytes of a connection, sent once more on one of its own. Whatever is answered is not
// for anybody.
struct Repetition {
  Socket socket;
  std::string rest;
  Timestamp until;
};

ConnectionTraffic TrafficOf(const ProxiedConnection& connection) {
  return {connection.pipe(Way::kUp).bytes_in(), connection.pipe(Way::kUp).bytes_out(),
          connection.pipe(Way::kDown).bytes_in(), connection.pipe(Way::kDown).bytes_out(),
          connection.is_open()};
}

}  // namespace

// All of it, on its thread.
class ChaosProxy::Link {
 public:
  explicit Link(ChaosProxyOptions options)
      : to_(AddressOf(options.to)),
        plan_(std::move(options.plan)),
        random_(options.seed, Purpose::kFault, 0, "", 0),
        listener_(Listen(options.listen, port_)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        began_(clock_.Now()),
        thread_([this] { Run(); }) {}

  ~Link() {
    Call([this] { stopping_ = true; });
    thread_.join();
  }

  int port() const { return port_; }

  // Runs `action` on the link's thread and waits for it.
  void Call(const std::function<void()>& action) {
    std::promise<void> done;
    {
      MutexLock lock(mutex_);
      posted_.emplace_back([&] {
        action();
        done.set_value();
      });
    }
    const uint64_t one = 1;
    SKERRY_CHECK(::write(wake_.fd(), &one, sizeof(one)) == sizeof(one));
    done.get_future().wait();
  }

  void Do(const LinkFault& fault);
  void CutAfter(Way way, uint64_t bytes) {
    cut_at_[static_cast<std::size_t>(way)] = sent_[static_cast<std::size_t>(way)] + bytes;
  }
  int num_cuts() const { return num_cuts_; }
  std::vector<ConnectionTraffic> connections() const;
  const std::string& diary() const { return diary_; }

 private:
  void Run();
  void DoPosted();
  void DoPlanned(Timestamp now);
  void Wait(Timestamp now);
  void Accept();
  void Move(Timestamp now);
  void MoveRepetitions(Timestamp now);
  void CutIfDue();
  void ResetAll();

  const SystemClock clock_{};
  const sockaddr_in to_;
  std::vector<PlannedFault> plan_;
  RandomStream random_;
  int port_ = 0;
  Socket listener_;
  Socket wake_;
  const Timestamp began_;

  bool stopping_ = false;
  Duration delay_{0};
  int64_t rate_each_ = 0;
  std::array<Allowance, 2> allowances_;
  bool partitioned_ = false;
  std::array<bool, 2> loses_{};  // by way
  Duration chaos_pause_{0};
  Timestamp chaos_at_;
  std::optional<Timestamp> heal_at_;
  std::optional<uint64_t> truncate_next_;
  std::size_t duplicate_next_ = 0;
  std::array<std::optional<uint64_t>, 2> cut_at_;
  int num_cuts_ = 0;

  int64_t last_number_ = 0;
  std::map<int64_t, ProxiedConnection> connections_;  // by number: those that are open
  std::map<int64_t, ConnectionTraffic> past_;
  std::array<uint64_t, 2> sent_{};  // by way, on all connections
  std::vector<Repetition> repetitions_;
  std::size_t turn_ = 0;
  std::string diary_;

  Mutex mutex_;
  std::vector<std::function<void()>> posted_ SKERRY_GUARDED_BY(mutex_);
  std::thread thread_;
};

void ChaosProxy::Link::Run() {
  while (!stopping_) {
    const Timestamp now = clock_.Now();
    DoPlanned(now);
    if (!partitioned_) {
      Move(now);
      MoveRepetitions(now);
      CutIfDue();
    }
    Wait(clock_.Now());
    DoPosted();
    Accept();
  }
}

void ChaosProxy::Link::DoPosted() {
  uint64_t count = 0;
  static_cast<void>(::read(wake_.fd(), &count, sizeof(count)));
  std::vector<std::function<void()>> actions;
  {
    MutexLock lock(mutex_);
    actions.swap(posted_);
  }
  for (const auto& action : actions) action();
}

void ChaosProxy::Link::DoPlanned(Timestamp now) {
  while (!plan_.empty() && began_ + plan_.front().at <= now) {
    const LinkFault fault = plan_.front().fault;
    plan_.erase(plan_.begin());
    Do(fault);
  }
  if (heal_at_ && *heal_at_ <= now) {
    heal_at_.reset();
    partitioned_ = false;
  }
  if (chaos_pause_ > Duration{0} && chaos_at_ <= now) {
    const RandomFault drawn = DrawLinkFault(random_);
    Do(drawn.fault);
    if (drawn.fault.kind == LinkFault::Kind::kPartition) heal_at_ = now + drawn.lasts;
    diary_ += FormatDuration(now - began_) + " " + ToString(drawn.fault) + "\n";
    chaos_at_ = now + FromSeconds(2 * ToSeconds(chaos_pause_) * random_.Uniform());
  }
}

void ChaosProxy::Link::Do(const LinkFault& fault) {
  using Kind = LinkFault::Kind;
  switch (fault.kind) {
    case Kind::kDelay:
      delay_ = fault.time;
      return;
    case Kind::kThrottle:
      for (Allowance& allowance : allowances_) allowance.SetRate(fault.amount);
      return;
    case Kind::kThrottleEach:
      rate_each_ = fault.amount;
      for (auto& [number, connection] : connections_) {
        for (const Way way : {Way::kUp, Way::kDown}) connection.allowance(way).SetRate(rate_each_);
      }
      return;
    case Kind::kReset:
      return ResetAll();
    case Kind::kHalfOpen:
      for (auto& [number, connection] : connections_) connection.Silence();
      return;
    case Kind::kPartition:
      partitioned_ = true;
      return;
    case Kind::kLoseUp:
    case Kind::kLoseDown:
      loses_[fault.kind == Kind::kLoseUp ? 0 : 1] = true;
      return;
    case Kind::kHeal:
      partitioned_ = false;
      loses_ = {};
      heal_at_.reset();
      return;
    case Kind::kTruncate:
      truncate_next_ = static_cast<uint64_t>(fault.amount);
      return;
    case Kind::kDuplicate:
      duplicate_next_ = static_cast<std::size_t>(fault.amount);
      return;
    case Kind::kChaos:
      chaos_pause_ = fault.time;
      chaos_at_ = clock_.Now();
      return;
    case Kind::kCalm:
      chaos_pause_ = delay_ = Duration{0};
      truncate_next_.reset();
      duplicate_next_ = 0;
      Do({Kind::kThrottle});
      Do({Kind::kThrottleEach});
      return Do({Kind::kHeal});
  }
}

void ChaosProxy::Link::Wait(Timestamp now) {
  std::vector<pollfd> sockets = {{wake_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
  std::optional<Timestamp> until;
  const auto consider = [&](Timestamp t) { until = until ? std::min(*until, t) : t; };
  if (!plan_.empty()) consider(began_ + plan_.front().at);
  if (heal_at_) consider(*heal_at_);
  if (chaos_pause_ > Duration{0}) consider(chaos_at_);
  if (!partitioned_) {
    const std::array<std::size_t, 2> room = {allowances_[0].At(now), allowances_[1].At(now)};
    for (auto& [number, connection] : connections_) {
      if (connection.is_silent()) continue;
      if (const auto t = connection.Poll(now, room, sockets)) consider(*t);
    }
    for (const Repetition& repetition : repetitions_) {
      sockets.push_back({repetition.socket.fd(), POLLIN, 0});
      consider(repetition.until);
    }
  }
  int millis = -1;
  if (until) {
    const Duration rest = std::max(Duration{0}, *until - now) + 999us;
    millis = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(rest).count());
  }
  static_cast<void>(::poll(sockets.data(), sockets.size(), millis));
}

void ChaosProxy::Link::Accept() {
  for (;;) {
    Socket client(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.is_open()) return;
    Configure(client.fd());
    ProxiedConnection connection(std::move(client));
    for (const Way way : {Way::kUp, Way::kDown}) connection.allowance(way).SetRate(rate_each_);
    if (const auto bytes = std::exchange(truncate_next_, std::nullopt)) {
      connection.TruncateAfter(*bytes);
    }
    connection.CopyFirst(std::exchange(duplicate_next_, 0));
    connections_.emplace(++last_number_, std::move(connection));
  }
}

void ChaosProxy::Link::Move(Timestamp now) {
  // A different one comes first each time, so that a narrow link is shared.
  std::vector<int64_t> numbers;
  for (const auto& [number, connection] : connections_) numbers.push_back(number);
  if (numbers.empty()) return;
  std::rotate(numbers.begin(),
              numbers.begin() + static_cast<std::ptrdiff_t>(++turn_ % numbers.size()),
              numbers.end());
  for (const int64_t number : numbers) {
    ProxiedConnection& connection = connections_.at(number);
    if (connection.is_silent()) continue;
    if (!connection.is_connected()) connection.Connect(to_);
    const ConnectionTraffic before = TrafficOf(connection);
    std::array<std::size_t, 2> limit{};
    for (std::size_t i = 0; i < 2; ++i) limit[i] = allowances_[i].At(now);
    const auto written = connection.Move(now, delay_, limit, loses_);
    for (std::size_t i = 0; i < 2; ++i) allowances_[i].Spend(written[i]);
    const ConnectionTraffic after = TrafficOf(connection);
    sent_[0] += after.up_sent - before.up_sent;
    sent_[1] += after.down_sent - before.down_sent;
    if (auto copy = connection.TakeCopy()) {
      repetitions_.push_back({ConnectTo(to_), *std::move(copy), now + 1s});
    }
    if (!connection.is_open()) {
      past_[number] = after;
      connections_.erase(number);
    }
  }
}

void ChaosProxy::Link::MoveRepetitions(Timestamp now) {
  for (Repetition& repetition : repetitions_) {
    const int fd = repetition.socket.fd();
    const ssize_t n = ::send(fd, repetition.rest.data(), repetition.rest.size(), MSG_NOSIGNAL);
    if (n > 0) repetition.rest.erase(0, static_cast<std::size_t>(n));
    std::array<char, 4096> answer{};
    ssize_t got = 1;
    while (got > 0) got = ::recv(fd, answer.data(), answer.size(), 0);
    const bool over = got == 0 || (errno != EAGAIN && errno != EINTR);
    if (over || repetition.until <= now) repetition.socket.Close();
  }
  std::erase_if(repetitions_, [](const Repetition& r) { return !r.socket.is_open(); });
}

void ChaosProxy::Link::CutIfDue() {
  for (std::size_t i = 0; i < 2; ++i) {
    if (!cut_at_[i] || sent_[i] < *cut_at_[i]) continue;
    cut_at_[i].reset();
    ++num_cuts_;
    ResetAll();
  }
}

void ChaosProxy::Link::ResetAll() {
  for (auto& [number, connection] : connections_) {
    if (!connection.is_silent()) connection.Reset();
    if (!connection.is_open()) past_[number] = TrafficOf(connection);
  }
  std::erase_if(connections_, [](const auto& entry) { return !entry.second.is_open(); });
}

std::vector<ConnectionTraffic> ChaosProxy::Link::connections() const {
  std::map<int64_t, ConnectionTraffic> all = past_;
  for (const auto& [number, connection] : connections_) all[number] = TrafficOf(connection);
  std::vector<ConnectionTraffic> list;
  for (const auto& [number, traffic] : all) list.push_back(traffic);
  return list;
}

ChaosProxy::ChaosProxy(ChaosProxyOptions options)
    : link_(std::make_unique<Link>(std::move(options))) {}
ChaosProxy::~ChaosProxy() = default;

int ChaosProxy::port() const { return link_->port(); }

void ChaosProxy::Do(const LinkFault& fault) {
  link_->Call([&] { link_->Do(fault); });
}

void ChaosProxy::CutAfter(Way way, uint64_t bytes) {
  link_->Call([&] { link_->CutAfter(way, bytes); });
}

int ChaosProxy::num_cuts() const {
  int num_cuts = 0;
  link_->Call([&] { num_cuts = link_->num_cuts(); });
  return num_cuts;
}

std::vector<ConnectionTraffic> ChaosProxy::connections() const {
  std::vector<ConnectionTraffic> connections;
  link_->Call([&] { connections = link_->connections(); });
  return connections;
}

ConnectionTraffic ChaosProxy::total() const {
  ConnectionTraffic total;
  for (const ConnectionTraffic& one : connections()) {
    total.up_sent += one.up_sent;
    total.up_passed += one.up_passed;
    total.down_sent += one.down_sent;
    total.down_passed += one.down_passed;
    total.open = total.open || one.open;
  }
  return total;
}

std::string ChaosProxy::diary() const {
  std::string diary;
  link_->Call([&] { diary = link_->diary(); });
  return diary;
}

}  // namespace skerry::testing
