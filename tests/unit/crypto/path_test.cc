#include "crypto/path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <chrono>
#include <map>
#include <string>

#include "test_pki.h"
#include "tests/vectors_dir.h"

namespace assay::crypto {
namespace {

using ::assay::test::ReadFile;
using test::CaSpec;
using test::CertificateSpec;
using test::LeafSpec;
using test::TestKey;
using ::testing::HasSubstr;
using Certificates = std::vector<Certificate>;

// One key a name, made on first use.
const TestKey& KeyOf(const std::string& name) {
  static std::map<std::string, TestKey> keys;
  const auto found = keys.find(name);
  return found != keys.end() ? found->second : keys.emplace(name, TestKey::Ec("P-256")).first->second;
}

// `spec` certifies the key of its subject, signed by the key of its issuer, unless other keys are named.
Certificate Make(const CertificateSpec& spec, const std::string& key = "", const std::string& signer = "") {
  const Bytes der = test::MakeCertificate(spec, KeyOf(key.empty() ? spec.subject : key), KeyOf(signer.empty() ? spec.issuer : signer));
  auto certificate = Certificate::FromDer(der, spec.subject);
  EXPECT_TRUE(certificate.ok()) << Describe(certificate.findings()[0]);
  return std::move(certificate).value();
}
Certificate Root(const std::string& name = "root") { return Make(CaSpec(name, name)); }

CertificateSpec Without(CertificateSpec spec, const std::string& extension) {
  std::erase_if(spec.extensions, [&](const auto& entry) { return entry.first == extension; });
  return spec;
}
CertificateSpec With(CertificateSpec spec, const std::string& extension, const std::string& value) {
  spec = Without(std::move(spec), extension);
  spec.extensions.emplace_back(extension, value);
  return spec;
}

std::vector<std::string> NamesOf(const CertificatePath& path) {
  std::vector<std::string> names;
  for (const Certificate& certificate : path.certificates) names.emplace_back(certificate.CommonName());
  return names;
}

void ExpectPath(const Outcome<CertificatePath>& path, const std::vector<std::string>& names) {
  ASSERT_TRUE(path.ok()) << Describe(path.findings()[0]);
  EXPECT_EQ(NamesOf(*path), names);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

void ExpectRefused(const Outcome<CertificatePath>& path, Reason reason, const std::string& component, const std::string& actual = "") {
  ASSERT_FALSE(path.ok());
  ASSERT_EQ(path.findings().size(), 1U);
  const Finding& finding = path.findings()[0];
  EXPECT_EQ(finding.reason, reason) << Describe(finding);
  EXPECT_EQ(finding.component, component) << Describe(finding);
  EXPECT_THAT(finding.actual, HasSubstr(actual)) << Describe(finding);
  EXPECT_FALSE(finding.expected.empty());
  EXPECT_EQ(ERR_peek_error(), 0U);
}

class PathTest : public ::testing::Test {
 protected:
  const Certificate root_ = Root();
  const Certificate ca_ = Make(CaSpec("ca", "root"));
  const Certificate leaf_ = Make(LeafSpec("leaf", "ca"));
};

TEST_F(PathTest, FindsTheWay) {
  ExpectPath(BuildPath(leaf_, Certificates{ca_}, Certificates{root_}), {"leaf", "ca", "root"});
  ExpectPath(BuildPath(leaf_, Certificates{root_, ca_}, Certificates{root_}), {"leaf", "ca", "root"});
  ExpectPath(BuildPath(leaf_, Certificates{Root("other"), leaf_, ca_, ca_}, Certificates{Root("other"), root_}), {"leaf", "ca", "root"});
  ExpectPath(BuildPath(Make(LeafSpec("direct", "root")), {}, Certificates{root_}), {"direct", "root"});
}

TEST_F(PathTest, AnchorsAreTrustedAsTheyAre) {
  ExpectPath(BuildPath(leaf_, {}, Certificates{ca_}), {"leaf", "ca"});
  ExpectPath(BuildPath(leaf_, Certificates{root_, ca_}, Certificates{ca_}), {"leaf", "ca"});
  ExpectPath(BuildPath(leaf_, {}, Certificates{leaf_}), {"leaf"});
  ExpectPath(BuildPath(root_, {}, Certificates{root_}), {"root"});
}

TEST_F(PathTest, AMissingIssuerIsIncomplete) {
  ExpectRefused(BuildPath(leaf_, {}, Certificates{root_}), Reason::kChainIncomplete, "CN=leaf");
  ExpectRefused(BuildPath(leaf_, Certificates{ca_}, {}), Reason::kChainIncomplete, "CN=ca");
  ExpectRefused(BuildPath(leaf_, Certificates{ca_}, Certificates{Root("other")}), Reason::kChainIncomplete, "CN=ca");
  ExpectRefused(BuildPath(leaf_, {}, {}), Reason::kChainIncomplete, "CN=leaf");
}

TEST_F(PathTest, AnUnpinnedRootIsNamed) {
  ExpectRefused(BuildPath(leaf_, Certificates{ca_, root_}, {}), Reason::kRootNotPinned, "CN=root", "self-signed");
  ExpectRefused(BuildPath(leaf_, Certificates{ca_, root_}, Certificates{Root("other")}), Reason::kRootNotPinned, "CN=root");
  ExpectRefused(BuildPath(root_, {}, Certificates{Root("other")}), Reason::kRootNotPinned, "CN=root");
}

// The attack: a whole PKI of the attacker's own, under the vendor's names.
TEST_F(PathTest, NamesakesOfTheRootAreNotTheRoot) {
  const Certificate forged_root = Make(CaSpec("root", "root"), "forger", "forger");
  const Certificate forged_ca = Make(CaSpec("ca", "root"), "forger-ca", "forger");
  const Certificate forged_leaf = Make(LeafSpec("leaf", "ca"), "leaf", "forger-ca");
  ExpectRefused(BuildPath(forged_leaf, Certificates{forged_ca, forged_root}, Certificates{root_}), Reason::kRootNotPinned, "CN=root");
  ExpectRefused(BuildPath(forged_leaf, Certificates{forged_ca}, Certificates{root_}), Reason::kChainBroken, "CN=ca");
  ExpectRefused(BuildPath(forged_leaf, Certificates{ca_}, Certificates{root_}), Reason::kChainBroken, "CN=leaf");
  ExpectRefused(BuildPath(forged_leaf, Certificates{ca_, Make(CaSpec("ca", "root"), "third", "third")}, Certificates{root_}),
                Reason::kChainBroken, "CN=leaf", "none of them");
}

// AMD's leafs bear no key identifiers, and two authorities of Genoa share one name.
TEST_F(PathTest, NamesakesAmongIntermediatesAreToldApartByTheirKeys) {
  const Certificate plain_leaf = Make(Without(LeafSpec("leaf", "ca"), "authorityKeyIdentifier"));
  const Certificate namesake = Make(CaSpec("ca", "root"), "revoked-ca");
  for (const Certificates& pool : {Certificates{namesake, ca_}, Certificates{ca_, namesake}}) {
    const auto path = BuildPath(plain_leaf, pool, Certificates{root_});
    ExpectPath(path, {"leaf", "ca", "root"});
    EXPECT_TRUE(path->certificates[1].public_key() == ca_.public_key());
  }
}

TEST_F(PathTest, ARenewedCertificateIsAnotherChance) {
  const Certificate unfit = Make(Without(CaSpec("ca", "root"), "basicConstraints"));
  for (const Certificates& pool : {Certificates{unfit, ca_}, Certificates{ca_, unfit}}) {
    ExpectPath(BuildPath(leaf_, pool, Certificates{root_}), {"leaf", "ca", "root"});
  }
  ExpectRefused(BuildPath(leaf_, Certificates{unfit}, Certificates{root_}), Reason::kChainBroken, "CN=ca", "absent or FALSE");
}

TEST_F(PathTest, BrokenLinksAreNamed) {
  struct Case {
    const char* what;
    Certificate ca;
    Certificate leaf;
    std::string component;
    std::string actual;
  };
  const CertificateSpec ca = CaSpec("ca", "root"), leaf = LeafSpec("leaf", "ca");
  CertificateSpec sha1_ca = ca, sha1_leaf = leaf;
  sha1_ca.md = sha1_leaf.md = "SHA-1";
  for (const Case& test : std::initializer_list<Case>{
           {"leaf signed by another", ca_, Make(Without(leaf, "authorityKeyIdentifier"), "leaf", "other"), "CN=leaf", "signature failure"},
           {"ca signed by another", Make(Without(ca, "authorityKeyIdentifier"), "ca", "other"), leaf_, "CN=ca", "signature failure"},
           {"key identifier of another", ca_, Make(leaf, "leaf", "other"), "CN=leaf", "key identifier mismatch"},
           {"ca without cA", Make(With(ca, "basicConstraints", "critical,CA:FALSE")), leaf_, "CN=ca", "absent or FALSE"},
           {"ca without basicConstraints", Make(Without(ca, "basicConstraints")), leaf_, "CN=ca", "absent or FALSE"},
           {"ca without keyCertSign", Make(With(ca, "keyUsage", "critical,cRLSign")), leaf_, "CN=leaf",
            "key usage does not include certificate signing"},
           {"unknown critical extension in ca", Make(With(ca, "1.2.3.4", "critical,DER:0500")), leaf_, "CN=ca", "critical extension"},
           {"unknown critical extension in leaf", ca_, Make(With(leaf, "1.2.3.4", "critical,DER:0500")), "CN=leaf", "critical extension"},
           {"SHA-1 in ca", Make(sha1_ca), leaf_, "CN=ca", "1.2.840.10045.4.1"},
           {"SHA-1 in leaf", ca_, Make(sha1_leaf), "CN=leaf", "1.2.840.10045.4.1"},
           {"name constraints", Make(With(ca, "nameConstraints", "critical,permitted;DNS:example.com")),
            Make(With(leaf, "subjectAltName", "DNS:example.org")), "CN=leaf", "permitted subtree"},
       }) {
    SCOPED_TRACE(test.what);
    ExpectRefused(BuildPath(test.leaf, Certificates{test.ca}, Certificates{root_}), Reason::kChainBroken, test.component, test.actual);
  }
}

TEST_F(PathTest, UnknownExtensionsThatAreNotCriticalPass) {
  const Certificate leaf = Make(With(LeafSpec("leaf", "ca"), "1.3.6.1.4.1.3704.1.1", "DER:020100"));
  ExpectPath(BuildPath(leaf, Certificates{ca_}, Certificates{root_}), {"leaf", "ca", "root"});
}

TEST_F(PathTest, AlgorithmsInsideAndOutsideMustAgree) {
  // The outer algorithm replaced by ECDSA with SHA-384; the signature is over the inner part only.
  Bytes der = ToBytes(leaf_.der());
  const Bytes inner = test::kEcdsaSha256Algorithm;
  const auto outer = std::find_end(der.begin(), der.end(), inner.begin(), inner.end());
  ASSERT_NE(outer, der.end());
  *(outer + static_cast<std::ptrdiff_t>(inner.size()) - 1) = 0x03;
  const Certificate changed = Certificate::FromDer(der).value();
  ASSERT_FALSE(changed.SignatureAlgorithmsAgree());
  ExpectRefused(BuildPath(changed, Certificates{ca_}, Certificates{root_}), Reason::kChainBroken, "CN=leaf", "two different");
}

TEST_F(PathTest, PathLengthIsHonoured) {
  const Certificate narrow = Make(CaSpec("narrow", "root", 0));
  const Certificate below = Make(CaSpec("below", "narrow"));
  const Certificate leaf = Make(LeafSpec("leaf", "below"));
  ExpectRefused(BuildPath(leaf, Certificates{below, narrow}, Certificates{root_}), Reason::kChainBroken, "CN=narrow", "path length");
  ExpectPath(BuildPath(Make(LeafSpec("leaf", "narrow")), Certificates{narrow}, Certificates{root_}), {"leaf", "narrow", "root"});
  // A path length says nothing about the end of the path (RFC 5280 4.2.1.9), even if that is a CA.
  ExpectPath(BuildPath(Make(CaSpec("end", "narrow", 0)), Certificates{narrow}, Certificates{root_}), {"end", "narrow", "root"});
}

TEST_F(PathTest, DepthIsBounded) {
  Certificates pool;
  std::string issuer = "root";
  for (int i = 1; i <= 7; ++i) {
    const std::string name = "ca" + std::to_string(i);
    pool.push_back(Make(CaSpec(name, issuer)));
    issuer = name;
  }
  // root, six authorities, leaf: the longest path that is built.
  const auto longest = BuildPath(Make(LeafSpec("leaf", "ca6")), pool, Certificates{root_});
  ASSERT_TRUE(longest.ok()) << Describe(longest.findings()[0]);
  EXPECT_EQ(longest->certificates.size(), kMaxPathLength);
  ExpectRefused(BuildPath(Make(LeafSpec("leaf", "ca7")), pool, Certificates{root_}), Reason::kSizeOverLimit, "CN=ca1");
}

TEST_F(PathTest, CyclesEnd) {
  const Certificate a_by_b = Make(CaSpec("a", "b")), b_by_a = Make(CaSpec("b", "a"));
  const Certificate leaf = Make(LeafSpec("leaf", "a"));
  ExpectRefused(BuildPath(leaf, Certificates{a_by_b, b_by_a}, Certificates{root_}), Reason::kChainIncomplete, "CN=b");
  ExpectPath(BuildPath(leaf, Certificates{a_by_b, b_by_a, Make(CaSpec("b", "root"))}, Certificates{root_}), {"leaf", "a", "b", "root"});
}

// Many certificates that all sign each other: as many ways as there are walks, none of which arrives.
TEST_F(PathTest, ManyWaysThatLeadNowhereCostLittle) {
  Certificates pool;
  for (std::uint8_t i = 1; i <= 40; ++i) {
    for (const auto& [subject, issuer] : {std::pair{"a", "b"}, std::pair{"b", "a"}}) {
      CertificateSpec spec = CaSpec(subject, issuer);
      spec.serial = {i};
      pool.push_back(Make(spec));
    }
  }
  const Certificate leaf = Make(LeafSpec("leaf", "a"));
  ExpectRefused(BuildPath(leaf, pool, Certificates{root_}), Reason::kSizeOverLimit, "CN=leaf");
}

// Namesakes are told apart by their signatures, each of which costs: above the budget none is verified, so that not even the genuine
// issuer, last of all, is found.
TEST_F(PathTest, NamesakesAreNoMoreThanMayBeVerified) {
  Certificates pool;
  for (std::uint8_t i = 1; i <= 64; ++i) {
    CertificateSpec spec = CaSpec("ca", "root");
    spec.serial = {i};
    pool.push_back(Make(spec, "namesake"));
  }
  pool.push_back(ca_);
  ExpectRefused(BuildPath(leaf_, pool, Certificates{root_}), Reason::kSizeOverLimit, "CN=leaf");
  pool.erase(pool.begin(), pool.begin() + 4);
  ExpectPath(BuildPath(leaf_, pool, Certificates{root_}), {"leaf", "ca", "root"});
}

TEST_F(PathTest, TimeIsNotJudgedHere) {
  CertificateSpec past = LeafSpec("leaf", "ca");
  past.not_before = Time(std::chrono::sys_days(std::chrono::year(1990) / 1 / 1));
  past.not_after = Time(std::chrono::sys_days(std::chrono::year(1991) / 1 / 1));
  ExpectPath(BuildPath(Make(past), Certificates{ca_}, Certificates{root_}), {"leaf", "ca", "root"});
}

// Leafs under AMD's names that AMD did not sign.
bool IsForged(const std::string& file) { return file == "vcek_milan_cee96955153d.der" || file == "vcek_milan_f875ab6fb518.der"; }

TEST_F(PathTest, GenuineAmdChains) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const auto load = [&](const std::string& name) { return Certificate::FromDer(ReadFile(dir / "snp" / name), name).value(); };
  Certificates pool, anchors;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "snp" / "roots")) {
    if (entry.path().extension() != ".der") continue;
    const Certificate certificate = load("roots/" + entry.path().filename().string());
    (entry.path().filename().string().starts_with("ark_") ? anchors : pool).push_back(certificate);
  }
  ASSERT_EQ(anchors.size(), 3U);
  int leafs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "snp" / "leafs")) {
    if (entry.path().extension() != ".der") continue;
    const Certificate leaf = load("leafs/" + entry.path().filename().string());
    const auto path = BuildPath(leaf, pool, anchors);
    if (IsForged(entry.path().filename())) {
      ExpectRefused(path, Reason::kChainBroken, leaf.SubjectText(), "signature failure");
      continue;
    }
    ASSERT_TRUE(path.ok()) << entry.path() << Describe(path.findings()[0]);
    EXPECT_EQ(path->certificates.size(), 3U);
    EXPECT_TRUE(path->anchor().CommonName().starts_with("ARK-"));
    Certificates unpinned = pool;
    unpinned.insert(unpinned.end(), anchors.begin(), anchors.end());
    const auto refused = BuildPath(leaf, unpinned, {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.findings()[0].reason, Reason::kRootNotPinned);
    ++leafs;
  }
  EXPECT_EQ(leafs, 24);
}

