// aws_nitro_enclave, aws_nitro_tpm and aws_sev_snp: on evidence that the software TEE mints, and on genuine documents under the pinned root.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/anchors_file.h"
#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "evidence/nitro/format.h"
#include "evidence/sev_snp/format.h"
#include "evidence/tpm/format.h"
#include "platform/aws_nitro_enclave/platform.h"
#include "platform/aws_nitro_tpm/platform.h"
#include "platform/aws_nitro_tpm_quote/platform.h"
#include "platform/aws_sev_snp/platform.h"
#include "platform/aws_sev_snp_report/platform.h"
#include "registry/builtin_registry.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"
#include "tests/unit/platform/minted.h"
#include "tests/vectors_dir.h"

namespace assay {
namespace {

using test::ReadFile;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const platform::Platform& kEnclave = aws_nitro_enclave::kPlatform;
const platform::Platform& kTpm = aws_nitro_tpm::kPlatform;
const platform::Platform& kSnp = aws_sev_snp::kPlatform;

const Bytes kNonce(32, 0x5A);
constexpr ByteArray<64> kReportData = softtee::Ramp<64>(0x80);

using Items = std::vector<evidence::Item>;

using test::ItemsOf;
void Remove(Items& items, std::string_view media_type) {
  std::erase_if(items, [&](const evidence::Item& one) { return one.media_type == media_type; });
}
Items With(Items a, const Items& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Items Document(softtee::NitroOptions options = {}) {
  if (options.nonce.empty()) options.nonce = kNonce;
  return ItemsOf(softtee::MintNitro(softtee::NitroPki::Shared(), options).items);
}
Items Enclave(softtee::NitroOptions options = {}) { return Document(std::move(options)); }

// A quote by the P-256 key over the SHA-384 bank, which is that of the document: without certificates.
Items Quote(softtee::TpmOptions options = {}) {
  if (options.extra_data.empty()) options.extra_data = kNonce;
  if (options.banks.empty()) options.banks = {softtee::RampBank(softtee::kTpmSha384)};
  options.ak = softtee::TpmAk::kP256;
  Items items = ItemsOf(softtee::MintTpm(softtee::TpmPki::Shared(), options).items);
  Remove(items, tpm::kCertificateMediaType);
  return items;
}
Items TpmDocument(softtee::NitroOptions options = {}) {
  options.tpm = true;
  if (!options.public_key) options.public_key = test::PointOf(softtee::TpmPki::Shared().p256_ak);
  return Document(std::move(options));
}
Items Report(softtee::SnpOptions options = {.signing_key = softtee::SigningKey::kVlek}) {
  options.report_data = kReportData;
  const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  ASSAY_CHECK(minted.ok());
  return ItemsOf(minted->items);
}

trust::Challenge Demanded() { return trust::Challenge::Demanded({.report_data = kReportData, .nonce = kNonce}); }
trust::AnchorSet TestAnchors() {
  const auto anchors = appraisal::ParseTestAnchors("anchors.yaml", softtee::SharedAnchorsYaml());
  ASSAY_CHECK(anchors.ok());
  return *anchors;
}

std::optional<trust::Bundle> Authenticate(const platform::Platform& platform, const Items& items, CheckLog& log,
                                          const trust::Challenge& challenge = Demanded(), const trust::AnchorSet& anchors = TestAnchors()) {
  if (!platform::CheckManifest(platform, items, log)) return std::nullopt;
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, nullptr);
  return platform.authenticate(items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log);
}
const Finding* FindingOf(const CheckLog& log, Reason reason) {
  for (const Finding& finding : log.findings()) {
    if (finding.reason == reason) return &finding;
  }
  return nullptr;
}
std::string Show(const CheckLog& log) {
  std::string text;
  for (const Finding& finding : log.findings()) text += Describe(finding) + "\n";
  return text;
}
bool Failed(const CheckLog& log, Check check) {
  return std::any_of(log.records().begin(), log.records().end(),
                     [check](const CheckRecord& one) { return one.check == check && one.result == CheckResult::kFailed; });
}

TEST(NitroPlatforms, AuthenticateTheirOwnEvidence) {
  struct {
    const platform::Platform& platform;
    Items items;
    std::size_t parts;
  } const cases[] = {{kEnclave, Enclave(), 1},
                     {kTpm, TpmDocument(), 1},
                     {kTpm, With(TpmDocument(), Quote()), 3},
                     {kSnp, With(Report(), TpmDocument()), 2},
                     {kSnp, With(Report(), With(TpmDocument(), Quote())), 4}};
  for (const auto& one : cases) {
    CheckLog log;
    const auto bundle = Authenticate(one.platform, one.items, log);
    ASSERT_TRUE(bundle) << one.platform.name << "\n" << Show(log);
    EXPECT_EQ(bundle->parts().size(), one.parts);
    EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
    EXPECT_EQ(bundle->instance_identity().size(), 32U);
    EXPECT_EQ(one.platform.identity_hint(one.items, Demanded()), bundle->instance_identity());
    EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), one.items), ElementsAre(one.platform.name));
  }
}

