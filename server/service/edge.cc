#include "service/edge.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/server_builder.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace assay::service {
namespace {

constexpr std::chrono::milliseconds kBackOff{50}, kSweepInterval{10};
// What the kernel takes in ahead of gRPC: without a bound it is several times the byte budget before the first byte is looked at.
constexpr int kReceiveBuffer = 128 * 1024;
// Descriptors that connections leave to everything else: store, policies, log, gRPC's own.
constexpr std::size_t kReservedDescriptors = 64;

// The type that the calls take for every family's addresses.
sockaddr* Generic(sockaddr_storage& address) { return static_cast<sockaddr*>(static_cast<void*>(&address)); }

// As gRPC's ServerContext::peer() writes it (RFC 3986: brackets are escaped), and the address that limits are counted by.
struct PeerName {
  std::string peer, address;
};
std::optional<PeerName> NameOf(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return PeerName{Cat("ipv4:", text.data(), ":", ntohs(v4.sin_port)), text.data()};
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text.data(), text.size());
    return PeerName{Cat("ipv4:", text.data(), ":", ntohs(v6.sin6_port)), text.data()};
  }
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  std::string peer = Cat("ipv6:%5B", text.data(), "%5D:", ntohs(v6.sin6_port));
  std::fill_n(v6.sin6_addr.s6_addr + 8, 8, std::uint8_t{0});  // whoever has one address of a /64 has all of them
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return PeerName{std::move(peer), text.data()};
}

struct Traffic {
  std::uint64_t received = 0, sent = 0;  // bytes
};
Traffic TrafficOf(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {info.tcpi_bytes_received, info.tcpi_bytes_acked};
}

// Every connection takes two descriptors: gRPC's, and ours to watch it by.
EdgeLimits WithinDescriptors(EdgeLimits limits) {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_cur == RLIM_INFINITY) return limits;
  const auto all = static_cast<std::size_t>(descriptors.rlim_cur);
  const std::size_t most = all > kReservedDescriptors + 4 ? (all - kReservedDescriptors) / 4 : 1;  // two listeners share them
  limits.connections = std::min(limits.connections, most);
  return limits;
}

}  // namespace

// A duplicate of gRPC's socket. gRPC shuts a socket down before it closes it, so the duplicate keeps nobody waiting.
struct Edge::Connection {
  Connection(int duplicate, PeerName name) : socket(duplicate), peer(std::move(name.peer)), address(std::move(name.address)) {}
  ~Connection() { ::close(socket); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int socket;
  const std::string peer, address;
  Traffic budget_from;  // when the budget started
};

absl::StatusOr<std::unique_ptr<Edge>> Edge::Listen(const std::string& field, const std::string& address, const EdgeLimits& limits,
                                                   telemetry::Log& log) {
  absl::StatusOr<http::ListeningSockets> sockets = http::ListeningSockets::Open(field, address);
  if (!sockets.ok()) return sockets.status();
  return std::unique_ptr<Edge>(new Edge(*std::move(sockets), WithinDescriptors(limits), log));
}

Edge::Edge(http::ListeningSockets sockets, const EdgeLimits& limits, telemetry::Log& log)
    : address_(sockets.address()),
      sockets_(std::move(sockets)),
      limits_(limits),
      log_(log),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      watched_(::epoll_create1(EPOLL_CLOEXEC)) {}

Edge::~Edge() {
  Stop();
  ending_ = true;
  if (watching_.joinable()) watching_.join();
  by_socket_.clear();
  connections_.clear();
  ::close(watched_);
  ::close(stop_);
}

void Edge::Serve(std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor) {
  {
    const std::lock_guard lock(acceptor_mutex_);
    acceptor_.swap(acceptor);
  }
  if (accepting_.joinable()) return;
  accepting_ = std::thread([this] { Accept(); });
  watching_ = std::thread([this] { Watch(); });
}

void Edge::Stop() {
  if (stopping_.exchange(true)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_, &one, sizeof one);
  if (accepting_.joinable()) accepting_.join();
  sockets_.reset();
}

void Edge::Accept() {
  std::vector<pollfd> waiting{{stop_, POLLIN, 0}};
  for (const int listener : sockets_->sockets()) waiting.push_back({listener, POLLIN, 0});
  while (!stopping_) {
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
    bool starved = false;
    for (std::size_t i = 1; i < waiting.size() && !stopping_; ++i) {
      if ((waiting[i].revents & POLLIN) == 0) continue;
      const int socket = ::accept4(waiting[i].fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        Take(socket);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        starved = true;
        const std::lock_guard lock(mutex_);
        if (counts_.accept_errors++ == 0) {
          log_.Error("no connection can be accepted", {{"error", std::strerror(errno)}, {"listener", address_}});
        }
      }
    }
    if (starved) ::poll(waiting.data(), 1, static_cast<int>(kBackOff.count()));  // only for Stop
  }
}

void Edge::Take(int socket) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  const std::optional<PeerName> name = ::getpeername(socket, Generic(from), &size) == 0 ? NameOf(from) : std::nullopt;
  if (!name) {  // gone already
    ::close(socket);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    std::size_t& of_address = by_address_[name->address];
    const bool too_many = connections_.size() >= limits_.connections, too_many_here = of_address >= limits_.per_address;
    const int duplicate = too_many || too_many_here ? -1 : ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) {
      if (too_many) ++counts_.refused_total;
      else if (too_many_here) ++counts_.refused_per_address;
      else ++counts_.accept_errors;
      if (of_address == 0) by_address_.erase(name->address);
      ::close(socket);
      return;
    }
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    // The same peer again means that its last connection has ended and nobody has noticed yet. One more of its address is
    // counted first, so that the count is not forgotten on the way.
    ++of_address;
    Forget(name->peer);
    auto connection = std::make_unique<Connection>(duplicate, *name);
    by_socket_.emplace(duplicate, connection.get());
    connections_.emplace(name->peer, std::move(connection));
    ++counts_.accepted;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.fd = duplicate;
    ::epoll_ctl(watched_, EPOLL_CTL_ADD, duplicate, &event);
  }
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
  parameters.listener_fd = -1;
  parameters.fd = socket;
  const std::lock_guard lock(acceptor_mutex_);
  acceptor_->HandleNewConnection(&parameters);
}

