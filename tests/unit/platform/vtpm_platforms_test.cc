// gcp_shielded_vm and azure_trusted_launch on genuine evidence: quotes, certificates and logs of real machines, under the pinned roots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/format.h"
#include "platform/azure_trusted_launch/platform.h"
#include "platform/binding/vtpm.h"
#include "platform/gcp_shielded_vm/platform.h"
#include "registry/builtin_registry.h"
#include "tests/vectors_dir.h"

namespace assay {
namespace {

using test::ReadFile;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// The first registers of the SHA-256 bank as an item, from {bank: {index: hex}}; a multiple of eight.
Bytes PcrItem(const Bytes& file, unsigned count = 24) {
  const auto tree = json::Parse(AsText(file));
  Bytes item = {0, 0, 0, 1, 0, 0x0B, 3, 0, 0, 0};
  for (unsigned i = 0; i < count / 8; ++i) item[7 + i] = 0xFF;
  for (unsigned index = 0; index < count; ++index) Append(item, *FromHex(*tree->Find("sha256")->Find(std::to_string(index))->AsString()));
  return item;
}
Bytes QuoteItem(const Bytes& attest, const Bytes& signature) {
  Bytes item = {static_cast<std::uint8_t>(attest.size() >> 8), static_cast<std::uint8_t>(attest.size() & 0xFF)};
  Append(item, attest);
  Append(item, signature);
  return item;
}

struct Evidence {
  std::vector<evidence::Item> items;
  Bytes nonce;
  Time at{};

