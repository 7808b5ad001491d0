// Over real sockets.
#include "http/http_listener.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "base/clock.h"
#include "base/strings.h"
#include "http/endpoints.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"
#include "tests/unit/http/client.h"

namespace assay::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// More than the kernel keeps of what nobody reads.
constexpr std::size_t kLarge = 32'000'000;

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Two PKIs of one name.
struct TestTls {
  TestTls() {
    for (const char* name : {"one", "two"}) {
      const std::filesystem::path directory = Directory(name);
      std::filesystem::create_directories(directory);
      EXPECT_TRUE(softtee::MakeDevTls(directory, "localhost", SystemClock().Now()).ok());
    }
  }
  static std::filesystem::path Directory(const char* name) { return std::filesystem::path(test::BinaryDir()) / "http-test-tls" / name; }
  static std::string Ca(const char* name) { return Directory(name) / "ca.pem"; }
  static TlsPem Server(const char* name) { return {FileText(Directory(name) / "server.pem"), FileText(Directory(name) / "server.key")}; }
};
const TestTls& Tls() {
  static const TestTls tls;
  return tls;
}

class HttpListenerTest : public ::testing::Test {
 protected:
  void Start(const HttpLimits& limits = {}, const std::optional<TlsPem>& tls = std::nullopt) {
    auto listener = HttpListener::Listen("http", "127.0.0.1:0", tls, limits);
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    listener_->Add("/page", [] { return Response{.content_type = "text/plain", .body = "content\n", .max_age = 60s}; });
    listener_->Add("/large", [] { return Response{.content_type = "text/plain", .body = std::string(kLarge, 'x')}; });
    listener_->Add("/broken", []() -> Response { throw std::runtime_error("a secret of the machine"); });
    listener_->Add("/held", [this] {
      held_.fetch_add(1);
      held_.notify_all();
      release_.get_future().wait();
      return Response{.content_type = "text/plain", .body = "released"};
    });
    listener_->Serve();
  }
  const std::string& address() const { return listener_->address(); }
  void WaitUntilHeld() { held_.wait(0); }

  std::atomic<int> held_ = 0;
  std::promise<void> release_;
  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, AnswersGetWithThePage) {
  Start();
  const Received received = Client(address()).Get("/page");
  EXPECT_EQ(received.status, 200);
  EXPECT_EQ(received.body, "content\n");
  EXPECT_EQ(received.headers.at("content-type"), "text/plain");
  EXPECT_EQ(received.headers.at("cache-control"), "max-age=60");
  EXPECT_EQ(received.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(Client(address()).Get("/page?query=1").status, 200);
}

TEST_F(HttpListenerTest, AnswersHeadWithoutTheBody) {
  Start();
  Client client(address());
  client.Send("HEAD /page HTTP/1.1\r\nHost: test\r\n\r\nGET /page HTTP/1.1\r\nHost: test\r\n\r\n");
  const Received head = client.Receive(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "8");
  EXPECT_EQ(client.Receive().body, "content\n");  // follows at once
}

TEST_F(HttpListenerTest, OtherPathsAreNotFound) {
  Start();
  for (const char* path : {"/", "/pages", "/page/", "/Page", "//page", "/x/../page", "/page%00", "/pag", "*", "http://test/page"}) {
    const Received received = Client(address()).Get(path);
    EXPECT_EQ(received.status, 404) << path;
    EXPECT_THAT(received.body, HasSubstr("no such page")) << path;
    EXPECT_EQ(received.headers.at("cache-control"), "no-store") << path;
  }
}

TEST_F(HttpListenerTest, OtherMethodsAreRefused) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"}) {
    Client client(address());
    client.Send(Cat(method, " /page HTTP/1.1\r\nHost: test\r\n\r\n"));
    const Received received = client.Receive();
    EXPECT_EQ(received.status, 405) << method;
    EXPECT_EQ(received.headers.at("allow"), "GET, HEAD") << method;
    client.Send(Cat(method, " /other HTTP/1.1\r\nHost: test\r\n\r\n"));
    EXPECT_EQ(client.Receive().status, 404) << method;
  }
}