TEST(NitroPlatforms, EveryPartHangsWhereItShould) {
  CheckLog log;
  const auto bundle = Authenticate(kSnp, With(Report(), With(TpmDocument(), Quote())), log);
  ASSERT_TRUE(bundle) << Show(log);
  EXPECT_EQ(bundle->parts()[0].component, "sev-snp-report");
  EXPECT_TRUE(bundle->parts()[0].carrier);
  EXPECT_EQ(bundle->parts()[1].vouched_by, "nitro-certificate");
  EXPECT_EQ(bundle->parts()[2].vouched_by, "tpm-ak");
  EXPECT_EQ(bundle->parts()[3].vouched_by, "tpm-quote");
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "commitment");
}

// A document of the one kind is none of the other, and none of them is a report alone.
TEST(NitroPlatforms, AreToldApart) {
  struct {
    const platform::Platform& platform;
    Items items;
    Reason reason;
  } const cases[] = {{kEnclave, TpmDocument(), Reason::kPlatformUnrecognised},
                     {kTpm, Enclave(), Reason::kPlatformUnrecognised},
                     {kEnclave, With(TpmDocument(), Quote()), Reason::kItemUnexpected},
                     {kSnp, With(Report(), Enclave()), Reason::kPlatformUnrecognised},
                     {kSnp, Report(), Reason::kItemMissing},
                     {kSnp, TpmDocument(), Reason::kItemMissing},
                     {aws_sev_snp_report::kPlatform, With(Report(), TpmDocument()), Reason::kItemUnexpected},
                     {kSnp, With(Report({}), TpmDocument()), Reason::kPlatformUnrecognised},
                     {kEnclave, With(Enclave(), Enclave()), Reason::kItemDuplicate}};
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(one.platform, one.items, log)) << one.platform.name;
    EXPECT_NE(FindingOf(log, one.reason), nullptr) << one.platform.name << "\n" << Show(log);
  }
}

