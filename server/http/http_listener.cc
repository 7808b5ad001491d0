#include "http/http_listener.h"

// httplib reads and writes HTTP here, from text to text. Its own listening, threads and waiting are not used: 0.11 ends its
// accept loop for good at the first error but EMFILE, refuses sockets numbered 1024 and above, bounds neither the number of
// headers nor the time that a head may take, and lets an idle connection keep a thread.
#include <httplib.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "base/strings.h"
#include "crypto/tls_server.h"
#include "http/listening_sockets.h"

namespace assay::http {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::chrono::milliseconds kBackOff{50};
// For the peer to take the last answer before the connection goes: a reset could overtake it.
constexpr std::chrono::milliseconds kFarewell{1000};
constexpr char kText[] = "text/plain; charset=utf-8";

// For requests that never reach httplib.
std::string LastAnswer(std::string_view status, std::string_view text) {
  return Cat("HTTP/1.1 ", status, "\r\nContent-Type: ", kText, "\r\nContent-Length: ", text.size(),
             "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n", text);
}

// One request's head on one side, the answer on the other.
class TextStream final : public httplib::Stream {
 public:
  explicit TextStream(std::string_view head) : rest_(head) {}
  bool is_readable() const override { return !rest_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = rest_.copy(to, size);
    rest_.remove_prefix(count);
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    answer_.append(from, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return 0; }

  std::string& answer() { return answer_; }

 private:
  std::string_view rest_;
  std::string answer_;
};

struct Answer {
  std::string text;
  bool last = true;  // the connection ends with it
};

class Pages final : private httplib::Server {
 public:
  explicit Pages(const HttpLimits& limits) {
    set_keep_alive_max_count(limits.requests_per_connection);
    set_keep_alive_timeout(std::max<time_t>(1, std::chrono::duration_cast<std::chrono::seconds>(limits.timeout).count()));
    set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
      Fill(request, response);
      return HandlerResponse::Handled;
    });
    set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
      response.set_content("this page could not be made\n", kText);
    });
  }

  void Add(std::string path, Page page) { ASSAY_CHECK(pages_.emplace(std::move(path), std::move(page)).second); }

  // `head` ends with its empty line. From any thread.
  Answer AnswerTo(std::string_view head, bool last) {
    TextStream stream(head);
    bool understood = false, has_body = false, closes = false;
    const bool written = process_request(stream, last, closes, [&](httplib::Request& request) {
      understood = true;
      has_body = request.has_header("Transfer-Encoding") ||
                 (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0");
      // Whole pages, as they are, without being asked to go on.
      request.ranges.clear();
      for (const char* name : {"Range", "Accept-Encoding", "Expect"}) request.headers.erase(name);
    });
    if (!written || stream.answer().empty()) return {LastAnswer("400 Bad Request", "this is not an HTTP/1.1 request\n"), true};
    return {std::move(stream.answer()), last || closes || has_body || !understood};
  }

 private:
  void Fill(const httplib::Request& request, httplib::Response& response) const {
    response.set_header("X-Content-Type-Options", "nosniff");
    const auto found = pages_.find(request.path);
    if (found == pages_.end() || (request.method != "GET" && request.method != "HEAD")) {
      response.set_header("Cache-Control", "no-store");
      if (found == pages_.end()) {
        response.status = 404;
        response.set_content("there is no such page\n", kText);
      } else {
        response.status = 405;
        response.set_header("Allow", "GET, HEAD");
        response.set_content("this page can only be read: use GET or HEAD\n", kText);
      }
      return;
    }
    Response page = found->second();
    response.status = page.status;
    response.set_header("Cache-Control", page.max_age.count() > 0 ? Cat("max-age=", page.max_age.count()) : "no-store");
    response.set_content(page.body, page.content_type.c_str());
  }

  std::map<std::string, Page, std::less<>> pages_;
};

enum class Step : std::uint8_t { kHandshake, kHead, kPage, kAnswer, kFarewell };

