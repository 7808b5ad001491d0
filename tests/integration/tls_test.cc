// TLS files that change while the server runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/agent/join.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "tests/integration/verifier.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using testing::AllOf;
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
    for (const std::string_view name : {"tls/ca.pem", "tls/server.key", "tls/server.pem", "tls/viewer.pem", "tls/viewer.key"}) {
      Place(verifier_.site(), name, other.Text(name));
    }
  }
  bool LogSays(std::string_view text) { return verifier_.log().find(text) != std::string::npos; }

  Verifier verifier_;
  const std::string former_ca_ = verifier_.site().Text("tls/ca.pem");
};

TEST_F(Tls, NewFilesAreTakenUpWithoutARestart) {
  ASSERT_TRUE(Joins(verifier_));
  const std::string join = verifier_.join(), operators = verifier_.operators();
  ExchangeEverything();
  EXPECT_TRUE(Eventually([&] { return Joins(verifier_); })) << verifier_.log();
  EXPECT_TRUE(Eventually([&] { return client::VerdictClient(OperatorChannel(operators, verifier_.site(), "viewer")).ListNodes({}).ok(); }))
      << verifier_.log();
  EXPECT_EQ(verifier_.join(), join) << "the socket stays";
  EXPECT_THAT(verifier_.log(), HasSubstr("new TLS files taken up"));
}

// Field 8 of the transcript is compared with every leaf that is active while certificates are exchanged.
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

// TLS looks at a certificate once for a connection and all sessions resumed from it; the calls look at it each.
TEST_F(Tls, AnOperatorsCertificateIsBelievedWhileItIsValid) {
  client::VerdictClient viewer(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"));
  ASSERT_TRUE(viewer.ListNodes({}).ok());
  verifier_.ShiftClock(std::chrono::days(91));
  const absl::Status late = viewer.ListNodes({}).status();
  EXPECT_TRUE(absl::IsUnauthenticated(late)) << Message(late);
  EXPECT_THAT(Message(late),
              AllOf(HasSubstr("client certificate.not_after"), HasSubstr("' ended "), HasSubstr("Renew the client certificate")));
  verifier_.ShiftClock(-std::chrono::hours(2));
  const absl::Status early = viewer.ListNodes({}).status();
  EXPECT_TRUE(absl::IsUnauthenticated(early)) << Message(early);
  EXPECT_THAT(Message(early), AllOf(HasSubstr("client certificate.not_before"), HasSubstr("' begins ")));
  verifier_.ShiftClock(Duration(0));
  EXPECT_TRUE(viewer.ListNodes({}).ok());
}

TEST_F(Tls, AWatchEndsWithTheCertificateOfWhoWatches) {
  client::VerdictClient viewer(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"));
  v1::WatchVerdictsRequest request;
  request.set_heartbeat_seconds(1);
  int heartbeats = 0;
  const absl::Status ended = viewer.WatchVerdicts(request, [&](const auto&) {
    verifier_.ShiftClock(std::chrono::days(91));
    return ++heartbeats < 10;
  });
  EXPECT_TRUE(absl::IsUnauthenticated(ended)) << Message(ended);
  EXPECT_THAT(Message(ended), HasSubstr("a client certificate that has not expired"));
  EXPECT_GE(heartbeats, 1);
}

// --- what the files may be ------------------------------------------------------------------------------------------

std::string DerOf(const std::string& pem) {
  return std::string(AsText(crypto::CertificatesFrom(AsBytes(pem), "test").value().front().der()));
}

TEST(TlsFiles, CertificatesInDerAreServedAsWell) {
  Verifier verifier("", "", std::nullopt, [](const Site& site) {
    for (const std::string_view name : {"tls/server.pem", "tls/ca.pem"}) {
      site.Write(Cat(name, ".txt"), site.Text(name));
      site.Write(name, DerOf(site.Text(name)));
    }
  });
  verifier.site().Write("tls/ca.pem", verifier.site().Text("tls/ca.pem.txt"));  // for the clients of this test
  EXPECT_TRUE(Joins(verifier)) << verifier.log();
  EXPECT_TRUE(client::VerdictClient(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ListNodes({}).ok()) << verifier.log();
}

// A PKI of another time in place of the server's.
void UsePkiOf(const Site& site, Time issued) {
  ASSERT_TRUE(softtee::MakeDevTls(site.root() / "other", "localhost", issued).ok());
  for (const std::string_view name : {"ca.pem", "server.key", "server.pem", "viewer.pem", "viewer.key"}) {
    Place(site, Cat("tls/", name), site.Text(Cat("other/", name)));
  }
}
constexpr Duration kDay{86400};

TEST_F(Tls, ACertificateThatHasEndedIsNotTakenUpAndTheFormerGoesOn) {
  UsePkiOf(verifier_.site(), SystemClock().Now() - 91 * kDay);
  // Before all files were in place another defect may have been said.
  const std::string ended = "expected a certificate that is valid now, actual: 'CN=localhost' ended ";
  EXPECT_TRUE(Eventually([&] {
    return LogSays(Cat("join.tls.certificate '", verifier_.site().File("tls/server.pem"), "': ", ended)) &&
           LogSays(Cat("operator.tls.certificate '", verifier_.site().File("tls/server.pem"), "': ", ended));
  })) << verifier_.log();
  verifier_.site().Write("tls/ca.pem", former_ca_);  // for the client of this test; the server looks at it once more and stays as it is
  EXPECT_TRUE(Joins(verifier_));
  EXPECT_THAT(verifier_.log(), Not(HasSubstr("new TLS files taken up")));
  // Said once, however often it is looked at.
  std::this_thread::sleep_for(std::chrono::milliseconds(4500));  // nothing to wait for: nothing must happen
  const std::string said = Cat("join.tls.certificate '", verifier_.site().File("tls/server.pem"), "': ", ended);
  EXPECT_EQ(verifier_.log().find(said, verifier_.log().find(said) + 1), std::string::npos) << verifier_.log();
}

TEST_F(Tls, ACertificateThatEndsSoonIsTakenUpAndSaid) {
  UsePkiOf(verifier_.site(), SystemClock().Now() - 80 * kDay);
  EXPECT_TRUE(Eventually([&] { return Joins(verifier_); })) << verifier_.log();
  EXPECT_TRUE(Eventually([&] {
    return LogSays(R"("subject":"CN=localhost","not_after")") && LogSays(R"("subject":"CN=Assay development CA","not_after")");
  })) << verifier_.log();
  EXPECT_THAT(verifier_.log(), AllOf(HasSubstr("new TLS files taken up"), HasSubstr("a certificate in use ends soon")));
}

TEST_F(Tls, ACertificateThatIsNoCaIsNotTakenUpAsOne) {
  Place(verifier_.site(), "tls/ca.pem", verifier_.site().Text("tls/server.pem"));
  EXPECT_TRUE(Eventually([&] { return LogSays("new TLS files not taken up, the former are used on"); }));
  EXPECT_THAT(verifier_.log(), HasSubstr("'CN=localhost' may sign none"));
  verifier_.site().Write("tls/ca.pem", former_ca_);
  EXPECT_TRUE(client::VerdictClient(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer")).ListNodes({}).ok())
      << "the former CA still vouches";
}

}  // namespace
}  // namespace assay::integration
