// The listeners on an unfriendly network: what takes gRPC's own listener out of action must not take this one.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "service/config_file.h"
#include "tests/integration/verifier.h"

namespace assay::integration {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using testing::HasSubstr;

sockaddr_in AddressOf(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1))));
  return address;
}

int Connect(const sockaddr_in& address) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket >= 0 && ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  if (socket >= 0) ::close(socket);
  return -1;
}

// Whether the other side ends the connection within `bound`; it is not expected to say anything.
bool Ended(int socket, std::chrono::milliseconds bound) {
  pollfd waiting{socket, POLLIN | POLLRDHUP, 0};
  return ::poll(&waiting, 1, static_cast<int>(bound.count())) > 0;
}

// Looks again until it holds or the time is over.
template <typename Condition>
bool Soon(std::chrono::milliseconds bound, Condition holds) {
  for (const auto end = Clock::now() + bound; Clock::now() < end; std::this_thread::sleep_for(5ms)) {
    if (holds()) return true;
  }
  return holds();
}

absl::Status Asked(Verifier& verifier) {
  Node node(verifier.join(), verifier.site());
  return node.CreateChallenge(node.Ask()).status();
}

bool Answers(Verifier& verifier) { return Asked(verifier).ok(); }

class Sockets {
 public:
  Sockets() = default;
  ~Sockets() { Close(); }
  Sockets(const Sockets&) = delete;
  void Open(const std::string& address, std::size_t count) {
    const sockaddr_in to = AddressOf(address);
    for (std::size_t i = 0; i < count; ++i) all_.push_back(Connect(to));
  }
  void Close() {
    for (const int socket : all_) ::close(socket);
    all_.clear();
  }
  int operator[](std::size_t i) const { return all_[i]; }

 private:
  std::vector<int> all_;
};

double ProcessorSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(Edge, LimitsConnectionsFromOneAddress) {
  Verifier verifier("connections: {per_address: 3}");
  Sockets sockets;
  sockets.Open(verifier.join(), 4);
  EXPECT_TRUE(Ended(sockets[3], 2s)) << "limit + 1";
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(Ended(sockets[i], 0ms)) << i;
  EXPECT_EQ(verifier.server().join_connections().refused_per_address, 1U);
  EXPECT_EQ(verifier.server().join_connections().open, 3U);
  sockets.Close();
  EXPECT_TRUE(Soon(2s, [&] { return verifier.server().join_connections().open == 0; })) << "ended connections are forgotten";
  EXPECT_TRUE(Answers(verifier));
}

TEST(Edge, LimitsConnectionsInAll) {
  Verifier verifier("connections: {total: 2}");
  Sockets sockets;
  sockets.Open(verifier.join(), 3);
  EXPECT_TRUE(Ended(sockets[2], 2s));
  EXPECT_FALSE(Ended(sockets[0], 0ms));
  EXPECT_EQ(verifier.server().join_connections().refused_total, 1U);
  sockets.Close();
  EXPECT_TRUE(Soon(2s, [&] { return Answers(verifier); }));
}

// attacks 131, CVE-2023-4785: gRPC's own listener never accepts again after this.
TEST(Edge, HearsAgainAfterADescriptorFlood) {
  Verifier verifier("connections: {total: 2000, per_address: 2000}");
  ASSERT_TRUE(Answers(verifier));
  const sockaddr_in to = AddressOf(verifier.join());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  int ready[2], leave[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(leave), 0);
  // The flood comes from a process of its own, with descriptors of its own. Only system calls after fork.
  const pid_t flood = ::fork();
  if (flood == 0) {
    for (int i = 0; i < 200; ++i) {
      const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
      if (socket >= 0) (void)!::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      if (i == 0) (void)!::write(ready[1], "x", 1);
    }
    (void)!::write(ready[1], "x", 1);
    char byte = 0;
    (void)!::read(leave[0], &byte, 1);
    ::_exit(0);
  }
  const int highest = ::dup(0);  // the lowest number that is free
  ::close(highest);
  rlimit scarce = before;
  scarce.rlim_cur = static_cast<rlim_t>(highest) + 20;
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &scarce), 0);
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(Soon(5s, [&] { return verifier.server().join_connections().accept_errors > 0; })) << "descriptors really ran out";
  ASSERT_EQ(::write(leave[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(flood, &status, 0), flood);
  const auto end = Clock::now();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);  // for the client, which runs in this process too
  EXPECT_TRUE(Soon(1s, [&] { return Answers(verifier); }));
  RecordProperty("recovered_after_ms", static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - end).count()));
  for (const int descriptor : {ready[0], ready[1], leave[0], leave[1]}) ::close(descriptor);
}