// Owned by the thread that does input and output.
struct Connection {
  explicit Connection(int accepted) : socket(accepted) {}
  ~Connection() {
    tls.reset();
    ::close(socket);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const int socket;
  std::unique_ptr<crypto::TlsSession> tls;
  Step step = Step::kHead;
  bool wants_write = false;  // what has to happen before the step can go on
  Steady::time_point until;  // but for kPage
  std::string in, out;
  std::size_t written = 0;
  std::size_t requests = 0;
  bool last = false;
};

enum class Io : std::uint8_t { kDone, kWait, kEnded };

Io After(crypto::TlsProgress progress, Connection& connection) {
  connection.wants_write = progress == crypto::TlsProgress::kWantsWrite;
  if (progress == crypto::TlsProgress::kDone) return Io::kDone;
  return progress == crypto::TlsProgress::kEnded ? Io::kEnded : Io::kWait;
}

Io After(ssize_t count, bool writing, Connection& connection) {
  if (count > 0) return Io::kDone;
  connection.wants_write = writing;
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? Io::kWait : Io::kEnded;
}

Io Read(Connection& connection, std::span<char> into, std::size_t& bytes) {
  if (connection.tls) return After(connection.tls->Read(into, bytes), connection);
  const ssize_t count = ::recv(connection.socket, into.data(), into.size(), 0);
  bytes = count > 0 ? static_cast<std::size_t>(count) : 0;
  return After(count, false, connection);
}

Io Write(Connection& connection, std::string_view from, std::size_t& bytes) {
  if (connection.tls) return After(connection.tls->Write(from, bytes), connection);
  const ssize_t count = ::send(connection.socket, from.data(), from.size(), MSG_NOSIGNAL);
  bytes = count > 0 ? static_cast<std::size_t>(count) : 0;
  return After(count, true, connection);
}

}  // namespace

struct HttpListener::State {
  State(std::string name, ListeningSockets sockets, std::unique_ptr<crypto::TlsServer> with, const HttpLimits& bounds)
      : field(std::move(name)),
        limits(bounds),
        listening(std::move(sockets)),
        tls(std::move(with)),
        pages(bounds),
        wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    ASSAY_CHECK(wake >= 0);
  }
  ~State() { ::close(wake); }

  void Wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake, &one, sizeof one);
  }

  void Work();      // a worker
  void Transfer();  // the thread that does input and output; what follows is its own
  void Accept(int listener);
  void Go(std::uint64_t id);                               // as far as it goes without waiting
  bool Advance(std::uint64_t id, Connection& connection);  // one step; false: it has ended, or waits
  void Say(Connection& connection, Answer answer);
  void TakeAnswers();
  int UntilNextEnd() const;  // milliseconds for poll

  const std::string field;
  const HttpLimits limits;
  ListeningSockets listening;
  const std::unique_ptr<crypto::TlsServer> tls;  // null: plain
  Pages pages;
  const int wake;
  std::atomic<bool> stopping = false;
  std::thread transferring;
  std::vector<std::thread> workers;

  // The transferring thread's own.
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections;  // in the order in which they came
  std::uint64_t next_id = 0;
  Steady::time_point accept_again;  // after descriptors ran out

  struct Asked {
    std::uint64_t id;
    std::string head;
    bool last;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Asked> waiting;                               // guarded by mutex
  std::vector<std::pair<std::uint64_t, Answer>> answered;  // guarded by mutex
};

void HttpListener::State::Work() {
  for (;;) {
    Asked asked;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return stopping || !waiting.empty(); });
      if (stopping) return;
      asked = std::move(waiting.front());
      waiting.pop_front();
    }
    Answer answer = pages.AnswerTo(asked.head, asked.last);
    {
      const std::lock_guard lock(mutex);
      answered.emplace_back(asked.id, std::move(answer));
    }
    Wake();
  }
}

void HttpListener::State::Say(Connection& connection, Answer answer) {
  connection.out = std::move(answer.text);
  connection.written = 0;
  connection.last = answer.last;
  connection.step = Step::kAnswer;
  connection.until = Steady::now() + limits.timeout;
}

