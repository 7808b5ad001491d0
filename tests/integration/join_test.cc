// The join listener through its front door.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "appraisal/appraiser.h"
#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "crypto/binding_transcript.h"
#include "tests/integration/verifier.h"

namespace assay::integration {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

// An answer to `challenge` whose evidence is bound by `transcript`.
v1::AttestRequest AnswerTo(const v1::CreateChallengeResponse& challenge, const v1::CreateChallengeRequest& ask,
                           const crypto::BindingTranscript& transcript) {
  v1::AttestRequest answer;
  answer.set_challenge(challenge.challenge());
  *answer.mutable_context() = ask.context();
  *answer.mutable_keys() = ask.keys();
  const auto items = Minting().Collect(transcript.ReportData());
  for (const agent::CollectedItem& item : *items) {
    v1::EvidenceItem& added = *answer.add_items();
    added.set_media_type(item.media_type);
    added.set_body(std::string(AsText(item.body)));
  }
  return answer;
}

crypto::BindingTranscript TranscriptOf(const v1::CreateChallengeResponse& challenge, const v1::CreateChallengeRequest& ask) {
  return {.nonce = ToBytes(AsBytes(challenge.nonce())),
          .node_spki = ToBytes(AsBytes(ask.keys().node_spki())),
          .csr_sha256 = {},
          .cluster = ask.context().cluster(),
          .role = ask.context().role(),
          .name = ask.context().name(),
          .tpm_ak = {},
          .server_spki_sha256 = ToBytes(AsBytes(challenge.server_spki_sha256()))};
}

// A node that holds a challenge.
struct Challenged {
  Verifier verifier;
  Node node{verifier.join(), verifier.site()};
  v1::CreateChallengeRequest ask = node.Ask();
  v1::CreateChallengeResponse challenge = *node.CreateChallenge(ask);

  crypto::BindingTranscript Transcript() const { return TranscriptOf(challenge, ask); }
  v1::AttestRequest Answer() const { return Answer(Transcript()); }
  v1::AttestRequest Answer(const crypto::BindingTranscript& transcript) const { return AnswerTo(challenge, ask, transcript); }
};

TEST(Join, AGoodNodeIsTrusted) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok()) << Message(response.status());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_TRUE(response->appraisal().simulated());
  EXPECT_TRUE(response->appraisal().channel_bound());
  EXPECT_EQ(response->appraisal().policy_set(), "demo");
  EXPECT_EQ(response->verdict_id().size(), 26u);
  EXPECT_THAT(verifier.log(), HasSubstr(response->verdict_id()));
}

// Each at a verifier of its own: one that holds the right certificates already finds the report genuine, whatever lies beside it.
TEST(Join, EachKindOfFaultIsRejectedForItsReason) {
  for (const softtee::Fault fault :
       {softtee::Fault::kReportTruncated, softtee::Fault::kReportChanged, softtee::Fault::kOtherReportData, softtee::Fault::kDebug,
        softtee::Fault::kLeafHwidOther, softtee::Fault::kRootSelfMade, softtee::Fault::kCrlRevokesIntermediate,
        softtee::Fault::kTableOverlap, softtee::Fault::kLeafExpired}) {
    Verifier verifier;
    Node node(verifier.join(), verifier.site());
    softtee::SnpOptions options = softtee::OptionsFor(fault);
    const auto response = JoinAs(node, options);
    ASSERT_TRUE(response.ok()) << softtee::EntryOf(fault).name << Message(response.status());
    EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED) << softtee::EntryOf(fault).name;
    EXPECT_THAT(Reasons(response->appraisal()), Contains(std::string(softtee::EntryOf(fault).reason))) << softtee::EntryOf(fault).name;
    EXPECT_FALSE(response->appraisal().admits());
  }
}

