// The join protocol below gRPC, over a real store: what is refused and when, what spends a challenge, what is recorded.
#include "service/attestation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <mutex>
#include <sstream>
#include <thread>

#include "appraisal/anchors_file.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/binding_transcript.h"
#include "crypto/private_key.h"
#include "registry/builtin_registry.h"
#include "service/reappraiser.h"
#include "store/fleet_forecast.h"
#include "store/sqlite_store.h"
#include "tests/places/places.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::service {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Time kNow = softtee::kDefaultNow + Duration(3600);

class SetClock final : public Clock {
 public:
  Time Now() const override { return now.load(); }
  std::atomic<Time> now = kNow;
};

// A store that says what it was asked for, in order, and fails where it is told to. What it does not fail in, the real one does.
class WatchedStore final : public store::VerdictStore {
 public:
  explicit WatchedStore(store::VerdictStore& real) : real_(real) {}

  absl::Status Redeem(ByteView nonce, Time expires, Time now) override {
    Note("Redeem");
    return redeem.ok() ? real_.Redeem(nonce, expires, now) : redeem;
  }
  absl::StatusOr<appraisal::InstanceState> InstanceStateOf(const store::Candidate& candidate, Time now) override {
    Note("InstanceStateOf");
    if (!state.ok()) return state;
    return real_.InstanceStateOf(candidate, now);
  }
  absl::StatusOr<std::vector<appraisal::Denial>> Denials() override {
    if (!denials.ok()) return denials;
    return real_.Denials();
  }
  absl::StatusOr<std::vector<appraisal::Enrolment>> EnrolmentsOf(const appraisal::TpmState& asked) override {
    return real_.EnrolmentsOf(asked);
  }
  absl::StatusOr<v1::EnrolledKey> Enrol(const v1::EnrolledKey& key, const store::Act& act) override { return real_.Enrol(key, act); }
  absl::StatusOr<v1::EnrolledKey> Unenrol(ByteView spki_sha256, const store::Act& act) override { return real_.Unenrol(spki_sha256, act); }
  absl::StatusOr<store::Page<v1::EnrolledKey>> ListEnrolments(const store::PageRequest& request) override {
    return real_.ListEnrolments(request);
  }
  absl::Status Record(const v1::VerdictRecord& verdict, std::span<const store::Blob> blobs) override {
    Note("Record");
    if (records.empty()) return real_.Record(verdict, blobs);
    const absl::Status first = records.front();
    records.erase(records.begin());
    return first.ok() ? real_.Record(verdict, blobs) : first;
  }
  absl::StatusOr<v1::VerdictRecord> Get(std::string_view id) override { return real_.Get(id); }
  absl::StatusOr<v1::VerdictSummary> GetSummary(std::string_view id) override { return real_.GetSummary(id); }
  absl::StatusOr<Bytes> GetBlob(const crypto::Sha256Digest& sha256) override {
    if (!blob.ok()) return blob;
    return real_.GetBlob(sha256);
  }
  absl::StatusOr<store::Page<v1::VerdictSummary>> ListVerdicts(const store::PageRequest& request) override {
    return real_.ListVerdicts(request);
  }
  absl::StatusOr<store::Page<v1::Node>> ListNodes(const store::PageRequest& request) override { return real_.ListNodes(request); }
  absl::StatusOr<store::Page<v1::Ban>> ListBans(const store::PageRequest& request) override { return real_.ListBans(request); }
  absl::StatusOr<store::NodeCounts> CountNodes(Time now) override { return real_.CountNodes(now); }
  absl::StatusOr<std::vector<store::VerdictCount>> CountVerdicts(Time since) override { return real_.CountVerdicts(since); }
  absl::StatusOr<store::Page<v1::VerdictEvent>> EventsAfter(std::int64_t after, const std::string& filter, int size) override {
    return real_.EventsAfter(after, filter, size);
  }
  absl::StatusOr<std::int64_t> LatestEvent() override { return real_.LatestEvent(); }
  absl::StatusOr<v1::VerdictSummary> Revoke(std::string_view id, const store::Act& act) override { return real_.Revoke(id, act); }
  absl::StatusOr<v1::Node> Release(ByteView identity, const store::Act& act) override { return real_.Release(identity, act); }
  absl::StatusOr<v1::Ban> Impose(v1::BanKind kind, std::string_view value, const store::Act& act) override {
    return real_.Impose(kind, value, act);
  }
  absl::StatusOr<v1::Ban> Lift(v1::BanKind kind, std::string_view value, const store::Act& act) override {
    return real_.Lift(kind, value, act);
  }
  absl::StatusOr<bool> RecordFlip(std::string_view id, const v1::VerdictFlip& found) override {
    Note("RecordFlip");
    if (!flip.ok()) return flip;
    return real_.RecordFlip(id, found);
  }
  absl::StatusOr<store::Page<v1::VerdictFlip>> ListFlips(const store::PageRequest& request) override { return real_.ListFlips(request); }
  absl::StatusOr<store::Purged> Purge(const store::Retention& retention, Time now) override { return real_.Purge(retention, now); }
  absl::StatusOr<Time> LatestTime() override { return real_.LatestTime(); }
  absl::Status Probe() override { return real_.Probe(); }
  std::int64_t SizeInBytes() override { return real_.SizeInBytes(); }

  std::vector<std::string> calls;  // read when no other thread is in here
  absl::Status redeem, state, denials, flip, blob;
  std::vector<absl::Status> records;  // what the next calls of Record answer; OK: as the real one

 private:
  void Note(std::string_view call) {
    const std::lock_guard lock(mutex_);
    calls.emplace_back(call);
  }
  store::VerdictStore& real_;
  std::mutex mutex_;
};

appraisal::PolicyBook DemoPolicies(std::string_view more = "") {
  std::vector<std::pair<std::string, std::string>> files;
  const auto paths = FilesBelow("policies", test::SourceDir() + "/deploy/demo/policies");
  for (const std::string& path : *paths) files.emplace_back(path, AsText(*ReadFile("policies", path)));
  if (!more.empty()) files.emplace_back("more.yaml", more);
  appraisal::LoadResult loaded = appraisal::LoadPolicies(files, BuiltinRegistry());
  EXPECT_TRUE(loaded.book.has_value());
  return *std::move(loaded.book);
}

// "context_mismatch at challenge.context, keys"; "" for a value.
std::string Said(const auto& answer) {
  if (answer.ok()) return "";
  const Finding& finding = answer.refusal().finding;
  return Cat(EntryOf(finding.reason).name, " at ", DetailOf(answer.refusal()).field(), ": ", finding.actual);
}