void AppendFrame(std::string& to, std::uint8_t type, std::uint8_t flags, std::uint8_t stream, std::string_view payload) {
  for (const int shift : {16, 8, 0}) to.push_back(static_cast<char>(payload.size() >> shift & 0xFF));
  to.push_back(static_cast<char>(type));
  to.push_back(static_cast<char>(flags));
  to.append(3, '\0');
  to.push_back(static_cast<char>(stream));
  to.append(payload);
}

// A TLS connection that speaks HTTP/2 as badly as it is told to.
class RawHttp2 {
 public:
  explicit RawHttp2(const std::string& address) : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    ::signal(SIGPIPE, SIG_IGN);
    const unsigned char protocols[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(context_.get(), protocols, sizeof protocols);
    socket_ = Connect(AddressOf(address));
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), socket_);
    EXPECT_EQ(SSL_connect(tls_.get()), 1);
    std::string begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    AppendFrame(begin, 4, 0, 0, "");  // SETTINGS
    EXPECT_TRUE(Write(begin));
  }
  ~RawHttp2() {
    tls_.reset();
    ::close(socket_);
  }
  RawHttp2(const RawHttp2&) = delete;

  // False: the other side has ended it.
  bool Write(const std::string& bytes) {
    const bool written = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0;
    if (written) sent_ += bytes.size();
    return written;
  }
  // Takes what came, so that the other side is not held up by it.
  void Discard() {
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    char bytes[4096];
    while (SSL_read(tls_.get(), bytes, sizeof bytes) > 0) {}
    ::fcntl(socket_, F_SETFL, 0);
  }
  int socket() const { return socket_; }
  std::size_t sent() const { return sent_; }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int socket_ = -1;
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, &SSL_free};
  std::size_t sent_ = 0;
};

// Of requests that gRPC takes for calls: POST /assay.v1.AttestationService/Attest as literals of the static table.
std::string CallHeaders() {
  const std::string path = "/assay.v1.AttestationService/Attest", type = "application/grpc";
  std::string block = "\x83\x87";                                              // :method POST, :scheme https
  block += Cat("\x44", std::string(1, static_cast<char>(path.size())), path);  // :path
  block += Cat(std::string("\x41\x01x", 3));                                   // :authority x
  block += Cat("\x5f", std::string(1, static_cast<char>(type.size())), type);  // content-type
  return block + std::string("\x40\x02te\x08trailers", 13);
}

// Whether nodes and operators are served while somebody misbehaves. A node that finds the queue full is told to come back, and does. An
// operator whose handshake ran into its deadline asks again: that happens where the machine has more to do than this test.
void ExpectServed(Verifier& verifier) {
  absl::Status asked;
  EXPECT_TRUE(Soon(5s,
                   [&] {
                     asked = Asked(verifier);
                     EXPECT_TRUE(asked.ok() || absl::IsResourceExhausted(asked)) << MessageOf(asked);
                     return asked.ok();
                   }))
      << MessageOf(asked) << "\n"
      << verifier.log();
  absl::Status listed;
  EXPECT_TRUE(Soon(30s,
                   [&] {
                     listed =
                         client::VerdictClient(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ListNodes({}).status();
                     EXPECT_TRUE(listed.ok() || absl::IsUnavailable(listed)) << MessageOf(listed);
                     return listed.ok();
                   }))
      << MessageOf(listed) << "\n"
      << verifier.log();
}

// attacks 132, CVE-2023-33953: one header string of 200 MB, sent in CONTINUATION frames, keeps a core busy for as long as
// it lasts.
TEST(Edge, CutsAnEndlessHeaderBeforeItCosts) {
  Verifier verifier;
  const double before = ProcessorSeconds();
  bool cut = false;
  {
    RawHttp2 attacker(verifier.join());
    std::string bytes;
    AppendFrame(bytes, 1, 0, 1, std::string("\x00\x01\x61\x7f\x81\x84\xaf\x5f", 8));  // HEADERS: a literal whose value never ends
    while (!cut && attacker.sent() < 20'000'000) {
      cut = !attacker.Write(bytes);
      bytes.clear();
      AppendFrame(bytes, 9, 0, 1, std::string(16'000, 'x'));  // CONTINUATION
    }
    EXPECT_LT(ProcessorSeconds() - before, 0.5) << "with what it cost to send " << attacker.sent() << " bytes";
  }
  EXPECT_TRUE(cut);
  EXPECT_EQ(verifier.server().join_connections().cut, 1U);
  EXPECT_THAT(verifier.log(), HasSubstr("connection cut"));
  ExpectServed(verifier);
}

// The same in as many frames as possible: what each costs counts, not only what it carries.
TEST(Edge, Attack132_AFloodOfTinyContinuationsEndsAtTheBudget) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}}) {
    Verifier verifier;
    const double before = ProcessorSeconds();
    RawHttp2 attacker(verifier.join());
    std::string bytes;
    AppendFrame(bytes, 1, 0, 1, std::string("\x00\x01\x61\x7f\x81\x84\xaf\x5f", 8));  // HEADERS: a literal whose value never ends
    bool ended = false, served = false;
    while (!ended && attacker.sent() < 20'000'000) {
      for (int i = 0; i < 1000; ++i) AppendFrame(bytes, 9, 0, 1, std::string(size, 'x'));  // CONTINUATION
      ended = !attacker.Write(bytes);
      bytes.clear();
      if (!served && attacker.sent() > 500'000) {
        ExpectServed(verifier);
        served = true;
      }
    }
    EXPECT_TRUE(ended) << size << ": " << attacker.sent() << " bytes";
    RecordProperty(Cat("processor_ms of frames of ", size), static_cast<int>((ProcessorSeconds() - before) * 1000));
    ExpectServed(verifier);
  }
}