TEST_F(HttpListenerTest, WhatIsNoRequestEndsTheConnection) {
  Start();
  for (const char* text : {"\r\n\r\n", "nonsense\r\n\r\n", "GET\r\n\r\n", "GET /page\r\n\r\n", "GET /page HTTP/2.0\r\n\r\n",
                           "BREW /page HTTP/1.1\r\n\r\n", "GET /page HTTP/1.1\nHost: test\n\n\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    Client client(address());
    client.Send(text);
    EXPECT_EQ(client.Receive().status, 400) << text;
    EXPECT_TRUE(client.Ended()) << text;
  }
}

TEST_F(HttpListenerTest, ABodyIsNeverTakenForTheNextRequest) {
  Start();
  for (const char* head : {"Content-Length: 40\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: -1\r\n",
                           "Content-Length: 40\r\nExpect: 100-continue\r\n"}) {
    for (const char* method : {"GET", "POST"}) {
      Client client(address());
      client.Send(Cat(method, " /page HTTP/1.1\r\n", head, "\r\nGET /page HTTP/1.1\r\nHost: smuggled\r\n\r\n"));
      EXPECT_EQ(client.Receive().status, std::string_view(method) == "GET" ? 200 : 405) << head;
      EXPECT_TRUE(client.Ended()) << head;
    }
  }
}

TEST_F(HttpListenerTest, PagesAreGivenWholeAndAsTheyAre) {
  Start();
  std::string ranges = "bytes=0-0";
  while (ranges.size() < 7'900) ranges += ",0-0";
  for (const std::string& header : {std::string("Range: bytes=0-1"), "Range: " + ranges, std::string("Accept-Encoding: gzip, br")}) {
    Client client(address());
    client.Send(Cat("GET /page HTTP/1.1\r\n", header, "\r\n\r\n"));
    const Received received = client.Receive();
    EXPECT_EQ(received.status, 200) << header;
    EXPECT_EQ(received.body, "content\n") << header;
    EXPECT_EQ(received.headers.count("content-encoding"), 0U);
  }
}

TEST_F(HttpListenerTest, AHeadOverTheLimitIsRefused) {
  Start({.head_bytes = 2048});
  const std::string start = "GET /page HTTP/1.1\r\n";
  const std::string fits = start + "X: " + std::string(2048 - start.size() - 7, 'x') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), 2048U);
  Client allowed(address());
  allowed.Send(fits);
  EXPECT_EQ(allowed.Receive().status, 200);

  std::string many = start;
  while (many.size() < 4096) many += "X: y\r\n";
  for (const std::string& head : {start + "X: " + std::string(2048 - start.size() - 6, 'x') + "\r\n\r\n",  // one byte more
                                  start + "X: " + std::string(100'000, 'x'),                               // no end at all
                                  "GET /" + std::string(4000, 'x') + " HTTP/1.1\r\n\r\n", many + "\r\n"}) {
    Client client(address());
    client.Send(head);
    const Received received = client.Receive();
    EXPECT_EQ(received.status, 431);
    EXPECT_THAT(received.body, HasSubstr("2048"));
    EXPECT_TRUE(client.Ended());
  }
}

TEST_F(HttpListenerTest, APageThatFailsTellsNothing) {
  Start();
  Client client(address());
  const Received received = client.Get("/broken");
  EXPECT_EQ(received.status, 500);
  EXPECT_EQ(received.body, "this page could not be made\n");
  for (const auto& [name, value] : received.headers) EXPECT_THAT(value, Not(HasSubstr("secret"))) << name;
  EXPECT_EQ(client.Get("/page").status, 200);
}

TEST_F(HttpListenerTest, AConnectionServesSoManyRequestsAndEnds) {
  Start({.requests_per_connection = 3});
  Client client(address());
  EXPECT_EQ(client.Get("/page").headers.count("connection"), 0U);
  EXPECT_EQ(client.Get("/page").status, 200);
  EXPECT_EQ(client.Get("/page").headers.at("connection"), "close");
  EXPECT_TRUE(client.Ended());
}

TEST_F(HttpListenerTest, AClientThatWantsTheConnectionClosedGetsItClosed) {
  Start();
  for (const char* head : {"GET /page HTTP/1.1\r\nConnection: close\r\n\r\n", "GET /page HTTP/1.0\r\n\r\n"}) {
    Client client(address());
    client.Send(head);
    EXPECT_EQ(client.Receive().body, "content\n");
    EXPECT_TRUE(client.Ended()) << head;
  }
}

TEST_F(HttpListenerTest, ALargePageArrivesWhole) {
  Start();
  EXPECT_EQ(Client(address()).Get("/large").body.size(), kLarge);
}

TEST_F(HttpListenerTest, SlowClientsKeepNobodyFromBeingAnswered) {
  Start({.workers = 1});
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<Client>(address()));
    slow.back()->Send("GET /page HTTP/1.1\r\nHost:");
  }
  EXPECT_EQ(Client(address()).Get("/page").status, 200);
  slow.front()->Send(" slow\r\n\r\n");
  EXPECT_EQ(slow.front()->Receive().status, 200);
}