class AttestationTest : public testing::Test {
 protected:
  AttestationTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-attestation-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    auto store = store::OpenSqliteStore(path + "/assay.db");
    EXPECT_TRUE(store.ok());
    real_ = *std::move(store);
    store_.emplace(*real_);
    std::ofstream(path + "/anchors.yaml") << softtee::SnpPki::Shared().AnchorsYaml();
    auto anchors = appraisal::LoadTestAnchors(path + "/anchors.yaml");
    EXPECT_TRUE(anchors.ok());
    anchors_.emplace(*std::move(anchors));
    server_key_.fill(0x5e);
    peer_ = PeerWith(key_);
    attestation_ = Make(policies_);
    attestation_->UseServerKey(server_key_);
  }
  ~AttestationTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Attestation> Make(const appraisal::PolicyBook& policies, bool tls_terminated = false) {
    AttestationInputs inputs{.registry = BuiltinRegistry(),
                             .policies = policies,
                             .anchors = *anchors_,
                             .collateral = {},
                             .tls_terminated = tls_terminated,
                             .not_before = kNow - Duration(1000),
                             .token_keys = nullptr,
                             .token_issuer = "",
                             .store = *store_,
                             .changed = [this] { ++changed_; },
                             .clock = clock_,
                             .random = random_,
                             .log = log_,
                             .metrics = metrics_};
    return std::make_unique<Attestation>(std::move(inputs), ChallengeCodec(Bytes(32, 0x11)));
  }
  Peer PeerWith(const crypto::PrivateKey& key) const {
    const Bytes certificate = *key.SelfSignedCertificate("node", kNow - Duration(60), kNow + Duration(3600));
    return {codec::EncodePem("CERTIFICATE", certificate), "ipv4:192.0.2.1:1", server_key_, "0123456789abcdef"};
  }
  v1::CreateChallengeRequest Ask() const {
    v1::CreateChallengeRequest ask;
    ask.mutable_context()->set_cluster("demo");
    ask.mutable_context()->set_role("worker");
    ask.mutable_context()->set_name("n1");
    ask.mutable_keys()->set_node_spki(std::string(AsText(key_.public_key().spki())));
    return ask;
  }
  v1::CreateChallengeResponse Challenge() { return attestation_->CreateChallenge(Ask(), peer_).value(); }
  crypto::BindingTranscript TranscriptOf(const v1::CreateChallengeResponse& challenge) const {
    return {.nonce = ToBytes(AsBytes(challenge.nonce())),
            .node_spki = ToBytes(key_.public_key().spki()),
            .csr_sha256 = {},
            .cluster = "demo",
            .role = "worker",
            .name = "n1",
            .tpm_ak = {},
            .server_spki_sha256 = ToBytes(AsBytes(challenge.server_spki_sha256()))};
  }
  v1::AttestRequest AnswerTo(const v1::CreateChallengeResponse& challenge, const crypto::BindingTranscript& transcript,
                             softtee::SnpOptions options = {}) const {
    v1::AttestRequest answer;
    answer.set_challenge(challenge.challenge());
    *answer.mutable_context() = Ask().context();
    *answer.mutable_keys() = Ask().keys();
    options.report_data = transcript.ReportData();
    const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
    for (const softtee::Item& item : minted->items) {
      v1::EvidenceItem& added = *answer.add_items();
      added.set_media_type(item.media_type);
      added.set_body(std::string(AsText(item.body)));
    }
    return answer;
  }
  v1::AttestRequest AnswerTo(const v1::CreateChallengeResponse& challenge, softtee::SnpOptions options = {}) const {
    return AnswerTo(challenge, TranscriptOf(challenge), std::move(options));
  }
  Answer<v1::AttestResponse> Attest(const v1::AttestRequest& request) {
    return attestation_->Attest(request, peer_, [] { return false; });
  }
  // That it can still be answered, by answering it.
  void ExpectUnspent(const v1::CreateChallengeResponse& challenge, std::string_view after) {
    const auto response = Attest(AnswerTo(challenge));
    ASSERT_TRUE(response.ok()) << after << ": " << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_TRUSTED) << after;
  }

  std::filesystem::path directory_;
  std::unique_ptr<store::VerdictStore> real_;
  std::optional<WatchedStore> store_;
  SetClock clock_;
  SystemRandom random_;
  std::ostringstream log_text_;
  telemetry::Log log_{log_text_, clock_};
  telemetry::Metrics metrics_{"test", {}};
  const appraisal::PolicyBook policies_ = DemoPolicies();
  std::optional<trust::AnchorSet> anchors_;
  const crypto::PrivateKey key_ = crypto::PrivateKey::GenerateP256();
  crypto::Sha256Digest server_key_{};
  Peer peer_;
  int changed_ = 0;
  std::unique_ptr<Attestation> attestation_;
};

// --- challenges -----------------------------------------------------------------------------------------------------

TEST_F(AttestationTest, AChallengeSaysWhatItIsFor) {
  const v1::CreateChallengeResponse challenge = Challenge();
  EXPECT_EQ(challenge.nonce().size(), 32u);
  EXPECT_EQ(challenge.challenge().size(), kChallengeSize);
  EXPECT_EQ(challenge.expires().seconds(), (kNow + Duration(60)).time_since_epoch().count());
  EXPECT_EQ(challenge.server_spki_sha256(), std::string(32, 0x5e));
  EXPECT_FALSE(challenge.tls_terminated());
  std::vector<std::string> required;
  for (const v1::EvidenceRequest& request : challenge.requests()) {
    if (!request.optional()) required.push_back(request.media_type());
  }
  EXPECT_THAT(required, ElementsAre("application/vnd.assay.dcap-quote", "application/vnd.assay.sev-snp-report"))
      << "one for each platform of the set";
  EXPECT_THAT(store_->calls, IsEmpty()) << "a challenge costs the store nothing";
}

// For one node that asks again and again, and for many: tests/unit/base/random_test.cc looks at a million.
TEST_F(AttestationTest, Attack005_NoNonceIsGivenTwice) {
  constexpr std::size_t kChallenges = 50'000;
  std::vector<std::string> nonces, challenges;
  const v1::CreateChallengeRequest ask = Ask();
  for (std::size_t i = 0; i < kChallenges; ++i) {
    const auto answer = attestation_->CreateChallenge(ask, peer_);
    ASSERT_TRUE(answer.ok());
    nonces.push_back(answer.value().nonce());
    challenges.push_back(answer.value().challenge());
  }
  for (std::vector<std::string>* all : {&nonces, &challenges}) {
    std::sort(all->begin(), all->end());
    EXPECT_EQ(std::adjacent_find(all->begin(), all->end()), all->end());
  }
}

