// The profile `amd` on whole paths: what genuine certificates have is accepted, each deviation is named.
#include "evidence/sev_snp/endorsement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "crypto/path.h"
#include "evidence/sev_snp/authenticate.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/snp_pki.h"
#include "tests/vectors_dir.h"

namespace assay::sev_snp {
namespace {

using softtee::Authority;
using softtee::SnpPki;
using testing::IsEmpty;

crypto::Certificate Decode(const Bytes& der) {
  auto certificate = crypto::Certificate::FromDer(der);
  if (!certificate.ok()) ADD_FAILURE() << Describe(certificate.findings().front());
  return std::move(certificate).value();
}

// A VCEK path of the software TEE, each certificate open to change before it is signed.
struct PathParts {
  softtee::Product product = softtee::Product::kMilan;
  softtee::Certificate leaf, ask, ark;

  PathParts() {
    const SnpPki& pki = SnpPki::Shared();
    const softtee::Tcb tcb = softtee::DefaultTcb(product);
    leaf = SnpPki::DescribeVcek(product, softtee::kDefaultChipId, tcb, pki.VcekKey(product, softtee::kDefaultChipId, tcb),
                                softtee::kDefaultNow);
    ask = SnpPki::DescribeAuthority(Authority::kAsk, product, pki.KeyOf(Authority::kAsk, product), pki.KeyOf(Authority::kArk, product));
    ark = SnpPki::DescribeAuthority(Authority::kArk, product, pki.KeyOf(Authority::kArk, product), pki.KeyOf(Authority::kArk, product));
  }
  std::vector<Finding> Check() const {
    const softtee::Key& ask_key = SnpPki::Shared().KeyOf(Authority::kAsk, product);
    const softtee::Key& ark_key = SnpPki::Shared().KeyOf(Authority::kArk, product);
    return CheckAmdProfile({{Decode(leaf.SignedBy(ask_key)), Decode(ask.SignedBy(ark_key)), Decode(ark.SignedBy(ark_key))}});
  }
};

softtee::Extension& ExtensionOf(softtee::Certificate& certificate, std::string_view oid) {
  for (softtee::Extension& extension : certificate.extensions) {
    if (extension.oid == oid) return extension;
  }
  ADD_FAILURE() << "no extension " << oid;
  return certificate.extensions.front();
}

TEST(AmdProfile, AcceptsAWholePath) { EXPECT_THAT(PathParts().Check(), IsEmpty()); }

TEST(AmdProfile, NamesEachDeviation) {
  namespace extension = softtee::extension;
  struct Case {
    std::string_view what;
    void (*change)(PathParts&);
  };
  for (const Case& c : {
           Case{"leaf of another organization",
                [](PathParts& p) { p.leaf.subject = softtee::AmdName("SEV-VCEK", "Advanced Micro Device"); }},
           Case{"leaf signed with the wrong salt", [](PathParts& p) { p.leaf.style = softtee::SignatureStyle::kPssSha384Salt20; }},
           Case{"leaf signed with SHA-256", [](PathParts& p) { p.leaf.style = softtee::SignatureStyle::kPssSha256; }},
           Case{"leaf signed with PKCS #1", [](PathParts& p) { p.leaf.style = softtee::SignatureStyle::kPkcs1Sha384; }},
           Case{"leaf that is a CA", [](PathParts& p) { p.leaf.extensions.push_back(extension::BasicConstraints(true, std::nullopt)); }},
           Case{"leaf on P-256",
                [](PathParts& p) {
                  p.leaf.subject_public_key_info = softtee::Key::Derive(AsBytes("x"), softtee::Key::Curve::kP256).SubjectPublicKeyInfo();
                }},
           Case{"leaf with an unknown critical extension",
                [](PathParts& p) {
                  p.leaf.extensions.push_back({.oid = "1.2.3.4", .critical = true, .value = {0x05, 0x00}});
                }},
           Case{"ASK without path length",
                [](PathParts& p) { ExtensionOf(p.ask, extension::kBasicConstraints) = extension::BasicConstraints(true, std::nullopt); }},
           Case{"ASK that may sign lists",
                [](PathParts& p) {
                  ExtensionOf(p.ask, extension::kKeyUsage) = extension::KeyUsage(softtee::kKeyCertSign | softtee::kCrlSign);
                }},
           Case{"ASK of another product", [](PathParts& p) { p.ask.subject = softtee::AmdName("SEV-Genoa"); }},
           Case{"ASVK above a VCEK", [](PathParts& p) { p.ask.subject = softtee::AmdName("SEV-VLEK-Milan"); }},
           Case{"ARK of another product", [](PathParts& p) { p.ark.subject = softtee::AmdName("ARK-Genoa"); }},
           Case{"ARK that may not sign lists",
                [](PathParts& p) { ExtensionOf(p.ark, extension::kKeyUsage) = extension::KeyUsage(softtee::kKeyCertSign); }},
           Case{"ARK signed with the wrong salt", [](PathParts& p) { p.ark.style = softtee::SignatureStyle::kPssSha384Salt20; }},
       }) {
    PathParts parts;
    c.change(parts);
    const std::vector<Finding> findings = parts.Check();
    ASSERT_FALSE(findings.empty()) << c.what;
    EXPECT_EQ(findings.front().reason, Reason::kCertificateProfile) << c.what;
    EXPECT_NE(findings.front().expected, "") << c.what;
    EXPECT_NE(findings.front().actual, "") << c.what;
  }
}

TEST(AmdProfile, APathOfAnotherLengthIsNone) {
  const SnpPki& pki = SnpPki::Shared();
  const crypto::Certificate ark = Decode(pki.CertificateOf(Authority::kArk, softtee::Product::kMilan));
  const crypto::Certificate ask = Decode(pki.CertificateOf(Authority::kAsk, softtee::Product::kMilan));
  EXPECT_FALSE(CheckAmdProfile({{ark}}).empty());
  EXPECT_FALSE(CheckAmdProfile({{ask, ark}}).empty());
}

// Genuine leaves: serial 0, no authority key identifier, no key usage. A strict RFC 5280 reading would refuse them all.
TEST(AmdProfile, AcceptsGenuineLeavesUnderTheirPinnedRoots) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "snp" / "leafs")) {
    const std::string name = entry.path().filename().string();
    const auto leaf = crypto::Certificate::FromDer(test::ReadFile(entry.path()), name);
    ASSERT_TRUE(leaf.ok()) << name;
    const auto extensions = ReadLeafExtensions(*leaf, name);
    if (!extensions.ok()) continue;  // forged ones are the vectors' business
    EXPECT_EQ(leaf->serial(), Bytes{0}) << name;
    EXPECT_EQ(leaf->FindExtension(softtee::extension::kAuthorityKeyIdentifier), nullptr) << name;
    EXPECT_EQ(leaf->key_usage(), std::nullopt) << name;
    const std::string product = name.substr(5, name.find('_', 5) - 5);
    const auto certificate = [&](std::string_view role) {
      return *crypto::Certificate::FromDer(test::ReadFile(dir / "snp" / "roots" / Cat(role, "_", product, ".der")));
    };
    const crypto::CertificatePath path{{*leaf, certificate(name.starts_with("vlek") ? "asvk" : "ask"), certificate("ark")}};
    EXPECT_THAT(CheckAmdProfile(path), IsEmpty()) << name;
    ++seen;
  }
  EXPECT_GE(seen, 20U);
}

}  // namespace
}  // namespace assay::sev_snp