TEST(Join, AWrongCertificateBesideAGenuineReportHarmsNothingOnceTheRightOneIsHeld) {
  Verifier verifier;
  Node first(verifier.join(), verifier.site());
  ASSERT_EQ(JoinAs(first)->appraisal().verdict(), v1::VERDICT_TRUSTED);
  Node second(verifier.join(), verifier.site());
  EXPECT_EQ(JoinAs(second, softtee::OptionsFor(softtee::Fault::kLeafHwidOther))->appraisal().verdict(), v1::VERDICT_TRUSTED);
  // A list of revoked certificates beside it counts all the same.
  Node third(verifier.join(), verifier.site());
  EXPECT_EQ(JoinAs(third, softtee::OptionsFor(softtee::Fault::kCrlRevokesIntermediate))->appraisal().verdict(), v1::VERDICT_REJECTED);
}

TEST(Join, TheChallengeSaysWhatToCollect) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const auto challenge = node.CreateChallenge(node.Ask());
  ASSERT_TRUE(challenge.ok()) << Message(challenge.status());
  EXPECT_EQ(challenge->nonce().size(), 32u);
  EXPECT_EQ(AsBytes(challenge->server_spki_sha256()).size(), 32u);
  const auto required = [](const v1::CreateChallengeResponse& response) {
    std::vector<std::string> types;
    for (const v1::EvidenceRequest& request : response.requests()) {
      if (!request.optional()) types.push_back(request.media_type());
    }
    return types;
  };
  const std::string quote = "application/vnd.assay.dcap-quote", report = "application/vnd.assay.sev-snp-report";
  EXPECT_EQ(required(*challenge), (std::vector<std::string>{quote, report}));
  for (const auto& [platform, type] : {std::pair("qemu_sev_snp", report), std::pair("qemu_tdx", quote)}) {
    v1::CreateChallengeRequest ask = node.Ask();
    ask.set_platform(platform);
    const auto hinted = node.CreateChallenge(ask);
    ASSERT_TRUE(hinted.ok()) << Message(hinted.status());
    EXPECT_EQ(required(*hinted), std::vector<std::string>{type});
  }
}

TEST(Join, AttackReplayedChallengeIsAnsweredOnce) {
  Challenged scene;
  Node& node = scene.node;
  const v1::AttestRequest answer = scene.Answer();
  ASSERT_TRUE(node.Attest(answer).ok());
  const auto again = node.Attest(answer);
  EXPECT_TRUE(absl::IsFailedPrecondition(again.status()));
  EXPECT_THAT(Message(again.status()), HasSubstr("challenge_consumed (5004)"));
}

TEST(Join, AttackManyAnswersAtOnceGetOneVerdict) {
  Challenged scene;
  Node& node = scene.node;
  const v1::AttestRequest answer = scene.Answer();
  std::atomic<int> verdicts = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { verdicts += node.Attest(answer).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(verdicts, 1);
}

TEST(Join, AChallengeIsSpentByEvidenceThatFails) {
  Challenged scene;
  Node& node = scene.node;
  v1::AttestRequest answer = scene.Answer();
  const v1::AttestRequest good = answer;
  answer.mutable_items(0)->set_body("garbage");
  const auto rejected = node.Attest(answer);
  ASSERT_TRUE(rejected.ok()) << Message(rejected.status());
  EXPECT_EQ(rejected->appraisal().verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Message(node.Attest(good).status()), HasSubstr("challenge_consumed"));
}

TEST(Join, AttackAnotherNodeAnswersTheChallenge) {
  Verifier verifier;
  Node victim(verifier.join(), verifier.site()), thief(verifier.join(), verifier.site());
  const v1::CreateChallengeRequest ask = victim.Ask();
  const auto challenge = victim.CreateChallenge(ask);
  ASSERT_TRUE(challenge.ok());
  const v1::AttestRequest stolen = AnswerTo(*challenge, ask, TranscriptOf(*challenge, ask));
  // With the victim's key named but not held, and with its own key named in a challenge for the victim's.
  EXPECT_THAT(Message(thief.Attest(stolen).status()), HasSubstr("node_key_mismatch (5006)"));
  v1::AttestRequest renamed = stolen;
  *renamed.mutable_keys() = thief.Ask().keys();
  EXPECT_THAT(Message(thief.Attest(renamed).status()), HasSubstr("context_mismatch (5005)"));
  // Neither has spent it.
  EXPECT_TRUE(victim.Attest(stolen).ok());
}

TEST(Join, AttackRelayThroughAnotherServerBindsNothing) {
  Challenged scene;
  Node& node = scene.node;
  // The node thought that it spoke to somebody else.
  crypto::BindingTranscript elsewhere = scene.Transcript();
  elsewhere.server_spki_sha256[0] ^= 1;
  const auto response = node.Attest(scene.Answer(elsewhere));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(response->appraisal()), Contains("binding_mismatch"));
}