  Bytes& Replace(std::string_view media_type, Bytes body) {
    const auto item = std::find_if(items.begin(), items.end(), [&](const evidence::Item& one) { return one.media_type == media_type; });
    ASSAY_CHECK(item != items.end());
    item->body = trust::UntrustedBytes(body);
    scratch = std::move(body);
    return scratch;
  }
  void Remove(std::string_view media_type) {
    std::erase_if(items, [&](const evidence::Item& one) { return one.media_type == media_type; });
  }
  void Add(std::string_view media_type, Bytes body) { items.push_back({std::string(media_type), trust::UntrustedBytes(std::move(body))}); }
  Bytes scratch = {};
};

// A machine of 2021: the older hierarchy, with a log.
Evidence Cos85(const std::filesystem::path& dir) {
  const std::filesystem::path vtpm = dir / "gcp/vtpm";
  Evidence evidence{.items = {}, .nonce = {0x90, 0x09}, .at = *ParseTime("2025-01-01T00:00:00Z")};
  evidence.Add(tpm::kQuoteMediaType, QuoteItem(ReadFile(vtpm / "gce-cos-85-nonce9009_quote_sha256.attest"),
                                               ReadFile(vtpm / "gce-cos-85-nonce9009_quote_sha256.sig.tpmt")));
  evidence.Add(tpm::kPcrsMediaType, PcrItem(ReadFile(vtpm / "gce-cos-85-nonce9009_pcrs.json")));
  evidence.Add(tcg_log::kTcgEventLogMediaType, ReadFile(vtpm / "gce-cos-85-nonce9009_eventlog.bin"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(vtpm / "gce-cos-85-nonce9009_akcert.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(dir / "gcp/roots/tpm_ek_intermediate_2.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(dir / "gcp/roots/tpm_ek_root_1.der"));
  return evidence;
}
// A machine of 2026: the newer hierarchy, no log.
Evidence C3(const std::filesystem::path& dir) {
  const std::filesystem::path vtpm = dir / "gcp/vtpm";
  Evidence evidence{.items = {},
                    .nonce = *FromHex("6424632e79ec068f2189adf46d121b9a10f758c45a18c52f630da14600d4317b"),
                    .at = *ParseTime("2026-03-01T00:00:00Z")};
  evidence.Add(tpm::kQuoteMediaType, QuoteItem(ReadFile(vtpm / "vaportpm_c3_tdx_20260203_quote.attest"),
                                               ReadFile(vtpm / "vaportpm_c3_tdx_20260203_quote.sig.tpmt")));
  evidence.Add(tpm::kPcrsMediaType, PcrItem(ReadFile(vtpm / "vaportpm_c3_tdx_20260203_pcrs.json")));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(vtpm / "vaportpm_c3_tdx_20260203_akcert.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(vtpm / "vaportpm_c3_tdx_20260203_akcert_intermediate.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(dir / "gcp/roots/gcp_ek_ak_ca_root.der"));
  return evidence;
}
// Genuine both, and of two keys: Microsoft's certificate, and a quote by another key of the guest.
Evidence TrustedLaunch(const std::filesystem::path& dir) {
  const std::filesystem::path from = dir / "azure/trusted_launch";
  Evidence evidence{.items = {},
                    .nonce = *FromHex("0efb4d54837cedf4f66dd77ffcb32a4d4bd315dffd6cbfa5977e4c018c1f372a"),
                    .at = *ParseTime("2026-09-01T00:00:00Z")};
  evidence.Add(tpm::kQuoteMediaType, QuoteItem(ReadFile(from / "quote.attest"), ReadFile(from / "quote.sig")));
  evidence.Add(tpm::kPcrsMediaType, PcrItem(ReadFile(from / "pcrs.json"), 8));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(from / "akcert_0x01C101D0.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(dir / "azure/roots/global_virtual_tpm_ca_03.der"));
  evidence.Add(tpm::kCertificateMediaType, ReadFile(dir / "azure/roots/azure_virtual_tpm_root_2023.der"));
  return evidence;
}

trust::AnchorSet PinnedRoots() { return {{tpm::kFormat.anchors.begin(), tpm::kFormat.anchors.end()}, false}; }

v1::Appraisal AppraiseBy(const appraisal::PolicyBook& book, const Evidence& evidence, std::vector<appraisal::Denial> denials = {}) {
  const std::vector<std::string> fitting = appraisal::FittingPlatforms(BuiltinRegistry(), evidence.items);
  const appraisal::Policy* policy = nullptr;
  for (const appraisal::Policy& one : book.policies()) {
    if (fitting.size() == 1 && one.platform == fitting.front()) policy = &one;
  }
  trust::Challenge::Values values;
  values.nonce = evidence.nonce;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), evidence.items, {}, nullptr);
  const trust::AnchorSet anchors = PinnedRoots();
  const appraisal::StateSnapshot state{.not_before = {}, .instance = {}, .floors = {}, .denials = std::move(denials)};
  ASSAY_CHECK(policy != nullptr);
  return appraisal::Appraise({.registry = BuiltinRegistry(),
                              .items = evidence.items,
                              .platform_hint = "",
                              .challenge = challenge,
                              .channel_bound = true,
                              .collateral = snapshot,
                              .policies = appraisal::PolicyChoice::ForPolicy(book, *policy),
                              .anchors = anchors,
                              .state = state,
                              .at = evidence.at,
                              .caches = nullptr});
}
v1::Appraisal Appraise(const Evidence& evidence) { return AppraiseBy(*appraisal::LoadShippedPolicies(BuiltinRegistry()).book, evidence); }

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}
std::string ClaimOf(const v1::Appraisal& appraisal, std::string_view name) {
  for (const v1::Claim& claim : appraisal.claims()) {
    if (claim.name() == name) return claim.ShortDebugString();
  }
  return "absent";
}

std::optional<trust::Bundle> Authenticate(const platform::Platform& platform, const Evidence& evidence, CheckLog& log) {
  trust::Challenge::Values values;
  values.nonce = evidence.nonce;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), evidence.items, {}, nullptr);
  const trust::AnchorSet anchors = PinnedRoots();
  if (!platform::CheckManifest(platform, evidence.items, log)) return std::nullopt;
  return platform.authenticate(evidence.items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr},
                               log);
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

