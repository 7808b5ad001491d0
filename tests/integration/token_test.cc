// The token that a verdict comes with, as a relying party receives it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/relying_party/check_token.h"
#include "codec/base64.h"
#include "registry/builtin_registry.h"
#include "service/config_file.h"
#include "tests/integration/verifier.h"
#include "token/jws.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;

constexpr std::string_view kIssuer = "simulated:https://assay.example";

v1::ServerConfig ConfigOf(const Site& site) {
  return *service::LoadConfig("assayd.yaml", site.Text("assayd.yaml"), site.root().string()).config;
}

absl::StatusOr<std::string> PublishedKeys(const v1::ServerConfig& config, bool simulated) {
  const auto keys = service::OpenTokenKeys(config, simulated, SystemClock().Now());
  if (!keys.ok()) return keys.status();
  return (*keys)->Jwks();
}
std::vector<token::Jwk> KeysOf(const Site& site) { return *token::ReadKeys(*PublishedKeys(ConfigOf(site), /*simulated=*/true)); }

// Keeps the challenge's nonce, and asks for a profile.
class Recording final : public agent::JoinConnection {
 public:
  explicit Recording(Node& node) : node_(node) {}
  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) override {
    auto response = node_.CreateChallenge(request);
    if (response.ok()) nonce = codec::ToBase64Url(AsBytes(response->nonce()));
    return response;
  }
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override { return node_.Attest(request); }
  std::optional<crypto::Sha256Digest> ServerKey() const override { return node_.ServerKey(); }
  std::string nonce;

 private:
  Node& node_;
};

struct Joined {
  Joined() : node(verifier.join(), verifier.site()), connection(node) {}
  absl::StatusOr<v1::AttestResponse> Join(std::string profile = "", softtee::SnpOptions options = {}) {
    Minting source(std::move(options));
    return agent::Join({.cluster = "demo", .role = "worker", .ear_profile = std::move(profile)}, node.key(), source, connection);
  }
  relying_party::Expectation Expectation() const {
    return {.keys = KeysOf(verifier.site()),
            .skew = Duration{5},
            .type = "JWT",
            .issuer = std::string(kIssuer),
            .verifier = "assay",
            .audience = "demo",
            .nonce = connection.nonce,
            .holder = node.key().public_key(),
            .submodules = {"sev-snp-report"},
            .demanded = {"hardware", "executables", "runtime-opaque"}};
  }

  Verifier verifier;
  Node node;
  Recording connection;
};

TEST(Token, ATrustedNodesTokenPassesEveryCheckInEachDialect) {
  Joined joined;
  for (const char* profile : {"", "veraison", "trustee", "ietf-03"}) {
    const auto response = joined.Join(profile);
    ASSERT_TRUE(response.ok()) << MessageOf(response.status());
    CheckLog log;
    const auto claims = relying_party::CheckToken(response->ear(), joined.Expectation(), SystemClock().Now(), log);
    ASSERT_TRUE(claims) << profile << ": " << Describe(log.findings().front());
    EXPECT_EQ(claims->token_id, response->verdict_id());
    EXPECT_EQ(claims->profile == token::EarProfile::kIetf03, std::string_view(profile) == "ietf-03");
    EXPECT_LE(*claims->expires - claims->issued_at, 600);
  }
}

TEST(Token, ARejectedNodesTokenSaysSo) {
  Joined joined;
  const auto response = joined.Join("", softtee::OptionsFor(softtee::Fault::kDebug));
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED);
  CheckLog log;
  EXPECT_FALSE(relying_party::CheckToken(response->ear(), joined.Expectation(), SystemClock().Now(), log));
  EXPECT_EQ(log.findings().front().reason, Reason::kTokenNotAffirming);
  relying_party::Expectation genuine = joined.Expectation();
  genuine.affirming = false;
  genuine.demanded.clear();
  CheckLog second;
  const auto claims = relying_party::CheckToken(response->ear(), genuine, SystemClock().Now(), second);
  ASSERT_TRUE(claims) << Describe(second.findings().front());
  EXPECT_EQ(claims->submodules.front().status, token::Tier::kContraindicated);
}

// attacks 36: what one node was given is worth nothing to another, to another cluster, or to another challenge.
TEST(Token, IsWorthNothingToOthers) {
  Joined joined;
  const auto response = joined.Join();
  ASSERT_TRUE(response.ok());
  const auto refused = [&](auto change) {
    relying_party::Expectation expectation = joined.Expectation();
    change(expectation);
    CheckLog log;
    EXPECT_FALSE(relying_party::CheckToken(response->ear(), expectation, SystemClock().Now(), log));
    return log.findings().front().reason;
  };
  EXPECT_EQ(refused([](auto& e) { e.holder = crypto::PrivateKey::GenerateP256().public_key(); }), Reason::kTokenHolderMismatch);
  EXPECT_EQ(refused([](auto& e) { e.audience = "other"; }), Reason::kTokenAudienceMismatch);
  EXPECT_EQ(refused([](auto& e) { e.nonce = std::string(43, 'A'); }), Reason::kTokenNonceMismatch);
  EXPECT_EQ(refused([](auto& e) { e.issuer = "https://assay.example"; }), Reason::kTokenIssuerMismatch)
      << "a simulated verifier has another name";
}

