// The platforms that consist of one SEV-SNP report, on evidence that the software TEE mints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "platform/aws_sev_snp_report/platform.h"
#include "platform/qemu_sev_snp/platform.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/collateral.h"

namespace assay::platform {
namespace {

using evidence::Provenance;
using softtee::SigningKey;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const Platform& kQemu = qemu_sev_snp::kPlatform;
const Platform& kAws = aws_sev_snp_report::kPlatform;
constexpr ByteArray<64> kDemanded = softtee::Ramp<64>(0x80);

std::vector<evidence::Item> Mint(softtee::SnpOptions options) {
  options.report_data = kDemanded;
  const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  ASSAY_CHECK(minted.ok());
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : minted->items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  return items;
}
const softtee::SnpOptions kVlek{.signing_key = SigningKey::kVlek};

trust::AnchorSet Anchors() {
  std::vector<trust::Anchor> anchors;
  for (const softtee::Product product : softtee::kProducts) {
    trust::Anchor anchor{"amd", std::string(softtee::NameOf(product)), {}};
    const Bytes digest = softtee::SnpPki::Shared().AnchorOf(product);
    std::copy(digest.begin(), digest.end(), anchor.spki_sha256.begin());
    anchors.push_back(std::move(anchor));
  }
  return trust::AnchorSet(std::move(anchors), true);
}

std::optional<trust::Bundle> Authenticate(const Platform& platform, const std::vector<evidence::Item>& items, CheckLog& log,
                                          const ByteArray<64>& demanded = kDemanded) {
  std::vector<trust::CollateralItem> collateral;
  for (const evidence::Item& item : items) {
    for (trust::CollateralItem& one : sev_snp::kFormat.recognise(item.body, trust::CollateralSource::kNode, nullptr)) {
      collateral.push_back(std::move(one));
    }
  }
  const trust::AnchorSet anchors = Anchors();
  const trust::CollateralSnapshot snapshot(std::move(collateral));
  const trust::Challenge challenge = trust::Challenge::Demanded({.report_data = demanded, .nonce = std::nullopt});
  return platform.authenticate(items, {.anchors = anchors, .collateral = snapshot, .challenge = challenge, .caches = nullptr}, log);
}
trust::Bundle Authentic(const Platform& platform, const softtee::SnpOptions& options) {
  CheckLog log;
  auto bundle = Authenticate(platform, Mint(options), log);
  EXPECT_TRUE(bundle) << (log.findings().empty() ? std::string() : Describe(log.findings()[0]));
  return std::move(bundle).value();
}

std::vector<Reason> ReasonsOf(const CheckLog& log) {
  std::vector<Reason> reasons;
  for (const Finding& finding : log.findings()) reasons.push_back(finding.reason);
  return reasons;
}

TEST(SnpPlatforms, AuthenticateTheirOwnEvidence) {
  for (const softtee::Product product : softtee::kProducts) {
    for (const auto delivery : {softtee::SnpOptions::Delivery::kTable, softtee::SnpOptions::Delivery::kSeparateItems}) {
      const softtee::SnpOptions vcek{.product = product, .delivery = delivery};
      const softtee::SnpOptions vlek{.product = product, .signing_key = SigningKey::kVlek, .delivery = delivery};
      for (const auto& [platform, options] : {std::pair(&kQemu, vcek), std::pair(&kAws, vlek)}) {
        const std::vector<evidence::Item> items = Mint(options);
        CheckLog log;
        EXPECT_TRUE(CheckManifest(*platform, items, log));
        EXPECT_TRUE(platform->fits(items));
        const auto bundle = Authenticate(*platform, items, log);
        ASSERT_TRUE(bundle) << platform->name;
        EXPECT_TRUE(log.findings().empty());
        EXPECT_EQ(bundle->freshness(), trust::Freshness::kProven);
        EXPECT_EQ(bundle->instance_identity().size(), 32U);
      }
    }
  }
}

// Attacks 7 and 94: a provider's key passed off as the chip's own, and the reverse.
TEST(SnpPlatforms, Attack007_RefuseTheOtherKindOfKey) {
  struct Mixed {
    const Platform& platform;
    softtee::SnpOptions options;
  };
  for (const Mixed& mixed : {Mixed{kQemu, kVlek}, Mixed{kAws, {}}}) {
    const std::vector<evidence::Item> items = Mint(mixed.options);
    EXPECT_FALSE(mixed.platform.fits(items));
    CheckLog log;
    EXPECT_FALSE(Authenticate(mixed.platform, items, log)) << mixed.platform.name;
    EXPECT_THAT(ReasonsOf(log), Contains(Reason::kPlatformUnrecognised));
    EXPECT_TRUE(log.HasRejection());
  }
}

TEST(SnpPlatforms, FitOnlyAReportThatSaysWhoseKeySignedIt) {
  std::vector<evidence::Item> cut = Mint({});
  for (evidence::Item& item : cut) {
    if (item.media_type == sev_snp::kReportMediaType) item.body = trust::UntrustedBytes(Bytes(1183, 0));
  }
  std::vector<evidence::Item> none = Mint({});
  std::erase_if(none, [](const evidence::Item& item) { return item.media_type == sev_snp::kReportMediaType; });
  for (const Platform* platform : {&kQemu, &kAws}) {
    EXPECT_FALSE(platform->fits(cut));
    EXPECT_FALSE(platform->fits(none));
    EXPECT_FALSE(platform->fits({}));
    CheckLog log;
    EXPECT_FALSE(Authenticate(*platform, none, log));
    EXPECT_THAT(ReasonsOf(log), Contains(Reason::kItemMissing));
  }
}

// Attack 124: any VLEK taken for AWS's.
TEST(SnpPlatforms, Attack124_OnlyAnAwsCspIdIsAws) {
  for (const char* csp_id : {"CN=cc-us-east-2.amazonaws.com", "CN=cc-eu-west-1.amazonaws.com"}) {
    softtee::SnpOptions options = kVlek;
    options.csp_id = csp_id;
    EXPECT_EQ(*Authentic(kAws, options).claims().Get<std::string>("snp.csp_id"), csp_id);
  }
  for (const char* csp_id :
       {"CN=cc-us-east-2.googleapis.com", "CN=cc-us-east-2.amazonaws.com.example.org", "CN=example.org", "CN=cc-.amazonaws.com",
        "cc-us-east-2.amazonaws.com", "CN=us-east-2.amazonaws.com", "CN=cc-us-east-2amazonaws.com", "CN=cc-us-east-2.amazonaws.com ",
        " CN=cc-us-east-2.amazonaws.com", "CN=cc-US-EAST-2.amazonaws.com", "CN=cc-x.example.org,O=.amazonaws.com",
        "CN=cc-x.y.amazonaws.com", "CN=cc-.amazonaws.co", "x"}) {
    softtee::SnpOptions options = kVlek;
    options.csp_id = csp_id;
    CheckLog log;
    EXPECT_FALSE(Authenticate(kAws, Mint(options), log)) << csp_id;
    EXPECT_THAT(ReasonsOf(log), Contains(Reason::kPlatformUnrecognised)) << csp_id;
  }
}

// Attacks 1 and 4: genuine evidence that answers somebody else's challenge.
TEST(SnpPlatforms, Attack001_ReplayedEvidenceIsRefused) {
  ByteArray<64> other = kDemanded;
  other[63] ^= 0x01;
  for (const auto& [platform, options] : {std::pair(&kQemu, softtee::SnpOptions{}), std::pair(&kAws, kVlek)}) {
    CheckLog log;
    EXPECT_FALSE(Authenticate(*platform, Mint(options), log, other));
    EXPECT_THAT(ReasonsOf(log), Contains(Reason::kBindingMismatch));
  }
}

// Who the instance is: REPORT_ID, and nothing that changes while the guest runs or that guests share.
TEST(SnpPlatforms, InstanceIdentityIsTheReportId) {
  const softtee::SnpOptions options{.report_id = softtee::Ramp<32>(0x01)};
  const Bytes identity = Authentic(kQemu, options).instance_identity();
  softtee::SnpOptions same = options;
  same.chip_id = softtee::Ramp<64>(0x31);
  same.measurement = softtee::Ramp<48>(0x02);
  EXPECT_EQ(Authentic(kQemu, same).instance_identity(), identity);
  softtee::SnpOptions other = options;
  (*other.report_id)[31] ^= 0x01;
  EXPECT_NE(Authentic(kQemu, other).instance_identity(), identity) << "attack 90: two guests of one chip are two instances";
  EXPECT_NE(Bytes(other.report_id->begin(), other.report_id->end()), identity) << "hashed under its name";
}

// ECDSA is malleable: n - s verifies as well as s. Nothing that identifies the evidence may hang on the signature's
// bytes.
TEST(SnpPlatforms, TheOtherOfTwoValidSignaturesChangesNothing) {
  std::vector<evidence::Item> items = Mint({});
  CheckLog log;
  const auto bundle = Authenticate(kQemu, items, log);
  Bytes report = ToBytes(items[0].body.Read().TakeRest());
  softtee::NegateS(report);
  items[0].body = trust::UntrustedBytes(report);
  const auto twin = Authenticate(kQemu, items, log);
  ASSERT_TRUE(bundle && twin);
  EXPECT_EQ(twin->instance_identity(), bundle->instance_identity());
  ASSERT_EQ(twin->claims().all().size(), bundle->claims().all().size());
  for (std::size_t i = 0; i < twin->claims().all().size(); ++i) {
    EXPECT_EQ(twin->claims().all()[i].name, bundle->claims().all()[i].name);
    EXPECT_EQ(twin->claims().all()[i].value, bundle->claims().all()[i].value);
  }
}

TEST(SnpPlatforms, StrengthNeedsACoveredBoot) {
  const trust::Bundle vcek = Authentic(kQemu, {}), vlek = Authentic(kAws, kVlek);
  EXPECT_EQ(kQemu.strength(vcek, {.boot_covered = true}), Strength::kA);
  EXPECT_EQ(kQemu.strength(vcek, {}), Strength::kC);
  EXPECT_EQ(kQemu.strength(vcek, {.release_matched = true, .provenance = Provenance::kProven}), Strength::kC)
      << "attack 16: nothing else makes up for it";
  // AWS measures firmware only, whatever a policy says of it.
  EXPECT_EQ(kAws.strength(vlek, {.boot_covered = true, .release_matched = true, .provenance = Provenance::kProven}), Strength::kC);
  EXPECT_EQ(kAws.strength(vlek, {}), Strength::kC);
}

TEST(SnpPlatforms, TrustBoundaryShowsWhatTheFactsShow) {
  const trust::Bundle vcek = Authentic(kQemu, {}), vlek = Authentic(kAws, kVlek);
  for (unsigned bits = 0; bits < 8; ++bits) {
    const AppraisedFacts facts{.boot_covered = (bits & 1) != 0,
                               .release_matched = (bits & 2) != 0,
                               .provenance = (bits & 4) != 0 ? Provenance::kProven : Provenance::kInferred};
    for (const auto& [platform, bundle] : {std::pair(&kQemu, &vcek), std::pair(&kAws, &vlek)}) {
      SCOPED_TRACE(Cat(platform->name, " ", bits));
      const TrustBoundary boundary = platform->trust_boundary(*bundle, facts);
      const std::set<Feature> features(boundary.features.begin(), boundary.features.end());
      EXPECT_TRUE(std::is_sorted(boundary.features.begin(), boundary.features.end()));
      EXPECT_EQ(features.size(), boundary.features.size());
      EXPECT_TRUE(features.contains(Feature::kMemoryEncryption));
      EXPECT_EQ(features.contains(Feature::kReviewableFirmware), facts.release_matched);
      EXPECT_EQ(features.contains(Feature::kMeasuredBoot), platform == &kQemu && facts.boot_covered);
      EXPECT_THAT(boundary.trusted_parties, Contains(HasSubstr("AMD")));
      EXPECT_FALSE(boundary.not_proven.empty()) << "attack 16: a verdict says what it does not cover";
    }
    const TrustBoundary own = kQemu.trust_boundary(vcek, facts);
    const auto operator_trusted = Contains(HasSubstr("whoever operates the machine"));
    if (facts.provenance == Provenance::kProven) EXPECT_THAT(own.trusted_parties, Not(operator_trusted));
    else EXPECT_THAT(own.trusted_parties, operator_trusted);
    EXPECT_THAT(kAws.trust_boundary(vlek, facts).not_proven, Contains(HasSubstr("kernel"))) << "attack 125";
    EXPECT_THAT(kAws.trust_boundary(vlek, facts).trusted_parties, Contains(HasSubstr("AWS")));
  }
}

// Attacks 15, 52 and 98: who runs the machine is known only where the policy lists its chips, or the provider's key.
TEST(SnpPlatforms, Attack052_ProvenanceNeedsThePinOfTheRightClaim) {
  struct Pinned {
    const char* name;
    const Platform& platform;
    softtee::SnpOptions options;
    std::set<std::string_view> pins;
    Provenance expected;
  };
  softtee::SnpOptions vlek_with_chip = kVlek;
  vlek_with_chip.chip_id = softtee::kDefaultChipId;
  for (const Pinned& pinned : std::vector<Pinned>{
           {"chip listed", kQemu, {}, {"snp.chip_id"}, Provenance::kProven},
           {"provider listed", kAws, kVlek, {"snp.csp_id"}, Provenance::kProven},
           {"nothing pinned", kQemu, {}, {}, Provenance::kInferred},
           {"VCEK, but only a provider listed", kQemu, {}, {"snp.csp_id"}, Provenance::kInferred},
           {"other claims pinned", kQemu, {}, {"snp.measurement", "snp.report_id", "snp.host_data"}, Provenance::kInferred},
           {"VLEK, nothing pinned", kAws, kVlek, {}, Provenance::kInferred},
           {"VLEK, but only chips listed", kAws, kVlek, {"snp.chip_id"}, Provenance::kInferred},
           {"VLEK that shows a chip id, which no certificate vouches for", kAws, vlek_with_chip, {"snp.chip_id"}, Provenance::kInferred},
       }) {
    const trust::Bundle bundle = Authentic(pinned.platform, pinned.options);
    const evidence::JudgeContext context{
        .names_value = [](const void*, std::string_view, const trust::Value&) { return false; },
        .pins_claim = [](const void* policy,
                         std::string_view claim) { return static_cast<const std::set<std::string_view>*>(policy)->contains(claim); },
        .policy = &pinned.pins};
    EXPECT_EQ(pinned.platform.provenance(bundle.claims(), context), pinned.expected) << pinned.name;
  }
}

TEST(SnpPlatforms, HaveTheirOwnNamesAndManifests) {
  EXPECT_EQ(kQemu.name, "qemu_sev_snp");
  EXPECT_EQ(kAws.name, "aws_sev_snp_report");
  for (const Platform* platform : {&kQemu, &kAws}) {
    std::set<std::string_view> types;
    for (const ManifestEntry& entry : platform->manifest) {
      EXPECT_TRUE(types.insert(entry.media_type).second);
      EXPECT_LE(entry.least, entry.most);
      EXPECT_LE(entry.most, 8U) << "attack 138";
    }
    EXPECT_TRUE(types.contains(sev_snp::kReportMediaType));
    EXPECT_FALSE(platform->summary.empty());
  }
}

}  // namespace
}  // namespace assay::platform
