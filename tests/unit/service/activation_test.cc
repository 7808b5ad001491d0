// Attestation keys by activation and by enrolment, below gRPC and over a real store: what is sealed, what has to come back, who vouched,
// and what a replay makes of the record.
#include "service/activation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "appraisal/anchors_file.h"
#include "appraisal/canonical.h"
#include "appraisal/replay.h"
#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/binding_transcript.h"
#include "crypto/private_key.h"
#include "evidence/tpm/enrolment.h"
#include "registry/builtin_registry.h"
#include "service/attestation.h"
#include "service/reappraiser.h"
#include "store/fleet_forecast.h"
#include "store/sqlite_store.h"
#include "tests/fakes/vtpm_platform.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::service {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Time kNow = softtee::kDefaultNow + Duration(3600);
constexpr std::string_view kSelection = "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23";

const softtee::TpmPki& Pki() { return softtee::TpmPki::Shared(); }
std::string Text(ByteView bytes) { return std::string(AsText(bytes)); }

class SetClock final : public Clock {
 public:
  Time Now() const override { return now; }
  Time now = kNow;
};

std::string Said(const auto& answer) {
  if (answer.ok()) return "";
  return Cat(EntryOf(answer.refusal().finding.reason).name, " at ", DetailOf(answer.refusal()).field(), ": ",
             answer.refusal().finding.actual);
}

std::string ParameterOf(const v1::CreateChallengeResponse& challenge, std::string_view name) {
  for (const v1::EvidenceRequest& request : challenge.requests()) {
    if (request.media_type() != softtee::kTpmQuoteType) continue;
    for (const v1::EvidenceRequest::Parameter& parameter : request.parameters()) {
      if (parameter.name() == name) return parameter.value();
    }
  }
  return "";
}

Bytes Content(ByteView tpm2b) {
  Reader reader(tpm2b);
  reader.U16Be();
  return ToBytes(reader.TakeRest());
}

const v1::Finding* FindingOf(const v1::Appraisal& appraisal, std::string_view reason) {
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.reason() == reason) return &finding;
  }
  return nullptr;
}
std::string ClaimOf(const v1::Appraisal& appraisal, std::string_view name) {
  for (const v1::Claim& claim : appraisal.claims()) {
    if (claim.name() == name) return claim.has_text() ? claim.text() : ToHex(AsBytes(claim.octets()));
  }
  return "absent";
}
std::string Show(const v1::Appraisal& appraisal) {
  std::string text = v1::Verdict_Name(appraisal.verdict());
  for (const v1::Finding& finding : appraisal.findings()) {
    text += Cat("; ", finding.reason(), " at ", finding.component(), ": ", finding.expected(), ", ", finding.actual());
  }
  return text;
}

// A machine with a TPM.
struct Machine {
  softtee::TpmAk ak = softtee::TpmAk::kP256;
  const softtee::Key* ek = &Pki().rsa_ek;
  bool with_certificate = false;  // of the RSA endorsement key
  bool names_ek = true;
  std::string name = "n1";

  const softtee::Key& ak_key() const { return ak == softtee::TpmAk::kP256 ? Pki().p256_ak : Pki().rsa_ak; }
  softtee::TpmPublic ak_area() const { return softtee::AkOf(ak_key()); }
  crypto::Sha256Digest ek_digest() const { return crypto::Sha256(ek->SubjectPublicKeyInfo()); }
  crypto::Sha256Digest ak_digest() const { return crypto::Sha256(ak_key().SubjectPublicKeyInfo()); }
  // What its TPM makes of a challenge: empty where it refuses.
  Bytes Activate(const v1::CreateChallengeResponse& challenge) const {
    const Bytes blob = FromHex(ParameterOf(challenge, "credential_blob")).value_or(Bytes{}),
                secret = FromHex(ParameterOf(challenge, "encrypted_secret")).value_or(Bytes{});
    return blob.empty() ? Bytes() : softtee::ActivateCredential(*ek, ak_area().Name(), Content(blob), Content(secret));
  }
};

