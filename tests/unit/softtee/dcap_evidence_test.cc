// Quotes and Intel's collateral as OpenSSL sees them, with literal offsets.
#include "tests/softtee/dcap_evidence.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/hex.h"
#include "base/strings.h"
#include "tests/softtee/file.h"
#include "tests/unit/softtee/openssl.h"

namespace assay::softtee {
namespace {

using testing::HasSubstr;

std::vector<X509Handle> Certificates(std::string_view pem) {
  const std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509Handle> chain;
  while (X509* certificate = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)) chain.emplace_back(certificate);
  return chain;
}

using PkeyHandle = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;

PkeyHandle KeyOfPoint(ByteView point) {
  // SubjectPublicKeyInfo of an uncompressed point of P-256, up to its coordinates.
  Bytes spki = *FromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004");
  Append(spki, point);
  const std::uint8_t* at = spki.data();
  return PkeyHandle(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
}

// r || s, big-endian, over SHA-256.
bool Verifies(EVP_PKEY* key, ByteView raw, ByteView message) {
  if (key == nullptr || raw.size() != 64) return false;
  const std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>> signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(raw.data(), 32, nullptr), BN_bin2bn(raw.data() + 32, 32, nullptr));
  std::uint8_t* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  const std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  const bool verifies = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                        EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), message.data(), message.size()) == 1;
  OPENSSL_free(der);
  return verifies;
}

struct Cut {
  ByteView signed_part, signature, attestation_key, qe_report, qe_signature, qe_data;
  std::vector<X509Handle> chain;
};

Cut CutUp(ByteView quote, QuoteKind kind) {
  static const std::map<QuoteKind, std::size_t> kSignedSize = {
      {QuoteKind::kTdxV4, 632}, {QuoteKind::kTdxV5Td10, 638}, {QuoteKind::kTdxV5Td15, 702}, {QuoteKind::kTdxV5Td15Ex, 939},
      {QuoteKind::kSgxV3, 432}, {QuoteKind::kSgxV4, 432},     {QuoteKind::kSgxV5, 438}};
  const std::size_t signed_size = kSignedSize.at(kind);
  const std::size_t at = signed_size + 4;
  const std::size_t qe = at + 128 + (kind == QuoteKind::kSgxV3 ? 0 : 6);
  const std::size_t pem = qe + 384 + 64 + 2 + 32 + 6;
  return {.signed_part = quote.first(signed_size),
          .signature = quote.subspan(at, 64),
          .attestation_key = quote.subspan(at + 64, 64),
          .qe_report = quote.subspan(qe, 384),
          .qe_signature = quote.subspan(qe + 384, 64),
          .qe_data = quote.subspan(qe + 450, 32),
          .chain = Certificates(AsText(quote.subspan(pem)))};
}

Evidence Minted(const DcapOptions& options) {
  auto evidence = MintDcap(IntelPki::Shared(), options);
  EXPECT_TRUE(evidence.ok()) << MessageOf(evidence.status());
  return evidence.ok() ? *std::move(evidence) : Evidence{};
}

std::string DocumentOf(const Evidence& evidence, std::string_view name) {
  for (const Endorsement& document : evidence.endorsements) {
    if (document.name == name) return std::string(AsText(document.der));
  }
  ADD_FAILURE() << name;
  return {};
}