// Attack 59, and every other way in which a quote can be of something else than the document that it comes with.
TEST(NitroQuote, Attack059_WhatDoesNotBelongTogetherIsRefusedByName) {
  const softtee::TpmPki& pki = softtee::TpmPki::Shared();
  softtee::TpmBank other_bank = softtee::RampBank(softtee::kTpmSha384);
  other_bank.values[4].back() ^= 1;
  softtee::TpmBank no_pcrs_of_ours = softtee::RampBank(softtee::kTpmSha256);
  softtee::NitroOptions few{.tpm = true};
  few.change = [](softtee::NitroParts& parts) { parts.pcrs.erase(23); };
  Bytes prefix = test::PointOf(pki.p256_ak);
  prefix.pop_back();
  struct Mismatch {
    const char* what;
    Items items;
    Reason reason;
    Check check;
  };
  const auto without = [](Items items, std::string_view type) {
    Remove(items, type);
    return items;
  };
  for (const Mismatch& mismatch : std::vector<Mismatch>{
           {"another key in the document", With(TpmDocument({.public_key = test::PointOf(pki.stranger)}), Quote()),
            Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"a prefix of the key", With(TpmDocument({.public_key = prefix}), Quote()), Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"another key's SubjectPublicKeyInfo", With(TpmDocument({.public_key = pki.stranger.SubjectPublicKeyInfo()}), Quote()),
            Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"no key in the document", With(TpmDocument({.change = [](softtee::NitroParts& parts) { parts.public_key.reset(); }}), Quote()),
            Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"no key in the document, and no public area",
            With(TpmDocument({.change = [](softtee::NitroParts& parts) { parts.public_key.reset(); }}),
                 without(Quote(), tpm::kAkMediaType)),
            Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"something else than a key", With(TpmDocument({.public_key = Bytes(65, 4)}), without(Quote(), tpm::kAkMediaType)),
            Reason::kNitroAkMismatch, Check::kNitroQuoteKey},
           {"a quote by another key", With(TpmDocument({.public_key = test::PointOf(pki.stranger)}), without(Quote(), tpm::kAkMediaType)),
            Reason::kSignatureInvalid, Check::kTpmSignature},
           {"another register", With(TpmDocument(), Quote({.banks = {other_bank}})), Reason::kNitroPcrMismatch, Check::kNitroQuotePcrs},
           {"a register that the document lacks", With(TpmDocument(few), Quote()), Reason::kNitroPcrMismatch, Check::kNitroQuotePcrs},
           {"registers of another bank beside the document's",
            With(TpmDocument(), Quote({.banks = {softtee::RampBank(softtee::kTpmSha384), softtee::RampBank(softtee::kTpmSha256)}})),
            Reason::kNitroPcrMismatch, Check::kNitroQuotePcrs},
           {"registers of another bank alone", With(TpmDocument(), Quote({.banks = {no_pcrs_of_ours}})), Reason::kNitroPcrMismatch,
            Check::kNitroQuotePcrs},
           {"a quote for another challenge", With(TpmDocument(), Quote({.extra_data = Bytes(32, 0x5B)})), Reason::kBindingMismatch,
            Check::kFreshness},
           {"a document for another challenge", With(TpmDocument({.nonce = Bytes(32, 0x5B)}), Quote()), Reason::kBindingMismatch,
            Check::kFreshness},
           {"a key that may leave its TPM", With(TpmDocument(), Quote({.fault = softtee::TpmFault::kAkNotFixedTpm})), Reason::kAkAttributes,
            Check::kTpmAkAttributes},
           {"changed values", With(TpmDocument(), Quote({.fault = softtee::TpmFault::kPcrChanged})), Reason::kPcrDigestMismatch,
            Check::kTpmPcrDigest},
           {"values without a quote", With(TpmDocument(), without(Quote(), tpm::kQuoteMediaType)), Reason::kItemMissing, Check::kManifest},
           {"a quote without values", With(TpmDocument(), without(Quote(), tpm::kPcrsMediaType)), Reason::kItemMissing, Check::kManifest},
       }) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(kTpm, mismatch.items, log)) << mismatch.what;
    EXPECT_NE(FindingOf(log, mismatch.reason), nullptr) << mismatch.what << "\n" << Show(log);
    EXPECT_TRUE(Failed(log, mismatch.check)) << mismatch.what << "\n" << Show(log);
    CheckLog of_snp;
    EXPECT_FALSE(Authenticate(kSnp, With(Report(), mismatch.items), of_snp)) << mismatch.what;
    EXPECT_NE(FindingOf(of_snp, mismatch.reason), nullptr) << mismatch.what;
  }
}

TEST(NitroQuote, TwoNoncesAreTwoChallengesEvenIfNoneWasDemanded) {
  const trust::Challenge none = trust::Challenge::NotDemanded(true);
  CheckLog log;
  EXPECT_TRUE(Authenticate(kTpm, With(TpmDocument(), Quote()), log, none)) << Show(log);
  CheckLog refused;
  EXPECT_FALSE(Authenticate(kTpm, With(TpmDocument(), Quote({.extra_data = Bytes(32, 0x5B)})), refused, none));
  EXPECT_NE(FindingOf(refused, Reason::kNitroNonceMismatch), nullptr) << Show(refused);
}

TEST(NitroQuote, TheKeyMayBeWrittenInAnyFormThatIsItsOwn) {
  const softtee::Key& ak = softtee::TpmPki::Shared().p256_ak;
  const softtee::TpmPublic area = softtee::AkOf(ak);
  struct {
    Bytes public_key;
    bool names_area;
  } const forms[] = {{test::PointOf(ak), false}, {ak.SubjectPublicKeyInfo(), false}, {area.Tpmt(), true}, {area.Tpm2b(), true}};
  for (const auto& form : forms) {
    CheckLog log;
    const auto bundle = Authenticate(kTpm, With(TpmDocument({.public_key = form.public_key}), Quote({.primary = false})), log);
    ASSERT_TRUE(bundle) << Show(log);
    EXPECT_EQ(bundle->claims().Find("tpm.ak_name") != nullptr, form.names_area);
  }
  // Without its public area the key's attributes show as unseen.
  Items bare = Quote();
  Remove(bare, tpm::kAkMediaType);
  CheckLog log;
  EXPECT_TRUE(Authenticate(kTpm, With(TpmDocument(), bare), log)) << Show(log);
  EXPECT_NE(FindingOf(log, Reason::kAkAttributesUnseen), nullptr);
}

TEST(NitroQuote, AWeakSignatureHashIsRefusedHereAsWell) {
  softtee::TpmOptions options{.banks = {softtee::RampBank(softtee::kTpmSha384)}, .fault = softtee::TpmFault::kSha1Signature};
  options.extra_data = kNonce;
  Items quote = ItemsOf(softtee::MintTpm(softtee::TpmPki::Shared(), options).items);
  Remove(quote, tpm::kCertificateMediaType);
  CheckLog log;
  EXPECT_FALSE(Authenticate(kTpm, With(TpmDocument({.public_key = softtee::TpmPki::Shared().rsa_ak.SubjectPublicKeyInfo()}), quote), log));
  EXPECT_NE(FindingOf(log, Reason::kWeakHash), nullptr) << Show(log);
}