// CVE-2023-44487, rapid reset: calls that are taken back as soon as they were begun. They complete no call, so the budget ends
// it; the others are served meanwhile.
TEST(Edge, RapidResetEndsAtTheBudget) {
  Verifier verifier;
  RawHttp2 attacker(verifier.join());
  const std::string headers = CallHeaders();
  std::uint32_t stream = 1;
  bool ended = false;
  const auto frame = [&](std::string& to, std::uint8_t type, std::uint8_t flags, std::string_view payload) {
    AppendFrame(to, type, flags, 0, payload);
    for (int i = 0; i < 4; ++i) {
      to[to.size() - payload.size() - 4 + static_cast<std::size_t>(i)] = static_cast<char>(stream >> (24 - 8 * i) & 0xFF);
    }
  };
  const double before = ProcessorSeconds();
  bool served = false;
  while (!ended && attacker.sent() < 200'000'000) {
    std::string bytes;
    for (int i = 0; i < 100; ++i, stream += 2) {
      frame(bytes, 1, 4, headers);                       // HEADERS, END_HEADERS
      frame(bytes, 3, 0, std::string("\0\0\0\x08", 4));  // RST_STREAM, CANCEL
    }
    ended = !attacker.Write(bytes);
    attacker.Discard();
    if (!served && attacker.sent() > 500'000) {
      ExpectServed(verifier);
      served = true;
    }
  }
  EXPECT_TRUE(ended) << attacker.sent() << " bytes, " << stream / 2 << " calls";
  EXPECT_TRUE(served);
  RecordProperty("processor_ms", static_cast<int>((ProcessorSeconds() - before) * 1000));
  EXPECT_EQ(verifier.server().join_connections().cut, 1U);
  ExpectServed(verifier);
}

std::size_t ResidentMegabytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1'000'000;
}

// A client that never acknowledges SETTINGS is held to no number of streams by gRPC: with the headers in HPACK's table a call
// costs it fifteen bytes, so that a hundred thousand fit into the budget. They must not cost a gigabyte.
void ExpectStreamsToCostLittle(const std::string& path, bool reset) {
  SCOPED_TRACE(Cat(path, reset ? ", reset" : ", left open"));
  Verifier verifier;
  RawHttp2 attacker(verifier.join());
  const std::size_t before = ResidentMegabytes();
  std::string block = "\x83\x87";
  block += Cat("\x44", std::string(1, static_cast<char>(path.size())), path);
  block += Cat(std::string("\x41\x01x", 3));
  block += std::string(
      "\x5f\x10"
      "application/grpc",
      18);
  block += std::string("\x40\x02te\x08trailers", 13);
  std::uint32_t stream = 1;
  bool ended = false, served = false;
  while (!ended && attacker.sent() < 20'000'000) {
    std::string bytes;
    for (int i = 0; i < 200; ++i, stream += 2) {
      AppendFrame(bytes, 1, 4, 0, block);
      const auto number = [&](std::size_t behind) {
        for (std::size_t k = 0; k < 4; ++k) bytes[bytes.size() - behind - 4 + k] = static_cast<char>(stream >> (24 - 8 * k) & 0xFF);
      };
      number(block.size());
      block = "\x83\x87\xc1\xc0\xbf\xbe";  // as the dynamic table has them now
      if (reset) {
        AppendFrame(bytes, 3, 0, 0, std::string("\0\0\0\x08", 4));
        number(4);
      }
    }
    ended = !attacker.Write(bytes);
    attacker.Discard();
    if (!served && attacker.sent() > 500'000) {
      ExpectServed(verifier);
      served = true;
    }
  }
  EXPECT_TRUE(ended) << attacker.sent() << " bytes, " << stream / 2 << " calls";
  const std::size_t grown = ResidentMegabytes() - std::min(before, ResidentMegabytes());
  ::testing::Test::RecordProperty(Cat("megabytes ", path, reset ? " reset" : " open"), static_cast<int>(grown));
  EXPECT_LT(grown, 150U) << "megabytes for " << stream / 2 << " calls";
  ExpectServed(verifier);
}