TEST(DcapQuotes, EveryLinkHoldsForOpenssl) {
  for (const QuoteKind kind : AllQuoteKinds()) {
    for (const bool platform_ca : {true, false}) {
      const Evidence evidence = Minted({.kind = kind, .report_data = Ramp<64>(0x80), .platform_ca = platform_ca});
      const Bytes& quote = *evidence.Find(kQuoteType);
      const Cut cut = CutUp(quote, kind);
      ASSERT_EQ(cut.chain.size(), 3U) << NameOf(kind);
      EXPECT_EQ(VerifyPath(cut.chain[0].get(), cut.chain[1].get(), cut.chain[2].get(), kDefaultNow), "OK");
      EXPECT_THAT(OneLine(X509_get_issuer_name(cut.chain[0].get())), HasSubstr(platform_ca ? "Platform CA" : "Processor CA"));
      EXPECT_TRUE(Verifies(X509_get0_pubkey(cut.chain[0].get()), cut.qe_signature, cut.qe_report)) << NameOf(kind);
      Bytes committed = ToBytes(cut.attestation_key);
      Append(committed, cut.qe_data);
      EXPECT_EQ(ToHex(cut.qe_report.subspan(320, 32)), ToHex(Sha256(committed)));
      EXPECT_TRUE(Verifies(KeyOfPoint(cut.attestation_key).get(), cut.signature, cut.signed_part)) << NameOf(kind);
      const std::size_t report_data = cut.signed_part.size() - (kind == QuoteKind::kTdxV5Td15     ? 128U
                                                                : kind == QuoteKind::kTdxV5Td15Ex ? 365U
                                                                                                  : 64U);
      EXPECT_EQ(ToHex(cut.signed_part.subspan(report_data, 64)), ToHex(Ramp<64>(0x80))) << NameOf(kind);
      const auto extensions = ExtensionsOf(cut.chain[0].get(), "1.2.840.113741.1.13.1");
      ASSERT_EQ(extensions.size(), 1U);
      EXPECT_THAT(ToHex(extensions[0]), HasSubstr("040600806f050000"));  // FMSPC, an OCTET STRING
    }
  }
}

TEST(DcapQuotes, FieldsStandWhereIntelsTablesHaveThem) {
  DcapOptions options{.kind = QuoteKind::kTdxV5Td15};
  options.rtmr3 = Ramp<48>(0x07);
  const Evidence evidence = Minted(options);
  const ByteView body = ByteView(*evidence.Find(kQuoteType)).subspan(54);
  const std::pair<std::size_t, ByteView> kFields[] = {{136, options.mrtd},  {184, options.mrconfigid}, {232, options.mrowner},
                                                      {328, options.rtmr0}, {376, options.rtmr1},      {424, options.rtmr2},
                                                      {472, options.rtmr3}};
  for (const auto& [offset, value] : kFields) EXPECT_EQ(ToHex(body.subspan(offset, 48)), ToHex(value)) << offset;
  EXPECT_EQ(ToHex(body.subspan(120, 8)), "0000001000000000");
  EXPECT_EQ(ToHex(body.subspan(584, 16)), ToHex(body.first(16)));
}

TEST(DcapQuotes, TheOtherSVerifiesToo) {
  const Evidence evidence = Minted({.negate_s = true});
  const Cut cut = CutUp(*evidence.Find(kQuoteType), QuoteKind::kTdxV4);
  EXPECT_TRUE(Verifies(KeyOfPoint(cut.attestation_key).get(), cut.signature, cut.signed_part));
}

TEST(DcapCollateral, IsSignedByTheRootsPeople) {
  for (const unsigned version : {3U, 2U}) {
    const Evidence evidence = Minted(
        {.kind = version == 3 ? QuoteKind::kTdxV4 : QuoteKind::kSgxV3, .tcb_info_version = version, .with_evaluation_numbers = true});
    const std::vector<X509Handle> signers = Certificates(DocumentOf(evidence, "tcb_signing_chain.pem"));
    ASSERT_EQ(signers.size(), 2U);
    EXPECT_TRUE(Signed(signers[0].get(), signers[1].get()));
    EXPECT_EQ(OneLine(X509_get_subject_name(signers[1].get())), OneLine(X509_get_issuer_name(signers[1].get())));
    for (const auto& [name, member] : {std::pair("tcb_info.json", kTcbInfoMember), std::pair("qe_identity.json", kQeIdentityMember),
                                       std::pair("evaluation_numbers.json", kEvaluationNumbersMember)}) {
      const std::string text = DocumentOf(evidence, name);
      const std::string head = Cat("{\"", member, "\":"), foot = ",\"signature\":\"";
      ASSERT_TRUE(text.starts_with(head)) << text;
      const std::size_t end = text.rfind(foot);
      const std::string_view body = std::string_view(text).substr(head.size(), end - head.size());
      const auto signature = FromHex(text.substr(end + foot.size(), 128));
      ASSERT_TRUE(signature);
      EXPECT_TRUE(Verifies(X509_get0_pubkey(signers[0].get()), *signature, AsBytes(body))) << name;
    }
    const CrlHandle root_crl = ReadCrl(AsBytes(DocumentOf(evidence, "root_crl.der")));
    ASSERT_NE(root_crl, nullptr);
    EXPECT_EQ(X509_CRL_verify(root_crl.get(), X509_get0_pubkey(signers[1].get())), 1);
    EXPECT_NE(ReadCrl(AsBytes(DocumentOf(evidence, "pck_crl.der"))), nullptr);
  }
}