// Report and document hang on one challenge. Where none is demanded, or one of them answers another, they are two machines' for all that
// is known.
TEST(AwsSevSnp, ReportAndDocumentAnswerOneChallenge) {
  const Items both = With(Report(), TpmDocument());
  struct {
    const char* what;
    trust::Challenge challenge;
    Reason reason;
  } const cases[] = {
      {"none demanded", trust::Challenge::NotDemanded(true), Reason::kPartUnbound},
      {"another nonce", trust::Challenge::Demanded({.report_data = kReportData, .nonce = Bytes(32, 1)}), Reason::kBindingMismatch},
      {"no nonce", trust::Challenge::Demanded({.report_data = kReportData, .nonce = std::nullopt}), Reason::kBindingMismatch},
      {"another report_data", trust::Challenge::Demanded({.report_data = ByteArray<64>{}, .nonce = kNonce}), Reason::kBindingMismatch},
      {"no report_data", trust::Challenge::Demanded({.report_data = std::nullopt, .nonce = kNonce}), Reason::kBindingMismatch}};
  for (const auto& one : cases) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(kSnp, both, log, one.challenge)) << one.what;
    EXPECT_NE(FindingOf(log, one.reason), nullptr) << one.what << "\n" << Show(log);
  }
}

// Attack 124: any VLEK taken for AWS's, also with a genuine document of AWS's beside it.
TEST(AwsSevSnp, Attack124_TheVlekIsAwss) {
  for (const char* csp_id : {"CN=cc-us-east-2.googleapis.com", "CN=cc-x.y.amazonaws.com", "x"}) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(kSnp, With(Report({.signing_key = softtee::SigningKey::kVlek, .csp_id = csp_id}), TpmDocument()), log))
        << csp_id;
    EXPECT_NE(FindingOf(log, Reason::kPlatformUnrecognised), nullptr);
  }
}

TEST(NitroPlatforms, StrengthAndBoundaryAreWhatTheBindingsShow) {
  CheckLog log;
  const auto enclave = Authenticate(kEnclave, Enclave(), log), tpm = Authenticate(kTpm, With(TpmDocument(), Quote()), log),
             snp = Authenticate(kSnp, With(Report(), TpmDocument()), log);
  ASSERT_TRUE(enclave && tpm && snp) << Show(log);
  const platform::AppraisedFacts best{.boot_covered = true, .release_matched = true, .provenance = evidence::Provenance::kProven};
  for (const platform::AppraisedFacts& facts : {best, platform::AppraisedFacts{}}) {
    EXPECT_EQ(kEnclave.strength(*enclave, facts), platform::Strength::kD);
    EXPECT_EQ(kTpm.strength(*tpm, facts), platform::Strength::kD);
    EXPECT_EQ(kSnp.strength(*snp, facts), platform::Strength::kC);
    EXPECT_THAT(kEnclave.trust_boundary(*enclave, facts).features, ElementsAre(platform::Feature::kCustomImages));
    EXPECT_THAT(kTpm.trust_boundary(*tpm, facts).features, ElementsAre(platform::Feature::kCustomImages));
    EXPECT_THAT(
        kSnp.trust_boundary(*snp, facts).features,
        ElementsAre(platform::Feature::kCustomImages, platform::Feature::kMemoryEncryption, platform::Feature::kRawGuestAttestation));
    for (const platform::TrustBoundary& boundary :
         {kEnclave.trust_boundary(*enclave, facts), kTpm.trust_boundary(*tpm, facts), kSnp.trust_boundary(*snp, facts)}) {
      EXPECT_THAT(boundary.trusted_parties, Contains(HasSubstr("Nitro hypervisor")));
      EXPECT_FALSE(boundary.not_proven.empty());
    }
    EXPECT_THAT(kTpm.trust_boundary(*tpm, facts).not_proven, Contains(HasSubstr("memory is encrypted")));
  }
  EXPECT_THAT(kTpm.trust_boundary(*tpm, {}).not_proven, Contains(HasSubstr("kernel")));
  EXPECT_THAT(kTpm.trust_boundary(*tpm, best).not_proven, Not(Contains(HasSubstr("kernel"))));
  const evidence::JudgeContext nothing{.names_value = [](const void*, std::string_view, const trust::Value&) { return false; },
                                       .pins_claim = [](const void*, std::string_view) { return false; },
                                       .policy = nullptr};
  EXPECT_EQ(kEnclave.provenance(enclave->claims(), nothing), evidence::Provenance::kProven);
  EXPECT_EQ(kSnp.provenance(snp->claims(), nothing), evidence::Provenance::kInferred);
}