TEST(GcpShieldedVm, QuotePcrsAndLogHangTogether) {
  ASSAY_VECTORS_OR_SKIP(dir);
  CheckLog log;
  const auto bundle = Authenticate(gcp_shielded_vm::kPlatform, Cos85(dir), log);
  ASSERT_TRUE(bundle) << Show(log);
  ASSERT_EQ(bundle->parts().size(), 3U);
  EXPECT_TRUE(bundle->parts()[0].carrier);
  EXPECT_EQ(bundle->parts()[1].vouched_by, "tpm-quote");
  EXPECT_EQ(bundle->parts()[2].vouched_by, "tpm-pcrs");
  EXPECT_EQ(bundle->instance_identity().size(), 32U);
  EXPECT_EQ(*bundle->claims().Get<std::string>("gce.project_id"), "google.com:wuale-gcp-testing");
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.secure_boot"), "true");
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.bank"), "sha256");
  EXPECT_EQ(*bundle->claims().Get<std::string>("log.firmware_version"), "GCE Virtual Firmware v1");
  EXPECT_THAT(*bundle->claims().Get<std::string>("log.kernel_cmdline"), HasSubstr("/syslinux/vmlinuz.A"));
  EXPECT_EQ(gcp_shielded_vm::kPlatform.strength(
                *bundle, {.boot_covered = true, .release_matched = true, .provenance = evidence::Provenance::kProven}),
            platform::Strength::kD);
  const platform::TrustBoundary boundary =
      gcp_shielded_vm::kPlatform.trust_boundary(*bundle, {.boot_covered = true, .release_matched = true});
  EXPECT_THAT(boundary.features, testing::ElementsAre(platform::Feature::kCustomImages));
  EXPECT_THAT(boundary.not_proven, Contains(HasSubstr("memory is encrypted")));
  EXPECT_THAT(boundary.not_proven, Not(Contains(HasSubstr("no event log"))));
}

TEST(GcpShieldedVm, AnAbsentLogIsTold) {
  ASSAY_VECTORS_OR_SKIP(dir);
  CheckLog log;
  const auto bundle = Authenticate(gcp_shielded_vm::kPlatform, C3(dir), log);
  ASSERT_TRUE(bundle) << Show(log);
  const Finding* finding = FindingOf(log, Reason::kLogAbsent);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->effect, Effect::kNote);
  const auto record =
      std::find_if(log.records().begin(), log.records().end(), [](const CheckRecord& one) { return one.check == Check::kLogPcrReplay; });
  ASSERT_NE(record, log.records().end());
  EXPECT_EQ(record->result, CheckResult::kSkipped);
  EXPECT_EQ(bundle->claims().Find("log.secure_boot"), nullptr);
  EXPECT_EQ(*bundle->claims().Get<std::string>("gce.project_id"), "lockboot");
  const platform::TrustBoundary boundary = gcp_shielded_vm::kPlatform.trust_boundary(*bundle, {});
  EXPECT_THAT(boundary.not_proven, Contains(HasSubstr("no event log")));
  // The shipped policy has a rule on the log: absence never passes.
  const v1::Appraisal appraisal = Appraise(C3(dir));
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("log_absent"));
  EXPECT_THAT(Reasons(appraisal), Contains("ak_attributes_unseen"));
  EXPECT_EQ(ClaimOf(appraisal, "log.secure_boot"), "absent");
}

TEST(GcpShieldedVm, ABannedCertificateIsRefusedWhereverItStandsInThePath) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Evidence evidence = C3(dir);
  const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(BuiltinRegistry());
  std::size_t banned = 0;
  for (const evidence::Item& item : evidence.items) {
    if (item.media_type != tpm::kCertificateMediaType) continue;
    const Bytes der = ToBytes(item.body.Read().TakeRest());
    const auto certificate = crypto::Certificate::FromDer(der, "banned");
    ASSERT_TRUE(certificate);
    const v1::Appraisal appraisal =
        AppraiseBy(*loaded.book, evidence,
                   {{appraisal::Denial::Of::kCertificate, ToBytes(certificate->public_key().spki_sha256()), "banned by alice"}});
    EXPECT_THAT(Reasons(appraisal), Contains("certificate_denied")) << certificate->SubjectText();
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
    ++banned;
  }
  EXPECT_EQ(banned, 3u);
}

