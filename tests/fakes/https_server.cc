#include "tests/fakes/https_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iterator>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::fakes {

std::string PercentEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) encoded += c;
    else encoded += Cat("%", ToHex(AsBytes(std::string_view(&c, 1))));
  }
  return encoded;
}

struct HttpsServer::Tls {
  explicit Tls(const std::filesystem::path& directory) : context(SSL_CTX_new(TLS_server_method())) {
    ASSAY_CHECK(SSL_CTX_use_certificate_chain_file(context, (directory / "server.pem").c_str()) == 1);
    ASSAY_CHECK(SSL_CTX_use_PrivateKey_file(context, (directory / "server.key").c_str(), SSL_FILETYPE_PEM) == 1);
  }
  ~Tls() { SSL_CTX_free(context); }
  SSL_CTX* context;
};

HttpsServer::HttpsServer(const std::filesystem::path& tls, std::function<Reply(const std::string& target)> handler)
    : directory_(tls), handler_(std::move(handler)), tls_(std::make_unique<Tls>(tls)) {
  ::signal(SIGPIPE, SIG_IGN);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSAY_CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0 && ::listen(listener_, 64) == 0);
  ASSAY_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Accept(); });
}

HttpsServer::~HttpsServer() {
  ending_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  const std::lock_guard lock(mutex_);
  for (auto& [thread, socket] : connections_) ::shutdown(socket, SHUT_RDWR);
  for (auto& [thread, socket] : connections_) {
    thread.join();
    ::close(socket);
  }
}

std::string HttpsServer::url() const { return Cat("https://localhost:", port_); }

std::string HttpsServer::ca_pem() const {
  std::ifstream file(directory_ / "ca.pem", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void HttpsServer::Accept() {
  while (!ending_) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const std::lock_guard lock(mutex_);
    connections_.emplace_back(std::thread([this, socket] { Answer(socket); }), socket);
  }
}

void HttpsServer::Answer(int socket) {
  SSL* const ssl = SSL_new(tls_->context);
  SSL_set_fd(ssl, socket);
  std::string received;
  bool open = SSL_accept(ssl) == 1;
  while (open && !ending_) {
    std::size_t end = 0;
    while (open && (end = received.find("\r\n\r\n")) == std::string::npos) {
      std::array<char, 4096> chunk;
      const int count = SSL_read(ssl, chunk.data(), static_cast<int>(chunk.size()));
      open = count > 0;
      if (open) received.append(chunk.data(), static_cast<std::size_t>(count));
    }
    if (!open) break;
    const std::size_t begin = received.find(' ') + 1;
    const Reply reply = handler_(received.substr(begin, received.find(' ', begin) - begin));
    received.erase(0, end + 4);
    std::string text = Cat("HTTP/1.1 ", reply.status, " Said\r\nContent-Length: ", reply.body.size(), "\r\n");
    for (const auto& [name, value] : reply.headers) text += Cat(name, ": ", value, "\r\n");
    text += "\r\n";
    text += reply.drips ? reply.body.substr(0, 1) : reply.truncated ? reply.body.substr(0, reply.body.size() / 2) : reply.body;
    open = SSL_write(ssl, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
    if (reply.drips) {
      ++dripping_;
      char byte = 0;
      open = SSL_read(ssl, &byte, 1) > 0;  // until somebody goes
    }
    if (reply.truncated) break;
  }
  SSL_free(ssl);
  ::shutdown(socket, SHUT_RDWR);
}

Reply Service::Answer(const std::string& target) {
  {
    const std::lock_guard lock(mutex_);
    ++requests_[target];
    for (Scripted& scripted : scripted_) {
      if (scripted.times == 0 || target.find(scripted.part) == std::string::npos) continue;
      --scripted.times;
      return scripted.reply;
    }
  }
  return AnswerItself(target);
}

void Service::Script(std::string part, Reply reply, std::size_t times) {
  const std::lock_guard lock(mutex_);
  scripted_.push_back({std::move(part), std::move(reply), times});
}

std::size_t Service::CountOf(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [target, times] : requests_) count += target.find(part) == std::string::npos ? 0 : times;
  return count;
}

std::map<std::string, std::size_t> Service::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace assay::fakes