TEST(NitroPlatforms, KnowTheInstanceByItsModule) {
  CheckLog log;
  const auto one = Authenticate(kTpm, TpmDocument(), log), again = Authenticate(kTpm, With(TpmDocument(), Quote()), log),
             other = Authenticate(kTpm, TpmDocument({.instance_id = "i-0123456789abcdef1"}), log),
             snp = Authenticate(kSnp, With(Report(), TpmDocument()), log);
  ASSERT_TRUE(one && again && other && snp) << Show(log);
  EXPECT_EQ(one->instance_identity(), again->instance_identity());
  EXPECT_EQ(one->instance_identity(), snp->instance_identity());
  EXPECT_NE(one->instance_identity(), other->instance_identity());
  EXPECT_TRUE(kTpm.identity_hint({}, Demanded()).empty());
}

// --- from items to a verdict -------------------------------------------------------------------------------------

v1::Appraisal AppraiseBy(const appraisal::PolicyBook& book, const Items& items, const trust::Challenge& challenge = Demanded(),
                         Time at = softtee::kDefaultNow, const trust::AnchorSet& anchors = TestAnchors()) {
  const std::vector<std::string> fitting = appraisal::FittingPlatforms(BuiltinRegistry(), items);
  const appraisal::Policy* policy = nullptr;
  for (const appraisal::Policy& one : book.policies()) {
    if (fitting.size() == 1 && one.platform == fitting.front()) policy = &one;
  }
  ASSAY_CHECK(policy != nullptr);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, nullptr);
  const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = {}, .denials = {}};
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = items,
                              .platform_hint = "",
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(book, *policy),
                              .anchors = anchors,
                              .state = state,
                              .at = at,
                              .caches = nullptr});
}
v1::Appraisal AppraiseBy(const std::vector<std::pair<std::string, std::string>>& texts, const Items& items) {
  const appraisal::LoadResult loaded = appraisal::LoadPolicies(texts, BuiltinRegistry());
  for (const auto& message : loaded.messages) ADD_FAILURE() << message.ToString();
  ASSAY_CHECK(loaded.book);
  return AppraiseBy(*loaded.book, items);
}
std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}
std::string Ramp(unsigned index) {
  Bytes value;
  for (unsigned k = 0; k < 48; ++k) value.push_back(static_cast<std::uint8_t>(16 * index + k));
  return ToHex(value);
}
std::string Head(std::string_view platform, std::string_view strength) {
  return Cat("apiVersion: assay.v1\nkind: AppraisalPolicy\nname: prod\nplatform: ", platform, "\nstrength: {at_least: ", strength,
             "}\nmax_validity: 1h\nrules:\n  - {claim: nitro.debug, equals: false}\n");
}

TEST(NitroVerdicts, TheShippedPoliciesGiveAtMostWarnings) {
  const appraisal::LoadResult shipped = appraisal::LoadShippedPolicies(BuiltinRegistry());
  ASSERT_TRUE(shipped.book);
  for (const Items& items : {Enclave(), TpmDocument(), With(TpmDocument(), Quote()), With(Report(), TpmDocument())}) {
    const v1::Appraisal appraisal = AppraiseBy(*shipped.book, items);
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << appraisal.platform() << " " << Join(Reasons(appraisal), ", ");
    EXPECT_EQ(appraisal.strength(), appraisal.platform() == "aws_sev_snp" ? v1::STRENGTH_C : v1::STRENGTH_D);
  }
}

TEST(NitroVerdicts, AnEnclaveIsTrustedByItsImageAndItsRole) {
  const auto policy = [](std::string_view pcr0) {
    return Cat(Head("aws_nitro_enclave", "D"), "  - {claim: nitro.pcr0, one_of: [\"", pcr0, "\"]}\n  - {claim: nitro.pcr3, equals: \"",
               Ramp(3), "\"}\n  - {claim: nitro.timestamp, age_at_most: 5m}\nsatisfies: {boot.covered: nitro.pcr0, owner: nitro.pcr3}\n");
  };
  const v1::Appraisal good = AppraiseBy({{"policy", policy(Ramp(0))}}, Enclave());
  EXPECT_EQ(good.verdict(), v1::VERDICT_TRUSTED) << Join(Reasons(good), ", ");
  const v1::Appraisal other = AppraiseBy({{"policy", policy(Ramp(1))}}, Enclave());
  EXPECT_EQ(other.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(other), Contains("rule_failed"));
  const v1::Appraisal debug = AppraiseBy({{"policy", policy(Ramp(0))}}, Enclave({.fault = softtee::NitroFault::kDebug}));
  EXPECT_EQ(debug.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(debug), Contains("debug_enabled"));
  const v1::Appraisal expired = AppraiseBy({{"policy", policy(Ramp(0))}}, Enclave({.fault = softtee::NitroFault::kLeafExpired}));
  EXPECT_EQ(expired.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(expired), Contains("expired"));
}