TEST_F(HttpListenerTest, AttackWhoNeverFinishesIsCutOff) {
  Start({.timeout = 50ms});
  Client greedy(address());
  greedy.Send("GET /large HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(greedy.AnswerBegins());  // and it takes no more of it, until those who came later have been cut off too
  Client silent(address()), half(address());
  half.Send("GET /page HTTP/1.1\r\n");
  EXPECT_TRUE(silent.Ended());
  EXPECT_TRUE(half.Ended());
  EXPECT_EQ(greedy.Receive().status, 0) << "the answer came whole";
}

TEST_F(HttpListenerTest, AtTheBoundTheOldestConnectionMakesRoom) {
  Start({.connections = 3});
  Client first(address()), second(address()), third(address());
  for (Client* client : {&first, &second, &third}) ASSERT_EQ(client->Get("/page").status, 200);
  EXPECT_EQ(Client(address()).Get("/page").status, 200);
  EXPECT_TRUE(first.Ended());
}

TEST_F(HttpListenerTest, WhatDoesNotFitTheQueueIsRefusedAtOnce) {
  Start({.waiting = 1, .workers = 1});
  Client busy(address()), queued(address());
  busy.Send("GET /held HTTP/1.1\r\n\r\n");
  WaitUntilHeld();
  queued.Send("GET /page HTTP/1.1\r\n\r\n");
  // What was sent first is read first, so that this one finds the queue full.
  Client refused(address());
  EXPECT_EQ(refused.Get("/page").status, 503);
  EXPECT_TRUE(refused.Ended());
  release_.set_value();
  EXPECT_EQ(queued.Receive().status, 200);
  EXPECT_EQ(busy.Receive().body, "released");
}

TEST_F(HttpListenerTest, AcceptsAgainAfterDescriptorsRanOut) {
  Start();
  Client before(address());
  ASSERT_EQ(before.Get("/page").status, 200);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit few = limit;
  few.rlim_cur = std::min<rlim_t>(limit.rlim_cur, 256);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> filler;
  for (int descriptor; (descriptor = ::dup(STDERR_FILENO)) >= 0;) filler.push_back(descriptor);
  // One for the client's end, so that there is none for the server's. Nothing is judged until there are more again.
  if (!filler.empty()) ::close(filler.back());
  Client waiting(address());
  waiting.Send("GET /page HTTP/1.1\r\n\r\n");
  const int meanwhile = before.Get("/page").status;
  for (const int descriptor : filler) {
    if (descriptor != filler.back()) ::close(descriptor);
  }
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ASSERT_FALSE(filler.empty());
  EXPECT_EQ(meanwhile, 200);
  EXPECT_EQ(waiting.Receive().status, 200);
}

// More descriptors than select() can wait for.
TEST_F(HttpListenerTest, AnswersOnSocketsOfAnyNumber) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit many{std::min<rlim_t>(limit.rlim_max, 2048), limit.rlim_max};
  if (many.rlim_cur < 1200 || ::setrlimit(RLIMIT_NOFILE, &many) != 0) GTEST_SKIP() << "this machine allows fewer than 1200 descriptors";
  std::vector<int> filler;
  for (int descriptor; filler.empty() || filler.back() < 1100; filler.push_back(descriptor)) {
    descriptor = ::dup(STDERR_FILENO);
    ASSERT_GE(descriptor, 0);
  }
  Start();
  EXPECT_EQ(Client(address()).Get("/page").status, 200);
  for (const int descriptor : filler) ::close(descriptor);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(HttpListenerTest, StopEndsOpenConnections) {
  Start();
  Client idle(address()), half(address());
  ASSERT_EQ(idle.Get("/page").status, 200);
  half.Send("GET /page HTTP/1.1\r\n");
  listener_->Stop();
  EXPECT_TRUE(idle.Ended());
  EXPECT_TRUE(half.Ended());
  EXPECT_FALSE(Client(address()).connected());
  listener_->Stop();  // once more does nothing
}

TEST_F(HttpListenerTest, StopWaitsForThePageThatIsBeingMade) {
  Start();
  Client client(address());
  client.Send("GET /held HTTP/1.1\r\n\r\n");
  WaitUntilHeld();
  std::thread stopping([this] { listener_->Stop(); });
  EXPECT_TRUE(client.Ended());
  release_.set_value();
  stopping.join();
}

TEST_F(HttpListenerTest, WhoNeverServesCanStop) {
  auto listener = HttpListener::Listen("http", "127.0.0.1:0", std::nullopt);
  ASSERT_TRUE(listener.ok());
  (*listener)->Stop();
  EXPECT_FALSE(Client((*listener)->address()).connected());
}

// --- addresses -----------------------------------------------------------------------------------------------------

TEST_F(HttpListenerTest, APortThatIsTakenIsNamed) {
  Start();
  const auto second = HttpListener::Listen("http", address(), std::nullopt);
  ASSERT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(MessageOf(second.status())),
              AllOf(HasSubstr("http.address: expected"), HasSubstr(address()), HasSubstr("Choose another")));
  EXPECT_EQ(Client(address()).Get("/page").status, 200);
}