TEST_F(AttestationTest, EachFieldOfAContextHasItsBounds) {
  struct Field {
    std::string_view name;
    std::function<void(v1::CreateChallengeRequest&, std::string)> set;
    std::size_t least, most;
  };
  for (const Field& field :
       {Field{"context.cluster", [](auto&r, std::string text) { r.mutable_context()->set_cluster(std::move(text)); }, 1, 253},
        Field{"context.role", [](auto&r, std::string text) { r.mutable_context()->set_role(std::move(text)); }, 1, 63},
        Field{"context.name", [](auto&r, std::string text) { r.mutable_context()->set_name(std::move(text)); }, 0, 253},
        Field{"platform", [](auto&r, std::string text) { r.set_platform(std::move(text)); }, 0, 64}}) {
    const auto said = [&](std::string text) {
      v1::CreateChallengeRequest ask = Ask();
      field.set(ask, std::move(text));
      return Said(attestation_->CreateChallenge(ask, peer_));
    };
    const std::string refused = Cat("request_field_invalid at ", field.name, ": ");
    for (const std::size_t size : {field.least, field.most - 1, field.most}) {
      EXPECT_EQ(said(std::string(size, 'x')), "") << field.name << size;
    }
    EXPECT_EQ(said(std::string(field.most + 1, 'x')), Cat(refused, field.most + 1, " bytes"));
    if (field.least == 1) { EXPECT_EQ(said(""), Cat(refused, "0 bytes")); }
    for (const char* text : {"a\nb", "\x7f", "\x1b[2J", "\xff", "\xc0\xaf", "a\xe2\x82"}) {
      EXPECT_THAT(said(text), HasSubstr(refused)) << field.name;
    }
    EXPECT_THAT(said(std::string("a\0b", 3)), HasSubstr(refused));
    EXPECT_EQ(said("n\xc3\xa4me"), "");
  }
}

TEST_F(AttestationTest, TheNodeKeyIsOneThatIsAcceptedAndShown) {
  const auto said = [&](const v1::CreateChallengeRequest& ask, const Peer& peer) { return Said(attestation_->CreateChallenge(ask, peer)); };
  v1::CreateChallengeRequest ask = Ask();
  ask.mutable_keys()->clear_node_spki();
  EXPECT_EQ(said(ask, peer_), "request_field_invalid at keys.node_spki: nothing");
  ask.mutable_keys()->set_node_spki("nonsense");
  EXPECT_THAT(said(ask, peer_), HasSubstr("request_field_invalid at keys.node_spki: "));
  for (const std::size_t size : {std::size_t{1024}, std::size_t{1025}}) {
    ask.mutable_keys()->set_node_spki(std::string(size, 'x'));
    EXPECT_EQ(said(ask, peer_) == "request_field_invalid at keys.node_spki: 1025 bytes", size == 1025) << size;
    EXPECT_NE(said(ask, peer_), "");
  }
  Peer nobody = peer_;
  nobody.certificate_pem.reset();
  EXPECT_EQ(said(Ask(), nobody), "channel_unbound at keys.node_spki: no client certificate");
  nobody.certificate_pem = "garbage";
  EXPECT_EQ(said(Ask(), nobody), "channel_unbound at keys.node_spki: a client certificate that does not decode");
  nobody.certificate_pem = "";
  EXPECT_THAT(said(Ask(), nobody), HasSubstr("channel_unbound"));
  EXPECT_EQ(said(Ask(), PeerWith(crypto::PrivateKey::GenerateP256())), "node_key_mismatch at keys.node_spki: another key");
  nobody.certificate_pem = *peer_.certificate_pem + *peer_.certificate_pem;
  EXPECT_THAT(said(Ask(), nobody), HasSubstr("channel_unbound")) << "two are none";
  EXPECT_EQ(said(Ask(), peer_), "");
  EXPECT_EQ(said(Ask(), PeerWith(crypto::PrivateKey::GenerateP256())), "node_key_mismatch at keys.node_spki: another key")
      << "what was proven for one certificate is not for another";
}

TEST_F(AttestationTest, KeysOfATpmThatAreNoneAreRefusedByName) {
  const std::string_view fields[] = {"keys.tpm_ak", "keys.tpm_ak",
                                     "keys.tpm_ek"};  // an endorsement key needs the key that it is to vouch for
  for (int which = 0; which < 3; ++which) {
    v1::CreateChallengeRequest ask = Ask();
    (which == 0   ? ask.mutable_keys()->mutable_tpm_ak()
     : which == 1 ? ask.mutable_keys()->mutable_tpm_ek()
                  : ask.mutable_keys()->mutable_tpm_ek_certificate())
        ->assign("x");
    EXPECT_THAT(Said(attestation_->CreateChallenge(ask, peer_)), HasSubstr(Cat("request_field_invalid at ", fields[which]))) << which;
  }
}

// --- answers --------------------------------------------------------------------------------------------------------

TEST_F(AttestationTest, AGoodAnswerIsRecordedWithAllThatItStoodOn) {
  const v1::CreateChallengeResponse challenge = Challenge();
  const v1::AttestRequest answer = AnswerTo(challenge);
  const auto response = Attest(answer);
  ASSERT_TRUE(response.ok()) << Said(response);
  EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_TRUE(response.value().appraisal().channel_bound());
  EXPECT_EQ(changed_, 1);
  const auto record = real_->Get(response.value().verdict_id());
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->appraisal().SerializeAsString(), response.value().appraisal().SerializeAsString());
  EXPECT_EQ(record->demanded_report_data(), std::string(AsText(TranscriptOf(challenge).ReportData())));
  EXPECT_EQ(record->context().name(), "n1");
  for (const v1::EvidenceItem& item : answer.items()) EXPECT_TRUE(real_->GetBlob(crypto::Sha256(AsBytes(item.body()))).ok());
  EXPECT_THAT(log_text_.str(), HasSubstr(response.value().verdict_id()));
}

TEST_F(AttestationTest, AChallengeIsRedeemedBeforeAnythingOfTheEvidenceIsLookedAt) {
  ASSERT_TRUE(Attest(AnswerTo(Challenge())).ok());
  EXPECT_THAT(store_->calls, ElementsAre("Redeem", "InstanceStateOf", "Record"));
  // Whatever the store says, nobody looks further: garbage gets the same answer as good evidence.
  struct Case {
    absl::Status status;
    std::string_view reason;
    std::uint32_t retry;
  };
  for (const Case& c :
       {Case{absl::AlreadyExistsError("x"), "challenge_consumed", 0}, Case{absl::FailedPreconditionError("x"), "challenge_expired", 0},
        Case{absl::UnavailableError("x"), "store_unavailable", 2000}, Case{absl::InternalError("x"), "store_unavailable", 2000},
        Case{absl::DataLossError("x"), "store_unavailable", 2000}, Case{absl::InvalidArgumentError("x"), "store_unavailable", 2000},
        Case{absl::CancelledError("x"), "store_unavailable", 2000}, Case{absl::UnknownError("x"), "store_unavailable", 2000}}) {
    for (const bool garbage : {false, true}) {
      const v1::CreateChallengeResponse challenge = Challenge();
      v1::AttestRequest answer = AnswerTo(challenge);
      if (garbage) answer.mutable_items(0)->set_body("garbage");
      store_->calls.clear();
      store_->redeem = c.status;
      const auto refused = Attest(answer);
      store_->redeem = absl::OkStatus();
      EXPECT_THAT(Said(refused), HasSubstr(std::string(c.reason))) << c.status;
      ASSERT_FALSE(refused.ok());
      EXPECT_EQ(refused.refusal().retry_after_ms, c.retry) << c.status;
      EXPECT_THAT(store_->calls, ElementsAre("Redeem")) << c.status;
    }
  }
  EXPECT_EQ(changed_, 1) << "the first one's";
}