TEST(NitroVerdicts, DebugTakesAWaiver) {
  const v1::Appraisal waived = AppraiseBy(
      {{"policy",
        "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: p\nplatform: aws_nitro_enclave\nrules:\n  - {claim: nitro.kind, equals: enclave}\n"
        "waive:\n  - {claim: nitro.debug, reason: development}\n  - {claim: boot.covered, reason: development}\n  - {claim: owner, reason: development}\n"}},
      Enclave({.fault = softtee::NitroFault::kDebug}));
  EXPECT_EQ(waived.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Join(Reasons(waived), ", ");
}

// GHSA-xrv8-2pf5-f3q7.
TEST(NitroVerdicts, Attack061_AnImageIsPcr4And12) {
  const std::string rules =
      Cat(Head("aws_nitro_tpm", "D"),
          "  - {claim: nitro.instance_id, one_of: [i-0123456789abcdef0]}\n  - {claim: nitro.tpm_pcr4, equals: \"", Ramp(4), "\"}\n");
  const std::string end = "satisfies: {boot.covered: nitro.tpm_pcr4, owner: nitro.instance_id}\n";
  const v1::Appraisal alone = AppraiseBy({{"policy", rules + end}}, TpmDocument());
  EXPECT_EQ(alone.verdict(), v1::VERDICT_INDETERMINATE);
  EXPECT_THAT(Reasons(alone), Contains("boot_pcrs_open"));
  const v1::Appraisal both =
      AppraiseBy({{"policy", Cat(rules, "  - {claim: nitro.tpm_pcr12, equals: \"", Ramp(12), "\"}\n", end)}}, With(TpmDocument(), Quote()));
  EXPECT_EQ(both.verdict(), v1::VERDICT_TRUSTED) << Join(Reasons(both), ", ");
  const v1::Appraisal other =
      AppraiseBy({{"policy", Cat(rules, "  - {claim: nitro.tpm_pcr12, equals: \"", std::string(96, '0'), "\"}\n", end)}}, TpmDocument());
  EXPECT_EQ(other.verdict(), v1::VERDICT_REJECTED);
}

TEST(NitroVerdicts, ANitroTpmNeverShowsMemoryEncryption) {
  std::string policy = Cat(Head("aws_nitro_tpm", "D"), "waive:\n  - {claim: boot.covered, reason: x}\n  - {claim: owner, reason: x}\n");
  policy.replace(policy.find("max_validity"), 0, "trust_boundary: {require: [memory_encryption]}\n");
  const v1::Appraisal appraisal = AppraiseBy({{"policy", policy}}, TpmDocument());
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("feature_missing"));
}

TEST(NitroVerdicts, NoFaultIsTrusted) {
  const appraisal::LoadResult shipped = appraisal::LoadShippedPolicies(BuiltinRegistry());
  for (const softtee::NitroFaultEntry& entry : softtee::AllNitroFaults()) {
    const Items items = Enclave({.fault = entry.fault});
    const appraisal::Policy* policy = shipped.book->FindPolicy("aws-nitro-enclave");
    const trust::CollateralSnapshot none;
    const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = {}, .denials = {}};
    const trust::AnchorSet anchors = TestAnchors();
    const trust::Challenge challenge = Demanded();
    const v1::Appraisal appraisal = appraisal::Appraise({.registry = BuiltinRegistry(),
                                                         .items = items,
                                                         .platform_hint = "aws_nitro_enclave",
                                                         .challenge = challenge,
                                                         .channel_bound = true,
                                                         .collateral = none,
                                                         .policies = appraisal::PolicyChoice::ForPolicy(*shipped.book, *policy),
                                                         .anchors = anchors,
                                                         .state = state,
                                                         .at = softtee::kDefaultNow,
                                                         .caches = nullptr});
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED) << entry.name;
    EXPECT_THAT(Reasons(appraisal), Contains(std::string(entry.reason))) << entry.name;
    EXPECT_FALSE(appraisal.admits());
  }
}

// --- a quote alone -------------------------------------------------------------------------------------------------