class ActivationTest : public testing::Test {
 protected:
  ActivationTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-activation-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
    store_ = *store::OpenSqliteStore(path + "/assay.db");
    appraisal::LoadResult loaded = appraisal::LoadPolicies(
        {{"policy.yaml", std::string(fakes::kVtpmPolicy)}, {"set.yaml", std::string(fakes::kVtpmSet)}}, registry_.get());
    for (const appraisal::LintMessage& message : loaded.messages) ADD_FAILURE() << message.ToString();
    policies_ = *std::move(loaded.book);
    Use(/*with_roots=*/false);
  }
  ~ActivationTest() override { std::filesystem::remove_all(directory_); }

  // With roots of TPMs' makers, or without.
  void Use(bool with_roots, std::uint8_t challenge_key = 0x11) {
    std::vector<trust::Anchor> anchors;
    std::vector<trust::CollateralItem> collateral;
    if (with_roots) {
      std::ofstream(File("roots.pem")) << codec::EncodePem("CERTIFICATE", softtee::MintTpmRoot(Pki()));
      auto roots = appraisal::LoadTpmRoots(File("roots.pem"));
      EXPECT_TRUE(roots.ok()) << roots.status();
      anchors = roots->anchors;
      collateral = roots->certificates;
    }
    anchors_ = std::make_unique<trust::AnchorSet>(appraisal::WithAnchors(trust::AnchorSet({}, true), anchors));
    AttestationInputs inputs{.registry = registry_.get(),
                             .policies = *policies_,
                             .anchors = *anchors_,
                             .collateral = std::move(collateral),
                             .not_before = kNow - Duration(1000),
                             .token_keys = nullptr,
                             .token_issuer = "",
                             .store = *store_,
                             .clock = clock_,
                             .random = random_,
                             .log = log_,
                             .metrics = metrics_};
    attestation_ = std::make_unique<Attestation>(std::move(inputs), ChallengeCodec(Bytes(32, challenge_key)));
    server_key_.fill(0x5e);
    attestation_->UseServerKey(server_key_);
  }
  std::string File(std::string_view name) const { return Cat(directory_.string(), "/", name); }
  Peer ThisPeer() const {
    return {codec::EncodePem("CERTIFICATE", *key_.SelfSignedCertificate("node", kNow - Duration(60), kNow + Duration(3600))),
            "ipv4:192.0.2.1:1", server_key_, "0123456789abcdef"};
  }

  v1::CreateChallengeRequest Ask(const Machine& machine) const {
    v1::CreateChallengeRequest ask;
    ask.mutable_context()->set_cluster("vtpm");
    ask.mutable_context()->set_role("worker");
    ask.mutable_context()->set_name(machine.name);
    ask.mutable_keys()->set_node_spki(Text(key_.public_key().spki()));
    ask.mutable_keys()->set_tpm_ak(Text(machine.ak_area().Tpm2b()));
    if (machine.names_ek) ask.mutable_keys()->set_tpm_ek(Text(softtee::EkOf(*machine.ek).Tpm2b()));
    static const std::string certificate = Text(softtee::MintEkCertificate(Pki(), Pki().rsa_ek));  // one: each signature is another
    if (machine.with_certificate) ask.mutable_keys()->set_tpm_ek_certificate(certificate);
    return ask;
  }
  v1::CreateChallengeResponse Challenge(const Machine& machine) {
    auto answer = attestation_->CreateChallenge(Ask(machine), ThisPeer());
    EXPECT_EQ(Said(answer), "");
    return answer.value();
  }
  v1::AttestRequest AnswerTo(const v1::CreateChallengeResponse& challenge, const Machine& machine, ByteView secret) const {
    v1::AttestRequest answer;
    answer.set_challenge(challenge.challenge());
    *answer.mutable_context() = Ask(machine).context();
    *answer.mutable_keys() = Ask(machine).keys();
    answer.set_activation_secret(Text(secret));
    const crypto::BindingTranscript transcript{.nonce = ToBytes(AsBytes(challenge.nonce())),
                                               .node_spki = ToBytes(key_.public_key().spki()),
                                               .csr_sha256 = {},
                                               .cluster = "vtpm",
                                               .role = "worker",
                                               .name = machine.name,
                                               .tpm_ak = machine.ak_area().Tpm2b(),
                                               .server_spki_sha256 = ToBytes(AsBytes(challenge.server_spki_sha256()))};
    const softtee::TpmEvidence evidence =
        softtee::MintTpm(Pki(), {.extra_data = ToBytes(transcript.ExtraData()), .ak = machine.ak, .change = [](softtee::TpmParts& parts) {
                                   parts.with_certificate = false;
                                 }});
    for (const softtee::Item& item : evidence.items) {
      v1::EvidenceItem& added = *answer.add_items();
      added.set_media_type(item.media_type);
      added.set_body(Text(item.body));
    }
    return answer;
  }
  Answer<v1::AttestResponse> Attest(const v1::AttestRequest& request) {
    return attestation_->Attest(request, ThisPeer(), [] { return false; });
  }
  v1::AttestResponse Given(const v1::AttestRequest& request) {
    auto answer = Attest(request);
    EXPECT_EQ(Said(answer), "");
    return answer.ok() ? answer.value() : v1::AttestResponse();
  }
  // The whole protocol.
  v1::Appraisal Join(const Machine& machine) {
    const v1::CreateChallengeResponse challenge = Challenge(machine);
    return Given(AnswerTo(challenge, machine, machine.Activate(challenge))).appraisal();
  }
  v1::Appraisal JoinWith(const Machine& machine, ByteView secret) {
    return Given(AnswerTo(Challenge(machine), machine, secret)).appraisal();
  }

  absl::StatusOr<v1::EnrolledKey> Enrol(const softtee::TpmPublic& area, std::string_view node = "") {
    const auto read = tpm::ReadKeyToEnrol(area.Tpm2b(), std::nullopt);
    EXPECT_TRUE(read.ok());
    v1::EnrolledKey key;
    key.set_kind(read->kind == tpm::TpmKeyKind::kEndorsement ? v1::TPM_KEY_KIND_ENDORSEMENT : v1::TPM_KEY_KIND_ATTESTATION);
    key.set_spki_sha256(Text(read->spki_sha256));
    key.set_tpm_name(Text(read->name));
    key.set_node(std::string(node));
    return store_->Enrol(key, {"spiffe://op", "a test", kNow});
  }
  v1::ReplayVerdictResponse ReplayOf(const std::string& id) {
    return appraisal::Replay(*store::ExportOf(*store_, *store_->Get(id)), {.registry = registry_.get(), .anchors = *anchors_});
  }

  std::filesystem::path directory_;
  const fakes::RegistryWithVtpm registry_{BuiltinRegistry()};
  std::unique_ptr<store::VerdictStore> store_;
  std::optional<appraisal::PolicyBook> policies_;
  std::unique_ptr<trust::AnchorSet> anchors_;
  SetClock clock_;
  SystemRandom random_;
  std::ostringstream log_text_;
  telemetry::Log log_{log_text_, clock_};
  telemetry::Metrics metrics_{"test", {}};
  const crypto::PrivateKey key_ = crypto::PrivateKey::GenerateP256();
  crypto::Sha256Digest server_key_{};
  std::unique_ptr<Attestation> attestation_;
};