TEST(Edge, Attack133_StreamsOfASilentClientCostLittle) {
  for (const bool reset : {true, false}) {
    for (const char* path : {"/grpc.health.v1.Health/Check", "/assay.v1.AttestationService/CreateChallenge", "/no/such"}) {
      ExpectStreamsToCostLittle(path, reset);
    }
  }
}

// A client that keeps to its streams may have all of them under way, again and again.
TEST(Edge, CallsThatEndMakeRoomForOthers) {
  Verifier verifier("rates: {per_address: 100000, total: 100000}");
  Node node(verifier.join(), verifier.site());
  std::vector<std::thread> asking;
  std::atomic<int> refused = 0;
  for (int i = 0; i < 64; ++i) {
    asking.emplace_back([&] {
      for (int k = 0; k < 20; ++k) refused += node.CreateChallenge(node.Ask()).ok() ? 0 : 1;
    });
  }
  for (std::thread& each : asking) each.join();
  EXPECT_EQ(refused, 0) << "of 1280 over one connection";
}

// Frames that demand an answer and lead to nothing.
TEST(Edge, FloodsOfPingsAndSettingsAreEnded) {
  struct Flood {
    std::string_view name;
    std::uint8_t type;
    std::string payload;
  };
  for (const Flood& flood : {Flood{"PING", 6, std::string(8, 'p')}, Flood{"SETTINGS", 4, ""},
                             Flood{"WINDOW_UPDATE", 8, std::string("\0\0\0\1", 4)}, Flood{"PRIORITY", 2, std::string(5, '\0')}}) {
    Verifier verifier;
    RawHttp2 attacker(verifier.join());
    bool ended = false;
    while (!ended && attacker.sent() < 200'000'000) {
      std::string bytes;
      for (int i = 0; i < 200; ++i) AppendFrame(bytes, flood.type, 0, flood.type == 2 ? 1 : 0, flood.payload);
      ended = !attacker.Write(bytes);
      attacker.Discard();
    }
    EXPECT_TRUE(ended) << flood.name << ": " << attacker.sent() << " bytes";
    RecordProperty(std::string(flood.name), static_cast<int>(attacker.sent()));
    ExpectServed(verifier);
  }
}

// attacks 154: a request that comes byte by byte holds one connection and nothing else.
TEST(Edge, ASlowDripKeepsNobodyWaiting) {
  Verifier verifier;
  std::vector<std::unique_ptr<RawHttp2>> slow;
  for (int i = 0; i < 20; ++i) slow.push_back(std::make_unique<RawHttp2>(verifier.join()));
  std::string bytes;
  AppendFrame(bytes, 1, 4, 1, CallHeaders());
  AppendFrame(bytes, 0, 0, 1, std::string(1000, 'x'));
  for (std::size_t at = 0; at < 200; ++at) {
    for (const auto& each : slow) ASSERT_TRUE(each->Write(bytes.substr(at, 1))) << at;
    if (at % 50 == 0) ExpectServed(verifier);
  }
  ExpectServed(verifier);
  EXPECT_EQ(verifier.server().join_connections().cut, 0U) << "slow is no crime";
}