// With the key enrolled by its Name, if it is.
std::optional<trust::Bundle> AuthenticateQuote(const Items& items, CheckLog& log, bool enrolled = true) {
  const platform::Platform& platform = aws_nitro_tpm_quote::kPlatform;
  if (!platform::CheckManifest(platform, items, log)) return std::nullopt;
  const trust::EnrolledKeys keys({softtee::AkOf(softtee::TpmPki::Shared().p256_ak).Name()});
  const trust::CollateralSnapshot none;
  const trust::AnchorSet anchors = TestAnchors();
  const trust::Challenge challenge = Demanded();
  return platform.authenticate(
      items, {.anchors = anchors, .collateral = none, .challenge = challenge, .caches = nullptr, .enrolled = enrolled ? &keys : nullptr},
      log);
}
Items Sha256Quote(softtee::TpmOptions options = {}) {
  options.banks = {softtee::RampBank(softtee::kTpmSha256)};
  return Quote(std::move(options));
}

TEST(NitroTpmQuote, CountsUnderAnEnrolledKeyOnly) {
  CheckLog log;
  const auto bundle = AuthenticateQuote(Sha256Quote(), log);
  ASSERT_TRUE(bundle) << Show(log);
  EXPECT_EQ(*bundle->claims().Get<std::string>("tpm.ak_trust"), "enrolment");
  EXPECT_EQ(aws_nitro_tpm_quote::kPlatform.identity_hint(Sha256Quote(), Demanded()), bundle->instance_identity());
  EXPECT_EQ(aws_nitro_tpm_quote::kPlatform.strength(*bundle, {.boot_covered = true}), platform::Strength::kD);
  EXPECT_THAT(aws_nitro_tpm_quote::kPlatform.trust_boundary(*bundle, {}).features, ElementsAre(platform::Feature::kCustomImages));
  EXPECT_THAT(aws_nitro_tpm_quote::kPlatform.trust_boundary(*bundle, {}).not_proven, Contains(HasSubstr("one of AWS's")));
  const evidence::JudgeContext nothing{.names_value = [](const void*, std::string_view, const trust::Value&) { return false; },
                                       .pins_claim = [](const void*, std::string_view) { return true; },
                                       .policy = nullptr};
  EXPECT_EQ(aws_nitro_tpm_quote::kPlatform.provenance(bundle->claims(), nothing), evidence::Provenance::kInferred);
}

// Attack 123: any key passes where nothing vouches for it.
TEST(NitroTpmQuote, Attack123_AKeyThatNobodyEnrolledIsRefused) {
  CheckLog log;
  EXPECT_FALSE(AuthenticateQuote(Sha256Quote(), log, false));
  EXPECT_NE(FindingOf(log, Reason::kAkUnvouched), nullptr) << Show(log);
  Items bare = Sha256Quote();
  Remove(bare, tpm::kAkMediaType);
  CheckLog missing;
  EXPECT_FALSE(AuthenticateQuote(bare, missing));
  EXPECT_NE(FindingOf(missing, Reason::kItemMissing), nullptr);
  struct {
    Items items;
    Reason reason;
  } const cases[] = {
      {Sha256Quote({.change = [](softtee::TpmParts& parts) { parts.area = softtee::AkOf(parts.pki.stranger); }}), Reason::kAkUnvouched},
      {Sha256Quote({.extra_data = Bytes(32, 1)}), Reason::kBindingMismatch},
      {Sha256Quote({.fault = softtee::TpmFault::kPcrChanged}), Reason::kPcrDigestMismatch},
      {Quote(), Reason::kPcrSelectionNotDemanded},
      {With(Sha256Quote(), TpmDocument()), Reason::kItemUnexpected}};
  for (const auto& one : cases) {
    CheckLog refused;
    EXPECT_FALSE(AuthenticateQuote(one.items, refused));
    EXPECT_NE(FindingOf(refused, one.reason), nullptr) << NameOf(one.reason) << "\n" << Show(refused);
  }
}

TEST(NitroTpmQuote, Attack061_Pcr4And12AreAppraisedTogether) {
  CheckLog log;
  const auto bundle = AuthenticateQuote(Sha256Quote(), log);
  ASSERT_TRUE(bundle);
  using Pinned = std::vector<std::string>;
  struct {
    Pinned pinned;
    bool open;
  } const cases[] = {{{}, false},
                     {{"tpm.sha256_pcr4"}, true},
                     {{"tpm.sha256_pcr12"}, true},
                     {{"tpm.sha256_pcr4", "tpm.sha256_pcr12"}, false},
                     {{"tpm.sha256_pcr7"}, false}};
  for (const auto& one : cases) {
    const evidence::JudgeContext context{.names_value = [](const void*, std::string_view, const trust::Value&) { return false; },
                                         .pins_claim =
                                             [](const void* pinned, std::string_view claim) {
                                               const auto& names = *static_cast<const Pinned*>(pinned);
                                               return std::find(names.begin(), names.end(), claim) != names.end();
                                             },
                                         .policy = &one.pinned};
    CheckLog judged;
    aws_nitro_tpm_quote::kPlatform.judge(bundle->claims(), context, judged);
    EXPECT_EQ(FindingOf(judged, Reason::kBootPcrsOpen) != nullptr, one.open);
  }
}

