#include "crypto/certification_request.h"

#include <utility>

#include "base/bug.h"
#include "base/strings.h"
#include "crypto/der.h"
#include "crypto/x509_fields.h"

namespace assay::crypto {

Outcome<CertificationRequest> CertificationRequest::FromDer(ByteView bytes, std::string_view component) {
  const auto refuse = [&](Reason reason, std::string claim, std::string expected, std::string actual) {
    return Finding{.reason = reason,
                   .component = std::string(component),
                   .claim = std::move(claim),
                   .expected = std::move(expected),
                   .actual = std::move(actual),
                   .spec = "RFC 2986 4"};
  };
  if (bytes.size() > kMaxCertificationRequestSize) {
    return refuse(Reason::kSizeOverLimit, "length", Cat("at most ", kMaxCertificationRequestSize, " bytes"), Cat(bytes.size(), " bytes"));
  }
  const auto structure = ReadSignedStructure(bytes);
  if (!structure) {
    return refuse(Reason::kCertificateMalformed, "encoding", "exactly one DER certification request",
                  Cat(bytes.size(), " bytes that are not that"));
  }
  // version 0, subject, subjectPKInfo, [0] attributes: a SET, which may be empty and is judged by whoever issues.
  DerReader fields(structure->tbs.content);
  const auto version = fields.Take(der::kInteger);
  if (!version || SmallInteger(*version) != 0) return refuse(Reason::kCertificateMalformed, "version", "0", version ? "another" : "none");
  auto subject = ReadName(fields);
  if (!subject) return refuse(Reason::kCertificateMalformed, "subject", "a distinguished name", "none, or one with undecodable text");
  const auto spki = fields.Next(der::kSequence);
  if (!spki) return refuse(Reason::kCertificateMalformed, "subjectPKInfo", "a SubjectPublicKeyInfo", "none");
  if (!fields.Next(der::ContextConstructed(0)) || !fields.AtEnd()) {
    return refuse(Reason::kCertificateMalformed, "attributes", "one set of attributes, and nothing behind it", "something else");
  }
  auto key = PublicKey::FromSpki(spki->whole);
  if (!key) {
    Finding finding = key.findings().front();
    finding.component = component;
    return finding;
  }
  return CertificationRequest(ToBytes(bytes), std::move(subject->attributes), std::move(key).value());
}

bool CertificationRequest::IsSignedByItsKey() const {
  const auto structure = ReadSignedStructure(der_);
  ASSAY_CHECK(structure.has_value());
  return VerifySigned(AlgorithmOf(structure->algorithm), key_, structure->tbs.whole, structure->signature);
}

}  // namespace assay::crypto