TEST(Join, AttackAnEmptyServerKeyInTheTranscriptIsRefused) {
  Challenged scene;
  Node& node = scene.node;
  crypto::BindingTranscript unbound = scene.Transcript();
  unbound.server_spki_sha256.clear();
  const auto response = node.Attest(scene.Answer(unbound));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED);
}

TEST(Join, WithoutClientCertificateNothingIsSaid) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site(), {.with_certificate = false});
  const auto challenge = node.CreateChallenge(node.Ask());
  EXPECT_TRUE(absl::IsUnauthenticated(challenge.status()));
  EXPECT_THAT(Message(challenge.status()), HasSubstr("channel_unbound (5007)"));
}

TEST(Join, AttackContextIsFixedByTheChallenge) {
  Challenged scene;
  Node& node = scene.node;
  v1::AttestRequest answer = scene.Answer();
  answer.mutable_context()->set_role("control-plane");
  EXPECT_THAT(Message(node.Attest(answer).status()), HasSubstr("context_mismatch"));
}

TEST(Join, AContextWithoutSetIsRejected) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  Minting source;
  const auto response = agent::Join({.cluster = "elsewhere", .role = "worker"}, node.key(), source, node);
  ASSERT_TRUE(response.ok()) << Message(response.status());
  EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(response->appraisal()), Contains("policy_none"));
}

TEST(Join, BadRequestsNameTheField) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  const v1::CreateChallengeRequest good = node.Ask();
  const auto message = [&](auto change) {
    v1::CreateChallengeRequest request = good;
    change(request);
    const auto response = node.CreateChallenge(request);
    EXPECT_TRUE(absl::IsInvalidArgument(response.status())) << Message(response.status());
    return Message(response.status());
  };
  EXPECT_THAT(message([](auto& r) { r.mutable_context()->clear_cluster(); }), HasSubstr("request_field_invalid (5008) at context.cluster"));
  EXPECT_THAT(message([](auto& r) { r.mutable_context()->set_role(std::string(64, 'r')); }), HasSubstr("context.role"));
  EXPECT_THAT(message([](auto& r) { r.mutable_context()->set_name("a\nb"); }), HasSubstr("context.name"));
  EXPECT_THAT(message([](auto& r) { r.mutable_keys()->set_node_spki("nonsense"); }), HasSubstr("keys.node_spki"));
  EXPECT_THAT(message([](auto& r) { r.mutable_keys()->clear_node_spki(); }), HasSubstr("keys.node_spki"));
  EXPECT_THAT(message([](auto& r) { r.mutable_keys()->set_tpm_ak("ak"); }), HasSubstr("keys.tpm_ak"));

  v1::AttestRequest answer;
  EXPECT_THAT(Message(node.Attest(answer).status()), HasSubstr("challenge_malformed (5001)"));
  answer.set_challenge(std::string(153, '\1'));
  EXPECT_THAT(Message(node.Attest(answer).status()), HasSubstr("challenge_forged (5002)"));
  for (int i = 0; i < 33; ++i) answer.add_items();
  EXPECT_THAT(Message(node.Attest(answer).status()), HasSubstr("at most 32"));
}

