#include "tests/softtee/snp_pki.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "base/hex.h"
#include "tests/softtee/der.h"
#include "tests/softtee/file.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/unit/softtee/openssl.h"

namespace assay::softtee {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kArc = "1.3.6.1.4.1.3704.1.";

std::string Oid(std::string_view suffix) { return std::string(kArc) + std::string(suffix); }

// The OIDs below AMD's arc in the order in which they stand.
std::vector<std::string> Suffixes(const X509* certificate) {
  std::vector<std::string> found;
  for (int i = 0; i < X509_get_ext_count(certificate); ++i) {
    char text[80];
    OBJ_obj2txt(text, sizeof text, X509_EXTENSION_get_object(X509_get_ext(certificate, i)), 1);
    found.push_back(std::string(text).substr(std::min(kArc.size(), std::string_view(text).size())));
  }
  return found;
}

// signatureAlgorithm in DER, as AMD writes it: RSASSA-PSS with SHA-384, MGF1 with SHA-384, salt 48.
constexpr std::string_view kPss =
    "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130";
constexpr std::string_view kPssWithTrailer =
    "304606092a864886f70d01010a3039a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130a303020101";

std::string AlgorithmOf(const X509* certificate) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_ALGOR(algorithm, &der);
  const std::string hex = ToHex({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return hex;
}

class OfProduct : public testing::TestWithParam<Product> {
 protected:
  X509Handle Read(Authority authority) const { return ReadCertificate(SnpPki::Shared().CertificateOf(authority, GetParam())); }
  std::string Line() const { return std::string(NameOf(GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(Products, OfProduct, testing::ValuesIn(kProducts),
                         [](const auto& info) { return std::string(NameOf(info.param)); });

TEST_P(OfProduct, AuthoritiesHaveAmdsForm) {
  const std::string line = Line();
  const struct {
    Authority authority;
    std::string common_name;
    std::uint32_t usage;
    long path_length;
    long serial;
    std::string crl;
  } expected[] = {
      {Authority::kArk, "ARK-" + line, KU_KEY_CERT_SIGN | KU_CRL_SIGN, -1, 0x0000, "/vcek/v1/"},
      {Authority::kAsk, "SEV-" + line, KU_KEY_CERT_SIGN, 0, 0x0001, "/vcek/v1/"},
      {Authority::kAsvk, "SEV-VLEK-" + line, KU_KEY_CERT_SIGN, 0, 0x0101, "/vlek/v1/"},
  };
  const X509Handle ark = Read(Authority::kArk);
  for (const auto& row : expected) {
    SCOPED_TRACE(row.common_name);
    const X509Handle certificate = Read(row.authority);
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(OneLine(X509_get_subject_name(certificate.get())),
              "OU = Engineering, C = US, L = Santa Clara, ST = CA, O = Advanced Micro Devices, CN = " + row.common_name);
    EXPECT_EQ(OneLine(X509_get_issuer_name(certificate.get())), OneLine(X509_get_subject_name(ark.get())));
    EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
    EXPECT_EQ(X509_get_key_usage(certificate.get()), row.usage);
    EXPECT_EQ(X509_get_pathlen(certificate.get()), row.path_length);
    EXPECT_NE(X509_get_extension_flags(certificate.get()) & EXFLAG_CA, 0u);
    EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get())), (static_cast<long>(GetParam()) + 1) * 0x10000 + row.serial);
    EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(certificate.get())), 4096);
    EXPECT_EQ(AlgorithmOf(certificate.get()), kPssWithTrailer);
    EXPECT_TRUE(Signed(certificate.get(), ark.get()));
    const std::vector<Bytes> points = ExtensionsOf(certificate.get(), "2.5.29.31");
    ASSERT_EQ(points.size(), 1u);
    EXPECT_THAT(std::string(AsText(points[0])), HasSubstr(row.crl + line + "/crl"));
  }
}

TEST_P(OfProduct, VcekHasAmdsForm) {
  const SnpPki& pki = SnpPki::Shared();
  const bool turin = GetParam() == Product::kTurin;
  const Tcb tcb{.fmc = 0x11, .boot_loader = 0x22, .tee = 0x33, .snp = 0x44, .microcode = 0xDB};
  const X509Handle leaf = ReadCertificate(pki.MintVcek(GetParam(), kDefaultChipId, tcb, kDefaultNow));
  ASSERT_NE(leaf, nullptr);
  EXPECT_THAT(OneLine(X509_get_subject_name(leaf.get())), testing::EndsWith("O = Advanced Micro Devices, CN = SEV-VCEK"));
  EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(leaf.get())), 0);
  EXPECT_EQ(AlgorithmOf(leaf.get()), kPss);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_get0_pubkey(leaf.get())), 384);
  if (turin) {
    EXPECT_THAT(Suffixes(leaf.get()), ElementsAre("1", "2", "3.9", "3.1", "3.2", "3.3", "3.5", "3.6", "3.7", "3.8", "4"));
  } else {
    EXPECT_THAT(Suffixes(leaf.get()), ElementsAre("1", "2", "3.1", "3.2", "3.4", "3.5", "3.6", "3.7", "3.3", "3.8", "4"));
  }
  const auto value = [&](std::string_view suffix) { return ToHex(ExtensionsOf(leaf.get(), Oid(suffix)).at(0)); };
  EXPECT_EQ(value("1"), turin ? "020101" : "020100");
  EXPECT_EQ(value("2"), ToHex(der::Ia5String(GetParam() == Product::kMilan ? "Milan-B0" : Line())));
  EXPECT_EQ(value("3.1"), "020122");
  EXPECT_EQ(value("3.2"), "020133");
  EXPECT_EQ(value("3.3"), "020144");
  EXPECT_EQ(value("3.8"), "020200db");
  if (turin) { EXPECT_EQ(value("3.9"), "020111"); }
  EXPECT_EQ(value("4"), ToHex(ByteView(kDefaultChipId).first(turin ? 8 : 64)));

  const X509Handle ask = Read(Authority::kAsk);
  const X509Handle ark = Read(Authority::kArk);
  EXPECT_EQ(VerifyPath(leaf.get(), ask.get(), ark.get(), kDefaultNow), "OK");
  EXPECT_NE(VerifyPath(leaf.get(), ask.get(), ark.get(), kDefaultNow + std::chrono::days(365 * 7)), "OK");
  EXPECT_NE(VerifyPath(leaf.get(), ask.get(), ark.get(), kDefaultNow - std::chrono::days(31)), "OK");
}

