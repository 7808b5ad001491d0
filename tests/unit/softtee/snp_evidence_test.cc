#include "tests/softtee/snp_evidence.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/finding.h"
#include "base/hex.h"
#include "base/reader.h"
#include "tests/unit/softtee/openssl.h"

namespace assay::softtee {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> MediaTypes(const Evidence& evidence) {
  std::vector<std::string> types;
  for (const Item& item : evidence.items) types.push_back(item.media_type);
  return types;
}

const Bytes* Endorsed(const Evidence& evidence, std::string_view name) {
  for (const Endorsement& endorsement : evidence.endorsements) {
    if (endorsement.name == name) return &endorsement.der;
  }
  return nullptr;
}
// VCEK or VLEK, ASK or ASVK, ARK: whichever is there.
const Bytes* Endorsed(const Evidence& evidence, std::string_view name, std::string_view other) {
  const Bytes* der = Endorsed(evidence, name);
  return der != nullptr ? der : Endorsed(evidence, other);
}

// --- evidence without fault ---

struct Flavour {
  Product product;
  std::uint32_t version;
  SigningKey signing_key;
};
class Honest : public testing::TestWithParam<Flavour> {};
INSTANTIATE_TEST_SUITE_P(Flavours, Honest,
                         testing::Values(Flavour{Product::kMilan, 2, SigningKey::kVcek}, Flavour{Product::kMilan, 3, SigningKey::kVcek},
                                         Flavour{Product::kMilan, 3, SigningKey::kVlek}, Flavour{Product::kGenoa, 4, SigningKey::kVcek},
                                         Flavour{Product::kGenoa, 5, SigningKey::kVlek}, Flavour{Product::kTurin, 5, SigningKey::kVcek},
                                         Flavour{Product::kTurin, 3, SigningKey::kVlek}));

TEST_P(Honest, VerifiesFromReportToRoot) {
  const Flavour flavour = GetParam();
  const bool vlek = flavour.signing_key == SigningKey::kVlek;
  const Evidence evidence =
      MintSnp(SnpPki::Shared(),
              {.product = flavour.product, .version = flavour.version, .signing_key = flavour.signing_key, .report_data = Ramp<64>(0x80)})
          .value();
  ASSERT_THAT(MediaTypes(evidence), ElementsAre(kReportType, kCertTableType));

  const X509Handle leaf = ReadCertificate(*Endorsed(evidence, vlek ? "vlek" : "vcek"));
  const X509Handle intermediate = ReadCertificate(*Endorsed(evidence, vlek ? "asvk" : "ask"));
  const X509Handle root = ReadCertificate(*Endorsed(evidence, "ark"));
  EXPECT_EQ(VerifyPath(leaf.get(), intermediate.get(), root.get(), kDefaultNow), "OK");
  const CrlHandle crl = ReadCrl(*Endorsed(evidence, "crl"));
  EXPECT_EQ(X509_CRL_verify(crl.get(), X509_get0_pubkey(root.get())), 1);

  Bytes report = *evidence.Find(kReportType);
  EXPECT_TRUE(ReportVerifies(report, X509_get0_pubkey(leaf.get())));
  EXPECT_EQ(ToHex(ByteView(report).subspan(0x050, 64)), ToHex(Ramp<64>(0x80)));
  EXPECT_EQ(report[0x048], vlek ? 0x04 : 0x00);
  // REPORTED_TCB as certified.
  const ByteView tcb = ByteView(report).subspan(0x180, 8);
  EXPECT_EQ(Bytes(tcb.begin(), tcb.end()), ToBytes(Encode(flavour.product, DefaultTcb(flavour.product))));
  for (const std::size_t other : {0x038u, 0x1E0u, 0x1F0u}) EXPECT_TRUE(Equal(tcb, ByteView(report).subspan(other, 8)));
  const ByteView chip_id = ByteView(report).subspan(0x1A0, 64);
  if (vlek) {
    EXPECT_TRUE(AllZero(chip_id));
  } else {
    const Bytes hwid = ExtensionsOf(leaf.get(), "1.3.6.1.4.1.3704.1.4").at(0);
    EXPECT_TRUE(Equal(hwid, chip_id.first(hwid.size())));
    EXPECT_TRUE(hwid.size() == 64 || AllZero(chip_id.subspan(hwid.size())));
  }

  // Every signed byte counts, and s may be negated.
  for (const std::size_t at : {0x000u, 0x090u, 0x29Fu}) {
    report[at] ^= 0x01;
    EXPECT_FALSE(ReportVerifies(report, X509_get0_pubkey(leaf.get()))) << at;
    report[at] ^= 0x01;
  }
  const Bytes before = report;
  NegateS(report);
  EXPECT_NE(report, before);
  EXPECT_TRUE(ReportVerifies(report, X509_get0_pubkey(leaf.get())));
}

TEST(SnpEvidence, DefaultsAreTheDocumentedOnes) {
  const Evidence evidence = MintSnp(SnpPki::Shared(), {}).value();
  const Bytes& report = *evidence.Find(kReportType);
  const auto hex = [&](std::size_t offset, std::size_t size) { return ToHex(ByteView(report).subspan(offset, size)); };
  EXPECT_EQ(hex(0x000, 4), "03000000");
  EXPECT_EQ(hex(0x008, 8), "0000030000000000");
  EXPECT_EQ(hex(0x030, 4), "00000000");
  EXPECT_EQ(hex(0x034, 4), "01000000");
  EXPECT_EQ(hex(0x040, 8), "2500000000000000");
  EXPECT_EQ(hex(0x090, 4), "a0a1a2a3");
  EXPECT_EQ(hex(0x0C0, 4), "10111213");
  EXPECT_EQ(hex(0x0E0, 4), "40414243");
  EXPECT_EQ(hex(0x160, 32), std::string(64, 'f'));
  EXPECT_EQ(hex(0x180, 8), "0400000000001bdb");
  EXPECT_EQ(hex(0x188, 3), "190101");
  EXPECT_EQ(hex(0x1A0, 4), "01020304");
}

TEST(SnpEvidence, ReportIdFollowsTheChip) {
  const auto report_id = [](SnpOptions options) {
    const Evidence evidence = MintSnp(SnpPki::Shared(), options).value();
    return ToHex(ByteView(*evidence.Find(kReportType)).subspan(0x140, 32));
  };
  EXPECT_EQ(report_id({}), report_id({}));
  EXPECT_NE(report_id({}), report_id({.chip_id = Ramp<64>(0x02)}));
  EXPECT_EQ(report_id({.report_id = Ramp<32>(0x33)}), ToHex(Ramp<32>(0x33)));
}

TEST(SnpEvidence, DeliversSeparateItems) {
  const Evidence evidence = MintSnp(SnpPki::Shared(), {.delivery = SnpOptions::Delivery::kSeparateItems}).value();
  EXPECT_THAT(MediaTypes(evidence), ElementsAre(kReportType, kCertificateType, kCertificateType, kCertificateType, kCrlType));
  const Evidence without = MintSnp(SnpPki::Shared(), {.delivery = SnpOptions::Delivery::kSeparateItems, .with_crl = false}).value();
  EXPECT_THAT(MediaTypes(without), ElementsAre(kReportType, kCertificateType, kCertificateType, kCertificateType));
}

TEST(SnpEvidence, TableHoldsDerOrPem) {
  const Evidence der = MintSnp(SnpPki::Shared(), {}).value();
  const Evidence pem = MintSnp(SnpPki::Shared(), {.pem_in_table = true}).value();
  EXPECT_EQ((*der.Find(kCertTableType))[0x78], 0x30);
  EXPECT_THAT(std::string(AsText(*pem.Find(kCertTableType))),
              testing::AllOf(HasSubstr("-----BEGIN CERTIFICATE-----\n"), HasSubstr("-----END X509 CRL-----\n")));
}

TEST(SnpEvidence, RefusesContradictions) {
  const SnpOptions refused[] = {
      {.version = 1},
      {.version = 6},
      {.product = Product::kTurin, .version = 2},
      {.signing_key = SigningKey::kVlek, .fault = Fault::kLeafHwidOther},
      {.signing_key = SigningKey::kVlek, .fault = Fault::kChipIdMasked},
      {.fault = Fault::kLeafCspIdMissing},
      {.fault = Fault::kLeafTcbFmc},
      {.version = 2, .fault = Fault::kUnknownProduct},
      {.delivery = SnpOptions::Delivery::kSeparateItems, .fault = Fault::kTableWrap},
  };
  for (const SnpOptions& options : refused) {
    EXPECT_EQ(MintSnp(SnpPki::Shared(), options).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// --- faults ---

// Everything about a certificate but its signature's random bytes.
std::string Fingerprint(const Bytes* der, const Bytes* issuer_der) {
  if (der == nullptr) return "none";
  const X509Handle certificate = ReadCertificate(*der);
  if (certificate == nullptr) return "unreadable";
  const X509Handle issuer = issuer_der == nullptr ? nullptr : ReadCertificate(*issuer_der);
  std::uint8_t* signed_part = nullptr;
  const int size = i2d_re_X509_tbs(certificate.get(), &signed_part);
  std::string text = ToHex({signed_part, static_cast<std::size_t>(size)});
  OPENSSL_free(signed_part);
  return text + (issuer == nullptr ? " no issuer" : Signed(certificate.get(), issuer.get()) ? " signed" : " not signed");
}

std::string FingerprintOfCrl(const Bytes* der, const Bytes* issuer_der) {
  if (der == nullptr) return "none";
  const CrlHandle list = ReadCrl(*der);
  if (list == nullptr) return "unreadable";
  const X509Handle issuer = ReadCertificate(*issuer_der);
  std::uint8_t* signed_part = nullptr;
  const int size = i2d_re_X509_CRL_tbs(list.get(), &signed_part);
  std::string text = ToHex({signed_part, static_cast<std::size_t>(size)});
  OPENSSL_free(signed_part);
  return text + (X509_CRL_verify(list.get(), X509_get0_pubkey(issuer.get())) == 1 ? " signed" : " not signed");
}

std::string FingerprintOfReport(const Bytes& report, const Key& key) {
  if (report.size() != 1184) return std::to_string(report.size()) + " bytes";
  const Bytes der = key.SubjectPublicKeyInfo();
  const std::uint8_t* at = der.data();
  const std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>> handle(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  return ToHex(ByteView(report).first(0x2A0)) + (ReportVerifies(report, handle.get()) ? " signed " : " not signed ") +
         ToHex(ByteView(report).subspan(0x2D0, 24)) + ToHex(ByteView(report).subspan(0x318));
}

// Judged against what the PKI itself holds, so that one changed part does not make its neighbours look changed.
std::map<std::string, std::string> FingerprintsOf(const Evidence& evidence, const SnpOptions& options) {
  const SnpPki& pki = SnpPki::Shared();
  const bool vlek = options.signing_key == SigningKey::kVlek;
  const Tcb tcb = DefaultTcb(options.product);
  ByteArray<64> chip_id = kDefaultChipId;
  if (options.product == Product::kTurin) std::fill(chip_id.begin() + 8, chip_id.end(), std::uint8_t{0});
  const Key key = vlek ? pki.VlekKey(options.product, options.csp_id, tcb) : pki.VcekKey(options.product, chip_id, tcb);
  const Bytes& intermediate = pki.CertificateOf(vlek ? Authority::kAsvk : Authority::kAsk, options.product);
  const Bytes& root = pki.CertificateOf(Authority::kArk, options.product);
  const Bytes& table = *evidence.Find(kCertTableType);
  return {{"report", FingerprintOfReport(*evidence.Find(kReportType), key)},
          {"leaf", Fingerprint(Endorsed(evidence, "vcek", "vlek"), &intermediate)},
          {"intermediate", Fingerprint(Endorsed(evidence, "ask", "asvk"), &root)},
          {"root", Fingerprint(Endorsed(evidence, "ark"), &root)},
          {"crl", FingerprintOfCrl(Endorsed(evidence, "crl"), &root)},
          {"table", ToHex(ByteView(table).first(std::min<std::size_t>(table.size(), 120))) + std::to_string(table.size())}};
}

// Which parts a fault touches. The table's rows follow from the values' lengths, so they count only where nothing else does.
std::set<std::string> PartsOf(Fault fault) {
  switch (fault) {
    case Fault::kLeafWrongIntermediate: return {"leaf", "intermediate"};
    case Fault::kIntermediateRsa2048:
    case Fault::kIntermediateOrganization: return {"leaf", "intermediate"};
    case Fault::kRootMissing:
    case Fault::kRootNoKeyUsage: return {"root"};
    case Fault::kRootSelfMade: return {"intermediate", "root", "crl"};
    case Fault::kChainOfOtherProduct: return {"leaf", "intermediate", "root"};
    default: break;
  }
  if (fault < Fault::kLeafMissing) return {"report"};
  if (fault < Fault::kIntermediateMissing) return {"leaf"};
  if (fault < Fault::kRootMissing) return {"intermediate"};
  if (fault < Fault::kTableOverlap) return {"crl"};
  return {"table"};
}

TEST(Faults, EachChangesWhatItSaysAndNothingElse) {
  std::map<std::pair<Product, SigningKey>, std::map<std::string, std::string>> honest_fingerprints;
  for (const FaultEntry& entry : AllFaults()) {
    SCOPED_TRACE(std::string(entry.name));
    const SnpOptions faulty = OptionsFor(entry.fault);
    SnpOptions honest = faulty;
    honest.fault.reset();
    const absl::StatusOr<Evidence> evidence = MintSnp(SnpPki::Shared(), faulty);
    ASSERT_TRUE(evidence.ok()) << evidence.status();
    auto& expected = honest_fingerprints[{honest.product, honest.signing_key}];
    if (expected.empty()) expected = FingerprintsOf(MintSnp(SnpPki::Shared(), honest).value(), honest);
    const auto actual = FingerprintsOf(*evidence, honest);
    std::set<std::string> changed;
    for (const auto& [part, fingerprint] : expected) {
      if (part != "table" && actual.at(part) != fingerprint) changed.insert(part);
    }
    if (changed.empty() && actual.at("table") != expected.at("table")) changed.insert("table");
    EXPECT_EQ(changed, PartsOf(entry.fault));
  }
}

TEST(Faults, HonestEvidenceHasOneFingerprint) {
  EXPECT_EQ(FingerprintsOf(MintSnp(SnpPki::Shared(), {}).value(), {}), FingerprintsOf(MintSnp(SnpPki::Shared(), {}).value(), {}));
}

TEST(Faults, TableIsCompleteAndNamesAreUnique) {
  std::set<std::string_view> names;
  std::size_t index = 0;
  for (const FaultEntry& entry : AllFaults()) {
    EXPECT_EQ(static_cast<std::size_t>(entry.fault), index++);
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(FaultNamed(entry.name), entry.fault);
    EXPECT_EQ(EntryOf(entry.fault).name, entry.name);
    EXPECT_FALSE(entry.what.empty());
  }
  EXPECT_EQ(index, static_cast<std::size_t>(Fault::kTableCutOff) + 1);
  EXPECT_EQ(FaultNamed("debugg"), std::nullopt);
  EXPECT_EQ(FaultNamed(""), std::nullopt);
}

TEST(Faults, ReasonsAreReasons) {
  std::set<std::string_view> reasons;
  for (const ReasonEntry& entry : AllReasons()) reasons.insert(entry.name);
  for (const FaultEntry& entry : AllFaults()) EXPECT_EQ(reasons.count(entry.reason), 1u) << entry.name << ": " << entry.reason;
}

// What OpenSSL itself says of chains that are broken in ways it looks at.
TEST(Faults, OpensslSeesBrokenChains) {
  const struct {
    Fault fault;
    std::string error;
  } rows[] = {
      {Fault::kLeafExpired, "certificate has expired"},
      {Fault::kLeafNotYetValid, "certificate is not yet valid"},
      {Fault::kLeafOtherIssuerKey, "certificate signature failure"},
      {Fault::kIntermediateNotCa, "invalid CA certificate"},
      {Fault::kIntermediateExpired, "certificate has expired"},
      {Fault::kIntermediateOtherIssuerKey, "certificate signature failure"},
      // Sound as chains; only a profile or a pin can refuse them.
      {Fault::kLeafSalt20, "OK"},
      {Fault::kLeafPssSha256, "OK"},
      {Fault::kLeafPkcs1, "OK"},
      {Fault::kLeafOrganization, "OK"},
      {Fault::kLeafWrongIntermediate, "OK"},
      {Fault::kIntermediateNoPathLength, "OK"},
      {Fault::kIntermediateNoKeyUsage, "OK"},
      {Fault::kIntermediateSalt20, "OK"},
      {Fault::kIntermediateRsa2048, "OK"},
      {Fault::kIntermediateOrganization, "OK"},
      {Fault::kRootSelfMade, "OK"},
      {Fault::kRootNoKeyUsage, "OK"},
      {Fault::kChainOfOtherProduct, "OK"},
  };
  for (const auto& row : rows) {
    const Evidence evidence = MintSnp(SnpPki::Shared(), OptionsFor(row.fault)).value();
    const X509Handle leaf = ReadCertificate(*Endorsed(evidence, "vcek"));
    const X509Handle intermediate = ReadCertificate(*Endorsed(evidence, "ask", "asvk"));
    const X509Handle root = ReadCertificate(*Endorsed(evidence, "ark"));
    ASSERT_TRUE(leaf && intermediate && root) << EntryOf(row.fault).name;
    EXPECT_EQ(VerifyPath(leaf.get(), intermediate.get(), root.get(), kDefaultNow), row.error) << EntryOf(row.fault).name;
  }
}

// Report faults but those of the signature are signed: the layout or the values are wrong, not the signature.
TEST(Faults, ReportFaultsAreSignedUnlessTheSignatureIsTheFault) {
  const std::set<Fault> unsigned_faults = {Fault::kRZero,
                                           Fault::kSZero,
                                           Fault::kSNotBelowOrder,
                                           Fault::kRPadding,
                                           Fault::kSPadding,
                                           Fault::kSignatureBigEndian,
                                           Fault::kSignatureDamaged,
                                           Fault::kReportChanged,
                                           Fault::kReportOfOtherKey};
  for (const FaultEntry& entry : AllFaults()) {
    if (entry.fault >= Fault::kLeafMissing) break;
    const Evidence evidence = MintSnp(SnpPki::Shared(), OptionsFor(entry.fault)).value();
    const X509Handle leaf = ReadCertificate(*Endorsed(evidence, "vcek", "vlek"));
    const bool verifies = ReportVerifies(*evidence.Find(kReportType), X509_get0_pubkey(leaf.get()));
    EXPECT_EQ(verifies, unsigned_faults.count(entry.fault) == 0) << entry.name;
  }
}

}  // namespace
}  // namespace assay::softtee