TEST(Join, EvidenceOfEveryWrongShapeGetsItsOwnReason) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  struct Case {
    std::string media_type;
    std::string body;
    std::string reason;
  };
  for (const Case& c :
       {Case{"application/vnd.assay.tpm-quote", "x", "item_unexpected"}, Case{"image/png", "x", "media_type_unknown"},
        Case{"application/pkix-cert", "", "item_empty"}, Case{"application/pkix-cert", std::string(500'000, '0'), "certificate_malformed"},
        Case{"application/vnd.assay.sev-snp-report", std::string(1184, '\xff'), "item_duplicate"}}) {
    const v1::CreateChallengeRequest ask = node.Ask();
    const auto challenge = node.CreateChallenge(ask);
    ASSERT_TRUE(challenge.ok());
    v1::AttestRequest answer = AnswerTo(*challenge, ask, TranscriptOf(*challenge, ask));
    answer.set_platform("qemu_sev_snp");
    v1::EvidenceItem& item = *answer.add_items();
    item.set_media_type(c.media_type);
    item.set_body(c.body);
    const auto response = node.Attest(answer);
    ASSERT_TRUE(response.ok()) << c.media_type << Message(response.status());
    EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_REJECTED) << c.media_type;
    EXPECT_THAT(Reasons(response->appraisal()), Contains(c.reason)) << c.media_type;
  }
}

// Over the request limit, within the connection's byte budget: the call is refused and its connection lives.
TEST(Join, ARequestOverTheLimitIsRefusedAndItsConnectionLives) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  v1::AttestRequest huge;
  huge.set_challenge(std::string(1024 * 1024 + 1, 'x'));
  EXPECT_TRUE(absl::IsResourceExhausted(node.Attest(huge).status()));
  EXPECT_TRUE(JoinAs(node).ok());
}

// The limit as configured, to the byte: the largest request that may come is looked at, one more byte is refused by its size.
TEST(Join, TheRequestLimitIsTheConfiguredOne) {
  for (const std::size_t mib : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
    Verifier verifier(Cat("max_request_mib: ", mib));
    Node node(verifier.join(), verifier.site());
    v1::AttestRequest request;
    const std::size_t limit = mib * 1024 * 1024;
    request.set_challenge(std::string(limit, 'x'));
    while (request.ByteSizeLong() > limit) request.mutable_challenge()->pop_back();
    ASSERT_EQ(request.ByteSizeLong(), limit);
    const absl::Status looked_at = node.Attest(request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(looked_at)) << mib << ": " << Message(looked_at);
    request.mutable_challenge()->push_back('x');
    EXPECT_TRUE(absl::IsResourceExhausted(node.Attest(request).status())) << mib;
    EXPECT_TRUE(JoinAs(node).ok()) << mib;
    EXPECT_EQ(verifier.server().join_connections().cut, 0u) << mib << ": within the byte budget";
  }
}

// Over both: how much of it arrives before the refusal decides whether the connection is cut, so only another one is promised.
TEST(Join, ARequestOverTheByteBudgetIsRefusedAndTheServerLives) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  v1::AttestRequest huge;
  huge.set_challenge(std::string(2 * 1024 * 1024, 'x'));
  const absl::Status refused = node.Attest(huge).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused) || absl::IsUnavailable(refused)) << Message(refused);
  Node another(verifier.join(), verifier.site());
  EXPECT_TRUE(JoinAs(another).ok());
}

TEST(Join, Attack087_EveryChallengeHasANonceOfItsOwn) {
  Verifier verifier;
  Node node(verifier.join(), verifier.site());
  std::set<std::string> nonces, challenges;
  for (int i = 0; i < 200; ++i) {
    const auto challenge = node.CreateChallenge(node.Ask());
    ASSERT_TRUE(challenge.ok()) << Message(challenge.status());
    ASSERT_EQ(challenge->nonce().size(), 32u);
    nonces.insert(challenge->nonce());
    challenges.insert(challenge->challenge());
  }
  EXPECT_EQ(nonces.size(), 200u);
  EXPECT_EQ(challenges.size(), 200u);
}