bool HttpListener::State::Advance(std::uint64_t id, Connection& connection) {
  Io io = Io::kDone;
  switch (connection.step) {
    case Step::kHandshake:
      io = After(connection.tls->Handshake(), connection);
      if (io == Io::kDone) {
        connection.step = Step::kHead;
        connection.until = Steady::now() + limits.timeout;
      }
      break;
    case Step::kHead: {
      const std::size_t end = connection.in.find(kEndOfHead);
      const std::size_t size = end == std::string::npos ? connection.in.size() : end + kEndOfHead.size();
      if (size > limits.head_bytes) {
        Say(connection,
            {LastAnswer("431 Request Header Fields Too Large", Cat("the head of a request may have ", limits.head_bytes, " bytes\n")),
             true});
        break;
      }
      if (end != std::string::npos) {
        const std::lock_guard lock(mutex);
        if (waiting.size() >= limits.waiting) {
          Say(connection, {LastAnswer("503 Service Unavailable", "too many requests at once: try again\n"), true});
          break;
        }
        const bool last = ++connection.requests >= limits.requests_per_connection;
        waiting.push_back({id, connection.in.substr(0, size), last});
        connection.in.erase(0, size);
        connection.step = Step::kPage;
        changed.notify_one();
        return false;
      }
      std::array<char, 4096> buffer;
      std::size_t bytes = 0;
      io = Read(connection, buffer, bytes);
      if (io == Io::kDone) connection.in.append(buffer.data(), bytes);
      break;
    }
    case Step::kPage: return false;
    case Step::kAnswer: {
      if (connection.written < connection.out.size()) {
        std::size_t bytes = 0;
        io = Write(connection, std::string_view(connection.out).substr(connection.written), bytes);
        if (io != Io::kDone) break;
        connection.written += bytes;
        connection.wants_write = true;  // if it does not go on at once
        break;
      }
      connection.wants_write = false;
      connection.out = {};
      connection.step = Step::kHead;
      connection.until = Steady::now() + limits.timeout;
      if (connection.last) {
        if (connection.tls) connection.tls->Close();
        ::shutdown(connection.socket, SHUT_WR);
        connection.step = Step::kFarewell;
        connection.until = Steady::now() + std::min(kFarewell, limits.timeout);
      }
      break;
    }
    case Step::kFarewell: {  // whatever still comes goes nowhere, TLS or not
      std::array<char, 4096> buffer;
      io = After(::recv(connection.socket, buffer.data(), buffer.size(), 0), false, connection);
      break;
    }
  }
  if (io == Io::kEnded) connections.erase(id);
  return io == Io::kDone;
}

void HttpListener::State::Go(std::uint64_t id) {
  // A peer that sends without end must not keep the others waiting.
  for (int turns = 0; turns < 64; ++turns) {
    const auto found = connections.find(id);
    if (found == connections.end() || !Advance(id, *found->second)) return;
  }
}

void HttpListener::State::Accept(int listener) {
  for (int turns = 0; turns < 64; ++turns) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) accept_again = Steady::now() + kBackOff;
      return;
    }
    auto connection = std::make_unique<Connection>(socket);
    connection->until = Steady::now() + limits.timeout;
    if (tls) {
      connection->tls = tls->Start(socket);
      if (!connection->tls) continue;
      connection->step = Step::kHandshake;
    }
    if (connections.size() >= limits.connections) {
      // Whoever is nearest to the end of its time has kept us waiting longest.
      auto oldest = connections.end();
      for (auto it = connections.begin(); it != connections.end(); ++it) {
        if (it->second->step == Step::kPage) continue;
        if (oldest == connections.end() || it->second->until < oldest->second->until) oldest = it;
      }
      if (oldest == connections.end()) continue;  // closes the new one: all others are being answered
      connections.erase(oldest);
    }
    connections.emplace(next_id++, std::move(connection));
  }
}