TEST(GcpShieldedVm, IsRefusedForItsReason) {
  ASSAY_VECTORS_OR_SKIP(dir);
  struct Changed {
    const char* name;
    std::function<void(Evidence&)> change;
    Reason reason;
  };
  const auto flip = [&](std::string_view media_type, std::size_t from_end) {
    return [media_type, from_end](Evidence& evidence) {
      const auto item = std::find_if(evidence.items.begin(), evidence.items.end(),
                                     [&](const evidence::Item& one) { return one.media_type == media_type; });
      Bytes body = ToBytes(item->body.Read().TakeRest());
      body[body.size() - from_end] ^= 1;
      item->body = trust::UntrustedBytes(body);
    };
  };
  for (const Changed& c : {
           Changed{"another challenge", [](Evidence& evidence) { evidence.nonce[0] ^= 1; }, Reason::kBindingMismatch},
           Changed{"a PCR value", flip(tpm::kPcrsMediaType, 1), Reason::kPcrDigestMismatch},
           Changed{"a bit of the signature", flip(tpm::kQuoteMediaType, 1), Reason::kSignatureInvalid},
           Changed{"the log of another machine",
                   [&](Evidence& evidence) {
                     evidence.Replace(tcg_log::kTcgEventLogMediaType, ReadFile(dir / "gcp/eventlogs/cos101_sev_eventlog.bin"));
                   },
                   Reason::kEventLogMismatch},
           Changed{"a log that is cut off",
                   [](Evidence& evidence) {
                     Bytes body = ToBytes(evidence.items[2].body.Read().TakeRest());
                     body.resize(body.size() - 3);
                     evidence.items[2].body = trust::UntrustedBytes(body);
                   },
                   Reason::kLengthWrong},
           Changed{"no values", [](Evidence& evidence) { evidence.Remove(tpm::kPcrsMediaType); }, Reason::kItemMissing},
           Changed{"no certificate", [](Evidence& evidence) { evidence.Remove(tpm::kCertificateMediaType); }, Reason::kItemMissing},
           Changed{"a second log", [](Evidence& evidence) { evidence.items.push_back(evidence.items[2]); }, Reason::kItemDuplicate},
           Changed{"the log of a TDX guest",
                   [](Evidence& evidence) { evidence.items[2].media_type = std::string(tcg_log::kCcelMediaType); },
                   Reason::kItemUnexpected},
       }) {
    Evidence evidence = Cos85(dir);
    c.change(evidence);
    CheckLog log;
    EXPECT_FALSE(Authenticate(gcp_shielded_vm::kPlatform, evidence, log)) << c.name;
    EXPECT_NE(FindingOf(log, c.reason), nullptr) << c.name << "\n" << Show(log);
  }
}

// A quote over SHA-1, or over SHA-384 alone, is as genuine; the platform demands SHA-256 and gets it.
TEST(GcpShieldedVm, DemandsEveryRegisterOfSha256) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const std::string bank : {"sha1", "sha384"}) {
    Evidence evidence = Cos85(dir);
    evidence.Replace(tpm::kQuoteMediaType, QuoteItem(ReadFile(dir / Cat("gcp/vtpm/gce-cos-85-nonce9009_quote_", bank, ".attest")),
                                                     ReadFile(dir / Cat("gcp/vtpm/gce-cos-85-nonce9009_quote_", bank, ".sig.tpmt"))));
    CheckLog log;
    EXPECT_FALSE(Authenticate(gcp_shielded_vm::kPlatform, evidence, log)) << bank;
    const auto record = std::find_if(log.records().begin(), log.records().end(),
                                     [](const CheckRecord& one) { return one.check == Check::kTpmSelectionDemanded; });
    ASSERT_NE(record, log.records().end());
    EXPECT_EQ(record->result, CheckResult::kFailed);
  }
}

// One name, several keys: with another of Google's intermediates there is no path, with both there is.
TEST(GcpShieldedVm, IntermediatesOfOneNameAreToldApartByTheirKeys) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Bytes another = ReadFile(dir / "gcp/roots/gcp_ek_ak_ca_intermediate_v3.der");
  Evidence both = C3(dir);
  both.items.insert(both.items.begin(), {std::string(tpm::kCertificateMediaType), trust::UntrustedBytes(another)});
  CheckLog log;
  EXPECT_TRUE(Authenticate(gcp_shielded_vm::kPlatform, both, log)) << Show(log);
  Evidence wrong = C3(dir);
  wrong.items[3].body = trust::UntrustedBytes(another);
  CheckLog refused;
  EXPECT_FALSE(Authenticate(gcp_shielded_vm::kPlatform, wrong, refused));
  EXPECT_NE(FindingOf(refused, Reason::kChainBroken), nullptr) << Show(refused);
}

