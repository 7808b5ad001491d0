#include "client/agent/join.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/strings.h"
#include "crypto/binding_transcript.h"

namespace assay::agent {
namespace {

using ::testing::HasSubstr;

crypto::Sha256Digest Filled(std::uint8_t value) {
  crypto::Sha256Digest digest{};
  digest.fill(value);
  return digest;
}
std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

class FakeServer final : public JoinConnection {
 public:
  FakeServer() {
    challenge.set_challenge(opaque);
    challenge.set_nonce(std::string(32, 'n'));
    challenge.set_server_spki_sha256(Text(Filled(0x55)));
  }
  absl::StatusOr<v1::CreateChallengeResponse> CreateChallenge(const v1::CreateChallengeRequest& request) override {
    asked = request;
    return challenge;
  }
  absl::StatusOr<v1::AttestResponse> Attest(const v1::AttestRequest& request) override {
    answered = request;
    v1::AttestResponse response;
    response.set_verdict_id("id");
    return response;
  }
  std::optional<crypto::Sha256Digest> ServerKey() const override { return key; }

  const std::string opaque = "\x01" + std::string(152, 'o');
  v1::CreateChallengeResponse challenge;
  std::optional<crypto::Sha256Digest> key = Filled(0x55);
  std::optional<v1::CreateChallengeRequest> asked;
  std::optional<v1::AttestRequest> answered;
};

class FakeSource final : public ReportSource {
 public:
  absl::StatusOr<std::vector<CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
    demanded = report_data;
    if (!status.ok()) return status;
    return std::vector<CollectedItem>{{"a/b", {1, 2}}, {"c/d", {3}}};
  }
  absl::Status status;
  std::optional<crypto::Sha512Digest> demanded;
};

struct JoinTest : ::testing::Test {
  absl::StatusOr<v1::AttestResponse> Run() { return Join({"prod", "worker", "node-1", "qemu_sev_snp"}, key, source, server); }
  crypto::BindingTranscript Transcript(Bytes server_key) const {
    return {.nonce = Bytes(32, 'n'),
            .node_spki = ToBytes(key.public_key().spki()),
            .csr_sha256 = {},
            .cluster = "prod",
            .role = "worker",
            .name = "node-1",
            .tpm_ak = {},
            .server_spki_sha256 = std::move(server_key)};
  }
  crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
  FakeServer server;
  FakeSource source;
};

TEST_F(JoinTest, EvidenceAnswersTheChallengeOfThisConnection) {
  const auto response = Run();
  ASSERT_TRUE(response.ok()) << MessageOf(response.status());
  EXPECT_EQ(response->verdict_id(), "id");
  EXPECT_EQ(*source.demanded, Transcript(Bytes(32, 0x55)).ReportData());

  EXPECT_EQ(server.asked->context().cluster(), "prod");
  EXPECT_EQ(server.asked->platform(), "qemu_sev_snp");
  EXPECT_EQ(AsText(key.public_key().spki()), server.asked->keys().node_spki());
  EXPECT_EQ(server.answered->challenge(), server.opaque);
  EXPECT_EQ(server.answered->context().SerializeAsString(), server.asked->context().SerializeAsString());
  EXPECT_EQ(server.answered->keys().SerializeAsString(), server.asked->keys().SerializeAsString());
  ASSERT_EQ(server.answered->items_size(), 2);
  EXPECT_EQ(server.answered->items(0).media_type(), "a/b");
  EXPECT_EQ(server.answered->items(1).body(), "\x03");
  EXPECT_TRUE(server.answered->possession_signature().empty());
}

TEST_F(JoinTest, BehindAProxyTheNodeKeySigns) {
  server.challenge.set_tls_terminated(true);
  server.challenge.clear_server_spki_sha256();
  ASSERT_TRUE(Run().ok());
  EXPECT_EQ(*source.demanded, Transcript({}).ReportData());
  EXPECT_FALSE(server.answered->possession_signature().empty());
}

// The key is that of the node's TLS connections too: a server that picks what it signs could speak for the node elsewhere.
TEST_F(JoinTest, TheNodeKeySignsNothingButChallenges) {
  server.challenge.set_tls_terminated(true);
  server.challenge.clear_server_spki_sha256();
  // RFC 8446 section 4.4.3, with SHA-256 and with SHA-384; as it is and of the size of a challenge.
  const std::string verify = std::string(64, ' ') + "TLS 1.3, client CertificateVerify" + std::string(1, '\0');
  const std::string sequence = "\x30\x81\x96";  // DER, of the size of a challenge
  for (const std::string& foreign : {verify + std::string(32, 'h'), verify + std::string(48, 'h'), verify + std::string(55, 'h'),
                                     sequence + std::string(150, 'x'), std::string("\x01"), std::string(153, '\0')}) {
    server.challenge.set_challenge(foreign);
    const auto response = Run();
    EXPECT_EQ(response.status().code(), absl::StatusCode::kUnauthenticated);
    EXPECT_THAT(Text(AsBytes(MessageOf(response.status()))), HasSubstr("Nothing was signed or sent"));
    EXPECT_FALSE(source.demanded);
    EXPECT_FALSE(server.answered);
  }
}

// In each of these somebody would get evidence that is good for another server.
TEST_F(JoinTest, ABadChallengeGetsNoEvidence) {
  const v1::CreateChallengeResponse good = server.challenge;
  const struct {
    std::function<void()> change;
    std::string_view message;
  } cases[] = {
      {[&] { server.challenge.set_server_spki_sha256(Text(Filled(0x56))); }, "no evidence was sent"},
      {[&] { server.challenge.set_server_spki_sha256(std::string(31, 0x55)); }, "no evidence was sent"},
      {[&] { server.challenge.clear_server_spki_sha256(); }, "actual nothing"},
      {[&] { server.challenge.set_nonce(std::string(31, 'n')); }, "nonce: expected 32 bytes, actual 31 bytes"},
      {[&] { server.challenge.clear_nonce(); }, "nonce: expected 32 bytes, actual 0 bytes"},
      {[&] { server.challenge.clear_challenge(); }, "challenge: expected 153 bytes of version 1, actual none"},
      {[&] { server.challenge.mutable_challenge()->pop_back(); }, "actual 152 bytes that begin with 01"},
      {[&] { server.challenge.mutable_challenge()->push_back('o'); }, "actual 154 bytes that begin with 01"},
      {[&] { server.challenge.mutable_challenge()->front() = '\x02'; }, "actual 153 bytes that begin with 02"},
      {[&] { server.challenge.set_tls_terminated(true); }, "expected nothing, as a proxy terminates TLS"},
      {[&] { server.key.reset(); }, "a connection without one"},
  };
  for (const auto& c : cases) {
    server.challenge = good;
    server.key = Filled(0x55);
    c.change();
    const auto response = Run();
    EXPECT_EQ(response.status().code(), absl::StatusCode::kUnauthenticated) << c.message;
    EXPECT_THAT(Text(AsBytes(MessageOf(response.status()))), HasSubstr(std::string(c.message)));
    EXPECT_FALSE(source.demanded) << c.message;
    EXPECT_FALSE(server.answered) << c.message;
  }
}

// A TPM's keys are named before, bind what is collected, and its secret goes with the answer.
TEST_F(JoinTest, ATpmIsNamedBoundAndAnswersItsActivation) {
  class Tpm final : public EvidenceSource {
   public:
    absl::StatusOr<TpmKeys> Keys() override {
      if (!keys.ok()) return keys;
      return TpmKeys{{0xAA}, {0xEE}, {0xCE}};
    }
    absl::StatusOr<CollectedEvidence> Answer(const Demand& asked) override {
      demand = asked;
      return CollectedEvidence{{{"a/b", {1}}}, {0x5E}};
    }
    absl::Status keys;
    Demand demand;
  } tpm;
  v1::EvidenceRequest& request = *server.challenge.add_requests();
  request.set_media_type("a/b");
  v1::EvidenceRequest::Parameter& parameter = *request.add_parameters();
  parameter.set_name("pcr_selection");
  parameter.set_value("sha256:0");
  ASSERT_TRUE(Join({"prod", "worker", "node-1", "qemu_vtpm"}, key, tpm, server).ok());
  EXPECT_EQ(server.asked->keys().tpm_ak(), "\xAA");
  EXPECT_EQ(server.asked->keys().tpm_ek(), "\xEE");
  EXPECT_EQ(server.asked->keys().tpm_ek_certificate(), "\xCE");
  EXPECT_EQ(server.answered->keys().SerializeAsString(), server.asked->keys().SerializeAsString());
  EXPECT_EQ(server.answered->activation_secret(), "\x5E");
  crypto::BindingTranscript transcript = Transcript(Bytes(32, 0x55));
  EXPECT_NE(tpm.demand.extra_data, transcript.ExtraData());
  transcript.tpm_ak = {0xAA};
  EXPECT_EQ(tpm.demand.extra_data, transcript.ExtraData());
  EXPECT_EQ(tpm.demand.report_data, transcript.ReportData());
  ASSERT_EQ(tpm.demand.requests.size(), 1u);
  EXPECT_EQ(tpm.demand.requests[0].media_type, "a/b");
  EXPECT_EQ(tpm.demand.requests[0].parameters, (std::vector<std::pair<std::string, std::string>>{{"pcr_selection", "sha256:0"}}));

  // Without its keys no challenge is asked for.
  server.asked.reset();
  tpm.keys = absl::NotFoundError("no TPM");
  EXPECT_EQ(Join({"prod", "worker"}, key, tpm, server).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(server.asked);
}

TEST_F(JoinTest, WithoutEvidenceNothingIsSent) {
  source.status = absl::NotFoundError("no TEE here");
  EXPECT_EQ(Run().status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(server.answered);
}

}  // namespace
}  // namespace assay::agent
