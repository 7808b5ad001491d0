// A small HTTPS server that does exactly what a test tells it to, well or badly.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace assay::fakes {

struct Reply {
  int status = 200;
  std::string body = "";
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool truncated = false;  // half of the body, then the connection ends
  bool drips = false;      // one byte of the body, then nothing more until the server stops or the client goes
};
inline Reply Serve(ByteView body) { return {.body = std::string(AsText(body))}; }

// As services write it into a header: percent-encoded.
std::string PercentEncoded(std::string_view text);

class HttpsServer {
 public:
  // TLS from ca.pem, server.pem and server.key of `tls` (softtee::MakeDevTls for "localhost"). The handler gets path and query, and is
  // called by several threads.
  HttpsServer(const std::filesystem::path& tls, std::function<Reply(const std::string& target)> handler);
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;

  std::string url() const;                            // "https://localhost:<port>"
  std::string ca_pem() const;                         // who vouches for it
  std::size_t dripping() const { return dripping_; }  // replies that have come to a halt

 private:
  struct Tls;
  void Accept();
  void Answer(int socket);

  const std::filesystem::path directory_;
  const std::function<Reply(const std::string&)> handler_;
  std::unique_ptr<Tls> tls_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<std::size_t> dripping_ = 0;
  std::mutex mutex_;
  std::vector<std::pair<std::thread, int>> connections_;  // guarded by mutex_
  std::thread thread_;
};

// A service: what it answers by itself, what tests script over it, and who asked for what.
class Service {
 public:
  virtual ~Service() = default;
  Reply Answer(const std::string& target);
  // The next `times` requests whose target holds `part` get this instead.
  void Script(std::string part, Reply reply, std::size_t times = 1);
  std::size_t CountOf(std::string_view part) const;  // requests so far whose target holds it
  std::map<std::string, std::size_t> requests() const;

 protected:
  virtual Reply AnswerItself(const std::string& target) = 0;

 private:
  struct Scripted {
    std::string part;
    Reply reply;
    std::size_t times;
  };
  mutable std::mutex mutex_;
  std::vector<Scripted> scripted_;               // guarded by mutex_
  std::map<std::string, std::size_t> requests_;  // guarded by mutex_
};

}  // namespace assay::fakes