TEST_P(OfProduct, VlekHasAmdsForm) {
  const X509Handle leaf = ReadCertificate(SnpPki::Shared().MintVlek(GetParam(), kDefaultCspId, DefaultTcb(GetParam()), kDefaultNow));
  ASSERT_NE(leaf, nullptr);
  EXPECT_THAT(OneLine(X509_get_subject_name(leaf.get())), testing::EndsWith("CN = SEV-VLEK"));
  EXPECT_TRUE(ExtensionsOf(leaf.get(), Oid("4")).empty());
  EXPECT_THAT(ExtensionsOf(leaf.get(), Oid("5")), ElementsAre(der::Ia5String(kDefaultCspId)));
  EXPECT_THAT(ExtensionsOf(leaf.get(), Oid("2")), ElementsAre(der::Ia5String(Line())));
  const X509Handle asvk = Read(Authority::kAsvk);
  const X509Handle ark = Read(Authority::kArk);
  EXPECT_EQ(VerifyPath(leaf.get(), asvk.get(), ark.get(), kDefaultNow), "OK");
  EXPECT_NE(VerifyPath(leaf.get(), asvk.get(), ark.get(), kDefaultNow + std::chrono::days(366)), "OK");
  const X509Handle ask = Read(Authority::kAsk);
  EXPECT_NE(VerifyPath(leaf.get(), ask.get(), ark.get(), kDefaultNow), "OK");
}

TEST_P(OfProduct, CrlIsTheArks) {
  RevocationList description = SnpPki::Shared().DescribeCrl(GetParam(), kDefaultNow);
  description.revoked_serials = {{0x01, 0x01, 0x01}};
  const CrlHandle list = ReadCrl(description.SignedBy(SnpPki::Shared().KeyOf(Authority::kArk, GetParam())));
  ASSERT_NE(list, nullptr);
  const X509Handle ark = Read(Authority::kArk);
  EXPECT_EQ(X509_CRL_verify(list.get(), X509_get0_pubkey(ark.get())), 1);
  EXPECT_EQ(OneLine(X509_CRL_get_issuer(list.get())), OneLine(X509_get_subject_name(ark.get())));
  EXPECT_EQ(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list.get())), 1);
  const auto seconds = [](const ASN1_TIME* at) {
    std::tm parts{};
    EXPECT_EQ(ASN1_TIME_to_tm(at, &parts), 1);
    return Time(std::chrono::seconds(timegm(&parts)));
  };
  EXPECT_EQ(seconds(X509_CRL_get0_lastUpdate(list.get())), kDefaultNow - std::chrono::days(1));
  EXPECT_EQ(seconds(X509_CRL_get0_nextUpdate(list.get())), kDefaultNow + std::chrono::days(365));
}

