#include "echo_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>

#include "base/check.h"

namespace skerry::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

EchoServer::EchoServer()
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in where = Loopback(0);
  socklen_t size = sizeof(where);
  auto* const generic = reinterpret_cast<sockaddr*>(&where);
  SKERRY_CHECK(::bind(listener_.fd(), generic, size) == 0);
  SKERRY_CHECK(::listen(listener_.fd(), 16) == 0);
  SKERRY_CHECK(::getsockname(listener_.fd(), generic, &size) == 0);
  port_ = ntohs(where.sin_port);
  thread_ = std::thread([this] { Run(); });
}

EchoServer::~EchoServer() {
  const uint64_t one = 1;
  SKERRY_CHECK(::write(stop_.fd(), &one, sizeof(one)) == sizeof(one));
  thread_.join();
}

std::vector<std::string> EchoServer::heard() const {
  MutexLock lock(mutex_);
  return heard_;
}

void EchoServer::Run() {
  std::map<std::size_t, Socket> connections;  // by their place in heard_
  for (;;) {
    std::vector<pollfd> waiting = {{stop_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
    std::vector<std::size_t> places;
    for (const auto& [place, socket] : connections) {
      waiting.push_back({socket.fd(), POLLIN, 0});
      places.push_back(place);
    }
    SKERRY_CHECK(::poll(waiting.data(), waiting.size(), -1) > 0);
    if (waiting[0].revents != 0) return;
    if (waiting[1].revents != 0) {
      MutexLock lock(mutex_);
      connections[heard_.size()] =
          Socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
      heard_.emplace_back();
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (waiting[i + 2].revents == 0) continue;
      std::array<char, 65536> buffer{};
      const int fd = waiting[i + 2].fd;
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n <= 0) {
        connections.erase(places[i]);
        continue;
      }
      static_cast<void>(::send(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL));
      MutexLock lock(mutex_);
      heard_[places[i]].append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
}

PlainClient::PlainClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in to = Loopback(port);
  SKERRY_CHECK(::connect(socket_.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
}

bool PlainClient::Send(const std::string& bytes) {
  return ::send(socket_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

std::string PlainClient::Receive(std::size_t bytes, int seconds) {
  const timeval limit = {seconds, 0};
  ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  std::string all(bytes, '\0');
  std::size_t received = 0;
  error_ = 0;
  while (received < bytes) {
    const ssize_t n = ::recv(socket_.fd(), all.data() + received, bytes - received, 0);
    if (n < 0) error_ = errno;
    if (n <= 0) break;
    received += static_cast<std::size_t>(n);
  }
  all.resize(received);
  return all;
}

}  // namespace skerry::testing