// --- what is asked ----------------------------------------------------------------------------------------------------

TEST_F(ActivationTest, AQuoteIsAskedForWithItsRegistersAndTheSealedSecret) {
  const v1::CreateChallengeResponse challenge = Challenge({});
  int quotes = 0;
  for (const v1::EvidenceRequest& request : challenge.requests()) {
    if (request.media_type() != softtee::kTpmQuoteType) {
      EXPECT_EQ(request.parameters_size(), 0) << request.media_type();
      continue;
    }
    ++quotes;
    ASSERT_EQ(request.parameters_size(), 3);
    EXPECT_EQ(request.parameters(0).name(), "pcr_selection");
    EXPECT_EQ(request.parameters(0).value(), kSelection);
    EXPECT_EQ(request.parameters(1).name(), "credential_blob");
    EXPECT_EQ(request.parameters(2).name(), "encrypted_secret");
  }
  EXPECT_EQ(quotes, 1);
  for (const std::string_view name : {"credential_blob", "encrypted_secret"}) {
    const std::string hex = ParameterOf(challenge, name);
    const auto bytes = FromHex(hex);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(ToHex(*bytes), hex) << "lower case";
    EXPECT_EQ(Content(*bytes).size(), std::size_t{(*bytes)[0]} << 8 | (*bytes)[1]) << "TPM2B";
  }
  EXPECT_EQ(tpm::ShowSelection(tpm::AllOfSha256()), kSelection) << "what is demanded is what is compared";
}

TEST_F(ActivationTest, WithoutAnEndorsementKeyNothingIsSealed) {
  const v1::CreateChallengeResponse challenge = Challenge({.names_ek = false});
  EXPECT_EQ(ParameterOf(challenge, "pcr_selection"), kSelection);
  EXPECT_EQ(ParameterOf(challenge, "credential_blob"), "");
  EXPECT_EQ(ParameterOf(challenge, "encrypted_secret"), "");
}

TEST_F(ActivationTest, KeysThatCouldNotBeActivatedAreRefusedByName) {
  struct Case {
    std::string_view what;
    std::function<void(v1::AttesterKeys&)> change;
    std::string_view said;
  };
  softtee::TpmPublic signs = softtee::EkOf(Pki().rsa_ek), no_aes = softtee::EkOf(Pki().rsa_ek), sha1 = softtee::EkOf(Pki().rsa_ek);
  signs.attributes |= 1U << 18;
  no_aes.symmetric = 0x0010;
  sha1.name_algorithm = softtee::kTpmSha1;
  const std::vector<Case> cases = {
      {"no attestation key", [](auto& k) { k.clear_tpm_ak(); }, "request_field_invalid at keys.tpm_ak: nothing"},
      {"a certificate alone",
       [](auto& k) {
         k.clear_tpm_ek();
         k.set_tpm_ek_certificate("x");
       },
       "request_field_invalid at keys.tpm_ek: nothing"},
      {"garbage as AK", [](auto& k) { k.set_tpm_ak("garbage"); }, "request_field_invalid at keys.tpm_ak"},
      {"garbage as EK", [](auto& k) { k.set_tpm_ek("garbage"); }, "request_field_invalid at keys.tpm_ek"},
      {"a byte too few", [](auto& k) { k.mutable_tpm_ek()->pop_back(); }, "request_field_invalid at keys.tpm_ek"},
      {"a byte too many", [](auto& k) { k.mutable_tpm_ek()->push_back('x'); }, "request_field_invalid at keys.tpm_ek"},
      {"a large AK", [](auto& k) { k.set_tpm_ak(std::string(2049, 'x')); }, "request_field_invalid at keys.tpm_ak: 2049 bytes"},
      {"a large EK", [](auto& k) { k.set_tpm_ek(std::string(2049, 'x')); }, "request_field_invalid at keys.tpm_ek: 2049 bytes"},
      {"a large certificate", [](auto& k) { k.set_tpm_ek_certificate(std::string(8193, 'x')); },
       "request_field_invalid at keys.tpm_ek_certificate: 8193 bytes"},
      {"an attestation key as EK", [](auto& k) { k.set_tpm_ek(k.tpm_ak()); }, "request_field_invalid at keys.tpm_ek"},
      {"one that signs", [&](auto& k) { k.set_tpm_ek(Text(signs.Tpm2b())); }, "request_field_invalid at keys.tpm_ek"},
      {"one without AES", [&](auto& k) { k.set_tpm_ek(Text(no_aes.Tpm2b())); }, "request_field_invalid at keys.tpm_ek"},
      {"one that is named by SHA-1", [&](auto& k) { k.set_tpm_ek(Text(sha1.Tpm2b())); }, "request_field_invalid at keys.tpm_ek"},
  };
  for (const Case& c : cases) {
    v1::CreateChallengeRequest ask = Ask({});
    c.change(*ask.mutable_keys());
    EXPECT_THAT(Said(attestation_->CreateChallenge(ask, ThisPeer())), HasSubstr(std::string(c.said))) << c.what;
  }
}