// A clock that was ahead once makes every challenge one whose nonce may be forgotten. That is said as what it is, and not as a replay.
TEST_F(AttestationTest, AClockBehindTheStoresLatestTimeIsNoReplay) {
  clock_.now = kNow + Duration(86400);
  const auto ahead = Attest(AnswerTo(Challenge()));
  ASSERT_TRUE(ahead.ok()) << Said(ahead);
  clock_.now = kNow;
  for (int i = 0; i < 3; ++i) {
    const auto refused = Attest(AnswerTo(Challenge()));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.refusal().finding.reason, Reason::kClockBehind);
    EXPECT_EQ(refused.refusal().retry_after_ms, 10'000U);
    EXPECT_THAT(Said(refused), testing::AllOf(HasSubstr("clock_behind at verifier.clock: "), HasSubstr("86400 s behind"),
                                              HasSubstr(FormatTime(kNow + Duration(86400))), HasSubstr("set the clock")));
  }
  const std::string metrics = metrics_.Expose();
  EXPECT_THAT(metrics, HasSubstr("assay_challenges_refused_total{reason=\"clock_behind\"} 3"));
  EXPECT_THAT(metrics, Not(HasSubstr("challenge_consumed")));
  const std::string log = log_text_.str(), line = "challenges are refused: the clock is behind";
  const std::size_t first = log.find(line);
  ASSERT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find(line, first + 1), std::string::npos) << "not a line for each";
  EXPECT_THAT(log.substr(log.rfind('\n', first) + 1), testing::AllOf(HasSubstr("\"level\":\"error\""), HasSubstr("set the clock")));
}

TEST_F(AttestationTest, WhatIsRefusedBeforeSpendsNothing) {
  struct Case {
    std::string_view name;
    std::function<void(v1::AttestRequest&)> change;
    std::string_view said;
  };
  const std::string other_key(AsText(crypto::PrivateKey::GenerateP256().public_key().spki()));
  const std::vector<Case> cases = {
      {"33 items",
       [](auto& r) {
         while (r.items_size() < 33) r.add_items();
       },
       "request_field_invalid at items: 33"},
      {"activation", [](auto& r) { r.set_activation_secret("s"); }, "request_field_invalid at activation_secret: 1 bytes"},
      {"possession", [](auto& r) { r.set_possession_signature("s"); }, "request_field_invalid at possession_signature"},
      {"profile", [](auto& r) { r.set_ear_profile("nonsense"); }, "request_field_invalid at ear_profile: 'nonsense'"},
      {"no challenge", [](auto& r) { r.clear_challenge(); }, "challenge_malformed"},
      {"short challenge", [](auto& r) { r.mutable_challenge()->pop_back(); }, "challenge_malformed"},
      {"forged challenge", [](auto& r) { r.mutable_challenge()->back() ^= 1; }, "challenge_forged"},
      {"cluster", [](auto& r) { r.mutable_context()->set_cluster("prod"); }, "context_mismatch"},
      {"role", [](auto& r) { r.mutable_context()->set_role("control-plane"); }, "context_mismatch"},
      {"name", [](auto& r) { r.mutable_context()->set_name("n2"); }, "context_mismatch"},
      {"no name", [](auto& r) { r.mutable_context()->clear_name(); }, "context_mismatch"},
      {"node key", [&](auto& r) { r.mutable_keys()->set_node_spki(other_key); }, "context_mismatch"},
      {"TPM key", [](auto& r) { r.mutable_keys()->set_tpm_ak("ak"); }, "context_mismatch"},
      {"platform", [](auto& r) { r.set_platform(std::string(65, 'x')); }, "request_field_invalid at platform"},
  };
  for (const Case& c : cases) {
    const v1::CreateChallengeResponse challenge = Challenge();
    v1::AttestRequest answer = AnswerTo(challenge);
    c.change(answer);
    store_->calls.clear();
    EXPECT_THAT(Said(Attest(answer)), HasSubstr(std::string(c.said))) << c.name;
    EXPECT_THAT(store_->calls, IsEmpty()) << c.name;
    ExpectUnspent(challenge, c.name);
  }
  // 32 items are not too many to be looked at.
  v1::AttestRequest many = AnswerTo(Challenge());
  while (many.items_size() < 32) many.add_items();
  EXPECT_EQ(Said(Attest(many)), "");
}

TEST_F(AttestationTest, BothEndsOfTheLifetimeAreInside) {
  for (const auto& [after, said] :
       {std::pair(Duration(-1), "challenge_expired"), {Duration(0), ""}, {Duration(60), ""}, {Duration(61), "challenge_expired"}}) {
    clock_.now = kNow;
    const v1::CreateChallengeResponse challenge = Challenge();
    clock_.now = kNow + after;
    const auto answer = Attest(AnswerTo(challenge));
    EXPECT_EQ(answer.ok(), std::string_view(said).empty()) << after.count();
    EXPECT_THAT(Said(answer), HasSubstr(said)) << after.count();
  }
}

TEST_F(AttestationTest, WhoeverAnswersMustHoldTheNodeKey) {
  const v1::CreateChallengeResponse challenge = Challenge();
  const v1::AttestRequest answer = AnswerTo(challenge);
  const auto by = [&](const Peer& peer) { return Said(attestation_->Attest(answer, peer, [] { return false; })); };
  Peer nobody = peer_;
  nobody.certificate_pem.reset();
  EXPECT_THAT(by(nobody), HasSubstr("channel_unbound"));
  EXPECT_THAT(by(PeerWith(crypto::PrivateKey::GenerateP256())), HasSubstr("node_key_mismatch"));
  EXPECT_THAT(store_->calls, IsEmpty());
  ExpectUnspent(challenge, "others' attempts");
}

TEST_F(AttestationTest, AChallengeIsSpentWhateverComesOfTheEvidence) {
  for (const softtee::Fault fault :
       {softtee::Fault::kReportTruncated, softtee::Fault::kSignatureDamaged, softtee::Fault::kDebug, softtee::Fault::kCrlStale}) {
    const v1::CreateChallengeResponse challenge = Challenge();
    const auto first = Attest(AnswerTo(challenge, softtee::OptionsFor(fault)));
    ASSERT_TRUE(first.ok()) << Said(first);
    EXPECT_NE(first.value().appraisal().verdict(), v1::VERDICT_TRUSTED);
    EXPECT_THAT(Said(Attest(AnswerTo(challenge))), HasSubstr("challenge_consumed")) << softtee::EntryOf(fault).name;
  }
}

