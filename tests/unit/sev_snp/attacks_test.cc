// Attacks on SEV-SNP verifiers, each as the evidence that carries it: refused at authentication, for its own reason,
// and accepted without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "evidence/sev_snp/format.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/bundle.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"

namespace assay::sev_snp {
namespace {

using softtee::Fault;
using testing::Contains;
using testing::ElementsAre;

class Verifier {
 public:
  Verifier() {
    std::vector<trust::Anchor> anchors;
    for (const softtee::Product product : softtee::kProducts) {
      trust::Anchor anchor{"amd", std::string(softtee::NameOf(product)), {}};
      const Bytes digest = softtee::SnpPki::Shared().AnchorOf(product);
      std::copy(digest.begin(), digest.end(), anchor.spki_sha256.begin());
      anchors.push_back(std::move(anchor));
    }
    anchors_ = trust::AnchorSet(std::move(anchors), true);
  }

  std::optional<trust::Authenticated<Report>> Authenticate(const softtee::Evidence& sent, CheckLog& log,
                                                           trust::FactCaches* caches = nullptr) const {
    std::vector<evidence::Item> items;
    std::vector<trust::CollateralItem> collateral;
    for (const softtee::Item& item : sent.items) {
      items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
      for (auto& one : kFormat.recognise(items.back().body, trust::CollateralSource::kNode, caches)) {
        collateral.push_back(std::move(one));
      }
    }
    const trust::CollateralSnapshot snapshot(std::move(collateral));
    const trust::Challenge challenge = trust::Challenge::Demanded({.report_data = ByteArray<64>{}, .nonce = std::nullopt});
    return AuthenticateReport(items, {.anchors = anchors_, .collateral = snapshot, .challenge = challenge, .caches = caches}, log);
  }