// Appraised under the shipped policy; enrolment does not reach it here, and so the key is refused.
TEST(NitroTpmQuote, WithoutEnrolmentTheShippedPolicyRejects) {
  const appraisal::LoadResult shipped = appraisal::LoadShippedPolicies(BuiltinRegistry());
  const Items items = Sha256Quote();
  const trust::CollateralSnapshot none;
  const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = {}, .denials = {}};
  const trust::AnchorSet anchors = TestAnchors();
  const trust::Challenge challenge = Demanded();
  const v1::Appraisal appraisal =
      appraisal::Appraise({.registry = BuiltinRegistry(),
                           .items = items,
                           .platform_hint = "aws_nitro_tpm_quote",
                           .challenge = challenge,
                           .channel_bound = true,
                           .collateral = none,
                           .policies = appraisal::PolicyChoice::ForPolicy(*shipped.book, *shipped.book->FindPolicy("aws-nitro-tpm-quote")),
                           .anchors = anchors,
                           .state = state,
                           .at = softtee::kDefaultNow,
                           .caches = nullptr});
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("ak_unvouched"));
}

// --- genuine documents, under the pinned root --------------------------------------------------------------------

trust::AnchorSet PinnedRoots() { return {{nitro::kFormat.anchors.begin(), nitro::kFormat.anchors.end()}, false}; }

TEST(NitroGenuine, DocumentsOfFiveYearsLeadToThePinnedRoot) {
  ASSAY_VECTORS_OR_SKIP(dir);
  struct {
    const char* file;
    const char* at;
    const platform::Platform& platform;
    bool debug;
  } const cases[] = {{"nitro-enclave/veracruz_2022.cbor", "2022-11-09T22:52:01Z", kEnclave, false},
                     {"nitro-enclave/evervault_2022.cbor", "2022-10-13T08:58:03Z", kEnclave, false},
                     {"nitro-enclave/evervault_2022_debug.cbor", "2022-10-12T13:50:07Z", kEnclave, true},
                     {"nitro-enclave/marlin_20240410.cbor", "2024-04-10T07:09:02Z", kEnclave, false},
                     {"nitro-enclave/dstack_20251225a.cbor", "2025-12-25T13:15:38Z", kEnclave, false},
                     {"nitrotpm/vaportpm_20260203_document.cbor", "2026-02-03T10:12:03Z", kTpm, false}};
  const appraisal::LoadResult shipped = appraisal::LoadShippedPolicies(BuiltinRegistry());
  for (const auto& one : cases) {
    const Items items{{std::string(nitro::kDocumentMediaType), trust::UntrustedBytes(ReadFile(dir / "aws" / one.file))}};
    EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), items), ElementsAre(one.platform.name)) << one.file;
    const v1::Appraisal then = AppraiseBy(*shipped.book, items, trust::Challenge::NotDemanded(true), *ParseTime(one.at), PinnedRoots());
    EXPECT_EQ(then.authenticity(), v1::AUTHENTICITY_AUTHENTIC) << one.file << " " << Join(Reasons(then), ", ");
    EXPECT_EQ(then.verdict(), one.debug ? v1::VERDICT_REJECTED : v1::VERDICT_TRUSTED_WITH_WARNINGS)
        << one.file << " " << Join(Reasons(then), ", ");
    // Judged now, not at the time that the document gives for itself.
    const v1::Appraisal later =
        AppraiseBy(*shipped.book, items, trust::Challenge::NotDemanded(true), *ParseTime(one.at) + std::chrono::hours(4), PinnedRoots());
    EXPECT_EQ(later.verdict(), v1::VERDICT_REJECTED) << one.file;
    EXPECT_THAT(Reasons(later), Contains("expired")) << one.file;
    CheckLog log;
    EXPECT_FALSE(Authenticate(one.platform, items, log, trust::Challenge::NotDemanded(true))) << "the software TEE's root is none of AWS's";
    EXPECT_NE(FindingOf(log, Reason::kRootNotPinned), nullptr) << Show(log);
  }
}

}  // namespace
}  // namespace assay