TEST_F(AttestationTest, AfterIndeterminateANewChallengeIsNeeded) {
  const v1::CreateChallengeResponse challenge = Challenge();
  const v1::AttestRequest stale = AnswerTo(challenge, softtee::OptionsFor(softtee::Fault::kCrlStale));
  const auto undecided = Attest(stale);
  ASSERT_TRUE(undecided.ok());
  EXPECT_EQ(undecided.value().appraisal().verdict(), v1::VERDICT_INDETERMINATE);
  EXPECT_FALSE(undecided.value().appraisal().admits());
  EXPECT_THAT(Said(Attest(stale)), HasSubstr("challenge_consumed"));
  EXPECT_THAT(Said(Attest(AnswerTo(challenge))), HasSubstr("challenge_consumed")) << "the better evidence is too late for it";
  ExpectUnspent(Challenge(), "a new one");
}

TEST_F(AttestationTest, EvidenceForAnotherTranscriptIsRejected) {
  using Change = std::function<void(crypto::BindingTranscript&)>;
  for (const Change& change : std::vector<Change>{
           [](auto& t) { t.nonce[31] ^= 1; }, [](auto& t) { t.node_spki.back() ^= 1; }, [](auto& t) { t.csr_sha256.assign(32, 0); },
           [](auto& t) { t.cluster = "prod"; }, [](auto& t) { t.role = "control-plane"; }, [](auto& t) { t.name = "n2"; },
           [](auto& t) { t.tpm_ak = {1}; }, [](auto& t) { t.server_spki_sha256[0] ^= 1; }, [](auto& t) { t.server_spki_sha256.clear(); }}) {
    const v1::CreateChallengeResponse challenge = Challenge();
    crypto::BindingTranscript transcript = TranscriptOf(challenge);
    change(transcript);
    const auto response = Attest(AnswerTo(challenge, transcript));
    ASSERT_TRUE(response.ok()) << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_REJECTED);
    EXPECT_EQ(response.value().appraisal().findings(0).reason(), "binding_mismatch");
  }
}

TEST_F(AttestationTest, OfManyAnswersAtOnceOneIsTaken) {
  for (int round = 0; round < 5; ++round) {
    const v1::AttestRequest answer = AnswerTo(Challenge());
    std::atomic<int> verdicts = 0, refused = 0;
    std::vector<std::thread> threads;
    Attestation& attestation = *attestation_;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        const auto response = attestation.Attest(answer, peer_, [] { return false; });
        ++(response.ok() ? verdicts : refused);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(verdicts, 1);
    EXPECT_EQ(refused, 1);
  }
}

TEST_F(AttestationTest, WhenNobodyWaitsNothingMoreIsDone) {
  const v1::CreateChallengeResponse challenge = Challenge();
  const auto early = attestation_->Attest(AnswerTo(challenge), peer_, [] { return true; });
  EXPECT_THAT(Said(early), HasSubstr("overloaded at deadline"));
  EXPECT_EQ(early.refusal().retry_after_ms, 1000u);
  EXPECT_THAT(store_->calls, IsEmpty());
  // Once it is redeemed it stays so.
  int asked = 0;
  const auto late = attestation_->Attest(AnswerTo(challenge), peer_, [&] { return ++asked == 2; });
  EXPECT_THAT(Said(late), HasSubstr("overloaded at deadline"));
  EXPECT_THAT(store_->calls, ElementsAre("Redeem"));
  EXPECT_THAT(Said(Attest(AnswerTo(challenge))), HasSubstr("challenge_consumed"));
}

TEST_F(AttestationTest, AVerdictThatCannotBeRecordedIsNotGiven) {
  for (const absl::Status& status : {absl::UnavailableError("full"), absl::InternalError("x"), absl::DataLossError("x"),
                                     absl::AlreadyExistsError("x"), absl::InvalidArgumentError("x")}) {
    store_->records = {status};
    const auto refused = Attest(AnswerTo(Challenge()));
    EXPECT_THAT(Said(refused), HasSubstr("store_unavailable at store")) << status;
    EXPECT_EQ(refused.refusal().retry_after_ms, 2000u);
  }
  store_->state = absl::UnavailableError("broken");
  EXPECT_THAT(Said(Attest(AnswerTo(Challenge()))), HasSubstr("store_unavailable at store"));
  EXPECT_EQ(changed_, 0);
  EXPECT_THAT(log_text_.str(), HasSubstr("verdict not recorded, so not given"));
  EXPECT_THAT(log_text_.str(), Not(HasSubstr(R"("message":"verdict",)")));
}

TEST_F(AttestationTest, WhatChangedMeanwhileIsAppraisedAnewThreeTimesAtMost) {
  const absl::Status changed = absl::AbortedError("somebody was quicker");
  store_->records = {changed, changed};
  EXPECT_EQ(Said(Attest(AnswerTo(Challenge()))), "");
  EXPECT_THAT(store_->calls, ElementsAre("Redeem", "InstanceStateOf", "Record", "InstanceStateOf", "Record", "InstanceStateOf", "Record"));
  store_->records = {changed, changed, changed};
  EXPECT_THAT(Said(Attest(AnswerTo(Challenge()))), HasSubstr("store_unavailable"));
}

// A ban that comes between reading the state and recording the verdict decides.
TEST_F(AttestationTest, ABanMeanwhileDecides) {
  const auto first = Attest(AnswerTo(Challenge()));
  ASSERT_TRUE(first.ok());
  const v1::AttestRequest answer = AnswerTo(Challenge());
  ASSERT_TRUE(real_->Impose(v1::BAN_KIND_NAME, "demo/n1", {"operator", "stolen", kNow}).ok());
  const auto response = Attest(answer);
  ASSERT_TRUE(response.ok()) << Said(response);
  EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_REJECTED);
  EXPECT_EQ(response.value().appraisal().findings(0).reason(), "identity_banned");
}

// --- certification requests -----------------------------------------------------------------------------------------

TEST_F(AttestationTest, ARequestForACertificateIsCoveredByTheEvidence) {
  const Bytes csr = *key_.CertificateRequest("n1");
  const v1::CreateChallengeResponse challenge = Challenge();
  crypto::BindingTranscript transcript = TranscriptOf(challenge);
  transcript.csr_sha256 = ToBytes(crypto::Sha256(csr));
  v1::AttestRequest answer = AnswerTo(challenge, transcript);
  answer.set_csr(std::string(AsText(csr)));
  const auto response = Attest(answer);
  ASSERT_TRUE(response.ok()) << Said(response);
  EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_TRUSTED);
  EXPECT_EQ(real_->Get(response.value().verdict_id())->demanded_report_data(), std::string(AsText(transcript.ReportData())));
}