TEST(DcapFaults, CanEachBeMintedAndHaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const DcapFaultEntry& entry : AllDcapFaults()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(DcapFaultNamed(entry.name), entry.fault);
    EXPECT_FALSE(Minted(OptionsFor(entry.fault)).items.empty()) << entry.name;
  }
  EXPECT_EQ(DcapFaultNamed("debog"), std::nullopt);
}

TEST(DcapFaults, OptionsThatContradictEachOtherAreRefused) {
  const IntelPki& pki = IntelPki::Shared();
  for (const DcapOptions& options : std::vector<DcapOptions>{{.tcb_info_version = 2},
                                                             {.kind = QuoteKind::kSgxV3, .tcb_info_version = 4},
                                                             {.status = "Fine"},
                                                             {.status = "TDRelaunchAdvised"},
                                                             {.kind = QuoteKind::kSgxV5, .status = "TDRelaunchAdvised"},
                                                             {.kind = QuoteKind::kSgxV5, .fault = DcapFault::kDebug},
                                                             {.fault = DcapFault::kServiceTd},
                                                             {.platform_ca = false, .fault = DcapFault::kPckInstanceMissing},
                                                             {.kind = QuoteKind::kTdxV5Td15, .fault = DcapFault::kInitialTcb}}) {
    EXPECT_EQ(MintDcap(pki, options).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

class IntelPkiDirectory : public testing::Test {
 protected:
  IntelPkiDirectory() {
    std::string pattern = testing::TempDir() + "softtee-intel-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~IntelPkiDirectory() override { std::filesystem::remove_all(directory_); }
  std::string Anchors() const { return std::string(AsText(ReadFile(directory_ / kAnchorsFile).value())); }
  std::filesystem::path directory_;
};

TEST_F(IntelPkiDirectory, IsMadeOnceAndKept) {
  const IntelPki first = IntelPki::Open(directory_).value(), second = IntelPki::Open(directory_).value();
  EXPECT_EQ(AnchorsYaml(first.Anchors()), AnchorsYaml(second.Anchors()));
  EXPECT_EQ(first.KeysFor({}, true).pck.SubjectPublicKeyInfo(), second.KeysFor({}, true).pck.SubjectPublicKeyInfo());
  Machine other;
  other.ppid[0] ^= 1;
  EXPECT_NE(first.KeysFor({}, true).pck.SubjectPublicKeyInfo(), first.KeysFor(other, true).pck.SubjectPublicKeyInfo());
  EXPECT_NE(first.KeysFor({}, true).pck.SubjectPublicKeyInfo(), first.KeysFor({}, true).attestation.SubjectPublicKeyInfo());
  EXPECT_EQ(Anchors(), AnchorsYaml(first.Anchors()));
}

TEST_F(IntelPkiDirectory, AnchorsOfOtherVendorsStay) {
  const Anchor amd{"amd", "Milan", Bytes(32, 1)};
  ASSERT_TRUE(KeepAnchors(directory_, "amd", {amd}).ok());
  std::vector<Anchor> both = {amd};
  for (const Anchor& anchor : IntelPki::Open(directory_).value().Anchors()) both.push_back(anchor);
  EXPECT_EQ(Anchors(), AnchorsYaml(both));
  ASSERT_TRUE(KeepAnchors(directory_, "amd", {{"amd", "Genoa", Bytes(32, 2)}}).ok());
  EXPECT_EQ(Anchors(), AnchorsYaml({both[1], {"amd", "Genoa", Bytes(32, 2)}}));
}

TEST_F(IntelPkiDirectory, WhatIsDamagedIsRefused) {
  ASSERT_TRUE(IntelPki::Open(directory_).ok());
  ASSERT_TRUE(WriteFile(directory_ / "intel_root.key", AsBytes("not a key"), kPrivateFile).ok());
  EXPECT_EQ(IntelPki::Open(directory_).status().code(), absl::StatusCode::kInvalidArgument);
  std::filesystem::remove(directory_ / "intel_root.key");
  EXPECT_EQ(IntelPki::Open(directory_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(IntelPki::Open("/proc/nowhere").ok());
}

}  // namespace
}  // namespace assay::softtee