// --- CheckRfc5280

class Rfc5280Test : public PathTest {
 protected:
  static std::vector<Finding> Check(std::initializer_list<Certificate> path) { return CheckRfc5280(CertificatePath{path}); }
};

TEST_F(Rfc5280Test, AnOrdinaryPathConforms) {
  for (const Finding& finding : Check({leaf_, ca_, root_})) ADD_FAILURE() << Describe(finding);
  EXPECT_TRUE(Check({root_}).empty()) << "a path of one: the anchor itself";
  EXPECT_TRUE(Check({leaf_, ca_, Make(Without(CaSpec("root", "root"), "authorityKeyIdentifier"))}).empty())
      << "a self-signed root may omit it";
  CertificateSpec old_root = CaSpec("root", "root");
  old_root.md = "SHA-1";
  EXPECT_TRUE(Check({leaf_, ca_, Make(old_root)}).empty()) << "nobody relies on an anchor's own signature";
}

TEST_F(Rfc5280Test, EachDeviationIsNamed) {
  const CertificateSpec ca = CaSpec("ca", "root"), leaf = LeafSpec("leaf", "ca");
  const auto with_serial = [](CertificateSpec spec, std::vector<std::uint8_t> serial) {
    spec.serial = std::move(serial);
    return spec;
  };
  CertificateSpec sha1 = leaf, no_issuer = leaf, no_subject = leaf;
  sha1.md = "SHA-1";
  no_issuer.issuer = "";
  no_subject.subject = "";
  struct Case {
    const char* what;
    Certificate leaf;
    Certificate ca;
    std::string claim;
    std::string component;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"serial 0", Make(with_serial(leaf, {0})), ca_, "serialNumber", "CN=leaf"},
           {"serial of 21 octets", leaf_, Make(with_serial(ca, std::vector<std::uint8_t>(20, 0x80))), "serialNumber", "CN=ca"},
           {"SHA-1", Make(sha1), ca_, "signatureAlgorithm", "CN=leaf"},
           {"empty issuer", Make(no_issuer), ca_, "issuer", "CN=leaf"},
           {"leaf without AKI", Make(Without(leaf, "authorityKeyIdentifier")), ca_, "authorityKeyIdentifier", "CN=leaf"},
           {"ca without AKI", leaf_, Make(Without(ca, "authorityKeyIdentifier")), "authorityKeyIdentifier", "CN=ca"},
           {"critical AKI", Make(With(Without(leaf, "authorityKeyIdentifier"), "2.5.29.35", "critical,DER:3003800101")), ca_,
            "authorityKeyIdentifier", "CN=leaf"},
           {"AKI without key", Make(With(Without(leaf, "authorityKeyIdentifier"), "2.5.29.35", "DER:3000")), ca_, "authorityKeyIdentifier",
            "CN=leaf"},
           {"ca without SKI", leaf_, Make(Without(ca, "subjectKeyIdentifier")), "subjectKeyIdentifier", "CN=ca"},
           {"critical SKI", Make(With(leaf, "2.5.29.14", "critical,DER:040101")), ca_, "subjectKeyIdentifier", "CN=leaf"},
           {"ca without cA", leaf_, Make(With(Without(ca, "keyUsage"), "basicConstraints", "critical,CA:FALSE")), "basicConstraints",
            "CN=ca"},
           {"basicConstraints non-critical", leaf_, Make(With(ca, "basicConstraints", "CA:TRUE")), "basicConstraints", "CN=ca"},
           {"ca without keyCertSign", leaf_, Make(With(ca, "keyUsage", "critical,cRLSign")), "keyUsage", "CN=ca"},
           {"leaf with keyCertSign", Make(With(leaf, "keyUsage", "critical,keyCertSign")), ca_, "keyUsage", "CN=leaf"},
           {"leaf that is a ca", Make(With(leaf, "basicConstraints", "critical,CA:TRUE")), ca_, "basicConstraints", "CN=leaf"},
           {"name constraints in leaf", Make(With(leaf, "nameConstraints", "critical,permitted;DNS:example.com")), ca_, "nameConstraints",
            "CN=leaf"},
           {"name constraints non-critical", leaf_, Make(With(ca, "nameConstraints", "permitted;DNS:example.com")), "nameConstraints",
            "CN=ca"},
           {"name constraints empty", leaf_, Make(With(ca, "2.5.29.30", "critical,DER:3000")), "nameConstraints", "CN=ca"},
           {"critical AIA", Make(With(leaf, "authorityInfoAccess", "critical,OCSP;URI:http://example.com")), ca_, "authorityInfoAccess",
            "CN=leaf"},
           {"empty AIA", Make(With(leaf, "1.3.6.1.5.5.7.1.1", "DER:3000")), ca_, "authorityInfoAccess", "CN=leaf"},
       }) {
    SCOPED_TRACE(test.what);
    const auto findings = Check({test.leaf, test.ca, root_});
    ASSERT_EQ(findings.size(), 1U) << (findings.size() > 1 ? Describe(findings[1]) : "");
    EXPECT_EQ(findings[0].reason, Reason::kCertificateProfile);
    EXPECT_EQ(findings[0].claim, test.claim);
    EXPECT_EQ(findings[0].component, test.component);
    EXPECT_THAT(findings[0].spec, HasSubstr("RFC 5280 4."));
  }
  const auto nameless = Check({Make(no_subject, "leaf"), ca_, root_});
  ASSERT_EQ(nameless.size(), 1U);
  EXPECT_EQ(nameless[0].claim, "subjectAltName");
  EXPECT_THAT(nameless[0].component, HasSubstr("certificate "));
}

TEST_F(Rfc5280Test, AllDeviationsAreFound) {
  CertificateSpec bad = LeafSpec("leaf", "ca");
  bad.serial = {0};
  bad.md = "SHA-1";
  bad.extensions = {};
  EXPECT_EQ(Check({Make(bad), ca_, root_}).size(), 3U);
  bad.version = 1;
  const auto findings = Check({Make(bad), ca_, root_});
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_EQ(findings[0].claim, "version");
}

// AMD's leafs are outside RFC 5280: serial 0, no AKI. Their own profile judges them.
TEST_F(Rfc5280Test, GenuineAmdLeafsDeviate) {
  ASSAY_VECTORS_OR_SKIP(dir);
  const auto leaf = Certificate::FromDer(ReadFile(dir / "snp" / "leafs" / "vcek_turin_148898157249.der"));
  ASSERT_TRUE(leaf.ok());
  EXPECT_GE(Check({*leaf, ca_, root_}).size(), 2U);
}

}  // namespace
}  // namespace assay::crypto