TEST(Join, Attack044_TheLogHoldsNoSecret) {
  Challenged scene;
  const Verifier& verifier = scene.verifier;
  const v1::AttestRequest answer = scene.Answer();
  const auto response = scene.node.Attest(answer);
  ASSERT_TRUE(response.ok()) << Message(response.status());
  EXPECT_FALSE(scene.node.Attest(answer).ok());  // refusals are logged too
  v1::AttestRequest wrong = answer;
  wrong.mutable_challenge()->back() ^= 1;
  EXPECT_FALSE(scene.node.Attest(wrong).ok());

  const std::string key = verifier.site().Text("challenge.key"), token_key = verifier.site().Text("token.key.simulated"),
                    server_key = verifier.site().Text("tls/server.key");
  ASSERT_EQ(key.size(), 32u);
  ASSERT_GT(token_key.size(), 100u);
  ASSERT_FALSE(response->ear().empty());
  std::vector<std::string> secrets = {key, ToHex(AsBytes(key)), server_key.substr(30, 20), token_key.substr(30, 20),
                                      response->ear().substr(response->ear().rfind('.'))};
  // A challenge that is still open is as good as a key to its one answer; evidence names the machine.
  for (const std::string& bytes : {scene.challenge.challenge(), scene.challenge.nonce(), answer.items(0).body().substr(0, 64)}) {
    secrets.push_back(bytes);
    secrets.push_back(ToHex(AsBytes(bytes)));
    secrets.push_back(codec::ToBase64Url(AsBytes(bytes)).substr(0, 32));
  }
  for (const std::string& secret : secrets) EXPECT_EQ(verifier.log().find(secret), std::string::npos) << ToHex(AsBytes(secret));
  EXPECT_THAT(verifier.log(), HasSubstr("challenge_consumed")) << "this is the log";
}

// grpc.health.v1.Health/Check with an empty request; its answer is one field, 1 = SERVING.
// A call with bytes for a message.
grpc::Status CallRaw(const Verifier& verifier, const std::string& method, std::string_view bytes, grpc::ByteBuffer& response) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = verifier.site().Text("tls/ca.pem");
  grpc::GenericStub stub(grpc::CreateChannel(verifier.join(), grpc::SslCredentials(tls)));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes.data(), bytes.size());
  const grpc::ByteBuffer request(&slice, 1);
  grpc::Status status;
  const auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  call->Finish(&response, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  EXPECT_TRUE(queue.Next(&tag, &ok));
  return status;
}

TEST(Join, BytesThatAreNoMessageAreRefused) {
  Verifier verifier;
  for (const char* method : {"/assay.v1.AttestationService/CreateChallenge", "/assay.v1.AttestationService/Attest"}) {
    for (const std::string_view bytes : {"\xff", "\x0a\x7f", "\x12\x03\x0a\x01"}) {  // no tag; cut short, twice
      grpc::ByteBuffer response;
      const grpc::Status status = CallRaw(verifier, method, bytes, response);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method << ": " << status.error_message();
      EXPECT_THAT(status.error_message(), HasSubstr("request_field_invalid")) << method;
      EXPECT_FALSE(status.error_details().empty()) << method;
    }
  }
  Node node(verifier.join(), verifier.site());
  EXPECT_TRUE(JoinAs(node).ok()) << "the server lives";
}

TEST(Join, HealthIsServed) {
  Verifier verifier;
  grpc::ByteBuffer response;
  const grpc::Status status = CallRaw(verifier, "/grpc.health.v1.Health/Check", "", response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::vector<grpc::Slice> slices;
  ASSERT_TRUE(response.Dump(&slices).ok());
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slices[0].begin()), slices[0].size()), "\x08\x01");
}

}  // namespace
}  // namespace assay::integration
