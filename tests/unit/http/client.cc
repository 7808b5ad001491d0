#include "tests/unit/http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>

#include "base/bytes.h"
#include "base/hex.h"

namespace assay::http {

Client::Client(const std::string& address, const std::string& ca) {
  ::signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{30, 0};  // a test that hangs fails instead
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  if (ca.empty() || !connected_) return;
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_load_verify_locations(context_.get(), ca.c_str(), nullptr);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set1_host(ssl_.get(), "localhost");
  SSL_set_fd(ssl_.get(), socket_);
  connected_ = SSL_connect(ssl_.get()) == 1;
}

Client::~Client() { ::close(socket_); }

std::string Client::peer_certificate() const {
  if (!ssl_) return "";
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  X509_digest(SSL_get0_peer_certificate(ssl_.get()), EVP_sha256(), digest.data(), &size);
  return ToHex(ByteView(digest.data(), size));
}

bool Client::Send(std::string_view text) {
  if (ssl_) return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

bool Client::Fill() {
  std::array<char, 4096> chunk;
  const ssize_t count =
      ssl_ ? SSL_read(ssl_.get(), chunk.data(), static_cast<int>(chunk.size())) : ::recv(socket_, chunk.data(), chunk.size(), 0);
  if (count <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(count));
  return true;
}

Received Client::Receive(bool of_head) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return {};
  }
  Received received;
  received.status = std::stoi(buffer_.substr(9, 3));
  std::size_t at = buffer_.find("\r\n") + 2;
  while (at < end + 2) {
    const std::size_t line_end = buffer_.find("\r\n", at), colon = buffer_.find(':', at);
    std::string name = buffer_.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    received.headers[name] = buffer_.substr(colon + 2, line_end - colon - 2);
    at = line_end + 2;
  }
  buffer_.erase(0, end + 4);
  const std::size_t size = of_head ? 0 : std::stoul("0" + received.headers["content-length"]);
  while (buffer_.size() < size) {
    if (!Fill()) return {};
  }
  received.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return received;
}

bool Client::Ended() {
  if (!buffer_.empty()) return false;
  std::array<char, 1> one;
  const ssize_t count = ssl_ ? SSL_read(ssl_.get(), one.data(), 1) : ::recv(socket_, one.data(), 1, 0);
  return count == 0 || (count < 0 && errno != EAGAIN);
}

}  // namespace assay::http