// DESIGN, Simulation: its own issuer and key.
TEST(Token, ASimulatedVerifierNeverUsesTheRealKey) {
  Joined joined;
  ASSERT_TRUE(joined.Join().ok());
  EXPECT_FALSE(std::filesystem::exists(joined.verifier.site().File("token.key")));
  EXPECT_TRUE(std::filesystem::exists(joined.verifier.site().File("token.key.simulated")));
  EXPECT_THAT(joined.verifier.log(), HasSubstr(kIssuer));
}

TEST(Token, AnUnknownProfileIsRefusedBeforeTheChallengeIsUsed) {
  Joined joined;
  const auto response = joined.Join("ietf-99");
  ASSERT_FALSE(response.ok());
  EXPECT_THAT(std::string(MessageOf(response.status())), HasSubstr("ear_profile"));
  EXPECT_THAT(std::string(MessageOf(response.status())), HasSubstr("ietf-03"));
}

TEST(Token, KeysAreReadFromTheConfigurationAndMadeOnce) {
  Site site;
  const v1::ServerConfig config = ConfigOf(site);
  const auto first = PublishedKeys(config, false), again = PublishedKeys(config, false), simulated = PublishedKeys(config, true);
  ASSERT_TRUE(first.ok() && again.ok() && simulated.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_NE(*first, *simulated);
  v1::ServerConfig none = config;
  none.clear_tokens();
  EXPECT_TRUE(absl::IsInvalidArgument(PublishedKeys(none, false).status()));
}

TEST(Token, WithoutTokensInTheConfigurationThereAreNone) {
  Site site;
  std::string config = site.Text("assayd.yaml");
  const std::size_t at = config.find("tokens:");
  config.erase(at, config.find('\n', at) + 1 - at);
  site.Write("assayd.yaml", config);
  SystemClock clock;
  SystemRandom random;
  std::ostringstream text;
  telemetry::Log log(text, clock);
  const auto server = service::Server::Start({ConfigOf(site), site.File("anchors.yaml"), BuiltinRegistry(), clock, random, log});
  ASSERT_TRUE(server.ok()) << MessageOf(server.status());
  Node node((*server)->join_address(), site);
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_TRUE(response->ear().empty());
}

// A key is prepared, takes over and retires while the server runs; every token checks against the keys of its time.
TEST(Token, KeysFollowOneAnotherWhileTheServerRuns) {
  Verifier verifier("", "tokens: {issuer: \"https://assay.example\", key_directory: token-keys}");
  const auto keys = result::KeyRing::Open("tokens.key_directory", verifier.site().File("token-keys.simulated"), SystemClock().Now());
  ASSERT_TRUE(keys.ok()) << MessageOf(keys.status());
  const std::string first = (*keys)->Signer()->id();
  const auto token_kid = [&] {
    Node node(verifier.join(), verifier.site());
    const auto response = JoinAs(node);
    EXPECT_TRUE(response.ok());
    const auto jws = token::ParseJws(response->ear());
    EXPECT_TRUE(jws.ok());
    return response.ok() && jws.ok() ? jws->key_id.value_or("") : std::string();
  };
  EXPECT_EQ(token_kid(), first);
  const auto next = (*keys)->Prepare(SystemClock().Now());
  ASSERT_TRUE(next.ok()) << MessageOf(next.status());
  EXPECT_EQ((*keys)->Activate(*next, SystemClock().Now()).code(), absl::StatusCode::kFailedPrecondition)
      << "relying parties have not seen it yet";
  EXPECT_EQ(token_kid(), first);
  ASSERT_TRUE((*keys)->Activate(*next, SystemClock().Now(), /*force=*/true).ok());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::string kid;
  while (kid != *next && std::chrono::steady_clock::now() < end) kid = token_kid();
  EXPECT_EQ(kid, *next);
  EXPECT_THAT((*keys)->Jwks(), testing::HasSubstr(first)) << "the former is published while its tokens live";
  EXPECT_THAT(verifier.log(), testing::HasSubstr("keys that sign tokens taken up"));
}

// DESIGN, "Simulation": such a process issues nothing that lets a node in, however good its verdict.
TEST(Token, ASimulatedProcessIssuesNoFlatJwt) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_FALSE(response->ear().empty());
  EXPECT_TRUE(response->jwt().empty());
}

}  // namespace
}  // namespace assay::integration