// The challenge goes over the wire in the clear: nothing in it, and nothing that any node is told, is the secret or makes it.
TEST_F(ActivationTest, TheSecretDependsOnEverythingThatItIsFor) {
  const ChallengeCodec codec(Bytes(32, 0x11)), other(Bytes(32, 0x12));
  const Bytes nonce(32, 1), ak = Machine{}.ak_area().Name(), ek = softtee::EkOf(Pki().rsa_ek).Name();
  const Bytes secret = codec.ActivationSecret(nonce, ak, ek);
  EXPECT_EQ(secret.size(), trust::kActivationSecretSize);
  EXPECT_EQ(codec.ActivationSecret(nonce, ak, ek), secret) << "every replica finds it again";
  EXPECT_NE(other.ActivationSecret(nonce, ak, ek), secret) << "only who has the key";
  EXPECT_NE(codec.ActivationSecret(Bytes(32, 2), ak, ek), secret);
  EXPECT_NE(codec.ActivationSecret(nonce, ek, ak), secret);
  EXPECT_NE(codec.ActivationSecret(nonce, ak, ak), secret);
  Bytes longer = ak, shorter(ek.begin() + 1, ek.end());
  longer.push_back(ek[0]);
  EXPECT_NE(codec.ActivationSecret(nonce, longer, shorter), secret) << "what belongs to which part is told";
  const v1::CreateChallengeResponse challenge = Challenge({});
  const Bytes sealed = codec.ActivationSecret(AsBytes(challenge.nonce()), ak, ek);
  EXPECT_EQ(challenge.SerializeAsString().find(Text(sealed)), std::string::npos);
  EXPECT_EQ(challenge.ShortDebugString().find(ToHex(sealed)), std::string::npos);
}

TEST_F(ActivationTest, TheLogAndTheRecordHoldNoSecret) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine;
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  const Bytes secret = machine.Activate(challenge);
  ASSERT_EQ(secret.size(), 32U);
  const v1::AttestResponse response = Given(AnswerTo(challenge, machine, secret));
  EXPECT_EQ(log_text_.str().find(ToHex(secret)), std::string::npos);
  EXPECT_EQ(store_->Get(response.verdict_id())->SerializeAsString().find(Text(secret)), std::string::npos);
}

// --- who vouches ------------------------------------------------------------------------------------------------------

TEST_F(ActivationTest, AKeyActivatedUnderAnEnrolledEndorsementKeyCounts) {
  for (const softtee::Key* ek : {&Pki().rsa_ek, &Pki().p256_ek}) {
    ASSERT_TRUE(Enrol(softtee::EkOf(*ek)).ok());
    const v1::Appraisal appraisal = Join({.ek = ek});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ak_trust"), "activation");
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ek_trust"), "enrolment");
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ek_key_digest"), ToHex(crypto::Sha256(ek->SubjectPublicKeyInfo())));
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ek_name"), ToHex(softtee::EkOf(*ek).Name()));
    EXPECT_EQ(ClaimOf(appraisal, "tpm.revocation"), "no_certificate");
  }
}

TEST_F(ActivationTest, AKeyActivatedUnderACertifiedEndorsementKeyCounts) {
  Use(/*with_roots=*/true);
  const v1::Appraisal appraisal = Join({.with_certificate = true});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
  EXPECT_EQ(ClaimOf(appraisal, "tpm.ak_trust"), "activation");
  EXPECT_EQ(ClaimOf(appraisal, "tpm.ek_trust"), "certificate");
  EXPECT_EQ(ClaimOf(appraisal, "tpm.ak_vendor"), "operator");
}

TEST_F(ActivationTest, AnEnrolledAttestationKeyNeedsNoActivation) {
  ASSERT_TRUE(Enrol(Machine{}.ak_area()).ok());
  for (const bool names_ek : {false, true}) {
    const v1::Appraisal appraisal = JoinWith({.names_ek = names_ek}, {});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(appraisal);
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ak_trust"), "enrolment");
    EXPECT_EQ(ClaimOf(appraisal, "tpm.ek_trust"), "absent");
    EXPECT_EQ(FindingOf(appraisal, "activation_absent") != nullptr, names_ek);
  }
}