void HttpListener::State::TakeAnswers() {
  std::vector<std::pair<std::uint64_t, Answer>> ready;
  {
    const std::lock_guard lock(mutex);
    ready.swap(answered);
  }
  for (auto& [id, answer] : ready) {
    const auto found = connections.find(id);
    if (found == connections.end()) continue;
    Say(*found->second, std::move(answer));
    Go(id);
  }
}

int HttpListener::State::UntilNextEnd() const {
  Steady::time_point next = Steady::time_point::max();
  if (accept_again != Steady::time_point()) next = accept_again;
  for (const auto& [id, connection] : connections) {
    if (connection->step != Step::kPage) next = std::min(next, connection->until);
  }
  if (next == Steady::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void HttpListener::State::Transfer() {
  // OpenSSL writes without MSG_NOSIGNAL.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);

  while (!stopping) {
    const auto now = Steady::now();
    std::erase_if(connections, [&](const auto& each) { return each.second->step != Step::kPage && each.second->until <= now; });
    if (accept_again <= now) accept_again = {};

    std::vector<pollfd> polled{{wake, POLLIN, 0}};
    for (const int listener : listening.sockets()) polled.push_back({accept_again == Steady::time_point() ? listener : -1, POLLIN, 0});
    const std::size_t first = polled.size();
    std::vector<std::uint64_t> ids;
    for (const auto& [id, connection] : connections) {
      if (connection->step == Step::kPage) continue;
      polled.push_back({connection->socket, static_cast<short>(connection->wants_write ? POLLOUT : POLLIN), 0});
      ids.push_back(id);
    }
    if (::poll(polled.data(), polled.size(), UntilNextEnd()) < 0 && errno != EINTR) std::this_thread::sleep_for(kBackOff);
    if (stopping) break;

    if (polled[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t read = ::read(wake, &count, sizeof count);
    }
    TakeAnswers();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (polled[first + i].revents != 0) Go(ids[i]);
    }
    for (std::size_t i = 1; i < first; ++i) {
      if ((polled[i].revents & POLLIN) != 0) Accept(polled[i].fd);
    }
  }
  connections.clear();
}

HttpListener::HttpListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpListener::~HttpListener() { Stop(); }

absl::StatusOr<std::unique_ptr<HttpListener>> HttpListener::Listen(const std::string& field, const std::string& address,
                                                                   const std::optional<TlsPem>& tls, const HttpLimits& limits) {
  std::unique_ptr<crypto::TlsServer> server;
  if (tls) {
    auto made = crypto::TlsServer::Make(Cat(field, ".tls"), tls->certificates, tls->key);
    if (!made.ok()) return made.status();
    server = *std::move(made);
  }
  auto sockets = ListeningSockets::Open(Cat(field, ".address"), address);
  if (!sockets.ok()) return sockets.status();
  return std::unique_ptr<HttpListener>(new HttpListener(std::make_unique<State>(field, *std::move(sockets), std::move(server), limits)));
}

const std::string& HttpListener::address() const { return state_->listening.address(); }

void HttpListener::Add(std::string path, Page page) {
  ASSAY_CHECK(!state_->transferring.joinable());
  state_->pages.Add(std::move(path), std::move(page));
}

void HttpListener::Serve() {
  ASSAY_CHECK(!state_->transferring.joinable() && !state_->stopping);
  for (std::size_t i = 0; i < state_->limits.workers; ++i) state_->workers.emplace_back([state = state_.get()] { state->Work(); });
  state_->transferring = std::thread([state = state_.get()] { state->Transfer(); });
}

absl::Status HttpListener::SetTls(const TlsPem& tls) {
  ASSAY_CHECK(state_->tls != nullptr);
  return state_->tls->SetIdentity(Cat(state_->field, ".tls"), tls.certificates, tls.key);
}

void HttpListener::Stop() {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->stopping.exchange(true)) return;
  }
  state_->changed.notify_all();
  state_->Wake();
  if (state_->transferring.joinable()) state_->transferring.join();
  for (std::thread& worker : state_->workers) worker.join();
  state_->listening.Close();
}

}  // namespace assay::http