TEST(SnpPki, NoTwoProductsShareAnArk) {
  const SnpPki& pki = SnpPki::Shared();
  EXPECT_NE(pki.AnchorOf(Product::kMilan), pki.AnchorOf(Product::kGenoa));
  EXPECT_NE(pki.AnchorOf(Product::kMilan), pki.AnchorOf(Product::kTurin));
  EXPECT_NE(pki.AnchorOf(Product::kGenoa), pki.AnchorOf(Product::kTurin));
}

TEST(SnpPki, LeafKeysAreFunctionsOfChipAndTcb) {
  const SnpPki& pki = SnpPki::Shared();
  const Tcb tcb = DefaultTcb(Product::kMilan);
  const auto key = [&](const ByteArray<64>& chip, const Tcb& at) { return pki.VcekKey(Product::kMilan, chip, at).SubjectPublicKeyInfo(); };
  Tcb other_tcb = tcb;
  ++other_tcb.microcode;
  EXPECT_EQ(key(kDefaultChipId, tcb), key(kDefaultChipId, tcb));
  EXPECT_NE(key(kDefaultChipId, tcb), key(Ramp<64>(0x02), tcb));
  EXPECT_NE(key(kDefaultChipId, tcb), key(kDefaultChipId, other_tcb));
  EXPECT_NE(key(kDefaultChipId, tcb), pki.VlekKey(Product::kMilan, kDefaultCspId, tcb).SubjectPublicKeyInfo());
}

class InDirectory : public testing::Test {
 protected:
  InDirectory() {
    std::string pattern = testing::TempDir() + "softtee-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~InDirectory() override { std::filesystem::remove_all(directory_); }
  // Short keys: what is tested is the files.
  absl::StatusOr<SnpPki> Open(std::string_view below = "pki") const { return SnpPki::Open(directory_ / below, 2048); }

  std::filesystem::path directory_;
};

TEST_F(InDirectory, IsMadeOnceAndKept) {
  std::optional<SnpPki> first;
  std::optional<SnpPki> second;
  // Both at once: one of them makes it, the other finds it.
  std::thread other([&] { second = Open().value(); });
  first = Open().value();
  other.join();
  const SnpPki third = Open().value();
  for (const SnpPki* pki : std::initializer_list<const SnpPki*>{&*second, &third}) {
    EXPECT_EQ(pki->AnchorsYaml(), first->AnchorsYaml());
    EXPECT_EQ(pki->CertificateOf(Authority::kAsvk, Product::kTurin), first->CertificateOf(Authority::kAsvk, Product::kTurin));
    EXPECT_EQ(pki->VlekKey(Product::kMilan, "x", {}).SubjectPublicKeyInfo(),
              first->VlekKey(Product::kMilan, "x", {}).SubjectPublicKeyInfo());
  }
  EXPECT_EQ(AsText(ReadFile(directory_ / "pki" / kAnchorsFile).value()), first->AnchorsYaml());
}

TEST_F(InDirectory, KeepsPrivateKeysPrivate) {
  ASSERT_TRUE(Open().ok());
  int keys = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "pki")) {
    struct stat status {};
    ASSERT_EQ(stat(entry.path().c_str(), &status), 0);
    const bool is_private = entry.path().extension() == ".key";
    EXPECT_EQ(status.st_mode & 0777u, is_private ? 0600u : 0644u) << entry.path();
    keys += is_private ? 1 : 0;
  }
  EXPECT_EQ(keys, 7);
}

TEST_F(InDirectory, RefusesWhatIsDamaged) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(WriteFile(directory_ / "pki" / "ask.key", AsBytes("not a key"), kPrivateFile).ok());
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kInvalidArgument);
  // A lost key is never replaced in silence: the anchors would no longer be those that were configured.
  std::filesystem::remove(directory_ / "pki" / "ask.key");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(InDirectory, RefusesWhatIsNoDirectory) {
  ASSERT_TRUE(WriteFile(directory_ / "file", AsBytes("x"), kPublicFile).ok());
  EXPECT_FALSE(Open("file").ok());
  EXPECT_FALSE(Open("file/below").ok());
}

TEST(SnpPki, AnchorsNameEveryProduct) {
  const SnpPki& pki = SnpPki::Shared();
  EXPECT_EQ(pki.AnchorsYaml(),
            "apiVersion: assay.v1\nkind: TestAnchors\nanchors:\n"
            "  - {vendor: amd, product: Milan, spki_sha256: \"" +
                ToHex(pki.AnchorOf(Product::kMilan)) +
                "\"}\n"
                "  - {vendor: amd, product: Genoa, spki_sha256: \"" +
                ToHex(pki.AnchorOf(Product::kGenoa)) +
                "\"}\n"
                "  - {vendor: amd, product: Turin, spki_sha256: \"" +
                ToHex(pki.AnchorOf(Product::kTurin)) + "\"}\n");
}

}  // namespace
}  // namespace assay::softtee