// Nothing about the machine itself is wrong here: only that nobody vouches for it.
TEST_F(ActivationTest, Attack026_ATpmThatNobodyVouchesForSignsNothing) {
  const v1::Appraisal neither = Join({});
  EXPECT_EQ(neither.verdict(), v1::VERDICT_REJECTED);
  ASSERT_NE(FindingOf(neither, "ek_unvouched"), nullptr) << Show(neither);
  EXPECT_THAT(FindingOf(neither, "ek_unvouched")->remedy(), HasSubstr("assay node enroll"));
  const v1::Appraisal certificate = Join({.with_certificate = true});
  EXPECT_EQ(certificate.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(certificate, "ek_unvouched"), nullptr);
  ASSERT_NE(FindingOf(certificate, "ek_roots_unset"), nullptr) << Show(certificate);
  for (const v1::Check& check : certificate.checks()) {
    if (check.name() == "tpm.ek_profile") { EXPECT_EQ(check.result(), v1::CHECK_RESULT_SKIPPED); }
  }
  const v1::Appraisal none = JoinWith({.names_ek = false}, {});
  EXPECT_EQ(none.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(none, "ak_unvouched"), nullptr) << Show(none);
}

TEST_F(ActivationTest, ACertificateCountsAsFarAsItLeads) {
  Use(/*with_roots=*/true);
  struct Case {
    std::string_view what, reason;
    Bytes certificate;
  };
  const auto usage = [](softtee::Certificate& c) { c.extensions[0] = softtee::extension::KeyUsage(softtee::kDigitalSignature); };
  const auto purpose = [](softtee::Certificate& c) { c.extensions[2] = softtee::extension::ExtendedKeyUsage("2.23.133.8.3"); };
  const auto expired = [](softtee::Certificate& c) { c.not_after = kNow - Duration(1); };
  for (const Case& c : {Case{"of another key", "ak_mismatch", softtee::MintEkCertificate(Pki(), Pki().p256_ek)},
                        Case{"by another key", "chain_broken", softtee::MintEkCertificate(Pki(), Pki().rsa_ek, {}, &Pki().stranger)},
                        Case{"of an attestation key", "key_kind_mismatch", softtee::MintEkCertificate(Pki(), Pki().rsa_ek, usage)},
                        Case{"for another purpose", "certificate_profile", softtee::MintEkCertificate(Pki(), Pki().rsa_ek, purpose)},
                        Case{"expired", "expired", softtee::MintEkCertificate(Pki(), Pki().rsa_ek, expired)},
                        Case{"garbage", "certificate_malformed", Bytes(100, 0x30)},
                        Case{"the root itself", "key_kind_mismatch", softtee::MintTpmRoot(Pki())}}) {
    v1::CreateChallengeRequest ask = Ask({});
    ask.mutable_keys()->set_tpm_ek_certificate(Text(c.certificate));
    const auto challenge = attestation_->CreateChallenge(ask, ThisPeer());
    ASSERT_EQ(Said(challenge), "") << c.what;
    v1::AttestRequest answer = AnswerTo(challenge.value(), {}, Machine{}.Activate(challenge.value()));
    *answer.mutable_keys() = ask.keys();
    const v1::Appraisal appraisal = Given(answer).appraisal();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << c.what;
    EXPECT_NE(FindingOf(appraisal, c.reason), nullptr) << c.what << ": " << Show(appraisal);
  }
}

TEST_F(ActivationTest, AnEnrolledEndorsementKeyVouchesForNothingThatWasNotActivated) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  for (const bool names_ek : {true, false}) {
    const v1::Appraisal appraisal = JoinWith({.names_ek = names_ek}, {});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_NE(FindingOf(appraisal, "ak_unvouched"), nullptr) << Show(appraisal);
    EXPECT_EQ(FindingOf(appraisal, "activation_absent") != nullptr, names_ek);
    EXPECT_TRUE(appraisal.instance_identity().empty()) << "an attempt";
  }
}

TEST_F(ActivationTest, AnEnrolledAttestationKeyIsNoEndorsementKey) {
  v1::EnrolledKey key;
  key.set_kind(v1::TPM_KEY_KIND_ATTESTATION);
  key.set_spki_sha256(Text(Machine{}.ek_digest()));
  ASSERT_TRUE(store_->Enrol(key, {"spiffe://op", "the wrong kind", kNow}).ok());
  const v1::Appraisal appraisal = Join({});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "ek_unvouched"), nullptr) << Show(appraisal);
}

// --- what comes back --------------------------------------------------------------------------------------------------

