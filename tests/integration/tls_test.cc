// TLS files that change while the server runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/strings.h"
#include "client/agent/join.h"
#include "tests/integration/verifier.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

// Files as a careful operator places them: written beside, then moved.
void Place(const Site& site, std::string_view name, const std::string& text) {
  site.Write(Cat(name, ".new"), text);
  std::filesystem::permissions(site.File(Cat(name, ".new")), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::rename(site.File(Cat(name, ".new")), site.File(name));
}

bool Joins(const Verifier& verifier) {
  Node node(verifier.join(), verifier.site());
  return JoinAs(node).ok();
}

// Asked on one connection, answered on another.
class AcrossTheExchange final : public agent::JoinConnection {
 public:
  AcrossTheExchange(v1::CreateChallengeResponse challenge, Node& after) : challenge_(std::move(challenge)), after_(after) {}
  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest&) override { return challenge_; }
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override { return after_.Attest(request); }
  std::optional<crypto::Sha256Digest> ServerKey() const override {
    crypto::Sha256Digest key{};
    std::copy(challenge_.server_spki_sha256().begin(), challenge_.server_spki_sha256().end(), key.begin());
    return key;
  }

 private:
  const v1::CreateChallengeResponse challenge_;
  Node& after_;
};

class Tls : public ::testing::Test {
 protected:
  // Another PKI in place of the server's.
  void ExchangeEverything() {
    const Site other;
    for (const std::string_view name : {"tls/ca.pem", "tls/server.key", "tls/server.pem", "tls/viewer.pem", "tls/viewer.key"}) Place(verifier_.site(), name, other.Text(name));
  }
  bool LogSays(std::string_view text) { return verifier_.log().find(text) != std::string::npos; }

  Verifier verifier_;
};

TEST_F(Tls, NewFilesAreTakenUpWithoutARestart) {
  ASSERT_TRUE(Joins(verifier_));
  const std::string join = verifier_.join(), operators = verifier_.operators();
  ExchangeEverything();
  EXPECT_TRUE(Eventually([&] { return Joins(verifier_); })) << verifier_.log();
  EXPECT_TRUE(Eventually([&] {
    return client::VerdictClient(OperatorChannel(operators, verifier_.site(), "viewer")).ListNodes({}).ok();
  })) << verifier_.log();
  EXPECT_EQ(verifier_.join(), join) << "the socket stays";
  EXPECT_THAT(verifier_.log(), HasSubstr("new TLS files taken up"));
}

// CONTRACTS section 1: field 8 is compared with every leaf that is active while certificates are exchanged.
TEST_F(Tls, AChallengeMadeUnderTheFormerCertificateIsAnsweredUnderTheNewOne) {
  Node before(verifier_.join(), verifier_.site());
  const v1::CreateChallengeRequest ask = before.Ask();
  const auto challenge = before.CreateChallenge(ask);
  ASSERT_TRUE(challenge.ok());
  ExchangeEverything();
  ASSERT_TRUE(Eventually([&] { return Joins(verifier_); }));

  Node after(verifier_.join(), verifier_.site(), {.with_certificate = true, .key_pem = std::string(before.key().ToPem().view())});
  const auto fresh = after.CreateChallenge(ask);
  ASSERT_TRUE(fresh.ok());
  EXPECT_NE(fresh->server_spki_sha256(), challenge->server_spki_sha256());
  AcrossTheExchange connection(*challenge, after);
  Minting source;
  const auto answer = agent::Join({.cluster = "demo", .role = "worker"}, before.key(), source, connection);
  ASSERT_TRUE(answer.ok()) << Message(answer.status());
  EXPECT_EQ(answer->appraisal().verdict(), v1::VERDICT_TRUSTED);
}

TEST_F(Tls, FilesThatDoNotBelongTogetherAreNotTakenUp) {
  const Site other;
  Place(verifier_.site(), "tls/server.key", other.Text("tls/server.key"));  // the certificate is still the former one
  EXPECT_TRUE(Eventually([&] { return LogSays("new TLS files not taken up, the former are used on"); }));
  EXPECT_THAT(verifier_.log(), HasSubstr("expected the private key of the certificate"));
  EXPECT_TRUE(Joins(verifier_));
  EXPECT_THAT(verifier_.log(), Not(HasSubstr("new TLS files taken up")));
  // And once the other half is there, both are.
  Place(verifier_.site(), "tls/ca.pem", other.Text("tls/ca.pem"));
  Place(verifier_.site(), "tls/server.pem", other.Text("tls/server.pem"));
  EXPECT_TRUE(Eventually([&] { return Joins(verifier_); })) << verifier_.log();
}

TEST_F(Tls, GarbageAndMissingFilesAreNotTakenUp) {
  for (const std::string_view text : {"", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}) {
    Place(verifier_.site(), "tls/server.pem", std::string(text));
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));  // nothing to wait for: nothing must happen
    EXPECT_TRUE(Joins(verifier_));
  }
  std::filesystem::remove(verifier_.site().File("tls/server.pem"));
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_TRUE(Joins(verifier_));
  EXPECT_THAT(verifier_.log(), Not(HasSubstr("new TLS files taken up")));
}

TEST_F(Tls, AnOperatorOfTheFormerCaIsNoOperator) {
  const std::string certificate = verifier_.site().Text("tls/viewer.pem"), key = verifier_.site().Text("tls/viewer.key");
  ExchangeEverything();
  client::ChannelOptions channel = OperatorChannel(verifier_.operators(), verifier_.site(), "viewer");
  ASSERT_TRUE(Eventually([&] { return client::VerdictClient(channel).ListNodes({}).ok(); }));
  channel.certificate_pem = certificate;
  channel.key_pem = key;
  EXPECT_FALSE(client::VerdictClient(channel).ListNodes({}).ok());
}

}  // namespace
}  // namespace assay::integration