// Field 3 is the digest of what was sent, whatever the evidence says of it.
TEST_F(AttestationTest, AttackAnotherRequestThanTheEvidenceNamesIsRejected) {
  const Bytes csr = *key_.CertificateRequest("n1"), other = *key_.CertificateRequest("n2");
  using Change = std::function<void(v1::AttestRequest&, crypto::BindingTranscript&)>;
  for (const Change& change : std::vector<Change>{[&](auto&r, auto&t) {
                                                    r.set_csr(std::string(AsText(csr)));
                                                    t.csr_sha256 = ToBytes(crypto::Sha256(other));
                                                  },                                                            // another one
                                                  [&](auto&r, auto&) { r.set_csr(std::string(AsText(csr))); },  // evidence names none
                                                  [&](auto&, auto&t) { t.csr_sha256 = ToBytes(crypto::Sha256(csr)); }}) {  // none was sent
    const v1::CreateChallengeResponse challenge = Challenge();
    crypto::BindingTranscript transcript = TranscriptOf(challenge);
    v1::AttestRequest sent;
    change(sent, transcript);
    v1::AttestRequest answer = AnswerTo(challenge, transcript);
    answer.set_csr(sent.csr());
    const auto response = Attest(answer);
    ASSERT_TRUE(response.ok()) << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_REJECTED);
    EXPECT_EQ(response.value().appraisal().findings(0).reason(), "binding_mismatch");
  }
}

TEST_F(AttestationTest, ARequestThatIsNotTheNodeKeysIsRefusedByNameAndSpendsNothing) {
  const std::string own(AsText(*key_.CertificateRequest("n1")));
  std::string damaged = own;
  damaged.back() ^= 1;  // of the signature
  struct Case {
    std::string csr, said;
  };
  for (const Case& c :
       {Case{std::string(AsText(*crypto::PrivateKey::GenerateP256().CertificateRequest("n1"))), "csr_refused at csr: one for another key"},
        Case{damaged, "csr_refused at csr: one that it did not"}, Case{"csr", "request_field_invalid at csr: "},
        Case{own + "x", "request_field_invalid at csr: "}, Case{own.substr(1), "request_field_invalid at csr: "},
        Case{codec::EncodePem("CERTIFICATE REQUEST", AsBytes(own)), "request_field_invalid at csr: "},
        Case{std::string(4097, '0'), "request_field_invalid at csr: 4097 bytes"}}) {
    const v1::CreateChallengeResponse challenge = Challenge();
    crypto::BindingTranscript transcript = TranscriptOf(challenge);
    transcript.csr_sha256 = ToBytes(crypto::Sha256(AsBytes(c.csr)));
    v1::AttestRequest answer = AnswerTo(challenge, transcript);
    answer.set_csr(c.csr);
    store_->calls.clear();
    EXPECT_THAT(Said(Attest(answer)), HasSubstr(c.said));
    EXPECT_THAT(store_->calls, IsEmpty());
    ExpectUnspent(challenge, c.said);
  }
}

// --- behind a proxy that terminates TLS -----------------------------------------------------------------------------

class ProxiedAttestationTest : public AttestationTest {
 protected:
  ProxiedAttestationTest() {
    attestation_ = Make(policies_, true);
    attestation_->UseServerKey(server_key_);
    peer_.certificate_pem.reset();  // the proxy shows none
  }
  v1::AttestRequest SignedAnswerTo(const v1::CreateChallengeResponse& challenge) const {
    v1::AttestRequest answer = AnswerTo(challenge);  // field 8 as the challenge has it: empty
    answer.set_possession_signature(std::string(AsText(key_.SignDer(AsBytes(challenge.challenge())))));
    return answer;
  }
};

TEST_F(ProxiedAttestationTest, TheNodeKeysSignatureReplacesTls) {
  for (const bool proxy_shows_a_certificate : {false, true}) {
    if (proxy_shows_a_certificate) peer_.certificate_pem = PeerWith(crypto::PrivateKey::GenerateP256()).certificate_pem;
    const v1::CreateChallengeResponse challenge = Challenge();
    EXPECT_TRUE(challenge.tls_terminated());
    EXPECT_EQ(challenge.server_spki_sha256(), "");
    const auto response = Attest(SignedAnswerTo(challenge));
    ASSERT_TRUE(response.ok()) << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_TRUSTED);
    EXPECT_FALSE(response.value().appraisal().channel_bound());
    EXPECT_THAT(Said(Attest(SignedAnswerTo(challenge))), HasSubstr("challenge_consumed"));
  }
}

TEST_F(ProxiedAttestationTest, WithoutTheNodeKeysSignatureNothingIsSpent) {
  const crypto::PrivateKey other = crypto::PrivateKey::GenerateP256();
  const v1::CreateChallengeResponse another = Challenge();
  const std::string refused = "possession_unproven at possession_signature: ";
  struct Case {
    std::string_view name;
    std::function<std::string(const v1::CreateChallengeResponse&)> signature;
    std::string said;
  };
  const auto sign = [](const crypto::PrivateKey& key, std::string_view what) { return std::string(AsText(key.SignDer(AsBytes(what)))); };
  for (const Case& c :
       {Case{"none", [](const auto&) { return std::string(); }, refused + "nothing"},
        Case{"garbage", [](const auto&) { return std::string("x"); }, refused},
        Case{"another key's", [&](const auto& challenge) { return sign(other, challenge.challenge()); }, refused},
        Case{"of another challenge", [&](const auto&) { return sign(key_, another.challenge()); }, refused},
        Case{"of the nonce", [&](const auto& challenge) { return sign(key_, challenge.nonce()); }, refused},
        Case{"of nothing", [&](const auto&) { return sign(key_, ""); }, refused},
        Case{"in another form", [&](const auto& challenge) { return std::string(AsText(key_.SignP1363(AsBytes(challenge.challenge())))); },
             refused},
        Case{"with a tail", [&](const auto& challenge) { return sign(key_, challenge.challenge()) + "x"; }, refused},
        Case{"too long", [](const auto&) { return std::string(257, 'x'); }, "request_field_invalid at possession_signature: 257 bytes"}}) {
    const v1::CreateChallengeResponse challenge = Challenge();
    v1::AttestRequest answer = AnswerTo(challenge);
    answer.set_possession_signature(c.signature(challenge));
    store_->calls.clear();
    EXPECT_THAT(Said(Attest(answer)), HasSubstr(c.said)) << c.name;
    EXPECT_THAT(store_->calls, IsEmpty()) << c.name;
    EXPECT_EQ(Said(Attest(SignedAnswerTo(challenge))), "") << c.name;
  }
}

