// Nodes whose TLS ends at a proxy: a real one, between a real client and a real server.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/integration/verifier.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// Ends TLS under a certificate of its own, and carries what it reads to the verifier under TLS of its own, where it shows nothing.
class TlsProxy {
 public:
  TlsProxy(const Site& own, const std::string& verifier)
      : server_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
        client_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free),
        to_(Loopback(static_cast<std::uint16_t>(std::stoi(verifier.substr(verifier.rfind(':') + 1))))) {
    ::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(server_.get(), own.File("tls/server.pem").c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(server_.get(), own.File("tls/server.key").c_str(), SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_alpn_select_cb(
        server_.get(),
        [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char*, unsigned, void*) {
          *out = reinterpret_cast<const unsigned char*>("h2");
          *length = 2;
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    const unsigned char protocols[] = {2, 'h', '2'};
    SSL_CTX_set_alpn_protos(client_.get(), protocols, sizeof protocols);
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in any = Loopback(0);
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(listening_, 8), 0);
    socklen_t size = sizeof any;
    EXPECT_EQ(::getsockname(listening_, reinterpret_cast<sockaddr*>(&any), &size), 0);
    address_ = Cat("127.0.0.1:", ntohs(any.sin_port));
    accepting_ = std::thread([this] {
      for (int socket; (socket = ::accept(listening_, nullptr, nullptr)) >= 0;) carrying_.emplace_back([this, socket] { Carry(socket); });
    });
  }
  ~TlsProxy() {
    ending_ = true;
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : carrying_) thread.join();
    ::close(listening_);
  }
  TlsProxy(const TlsProxy&) = delete;
  const std::string& address() const { return address_; }

 private:
  using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;
  void Carry(int near) {
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    {
      const Ssl node(SSL_new(server_.get()), &SSL_free), verifier(SSL_new(client_.get()), &SSL_free);
      SSL_set_fd(node.get(), near);
      SSL_set_fd(verifier.get(), far);
      if (::connect(far, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0 && SSL_accept(node.get()) == 1 &&
          SSL_connect(verifier.get()) == 1) {
        std::array<pollfd, 2> waiting{pollfd{near, POLLIN, 0}, pollfd{far, POLLIN, 0}};
        bool open = true;
        while (open && !ending_) {
          if (::poll(waiting.data(), waiting.size(), 100) <= 0) continue;
          if (waiting[0].revents != 0) open = Move(*node, *verifier);
          if (open && waiting[1].revents != 0) open = Move(*verifier, *node);
        }
      }
    }
    ::close(near);
    ::close(far);
  }
  static bool Move(SSL& from, SSL& to) {
    std::array<char, 16384> bytes{};
    do {
      const int size = SSL_read(&from, bytes.data(), static_cast<int>(bytes.size()));
      if (size <= 0 || SSL_write(&to, bytes.data(), size) != size) return false;
    } while (SSL_pending(&from) > 0);
    return true;
  }

  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> server_, client_;
  const sockaddr_in to_;
  int listening_ = -1;
  std::string address_;
  std::atomic<bool> ending_ = false;
  std::thread accepting_;
  std::vector<std::thread> carrying_;
};

TEST(Proxied, ANodeJoinsThroughAProxyThatTerminatesTls) {
  Verifier verifier("tls_terminated: true");
  const Site own;  // the proxy's PKI, which the nodes know instead of the verifier's
  TlsProxy proxy(own, verifier.join());
  Node node(proxy.address(), own);
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok()) << Message(response.status()) << verifier.log();
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_FALSE(response->appraisal().channel_bound());
  EXPECT_FALSE(response->ear().empty());
  EXPECT_THAT(verifier.log(), HasSubstr("a proxy terminates the TLS of nodes: verdicts are not bound to a channel"));
  // It is the record that says so too, and its replay.
  v1::ReplayVerdictRequest replay;
  replay.set_verdict_id(response->verdict_id());
  const auto again = client::VerdictClient(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ReplayVerdict(replay);
  ASSERT_TRUE(again.ok()) << Message(again.status());
  EXPECT_EQ(again->differences_size(), 0);
  EXPECT_FALSE(again->replayed().channel_bound());
}

// The same proxy in front of a verifier that does not expect one is somebody in between.
TEST(Proxied, AttackAProxyThatNobodyConfiguredGetsNothing) {
  Verifier verifier;
  const Site own;
  TlsProxy proxy(own, verifier.join());
  Node node(proxy.address(), own);
  const auto response = JoinAs(node);
  EXPECT_TRUE(absl::IsUnauthenticated(response.status())) << Message(response.status());
  EXPECT_THAT(Message(response.status()), HasSubstr("channel_unbound (5007)"));
}

TEST(Proxied, AnAnswerWithoutTheNodeKeysSignatureIsRefused) {
  Verifier verifier("tls_terminated: true");
  Node node(verifier.join(), verifier.site());  // even one that connects directly
  const auto challenge = node.CreateChallenge(node.Ask());
  ASSERT_TRUE(challenge.ok()) << Message(challenge.status());
  EXPECT_TRUE(challenge->tls_terminated());
  v1::AttestRequest answer;
  answer.set_challenge(challenge->challenge());
  *answer.mutable_context() = node.Ask().context();
  *answer.mutable_keys() = node.Ask().keys();
  const auto refused = node.Attest(answer);
  EXPECT_TRUE(absl::IsUnauthenticated(refused.status()));
  EXPECT_THAT(Message(refused.status()), HasSubstr("possession_unproven (5017) at possession_signature"));
}

TEST(Proxied, ARequestForACertificateOfAnotherKeyIsRefused) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto challenge = node.CreateChallenge(node.Ask());
  ASSERT_TRUE(challenge.ok());
  v1::AttestRequest answer;
  answer.set_challenge(challenge->challenge());
  *answer.mutable_context() = node.Ask().context();
  *answer.mutable_keys() = node.Ask().keys();
  answer.set_csr(std::string(AsText(*crypto::PrivateKey::GenerateP256().CertificateRequest("n"))));
  const auto refused = node.Attest(answer);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_THAT(Message(refused.status()), HasSubstr("csr_refused (5018) at csr"));
}

}  // namespace
}  // namespace assay::integration
