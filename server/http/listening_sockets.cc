#include "http/listening_sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/strings.h"

namespace assay::http {
namespace {

constexpr int kBacklog = 128;

absl::Status CannotListen(const std::string& field, const std::string& address, std::string_view why) {
  return absl::UnavailableError(Cat(field, ": expected an address that this machine has and nobody listens on, actual: '",
                                    Printable(address), "' can't be listened on: ", why,
                                    ". Choose another address or port, or stop who has it."));
}

sockaddr* Generic(sockaddr_storage& address) { return static_cast<sockaddr*>(static_cast<void*>(&address)); }

struct Freed {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// Both families of addresses begin alike: family, then port.
constexpr std::size_t kUpToPort = offsetof(sockaddr_in, sin_addr);

std::uint16_t PortOf(int listener) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener, Generic(bound), &size);
  sockaddr_in start{};
  std::memcpy(&start, &bound, kUpToPort);
  return ntohs(start.sin_port);
}

void SetPort(sockaddr_storage& address, std::uint16_t port) {
  sockaddr_in start{};
  std::memcpy(&start, &address, kUpToPort);
  start.sin_port = htons(port);
  std::memcpy(&address, &start, kUpToPort);
}

}  // namespace

absl::StatusOr<ListeningSockets> ListeningSockets::Open(const std::string& field, const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return CannotListen(field, address, "it is not host:port");
  std::string host = address.substr(0, colon), port = address.substr(colon + 1);
  std::uint16_t number = 0;  // getaddrinfo would take 65536 for 0
  const auto [end, error_code] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error_code != std::errc() || end != port.data() + port.size()) {
    return CannotListen(field, address, "its port is no number up to 65535");
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return CannotListen(field, address, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, Freed> addresses(found);

  ListeningSockets listening;
  std::string why;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    const int listener = ::socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (listener < 0) {
      why = std::strerror(errno);
      continue;
    }
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_storage wanted{};
    std::memcpy(&wanted, each->ai_addr, each->ai_addrlen);
    if (!listening.sockets_.empty()) SetPort(wanted, PortOf(listening.sockets_.front()));
    if (::bind(listener, Generic(wanted), each->ai_addrlen) != 0 || ::listen(listener, kBacklog) != 0) {
      why = std::strerror(errno);
      ::close(listener);
      continue;
    }
    listening.sockets_.push_back(listener);
  }
  if (listening.sockets_.empty()) return CannotListen(field, address, why);
  listening.address_ = Cat(address.substr(0, colon), ":", PortOf(listening.sockets_.front()));
  return listening;
}

ListeningSockets::~ListeningSockets() { Close(); }

void ListeningSockets::Close() {
  for (const int listener : sockets_) ::close(listener);
  sockets_.clear();
}

}  // namespace assay::http