// A signature with the node key in the certificate of the connection is no signature over the challenge.
TEST_F(ProxiedAttestationTest, WhatTlsSaysCountsForNothing) {
  peer_ = PeerWith(key_);
  EXPECT_THAT(Said(Attest(AnswerTo(Challenge()))), HasSubstr("possession_unproven"));
}

// Field 8 is empty here and only here: neither kind of challenge, and neither kind of evidence, is good on the other side.
TEST_F(ProxiedAttestationTest, AttackNeitherSideTakesWhatIsMadeForTheOther) {
  const auto direct = Make(policies_);
  direct->UseServerKey(server_key_);
  const Peer node = PeerWith(key_);
  const auto none_waits = [] { return false; };
  const v1::CreateChallengeResponse proxied = Challenge(), bound = direct->CreateChallenge(Ask(), node).value();
  EXPECT_THAT(Said(Attest(SignedAnswerTo(bound))), HasSubstr("context_mismatch"));
  v1::AttestRequest plain = AnswerTo(proxied);
  EXPECT_THAT(Said(direct->Attest(plain, node, none_waits)), HasSubstr("context_mismatch"));
  // Evidence that names a server key, behind the proxy; evidence that names none, before a server that is reached directly.
  crypto::BindingTranscript transcript = TranscriptOf(proxied);
  transcript.server_spki_sha256 = ToBytes(server_key_);
  v1::AttestRequest named = AnswerTo(proxied, transcript);
  named.set_possession_signature(std::string(AsText(key_.SignDer(AsBytes(proxied.challenge())))));
  EXPECT_EQ(Attest(named).value().appraisal().verdict(), v1::VERDICT_REJECTED);
  transcript = TranscriptOf(bound);
  transcript.server_spki_sha256.clear();
  EXPECT_EQ(direct->Attest(AnswerTo(bound, transcript), node, none_waits).value().appraisal().verdict(), v1::VERDICT_REJECTED);
}

TEST_F(ProxiedAttestationTest, KeysThatAreNoneAreRefusedAsEver) {
  v1::CreateChallengeRequest ask = Ask();
  ask.mutable_keys()->set_node_spki("nonsense");
  EXPECT_THAT(Said(attestation_->CreateChallenge(ask, peer_)), HasSubstr("request_field_invalid at keys.node_spki"));
  ask.mutable_keys()->clear_node_spki();
  EXPECT_THAT(Said(attestation_->CreateChallenge(ask, peer_)), HasSubstr("request_field_invalid at keys.node_spki"));
}

// --- what changes while challenges are out --------------------------------------------------------------------------

TEST_F(AttestationTest, AChallengeOfTheFormerServerKeyIsAnsweredWhileItLives) {
  const v1::CreateChallengeResponse before = Challenge(), late = Challenge();
  crypto::Sha256Digest next{};
  next.fill(0x6f);
  clock_.now = kNow + Duration(30);
  attestation_->UseServerKey(next);
  peer_.server_spki = next;
  ExpectUnspent(before, "under the former key");
  const v1::CreateChallengeResponse after = Challenge();
  EXPECT_EQ(after.server_spki_sha256(), std::string(32, 0x6f));
  ExpectUnspent(after, "under the new one");
  clock_.now = kNow + Duration(61);
  EXPECT_THAT(Said(Attest(AnswerTo(late))), HasSubstr("challenge_expired"));
  // Past the overlap the former key is nobody's: a challenge that names it (of a replica that was left behind) is refused.
  clock_.now = kNow + Duration(100);
  Peer behind = peer_;
  behind.server_spki = server_key_;
  const auto stray = attestation_->CreateChallenge(Ask(), behind);
  ASSERT_TRUE(stray.ok());
  EXPECT_THAT(Said(Attest(AnswerTo(stray.value()))), HasSubstr("context_mismatch"));
}

TEST_F(AttestationTest, AChallengeIsForThePoliciesItWasMadeUnder) {
  const v1::CreateChallengeResponse challenge = Challenge();
  const appraisal::PolicyBook other = DemoPolicies(
      "apiVersion: assay.v1\nkind: PolicySet\nname: other\ncontext: {cluster: other, role: [worker]}\nstrength: {at_least: A}\ntrust_boundary: {require: [memory_encryption]}\npolicies: [demo-worker]\n");
  const auto changed = Make(other);
  changed->UseServerKey(server_key_);
  EXPECT_THAT(Said(changed->Attest(AnswerTo(challenge), peer_, [] { return false; })),
              HasSubstr("context_mismatch at challenge.policy set: policies that have changed since"));
  ExpectUnspent(challenge, "under the policies that it was made under");
}

// A flood of garbage must not become a flood of disk writes: so many are recorded, the others are answered without an id.
TEST_F(AttestationTest, AttemptsAreSampled) {
  int recorded = 0, answered = 0;
  for (int i = 0; i < 260; ++i) {
    v1::AttestRequest garbage;
    garbage.set_challenge(Challenge().challenge());
    *garbage.mutable_context() = Ask().context();
    *garbage.mutable_keys() = Ask().keys();
    garbage.add_items()->set_media_type("application/vnd.assay.sev-snp-report");
    garbage.mutable_items(0)->set_body("garbage");
    const auto response = Attest(garbage);
    ASSERT_TRUE(response.ok()) << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_REJECTED);
    ++answered;
    recorded += response.value().verdict_id().empty() ? 0 : 1;
  }
  EXPECT_GE(recorded, 200);
  EXPECT_EQ(answered, 260);
  EXPECT_EQ(std::count(store_->calls.begin(), store_->calls.end(), "Record"), recorded);
  EXPECT_EQ(changed_, 0) << "an attempt is about no node";
}

// --- appraised once more --------------------------------------------------------------------------------------------

class ReappraiserTest : public AttestationTest {
 protected:
  std::string Trusted() {
    const auto response = Attest(AnswerTo(Challenge()));
    EXPECT_TRUE(response.ok()) << Said(response);
    EXPECT_EQ(response.value().appraisal().verdict(), v1::VERDICT_TRUSTED);
    return response.value().verdict_id();
  }
  void BanItsMeasurement() {
    ASSERT_TRUE(real_->Impose(v1::BAN_KIND_MEASUREMENT, ToHex(softtee::kDefaultMeasurement), {"operator", "a hole in it", kNow}).ok());
  }
  bool Revoked(const std::string& id) { return real_->GetSummary(id)->has_revocation(); }
  std::ptrdiff_t Flips() const { return std::count(store_->calls.begin(), store_->calls.end(), "RecordFlip"); }

  Reappraiser reappraiser_{{.store = *store_,
                            .registry = BuiltinRegistry(),
                            .policies = policies_,
                            .anchors = *anchors_,
                            .held = [this] { return held_; },
                            .floors = [] { return std::vector<trust::Floor>(); },
                            .not_before = kNow - Duration(1000),
                            .flipped = [this] { ++flipped_; },
                            .clock = clock_,
                            .log = log_,
                            .metrics = metrics_}};
  std::vector<collateral::Held> held_;
  int flipped_ = 0;
};