void Edge::Watch() {
  while (!ending_) {
    std::this_thread::sleep_for(kSweepInterval);
    Sweep();
  }
}

// Only connections on which something happened since the last sweep are looked at.
void Edge::Sweep() {
  std::array<epoll_event, 256> events{};
  for (;;) {
    const int count = ::epoll_wait(watched_, events.data(), static_cast<int>(events.size()), 0);
    if (count <= 0) return;
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const auto watched = by_socket_.find(event.data.fd);
      if (watched == by_socket_.end()) continue;
      Connection& connection = *watched->second;
      // Both directions are down: gRPC has closed its side, or the peer has reset. Asked again, because between the event and the
      // lock its number may have become another connection's.
      pollfd now{connection.socket, 0, 0};
      if ((event.events & (EPOLLHUP | EPOLLERR)) != 0 && ::poll(&now, 1, 0) > 0) {
        Forget(std::string(connection.peer));  // the name goes with it
        continue;
      }
      const Traffic traffic = TrafficOf(connection.socket);
      if (traffic.received - connection.budget_from.received > limits_.bytes_between_calls) {
        CutNow(connection, "too many bytes without a completed call");
      } else if (limits_.bytes_sent_between_calls != 0 && traffic.sent - connection.budget_from.sent > limits_.bytes_sent_between_calls) {
        CutNow(connection, "too many answers without a completed call");
      }
    }
    if (static_cast<std::size_t>(count) < events.size()) return;
  }
}

void Edge::Cut(const std::string& peer, std::string_view why) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(peer);
  if (found != connections_.end()) CutNow(*found->second, why);
}

void Edge::CutNow(Connection& connection, std::string_view why) {
  ++counts_.cut;
  log_.Warning(
      "connection cut",
      {{"why", why}, {"peer", connection.peer}, {"bytes", TrafficOf(connection.socket).received - connection.budget_from.received}});
  // Whoever closes it last resets it, so that the kernel holds nothing of it either, and a peer that only writes notices.
  const linger reset{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  ::shutdown(connection.socket, SHUT_RDWR);
}

void Edge::Forget(const std::string& peer) {
  const auto found = connections_.find(peer);
  if (found == connections_.end()) return;
  const auto of_address = by_address_.find(found->second->address);
  if (of_address != by_address_.end() && --of_address->second == 0) by_address_.erase(of_address);
  by_socket_.erase(found->second->socket);
  connections_.erase(found);
}

void Edge::CallCompleted(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(peer);
  if (found != connections_.end()) found->second->budget_from = TrafficOf(found->second->socket);
}

std::string Edge::AddressOf(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(peer);
  return found == connections_.end() ? peer : found->second->address;
}

EdgeCounts Edge::counts() const {
  const std::lock_guard lock(mutex_);
  EdgeCounts counts = counts_;
  counts.open = connections_.size();
  return counts;
}

}  // namespace assay::service