std::string ProdPolicy() {
  return R"(apiVersion: assay.v1
kind: AppraisalPolicy
name: prod
platform: gcp_shielded_vm
strength: {at_least: D}
max_validity: 1h
rules:
  - {claim: tpm.ak_trust, equals: certificate}
  - {claim: gce.is_production, equals: true}
  - {claim: gce.project_number, one_of: [232923608972]}
  - {claim: gce.project_id, equals: lockboot}
  - {release: images}
satisfies: {boot.covered: tpm.sha256_pcr4, owner: gce.project_id}
waive: [{claim: tpm.revocation, reason: the list is not among the vectors}]
)";
}
std::string Images(std::string_view pcr4, std::string_view warn) {
  return Cat("apiVersion: assay.v1\nkind: ReferenceValues\nname: images\nreleases:\n  - {name: \"1\", values: {tpm.sha256_pcr4: \"", pcr4,
             "\"}", warn, "}\n");
}
std::string PcrOf(const std::filesystem::path& dir, unsigned index) {
  const auto tree = json::Parse(AsText(ReadFile(dir / "gcp/vtpm/vaportpm_c3_tdx_20260203_pcrs.json")));
  return *tree->Find("sha256")->Find(std::to_string(index))->AsString();
}

TEST(GcpShieldedVm, GoldenPcrsDecideOrWarn) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const auto verdict = [&](const std::string& images) {
    const appraisal::LoadResult loaded = appraisal::LoadPolicies({{"policy", ProdPolicy()}, {"images", images}}, BuiltinRegistry());
    for (const auto& message : loaded.messages) ADD_FAILURE() << message.ToString();
    return AppraiseBy(*loaded.book, C3(dir));
  };
  const std::string pcr4 = PcrOf(dir, 4), pcr0 = PcrOf(dir, 0), other(64, '7');
  const v1::Appraisal good = verdict(Images(pcr4, Cat(", warn: {tpm.sha256_pcr0: \"", pcr0, "\"}")));
  EXPECT_EQ(good.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << Join(Reasons(good), ", ");  // the waiver
  EXPECT_THAT(Reasons(good), Not(Contains("release_value_differs")));
  EXPECT_EQ(good.release(), "1");
  const v1::Appraisal warned = verdict(Images(pcr4, Cat(", warn: {tpm.sha256_pcr0: \"", other, "\"}")));
  EXPECT_EQ(warned.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  EXPECT_THAT(Reasons(warned), Contains("release_value_differs"));
  const v1::Appraisal refused = verdict(Images(other, ""));
  EXPECT_EQ(refused.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(refused), Contains("release_unknown"));
}

TEST(GcpShieldedVm, AVtpmNeverShowsMemoryEncryption) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::string policy = ProdPolicy();
  policy.replace(policy.find("max_validity"), 0, "trust_boundary: {require: [memory_encryption]}\n");
  const appraisal::LoadResult loaded =
      appraisal::LoadPolicies({{"policy", policy}, {"images", Images(PcrOf(dir, 4), "")}}, BuiltinRegistry());
  ASSERT_TRUE(loaded.book) << loaded.messages.front().ToString();
  const v1::Appraisal appraisal = AppraiseBy(*loaded.book, C3(dir));
  EXPECT_EQ(appraisal.verdict(), v1::VERDICT_REJECTED);
  EXPECT_THAT(Reasons(appraisal), Contains("feature_missing"));
}

TEST(AzureTrustedLaunch, AGenuineCertificateDoesNotVouchForAnotherKeysQuote) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const Evidence evidence = TrustedLaunch(dir);
  trust::Challenge::Values values;
  values.nonce = evidence.nonce;
  const trust::Challenge challenge = trust::Challenge::Demanded(values);
  const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), evidence.items, {}, nullptr);
  const trust::AnchorSet anchors = PinnedRoots();
  CheckLog log;
  EXPECT_FALSE(platform::AuthenticateVtpm(evidence.items, tpm::kMicrosoftProfile, nullptr,
                                          {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log));
  EXPECT_NE(FindingOf(log, Reason::kSignatureInvalid), nullptr) << Show(log);
  for (const CheckRecord& record : log.records()) {
    EXPECT_TRUE(record.check == Check::kTpmSignature || record.result != CheckResult::kFailed) << NameOf(record.check);
  }
  // It is of eight registers only: the platform itself does not come as far as the signature.
  CheckLog refused;
  EXPECT_FALSE(Authenticate(azure_trusted_launch::kPlatform, evidence, refused));
  EXPECT_TRUE(std::any_of(refused.records().begin(), refused.records().end(), [](const CheckRecord& one) {
    return one.check == Check::kTpmSelectionDemanded && one.result == CheckResult::kFailed;
  }));
}