TEST_F(ActivationTest, Attack026_AWrongSecretRejectsWhateverElseVouches) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  ASSERT_TRUE(Enrol(Machine{}.ak_area()).ok());
  const Machine machine;
  const Bytes of_another = machine.Activate(Challenge(machine));
  const Bytes of_another_ak = Machine{.ak = softtee::TpmAk::kRsassa}.Activate(Challenge({.ak = softtee::TpmAk::kRsassa}));
  const Bytes of_another_ek = Machine{.ek = &Pki().p256_ek}.Activate(Challenge({.ek = &Pki().p256_ek}));
  for (const Bytes* real : {&of_another, &of_another_ak, &of_another_ek}) ASSERT_EQ(real->size(), 32U);
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  Bytes prefix = machine.Activate(challenge), longer = prefix, flipped = prefix;
  prefix.pop_back();
  longer.push_back(0);
  flipped.back() ^= 1;
  for (const Bytes* wrong : {&prefix, &longer, &flipped}) {
    v1::CreateChallengeResponse fresh = Challenge(machine);
    Bytes secret = machine.Activate(fresh);
    if (wrong == &prefix) secret.pop_back();
    if (wrong == &longer) secret.push_back(0);
    if (wrong == &flipped) secret.back() ^= 1;
    const v1::Appraisal appraisal = Given(AnswerTo(fresh, machine, secret)).appraisal();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_NE(FindingOf(appraisal, "activation_wrong"), nullptr) << Show(appraisal);
  }
  for (const Bytes& wrong :
       {of_another, of_another_ak, of_another_ek, Bytes(32, 0), Bytes(1, 0), Bytes(64, 0), ToBytes(AsBytes(challenge.nonce()))}) {
    const v1::Appraisal appraisal = JoinWith(machine, wrong);
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    EXPECT_NE(FindingOf(appraisal, "activation_wrong"), nullptr) << Show(appraisal);
    EXPECT_FALSE(appraisal.admits());
  }
  EXPECT_EQ(Join(machine).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

TEST_F(ActivationTest, Attack026_ABlobThatIsReplayedBringsNothing) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine;
  const v1::CreateChallengeResponse first = Challenge(machine), second = Challenge(machine);
  EXPECT_NE(ParameterOf(first, "credential_blob"), ParameterOf(second, "credential_blob"));
  const Bytes secret = machine.Activate(first);
  EXPECT_NE(FindingOf(Given(AnswerTo(second, machine, secret)).appraisal(), "activation_wrong"), nullptr);
  const v1::AttestRequest answer = AnswerTo(first, machine, secret);
  EXPECT_EQ(Given(answer).appraisal().verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_THAT(Said(Attest(answer)), HasSubstr("challenge_consumed")) << "nor does it a second time";
}

TEST_F(ActivationTest, ASecretOfAnotherVerifiersKeyIsWrong) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine;
  Use(false, 0x12);
  const v1::CreateChallengeResponse foreign = Challenge(machine);
  const Bytes secret = machine.Activate(foreign);
  Use(false, 0x11);
  EXPECT_THAT(Said(Attest(AnswerTo(foreign, machine, secret))), HasSubstr("challenge_forged"));
  EXPECT_NE(FindingOf(JoinWith(machine, secret), "activation_wrong"), nullptr);
}