TEST_F(ReappraiserTest, WithoutACauseNothingIsDone) {
  Trusted();
  reappraiser_.Step();
  EXPECT_EQ(Flips(), 0);
  EXPECT_EQ(flipped_, 0);
}

TEST_F(ReappraiserTest, WhatAFullDiskKeptFromFallingFallsWithTheNextStep) {
  const std::string id = Trusted();
  BanItsMeasurement();
  store_->flip = absl::UnavailableError("full");
  reappraiser_.Changed("a ban");
  reappraiser_.Step();
  EXPECT_FALSE(Revoked(id));
  EXPECT_EQ(flipped_, 0);
  store_->flip = absl::OkStatus();
  reappraiser_.Step();
  EXPECT_TRUE(Revoked(id));
  EXPECT_EQ(flipped_, 1);
  const auto flips = real_->ListFlips({});
  ASSERT_TRUE(flips.ok());
  ASSERT_EQ(flips->elements.size(), 1U);
  EXPECT_EQ(flips->elements[0].cause(), "a ban") << "of the first attempt";
  EXPECT_EQ(flips->elements[0].finding().reason(), "measurement_denied");
  const auto before = Flips();
  reappraiser_.Step();
  EXPECT_EQ(Flips(), before) << "it is done";
}

TEST_F(ReappraiserTest, WithoutTheBansNothingIsDecided) {
  const std::string id = Trusted();
  BanItsMeasurement();
  store_->denials = absl::DataLossError("damaged");
  reappraiser_.Changed("a ban");
  reappraiser_.Step();
  EXPECT_EQ(Flips(), 0);
  store_->denials = absl::OkStatus();
  reappraiser_.Step();
  EXPECT_TRUE(Revoked(id));
}

TEST_F(ReappraiserTest, AStateThatCannotBeReadIsTriedAgain) {
  const std::string id = Trusted();
  BanItsMeasurement();
  store_->state = absl::UnavailableError("broken");
  reappraiser_.Changed("a ban");
  reappraiser_.Step();
  EXPECT_EQ(Flips(), 0);
  store_->state = absl::OkStatus();
  reappraiser_.Step();
  EXPECT_TRUE(Revoked(id));
}

// Only what the store says it has not is gone: what it could not read may speak against a node.
TEST_F(ReappraiserTest, AnInputThatCannotBeReadIsTriedAgain) {
  const std::string id = Trusted();
  BanItsMeasurement();
  for (const absl::Status& failure : {absl::UnavailableError("broken"), absl::DataLossError("damaged")}) {
    store_->blob = failure;
    EXPECT_EQ(store::ExportOf(*store_, *store_->Get(id)).status(), failure);
    const ReappraisalReport report = reappraiser_.Run("a ban");
    EXPECT_EQ(report.failed, 1);
    EXPECT_EQ(report.undecided, 0);
    EXPECT_EQ(Flips(), 0);
  }
  reappraiser_.Changed("a ban");
  reappraiser_.Step();
  EXPECT_FALSE(Revoked(id));
  store_->blob = absl::OkStatus();
  reappraiser_.Step();
  EXPECT_TRUE(Revoked(id));

  store_->blob = absl::NotFoundError("purged");
  const auto rest = store::ExportOf(*store_, *store_->Get(id));
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->inputs_size(), 0);
}

// The process that recorded the ban may have ended before its pass.
TEST_F(ReappraiserTest, WhatWasRecordedBeforeTheStartIsACause) {
  const std::string id = Trusted();
  BanItsMeasurement();
  std::promise<void> flipped;
  Reappraiser next({.store = *store_,
                    .registry = BuiltinRegistry(),
                    .policies = policies_,
                    .anchors = *anchors_,
                    .held = [] { return std::vector<collateral::Held>(); },
                    .floors = [] { return std::vector<trust::Floor>(); },
                    .not_before = kNow - Duration(1000),
                    .flipped = [&] { flipped.set_value(); },
                    .clock = clock_,
                    .log = log_,
                    .metrics = metrics_});
  next.Start();
  EXPECT_EQ(flipped.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  next.Stop();
  EXPECT_TRUE(Revoked(id));
}

TEST_F(ReappraiserTest, WhatKeepsFailingIsTriedLessAndLessOften) {
  const std::string id = Trusted();
  BanItsMeasurement();
  store_->state = absl::DataLossError("damaged");
  const auto passes = [this] { return std::count(store_->calls.begin(), store_->calls.end(), "InstanceStateOf"); };
  const auto steps_with_a_pass = [&](int steps) {
    std::vector<int> with;
    for (int step = 1; step <= steps; ++step) {
      const auto before = passes();
      reappraiser_.Step();
      if (passes() != before) with.push_back(step);
    }
    return with;
  };
  reappraiser_.Changed("a ban");
  EXPECT_EQ(steps_with_a_pass(512), (std::vector<int>{1, 2, 4, 8, 16, 32, 64, 128, 256, 384, 512}));
  reappraiser_.Changed("another cause");
  EXPECT_EQ(steps_with_a_pass(4), (std::vector<int>{1, 2, 4})) << "at once, and as in the beginning";
  store_->state = absl::OkStatus();
  EXPECT_EQ(steps_with_a_pass(10), std::vector<int>{4});
  EXPECT_TRUE(Revoked(id));
  store_->state = absl::DataLossError("damaged");
  reappraiser_.Changed("a third cause");
  EXPECT_EQ(steps_with_a_pass(1), std::vector<int>()) << "nothing is held any more";
}

TEST_F(ReappraiserTest, ADocumentOfTheStandardChannelIsACauseAndAnEarlyOneIsNot) {
  Trusted();
  const Bytes der = softtee::SnpPki::Shared().CertificateOf(softtee::Authority::kArk, softtee::Product::kMilan);
  for (const auto& [channel, passes] : {std::pair(trust::Channel::kEarly, 0), std::pair(trust::Channel::kStandard, 1)}) {
    held_.push_back(
        {.key = {{"amd.ark", "Milan", ""}, channel},
         .item = appraisal::RecogniseCollateral(BuiltinRegistry(), trust::UntrustedBytes(der), trust::CollateralSource::kVendor).front(),
         .obtained = kNow,
         .not_before = kNow - Duration(60),
         .not_after = kNow + Duration(60)});
    reappraiser_.Step();
    EXPECT_EQ(Flips(), passes);
    reappraiser_.Step();
    EXPECT_EQ(Flips(), passes) << "the same as before";
  }
  EXPECT_EQ(flipped_, 0) << "it is appraised once more, and stands";
}

}  // namespace
}  // namespace assay::service