// A handshake that stops in the middle is over at its deadline.
TEST(Edge, AHalfHandshakeIsOverAtItsDeadline) {
  Verifier verifier;
  Sockets sockets;
  sockets.Open(verifier.join(), 3);
  const std::string hello = std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);  // the beginning of a ClientHello
  ASSERT_EQ(::send(sockets[0], hello.data(), hello.size(), MSG_NOSIGNAL), static_cast<ssize_t>(hello.size()));
  ASSERT_EQ(::send(sockets[1], "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);  // no TLS at all
  EXPECT_TRUE(Ended(sockets[1], 10s));
  EXPECT_TRUE(Ended(sockets[0], 10s));
  EXPECT_TRUE(Ended(sockets[2], 10s));
  ExpectServed(verifier);
}

// Attacks 43 and 70: what is too large is refused by name, and the connection lives on.
TEST(Edge, WhatIsTooLargeIsRefused) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  v1::CreateChallengeRequest ask = node.Ask();
  ask.set_platform(std::string(1024 * 1024, 'x'));
  const auto refused = node.CreateChallenge(ask);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status())) << MessageOf(refused.status());
  EXPECT_THAT(std::string(MessageOf(refused.status())), HasSubstr("larger than max"));
  EXPECT_TRUE(node.CreateChallenge(node.Ask()).ok());
}

// The budget is for bytes that lead to nothing; who completes calls may send for as long as the connection lives.
TEST(Edge, CompletedCallsRenewTheBudget) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  for (int i = 0; i < 5; ++i) {
    const v1::CreateChallengeRequest ask = node.Ask();
    const auto challenge = node.CreateChallenge(ask);
    ASSERT_TRUE(challenge.ok()) << MessageOf(challenge.status());
    v1::AttestRequest answer;
    answer.set_challenge(challenge->challenge());
    *answer.mutable_context() = ask.context();
    *answer.mutable_keys() = ask.keys();
    v1::EvidenceItem& item = *answer.add_items();
    item.set_media_type("application/vnd.assay.sev-snp-report");
    item.set_body(std::string(900'000, 'x'));
    const auto response = node.Attest(answer);
    ASSERT_TRUE(response.ok()) << i << ": " << MessageOf(response.status());
    EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED);
  }
  EXPECT_EQ(verifier.server().join_connections().accepted, 1U) << "all over one connection";
  EXPECT_EQ(verifier.server().join_connections().cut, 0U);
}

// attacks 154: half-open connections, a thousand of them. They cost no answer to others and are gone after the handshake
// deadline.
TEST(Edge, AThousandSilentConnectionsDoNotKeepOthersOut) {
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  const rlimit before = descriptors;
  descriptors.rlim_cur = std::min<rlim_t>(descriptors.rlim_max, 16384);
  if (descriptors.rlim_cur < 6000) GTEST_SKIP() << "needs 6000 descriptors, the hard limit is " << descriptors.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  {
    Verifier verifier("connections: {total: 2000, per_address: 2000}");
    Sockets sockets;
    sockets.Open(verifier.join(), 1000);
    EXPECT_TRUE(Soon(5s, [&] { return verifier.server().join_connections().accepted >= 1000; }));
    EXPECT_TRUE(Answers(verifier));
    EXPECT_TRUE(Soon(20s, [&] { return verifier.server().join_connections().open < 10; }))
        << verifier.server().join_connections().open << " are still open";
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Edge, StoppingEndsItsConnections) {
  auto verifier = std::make_unique<Verifier>();
  Sockets sockets;
  sockets.Open(verifier->join(), 1);
  ASSERT_TRUE(Soon(2s, [&] { return verifier->server().join_connections().open == 1; }));
  const std::string address = verifier->join();
  verifier.reset();
  EXPECT_TRUE(Ended(sockets[0], 0ms));
  EXPECT_LT(Connect(AddressOf(address)), 0) << "nobody listens there any more";
}

// attacks 135: a second server on the same port must not start and take connections.
TEST(Edge, APortThatIsTakenIsNamed) {
  Verifier first;
  Site site;
  std::string config = site.Text("assayd.yaml");
  const std::string free = "127.0.0.1:0";
  config.replace(config.find(free), free.size(), first.join());
  SystemClock clock;
  SystemRandom random;
  std::ostringstream text;
  telemetry::Log log(text, clock);
  const auto second = service::Server::Start({*service::LoadConfig("assayd.yaml", config, site.root().string()).config,
                                              site.File("anchors.yaml"), BuiltinRegistry(), clock, random, log});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(MessageOf(second.status())), HasSubstr("join.address"));
  EXPECT_THAT(std::string(MessageOf(second.status())), HasSubstr(first.join()));
}

}  // namespace
}  // namespace assay::integration