// Replicas share nothing but their key and their store.
TEST_F(ActivationTest, AnotherReplicaTakesTheAnswer) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine;
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  Use(false);
  EXPECT_EQ(Given(AnswerTo(challenge, machine, machine.Activate(challenge))).appraisal().verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

TEST_F(ActivationTest, Attack026_NoKeyIsExchangedBetweenTheTwoCalls) {
  for (const softtee::Key* ek : {&Pki().rsa_ek, &Pki().p256_ek}) ASSERT_TRUE(Enrol(softtee::EkOf(*ek)).ok());
  struct Case {
    std::string_view what, said;
    std::function<void(v1::AttestRequest&)> change;
  };
  const Machine machine;
  const Bytes other_ek = softtee::EkOf(Pki().p256_ek).Tpm2b(), other_ak = softtee::AkOf(Pki().rsa_ak).Tpm2b();
  for (const Case& c : {Case{"another endorsement key", "context_mismatch", [&](auto& r) { r.mutable_keys()->set_tpm_ek(Text(other_ek)); }},
                        Case{"no endorsement key", "context_mismatch",
                             [](auto& r) {
                               r.mutable_keys()->clear_tpm_ek();
                               r.clear_activation_secret();
                             }},
                        Case{"no endorsement key, and a secret", "request_field_invalid at activation_secret",
                             [](auto& r) { r.mutable_keys()->clear_tpm_ek(); }},
                        Case{"a certificate", "context_mismatch", [](auto& r) { r.mutable_keys()->set_tpm_ek_certificate("x"); }},
                        Case{"another attestation key", "context_mismatch", [&](auto& r) { r.mutable_keys()->set_tpm_ak(Text(other_ak)); }},
                        Case{"no attestation key", "context_mismatch", [](auto& r) { r.mutable_keys()->clear_tpm_ak(); }},
                        Case{"a secret beyond all bounds", "request_field_invalid at activation_secret: 65 bytes",
                             [](auto& r) { r.set_activation_secret(std::string(65, 'x')); }},
                        Case{"evidence of another attestation key", "attestation_key_mismatch", [&](auto& r) {
                               for (v1::EvidenceItem& item : *r.mutable_items()) {
                                 if (item.media_type() == softtee::kTpmAkType) item.set_body(Text(other_ak));
                               }
                             }}}) {
    const v1::CreateChallengeResponse challenge = Challenge(machine);
    const v1::AttestRequest good = AnswerTo(challenge, machine, machine.Activate(challenge));
    v1::AttestRequest changed = good;
    c.change(changed);
    EXPECT_THAT(Said(Attest(changed)), HasSubstr(std::string(c.said))) << c.what;
    EXPECT_EQ(Given(good).appraisal().verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << c.what << " spent nothing";
  }
}

// Named without an endorsement key, and dropped from the evidence: the key that signed is not the one that was named.
TEST_F(ActivationTest, AChallengeWithoutEndorsementKeyTakesNone) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine{.names_ek = false};
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  v1::AttestRequest answer = AnswerTo(challenge, machine, {});
  answer.mutable_keys()->set_tpm_ek(Text(softtee::EkOf(Pki().rsa_ek).Tpm2b()));
  EXPECT_THAT(Said(Attest(answer)), HasSubstr("context_mismatch"));
}

// --- names ------------------------------------------------------------------------------------------------------------

TEST_F(ActivationTest, Attack026_AnotherTpmUnderAnEnrolledNameIsRefusedAndTold) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek), "vtpm/n1").ok());
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().p256_ek)).ok());
  EXPECT_EQ(Join({}).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  const v1::Appraisal other = Join({.ak = softtee::TpmAk::kRsassa, .ek = &Pki().p256_ek});
  EXPECT_EQ(other.verdict(), v1::VERDICT_REJECTED);
  const v1::Finding* finding = FindingOf(other, "enrolment_conflict");
  ASSERT_NE(finding, nullptr) << Show(other);
  EXPECT_EQ(finding->component(), "endorsement key");
  EXPECT_THAT(finding->expected(), HasSubstr(ToHex(Machine{}.ek_digest())));
  EXPECT_THAT(finding->expected(), HasSubstr("enrolled by spiffe://op"));
  EXPECT_THAT(finding->actual(), HasSubstr(ToHex(Machine{.ek = &Pki().p256_ek}.ek_digest())));
  EXPECT_EQ(Join({.ak = softtee::TpmAk::kRsassa, .ek = &Pki().p256_ek, .name = "n2"}).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS)
      << "under its own it may";
}

TEST_F(ActivationTest, AnEnrolledKeyComesUnderItsNameAlone) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek), "vtpm/n1").ok());
  for (const char* name : {"n2", "", "n11", "N1"}) {
    const v1::Appraisal appraisal = Join({.name = name});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << name;
    ASSERT_NE(FindingOf(appraisal, "enrolment_conflict"), nullptr) << Show(appraisal);
    EXPECT_THAT(FindingOf(appraisal, "enrolment_conflict")->expected(), HasSubstr("vtpm/n1"));
  }
}

// Who knocks under whose name is told, although nothing of it is believed.
TEST_F(ActivationTest, AnUnknownTpmUnderAnEnrolledNameIsTold) {
  ASSERT_TRUE(Enrol(Machine{}.ak_area(), "vtpm/n1").ok());
  const v1::Appraisal appraisal = JoinWith({.ak = softtee::TpmAk::kRsassa, .names_ek = false}, {});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(appraisal, "ak_unvouched"), nullptr);
  ASSERT_NE(FindingOf(appraisal, "enrolment_conflict"), nullptr) << Show(appraisal);
  EXPECT_TRUE(appraisal.instance_identity().empty());
}

// Both keys enrolled for one name: both have to be shown, and an activation under the endorsement key shows it.
TEST_F(ActivationTest, BothKeysOfANameAreDemanded) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek), "vtpm/n1").ok());
  ASSERT_TRUE(Enrol(Machine{}.ak_area(), "vtpm/n1").ok());
  const v1::Appraisal both = Join({});
  EXPECT_EQ(both.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Show(both);
  EXPECT_EQ(ClaimOf(both, "tpm.ek_trust"), "enrolment");
  const v1::Appraisal unanswered = JoinWith({}, {});
  EXPECT_EQ(unanswered.verdict(), v1::VERDICT_REJECTED);
  EXPECT_NE(FindingOf(unanswered, "enrolment_conflict"), nullptr) << Show(unanswered);
}

// --- replay and re-appraisal ------------------------------------------------------------------------------------------

