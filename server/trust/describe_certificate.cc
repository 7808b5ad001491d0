#include "trust/describe_certificate.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::trust {
namespace {

std::string NameOf(const crypto::SignatureAlgorithm& algorithm) {
  using Kind = crypto::SignatureAlgorithm::Kind;
  const std::string hash(algorithm.hash ? crypto::NameOf(*algorithm.hash) : "unknown digest");
  switch (algorithm.kind) {
    case Kind::kEcdsa: return Cat("ECDSA with ", hash);
    case Kind::kRsaPkcs1: return Cat("RSASSA-PKCS1-v1_5 with ", hash);
    case Kind::kRsaPss: return Cat("RSASSA-PSS with ", hash, ", salt ", algorithm.salt_length);
    case Kind::kOther: break;
  }
  return Cat("OID ", algorithm.oid);
}

}  // namespace

Description DescribeCertificate(const crypto::Certificate& certificate) {
  Description description("X.509 certificate", certificate.SubjectText());
  description.Add("subject", certificate.SubjectText());
  description.Add("issuer", certificate.IssuerText());
  description.Add("serial", "0x" + ToHex(certificate.serial()));
  description.Add("not before", FormatTime(certificate.not_before()));
  description.Add("not after", FormatTime(certificate.not_after()));
  description.Add("key", Cat(crypto::NameOf(certificate.public_key().kind()), ", ", certificate.public_key().bits(), " bits"));
  description.Add("key SHA-256 (SPKI)", ToHex(certificate.public_key().spki_sha256()));
  description.Add("signed with", NameOf(certificate.signature_algorithm()));
  description.Add("certificate authority", certificate.is_ca() ? "yes" : "no");
  description.Add("SHA-256", ToHex(certificate.sha256()));
  if (!certificate.extensions().empty()) {
    Description& extensions = description.Add("extensions");
    for (const crypto::Extension& extension : certificate.extensions()) {
      extensions.Add(Cat(extension.oid, extension.critical ? " (critical)" : ""), ToHexBounded(extension.value));
    }
  }
  return description;
}

Description DescribeRevocationList(const crypto::CertificateList& list) {
  Description description("certificate revocation list", list.IssuerText());
  description.Add("issuer", list.IssuerText());
  description.Add("this update", FormatTime(list.this_update()));
  description.Add("next update", FormatTime(list.next_update()));
  if (list.number()) description.Add("number", "0x" + ToHex(*list.number()));
  Description& revoked = description.Add("revoked serials", std::to_string(list.revoked_serials().size()));
  std::size_t shown = 0;
  for (const Bytes& serial : list.revoked_serials()) {
    if (++shown > 20) break;
    revoked.Add("serial", "0x" + ToHex(serial));
  }
  return description;
}

}  // namespace assay::trust
