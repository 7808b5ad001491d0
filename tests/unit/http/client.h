// A client of HTTP/1.1 that says exactly what it is told, over a plain socket or TLS.
#pragma once

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace assay::http {

struct Received {
  int status = 0;  // 0: the connection ended before an answer
  std::map<std::string, std::string> headers;
  std::string body;
};

class Client {
 public:
  // `ca`: file of the PEM certificates to trust; empty for no TLS.
  explicit Client(const std::string& address, const std::string& ca = "");
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }  // the handshake included
  std::string peer_certificate() const;          // SHA-256 of its DER; "" without TLS
  int tls_version() const { return SSL_version(ssl_.get()); }

  bool Send(std::string_view text);        // false: the other side has gone
  Received Receive(bool of_head = false);  // one answer; `of_head`: to a HEAD request, which has no body
  bool AnswerBegins() { return Fill(); }   // waits for its first bytes
  bool Ended();                            // waits for the end of the connection; false if something else comes first

  Received Get(std::string_view path) {
    Send("GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n\r\n");
    return Receive();
  }

 private:
  bool Fill();
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  int socket_ = -1;
  bool connected_ = false;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string buffer_;
};

}  // namespace assay::http