TEST(HttpListenerAddress, WhatIsNoAddressOfOursIsNamed) {
  for (const char* address : {"", "localhost", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1",
                              "192.0.2.1:0", "no.such.host.invalid:0", "[::1:0"}) {
    const auto listener = HttpListener::Listen("http", address, std::nullopt);
    ASSERT_FALSE(listener.ok()) << address;
    EXPECT_EQ(listener.status().code(), absl::StatusCode::kUnavailable) << address;
    EXPECT_THAT(std::string(MessageOf(listener.status())), AllOf(HasSubstr("http.address"), HasSubstr(Cat("'", address, "'")))) << address;
  }
}

// --- TLS -----------------------------------------------------------------------------------------------------------

TEST_F(HttpListenerTest, SpeaksTls) {
  Start({}, Tls().Server("one"));
  Client client(address(), Tls().Ca("one"));
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.tls_version(), TLS1_3_VERSION);
  EXPECT_EQ(client.Get("/page").body, "content\n");
  EXPECT_EQ(client.Get("/large").body.size(), kLarge);
  EXPECT_EQ(client.Get("/other").status, 404);
  client.Send("GET /page HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 200);
  EXPECT_TRUE(client.Ended());
}

TEST_F(HttpListenerTest, TlsIsNothingElse) {
  Start({}, Tls().Server("one"));
  EXPECT_FALSE(Client(address(), Tls().Ca("two")).connected()) << "another CA";
  Client plain(address());
  plain.Send("GET /page HTTP/1.1\r\n\r\n");
  EXPECT_EQ(plain.Receive().status, 0);
  EXPECT_EQ(Client(address(), Tls().Ca("one")).Get("/page").status, 200);
}

TEST_F(HttpListenerTest, AHandshakeThatNeverComesIsCutOff) {
  Start({.timeout = 50ms}, Tls().Server("one"));
  Client silent(address());
  EXPECT_TRUE(silent.Ended());
}

TEST_F(HttpListenerTest, ANewIdentityHoldsForNewConnections) {
  Start({}, Tls().Server("one"));
  Client before(address(), Tls().Ca("one"));
  ASSERT_EQ(before.Get("/page").status, 200);
  ASSERT_TRUE(listener_->SetTls(Tls().Server("two")).ok());
  EXPECT_EQ(before.Get("/page").status, 200);
  EXPECT_FALSE(Client(address(), Tls().Ca("one")).connected());
  Client after(address(), Tls().Ca("two"));
  EXPECT_EQ(after.Get("/page").status, 200);
  EXPECT_NE(after.peer_certificate(), before.peer_certificate());
}

TEST_F(HttpListenerTest, WhatIsNoIdentityIsRefusedAndTheOldOneStays) {
  Start({}, Tls().Server("one"));
  const TlsPem one = Tls().Server("one"), two = Tls().Server("two");
  const struct {
    TlsPem tls;
    const char* named;
  } cases[] = {
      {{"", one.key}, "http.tls.certificate"},          {{"nonsense", one.key}, "http.tls.certificate"},
      {{one.key, one.key}, "http.tls.certificate"},     {{one.certificates, ""}, "http.tls.key"},
      {{one.certificates, "nonsense"}, "http.tls.key"}, {{one.certificates, one.certificates}, "http.tls.key"},
      {{one.certificates, two.key}, "another key"},
  };
  for (const auto& c : cases) {
    const absl::Status status = listener_->SetTls(c.tls);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(MessageOf(status)), AllOf(HasSubstr(c.named), HasSubstr("expected"), HasSubstr("actual")));
    EXPECT_FALSE(HttpListener::Listen("http", "127.0.0.1:0", c.tls).ok());
  }
  EXPECT_EQ(Client(address(), Tls().Ca("one")).Get("/page").status, 200);
}

// What is below the least protocol or cipher finds no common ground.
TEST_F(HttpListenerTest, WeakTlsIsRefused) {
  Start({}, Tls().Server("one"));
  const std::string port = address().substr(address().rfind(':') + 1);
  const auto handshake = [&](const char* options) {
    const std::string command =
        Cat("openssl s_client -connect 127.0.0.1:", port, " -CAfile '", Tls().Ca("one"), "' ", options, " </dev/null >/dev/null 2>&1");
    return std::system(command.c_str()) == 0;
  };
  if (std::system("openssl version >/dev/null 2>&1") != 0) GTEST_SKIP() << "openssl: SKIPPED (not found)";
  EXPECT_TRUE(handshake("-tls1_2"));
  EXPECT_TRUE(handshake("-tls1_3"));
  EXPECT_FALSE(handshake("-tls1_1 -cipher 'ALL:@SECLEVEL=0'"));
  EXPECT_FALSE(handshake("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256"));  // CBC
  EXPECT_FALSE(handshake("-tls1_2 -cipher AES128-GCM-SHA256"));          // no ephemeral key
}

}  // namespace
}  // namespace assay::http