TEST_F(ActivationTest, EveryOutcomeReplaysToTheByte) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek), "vtpm/n1").ok());
  const Machine machine, other{.ak = softtee::TpmAk::kRsassa, .ek = &Pki().p256_ek};
  const auto run = [&](const Machine& one, std::optional<Bytes> secret) {
    const v1::CreateChallengeResponse challenge = Challenge(one);
    return Given(AnswerTo(challenge, one, secret ? *secret : one.Activate(challenge)));
  };
  for (const v1::AttestResponse& response : {run(machine, {}), run(machine, Bytes()), run(machine, Bytes(32, 7)), run(other, {})}) {
    const v1::ReplayVerdictResponse replay = ReplayOf(response.verdict_id());
    EXPECT_EQ(replay.missing_size(), 0);
    EXPECT_EQ(replay.differences_size(), 0) << replay.ShortDebugString();
    EXPECT_EQ(appraisal::CanonicalJson(replay.replayed()), appraisal::CanonicalJson(response.appraisal()));
  }
  // What is enrolled now has no part in what was appraised then.
  const v1::AttestResponse before = run(machine, {});
  ASSERT_TRUE(store_->Unenrol(machine.ek_digest(), {"spiffe://op", "retired", kNow}).ok());
  EXPECT_EQ(ReplayOf(before.verdict_id()).differences_size(), 0);
}

TEST_F(ActivationTest, TheStateOfARecordIsPartOfItsDigest) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek), "vtpm/n1").ok());
  const Machine machine;
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  const v1::AttestResponse response = Given(AnswerTo(challenge, machine, machine.Activate(challenge)));
  using Change = std::function<void(v1::RememberedState&)>;
  const v1::VerdictExport genuine = *store::ExportOf(*store_, *store_->Get(response.verdict_id()));
  for (const Change& change : std::vector<Change>{
           [](auto& s) { s.clear_activation(); }, [](auto& s) { s.mutable_activation()->set_result(v1::ACTIVATION_RESULT_WRONG); },
           [](auto& s) { s.mutable_activation()->set_result(v1::ACTIVATION_RESULT_UNSPECIFIED); },
           [](auto& s) { s.mutable_activation()->mutable_attestation_key_name()->back() ^= 1; },
           [](auto& s) { s.mutable_activation()->set_endorsement_certificate("x"); },
           [](auto& s) { s.mutable_endorsement_key_sha256()->back() ^= 1; }, [](auto& s) { s.clear_enrolments(); },
           [](auto& s) { s.mutable_enrolments(0)->set_node("vtpm/n2"); },
           [](auto& s) { s.mutable_enrolments(0)->set_why("another reason"); },
           [](auto& s) { s.mutable_enrolments(0)->set_endorsement_key(false); },
           [](auto& s) { s.mutable_enrolments(0)->mutable_tpm_name()->back() ^= 1; }}) {
    v1::VerdictExport changed = genuine;
    change(*changed.mutable_record()->mutable_state());
    const v1::ReplayVerdictResponse replay = appraisal::Replay(changed, {.registry = registry_.get(), .anchors = *anchors_});
    EXPECT_NE(replay.replayed().digests().state(), response.appraisal().digests().state());
  }
}

TEST_F(ActivationTest, WhatStoodOnAnEnrolmentFallsWithIt) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  const Machine machine;
  const v1::CreateChallengeResponse challenge = Challenge(machine);
  const std::string id = Given(AnswerTo(challenge, machine, machine.Activate(challenge))).verdict_id();
  Reappraiser reappraiser({.store = *store_,
                           .registry = registry_.get(),
                           .policies = *policies_,
                           .anchors = *anchors_,
                           .held = [] { return std::vector<collateral::Held>(); },
                           .floors = [] { return std::vector<trust::Floor>(); },
                           .not_before = kNow - Duration(1000),
                           .clock = clock_,
                           .log = log_,
                           .metrics = metrics_});
  EXPECT_EQ(reappraiser.Run("nothing").flipped, 0);
  ASSERT_TRUE(store_->Unenrol(machine.ek_digest(), {"spiffe://op", "stolen", kNow}).ok());
  const ReappraisalReport report = reappraiser.Run("the end of an enrolment");
  EXPECT_EQ(report.appraised, 1);
  EXPECT_EQ(report.flipped, 1);
  const auto flips = store_->ListFlips({});
  ASSERT_EQ(flips->elements.size(), 1U);
  EXPECT_EQ(flips->elements[0].became(), v1::VERDICT_REJECTED);
  EXPECT_EQ(flips->elements[0].finding().reason(), "ek_unvouched");
  EXPECT_TRUE(store_->GetSummary(id)->has_revocation());
}

TEST_F(ActivationTest, AnEnrolmentForAnothersNameMakesItFall) {
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().rsa_ek)).ok());
  ASSERT_EQ(Join({}).verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  Reappraiser reappraiser({.store = *store_,
                           .registry = registry_.get(),
                           .policies = *policies_,
                           .anchors = *anchors_,
                           .held = [] { return std::vector<collateral::Held>(); },
                           .floors = [] { return std::vector<trust::Floor>(); },
                           .not_before = kNow - Duration(1000),
                           .clock = clock_,
                           .log = log_,
                           .metrics = metrics_});
  ASSERT_TRUE(Enrol(softtee::EkOf(Pki().p256_ek), "vtpm/n1").ok());
  EXPECT_EQ(reappraiser.Run("an enrolment").flipped, 1);
  EXPECT_EQ(store_->ListFlips({})->elements[0].finding().reason(), "enrolment_conflict");
}

}  // namespace
}  // namespace assay::service