 private:
  trust::AnchorSet anchors_{{}, true};
};

softtee::Evidence Mint(const softtee::SnpOptions& options) {
  auto evidence = softtee::MintSnp(softtee::SnpPki::Shared(), options);
  ASSAY_CHECK(evidence.ok());
  return *std::move(evidence);
}

std::vector<std::string> ReasonsOf(const CheckLog& log) {
  std::vector<std::string> reasons;
  for (const Finding& finding : log.findings()) reasons.emplace_back(NameOf(finding.reason));
  return reasons;
}

struct Attack {
  const char* name;
  std::vector<Fault> faults;
};

class SnpAttack : public testing::TestWithParam<Attack> {};

TEST_P(SnpAttack, IsRefusedForItsReason) {
  const Verifier verifier;
  for (const Fault fault : GetParam().faults) {
    const softtee::FaultEntry& entry = softtee::EntryOf(fault);
    SCOPED_TRACE(entry.name);
    softtee::SnpOptions options = softtee::OptionsFor(fault);
    CheckLog log;
    EXPECT_FALSE(verifier.Authenticate(Mint(options), log)) << entry.what;
    EXPECT_THAT(ReasonsOf(log), Contains(std::string(entry.reason)));
    // What is only missing can be fetched: undecided, and never more than that.
    EXPECT_EQ(log.HasRejection(), fault != Fault::kLeafMissing && fault != Fault::kIntermediateMissing && fault != Fault::kRootMissing);

    options.fault.reset();
    CheckLog sound;
    EXPECT_TRUE(verifier.Authenticate(Mint(options), sound)) << "without the attack";
    EXPECT_TRUE(sound.findings().empty());
  }
}

// Only the node can bring a VLEK, or what certifies a chip that it does not name.
TEST(SnpMissingLeaf, IsARejectionWhereNobodyCouldFetchIt) {
  const Verifier verifier;
  softtee::SnpOptions vlek{.signing_key = softtee::SigningKey::kVlek}, masked{.chip_id = ByteArray<64>{}}, vcek;
  for (const auto& [options, rejected] : {std::pair(&vlek, true), std::pair(&masked, true), std::pair(&vcek, false)}) {
    options->fault = Fault::kLeafMissing;
    CheckLog log;
    EXPECT_FALSE(verifier.Authenticate(Mint(*options), log));
    EXPECT_THAT(ReasonsOf(log), Contains("certificate_missing"));
    EXPECT_EQ(log.HasRejection(), rejected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Known, SnpAttack,
    testing::Values(
        Attack{"Attack001_Replay", {Fault::kOtherReportData}},
        Attack{"Attack007_VlekTakenForVcek", {Fault::kSigningKeyMismatch, Fault::kLeafKindName, Fault::kLeafHwidMissing}},
        Attack{"Attack008_TcbExtensionsMatchedLaxly",
               {Fault::kLeafExtensionPadded, Fault::kLeafExtensionNegative, Fault::kLeafExtensionTrailing, Fault::kLeafExtensionWrongType,
                Fault::kLeafExtensionTooLarge, Fault::kLeafExtensionMissing, Fault::kLeafExtensionDuplicate}},
        Attack{"Attack009_TcbOnlyFromTheReport",
               {Fault::kLeafTcbBootLoader, Fault::kLeafTcbTee, Fault::kLeafTcbSnp, Fault::kLeafTcbMicrocode, Fault::kLeafTcbFmc}},
        Attack{"Attack010_RootTrustedAsSent", {Fault::kRootSelfMade, Fault::kChainOfOtherProduct, Fault::kRootMissing}},
        Attack{"Attack011_RevocationIgnored", {Fault::kCrlRevokesIntermediate, Fault::kCrlOtherIssuerKey, Fault::kCrlGarbage}},
        Attack{"Attack013_ReservedAndUnsignedBytes",
               {Fault::kReserved04c, Fault::kReserved188, Fault::kReserved1eb, Fault::kReserved1ef, Fault::kReservedBehindLaunchTcb,
                Fault::kReservedLastSigned, Fault::kSignerInfoReserved, Fault::kTcbReserved, Fault::kRPadding, Fault::kSPadding,
                Fault::kSignatureTail, Fault::kReportExtended, Fault::kVersion1, Fault::kVersion6}},
        Attack{"Attack010_CertificateOfAnotherProduct", {Fault::kOtherProduct, Fault::kLeafProductName}},
        Attack{"Attack014_MaskedChipId", {Fault::kChipIdMasked}},
        Attack{"Attack031_MissingCertificateSkipsTheSignature", {Fault::kLeafMissing, Fault::kIntermediateMissing}},
        Attack{"Attack043_ShortInput", {Fault::kReportTruncated, Fault::kTableCutOff, Fault::kLeafGarbage}},
        Attack{"Attack064_LengthsThatPointElsewhere",
               {Fault::kTableWrap, Fault::kTablePastEnd, Fault::kTableInsideHeader, Fault::kTableOverlap, Fault::kTableEmptyValue,
                Fault::kTableNoTerminator, Fault::kTableDuplicateGuid}},
        Attack{"Attack063_AuthoritiesThatMayNotSign",
               {Fault::kIntermediateNotCa, Fault::kIntermediateNoPathLength, Fault::kIntermediateNoKeyUsage, Fault::kIntermediateCrlSign,
                Fault::kLeafCa, Fault::kLeafIssuedByRoot, Fault::kRootNoKeyUsage}},
        Attack{"Attack067_OtherSignatureAlgorithms",
               {Fault::kLeafSalt20, Fault::kLeafPssSha256, Fault::kLeafPkcs1, Fault::kIntermediateSalt20, Fault::kSignatureAlgo0}},
        Attack{"Attack074_OtherByteOrder", {Fault::kSignatureBigEndian}},
        Attack{"Attack094_HwidOptional",
               {Fault::kLeafHwidMissing, Fault::kLeafHwidOnVlek, Fault::kLeafCspIdOnVcek, Fault::kLeafCspIdMissing}},
        Attack{"Attack095_HwidCheckNeverRan", {Fault::kLeafHwidOther, Fault::kLeafHwidTagged, Fault::kLeafHwidShort, Fault::kChipIdOther}},
        Attack{"Attack097_CertificateOfAnotherTcb", {Fault::kReportedTcbOther}},
        Attack{"SignaturesThatAreNone",
               {Fault::kRZero, Fault::kSZero, Fault::kSNotBelowOrder, Fault::kSignatureDamaged, Fault::kReportChanged,
                Fault::kReportOfOtherKey, Fault::kSigningKeyNone, Fault::kSigningKeyReserved}}),
    [](const auto& tested) { return std::string(tested.param.name); });

// Attack 95: on Turin the chip id is 8 bytes long; as a prefix of 64 it would match many chips.
TEST(SnpAttacks, Attack095_TurinsShortChipIdIsComparedWhole) {
  const Verifier verifier;
  for (const std::size_t changed : {std::size_t{0}, std::size_t{7}, std::size_t{8}, std::size_t{63}}) {
    const softtee::SnpOptions options{.product = softtee::Product::kTurin};
    softtee::Evidence evidence = Mint(options);
    // The genuine certificate of one chip beside the report of another.
    softtee::SnpOptions other = options;
    other.chip_id = softtee::kDefaultChipId;
    (*other.chip_id)[changed] ^= 0x01;
    evidence.items[0] = Mint(other).items[0];
    CheckLog log;
    // Bytes behind the eighth are zero on Turin whatever was asked for.
    EXPECT_EQ(verifier.Authenticate(evidence, log).has_value(), changed >= 8) << changed;
    if (changed < 8) { EXPECT_THAT(ReasonsOf(log), Contains("hwid_mismatch")); }
  }
}

// Attacks 11 and 19: an old list that knows nothing yet does not cover a newer one, nor the reverse.
TEST(SnpAttacks, Attack011_EveryAuthenticListCounts) {
  const Verifier verifier;
  const softtee::SnpPki& pki = softtee::SnpPki::Shared();
  const auto product = softtee::Product::kMilan;
  const softtee::Key& ark = pki.KeyOf(softtee::Authority::kArk, product);
  const Bytes ask_serial = softtee::SnpPki::DescribeAuthority(softtee::Authority::kAsk, product, ark, ark).serial;
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{2}}) {  // the evidence's own list has number 1
    softtee::RevocationList list = pki.DescribeCrl(product, softtee::kDefaultNow);
    list.number = number;
    softtee::Evidence evidence = Mint({});
    evidence.items.push_back({std::string(kCrlMediaType), list.SignedBy(ark)});
    CheckLog clean;
    EXPECT_TRUE(verifier.Authenticate(evidence, clean)) << number;
    list.revoked_serials = {ask_serial};
    evidence.items.back().body = list.SignedBy(ark);
    CheckLog log;
    EXPECT_FALSE(verifier.Authenticate(evidence, log)) << number;
    EXPECT_THAT(ReasonsOf(log), Contains("certificate_revoked"));
  }
}

// Attack 71: a list of somebody else's neither revokes nor counts as checked.
TEST(SnpAttacks, Attack071_AForgedListBesideARealOneChangesNothing) {
  const Verifier verifier;
  const softtee::SnpPki& pki = softtee::SnpPki::Shared();
  const auto product = softtee::Product::kMilan;
  const softtee::Key& ark = pki.KeyOf(softtee::Authority::kArk, product);
  softtee::RevocationList list = pki.DescribeCrl(product, softtee::kDefaultNow);
  list.revoked_serials = {softtee::SnpPki::DescribeAuthority(softtee::Authority::kAsk, product, ark, ark).serial};
  softtee::Evidence evidence = Mint({});
  evidence.items.push_back({std::string(kCrlMediaType), list.SignedBy(pki.StrangerKey())});
  CheckLog log;
  EXPECT_TRUE(verifier.Authenticate(evidence, log));
  EXPECT_THAT(ReasonsOf(log), ElementsAre("crl_not_authentic")) << "a note, not a rejection";
  EXPECT_FALSE(log.HasRejection());
}

// Attack 42: a check that did not run is not shown as passed.
TEST(SnpAttacks, Attack042_RevocationThatWasNotCheckedIsShownAsSkipped) {
  const Verifier verifier;
  CheckLog log;
  const auto report = verifier.Authenticate(Mint({.with_crl = false}), log);
  ASSERT_TRUE(report);
  const auto record =
      std::find_if(log.records().begin(), log.records().end(), [](const CheckRecord& one) { return one.check == Check::kSnpRevocation; });
  ASSERT_NE(record, log.records().end());
  EXPECT_EQ(record->result, CheckResult::kSkipped);
  EXPECT_TRUE(std::none_of(log.records().begin(), log.records().end(),
                           [](const CheckRecord& one) { return one.check == Check::kSnpCrlSignature; }));
  const auto bundle = trust::Bundle::Carry(*report, trust::Challenge::NotDemanded(true), log);
  ASSERT_TRUE(bundle);
  EXPECT_FALSE(*bundle->claims().Get<bool>("snp.revocation_checked"));
}

// Attacks 13 and 100: no byte of a report is without meaning. One bit of each byte in turn, with and without warm
// caches.
TEST(SnpAttacks, Attack013_EveryByteOfTheReportCounts) {
  const Verifier verifier;
  trust::FactCaches caches(16);
  const softtee::Evidence sound = Mint({});
  CheckLog first;
  ASSERT_TRUE(verifier.Authenticate(sound, first, &caches));
  for (std::size_t at = 0; at < softtee::kReportSize; ++at) {
    softtee::Evidence changed = sound;
    ASSERT_EQ(changed.items[0].media_type, kReportMediaType);
    changed.items[0].body[at] = static_cast<std::uint8_t>(changed.items[0].body[at] ^ 1U << at % 8);
    CheckLog log;
    EXPECT_FALSE(verifier.Authenticate(changed, log, &caches)) << at;
    EXPECT_TRUE(log.HasRejection()) << at;
  }
}

}  // namespace
}  // namespace assay::sev_snp