TEST(AzureTrustedLaunch, IsTheProvidersWordAlone) {
  ASSAY_VECTORS_OR_SKIP(dir);
  CheckLog log;
  const auto bundle = Authenticate(gcp_shielded_vm::kPlatform, C3(dir), log);  // any will do
  ASSERT_TRUE(bundle);
  const platform::AppraisedFacts best{.boot_covered = true, .release_matched = true, .provenance = evidence::Provenance::kProven};
  EXPECT_EQ(azure_trusted_launch::kPlatform.strength(*bundle, best), platform::Strength::kD);
  EXPECT_THAT(azure_trusted_launch::kPlatform.trust_boundary(*bundle, best).features,
              testing::ElementsAre(platform::Feature::kCustomImages));
}

TEST(VtpmPlatforms, AreToldApartByTheirCertificates) {
  ASSAY_VECTORS_OR_SKIP(dir);
  EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), Cos85(dir).items), testing::ElementsAre("gcp_shielded_vm"));
  EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), C3(dir).items), testing::ElementsAre("gcp_shielded_vm"));
  EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), TrustedLaunch(dir).items), testing::ElementsAre("azure_trusted_launch"));
  // Google's certificate is none of Microsoft's, whatever the platform that was named.
  CheckLog log;
  EXPECT_FALSE(Authenticate(azure_trusted_launch::kPlatform, C3(dir), log));
  EXPECT_TRUE(log.HasRejection());
}

// Offline the certificate lies among the collateral: the only one, or the one for the public area that the node sent.
TEST(VtpmPlatforms, TakeASuppliedCertificateWhereThereIsOnlyOne) {
  ASSAY_VECTORS_OR_SKIP(dir);
  Evidence evidence = Cos85(dir);
  std::vector<evidence::Item> certificates;
  for (const evidence::Item& item : evidence.items) {
    if (item.media_type == tpm::kCertificateMediaType) certificates.push_back(item);
  }
  evidence.Remove(tpm::kCertificateMediaType);
  const auto authenticate = [&](const std::vector<evidence::Item>& supplied, CheckLog& log) {
    trust::Challenge::Values values;
    values.nonce = evidence.nonce;
    const trust::Challenge challenge = trust::Challenge::Demanded(values);
    const trust::CollateralSnapshot snapshot = appraisal::GatherCollateral(BuiltinRegistry(), supplied, {}, nullptr);
    const trust::AnchorSet anchors = PinnedRoots();
    return gcp_shielded_vm::kPlatform.authenticate(
        evidence.items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log);
  };
  CheckLog log;
  EXPECT_TRUE(authenticate(certificates, log)) << Show(log);
  certificates.push_back(
      {std::string(tpm::kCertificateMediaType), trust::UntrustedBytes(ReadFile(dir / "gcp/vtpm/vaportpm_c3_tdx_20260203_akcert.der"))});
  CheckLog ambiguous;
  EXPECT_FALSE(authenticate(certificates, ambiguous));
  EXPECT_NE(FindingOf(ambiguous, Reason::kItemMissing), nullptr);
  evidence.Add(tpm::kAkMediaType, [&] {
    const Bytes area = ReadFile(dir / "gcp/vtpm/gce-cos-85-nonce9009_akpub.tpmt");
    Bytes item = {static_cast<std::uint8_t>(area.size() >> 8), static_cast<std::uint8_t>(area.size() & 0xFF)};
    Append(item, area);
    return item;
  }());
  CheckLog told;
  EXPECT_TRUE(authenticate(certificates, told)) << Show(told);
  EXPECT_THAT(appraisal::FittingPlatforms(BuiltinRegistry(), evidence.items),
              testing::ElementsAre("aws_nitro_tpm_quote", "azure_trusted_launch", "gcp_shielded_vm", "qemu_vtpm"));
}

TEST(VtpmPlatforms, KnowTheInstanceByItsKeyOnly) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const trust::Challenge challenge = trust::Challenge::NotDemanded(true);
  CheckLog log;
  const auto bundle = Authenticate(gcp_shielded_vm::kPlatform, Cos85(dir), log);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(gcp_shielded_vm::kPlatform.identity_hint(Cos85(dir).items, challenge), bundle->instance_identity());
  EXPECT_NE(gcp_shielded_vm::kPlatform.identity_hint(C3(dir).items, challenge), bundle->instance_identity());
}

}  // namespace
}  // namespace assay
