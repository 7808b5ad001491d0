#include "tests/softtee/certificate.h"

#include "tests/softtee/der.h"

namespace assay::softtee {
namespace {

Bytes HashAlgorithm(std::string_view oid) { return der::Sequence({der::Oid(oid), der::Null()}); }

// RFC 4055 section 3.1: hashAlgorithm [0], maskGenAlgorithm [1], saltLength [2], trailerField [3].
Bytes PssAlgorithm(std::string_view hash_oid, unsigned salt, bool explicit_trailer) {
  const Bytes mask = der::Sequence({der::Oid("1.2.840.113549.1.1.8"), HashAlgorithm(hash_oid)});
  // 20 is the default of saltLength, and DER leaves defaults out.
  const Bytes salt_length = salt == 20 ? Bytes{} : der::Explicit(2, der::Integer(salt));
  const Bytes trailer = explicit_trailer ? der::Explicit(3, der::Integer(1)) : Bytes{};
  return der::Sequence({der::Oid("1.2.840.113549.1.1.10"),
                        der::Sequence({der::Explicit(0, HashAlgorithm(hash_oid)), der::Explicit(1, mask), salt_length, trailer})});
}

Bytes AlgorithmOf(SignatureStyle style, bool explicit_trailer) {
  constexpr std::string_view kSha256 = "2.16.840.1.101.3.4.2.1";
  constexpr std::string_view kSha384 = "2.16.840.1.101.3.4.2.2";
  switch (style) {
    case SignatureStyle::kPssSha384: return PssAlgorithm(kSha384, 48, explicit_trailer);
    case SignatureStyle::kPssSha384Salt20: return PssAlgorithm(kSha384, 20, explicit_trailer);
    case SignatureStyle::kPssSha256: return PssAlgorithm(kSha256, 32, explicit_trailer);
    case SignatureStyle::kPkcs1Sha384: return der::Sequence({der::Oid("1.2.840.113549.1.1.12"), der::Null()});
    case SignatureStyle::kEcdsaSha256: return der::Sequence({der::Oid("1.2.840.10045.4.3.2")});
    case SignatureStyle::kEcdsaSha384: return der::Sequence({der::Oid("1.2.840.10045.4.3.3")});
    case SignatureStyle::kPkcs1Sha256: return der::Sequence({der::Oid("1.2.840.113549.1.1.11"), der::Null()});
    case SignatureStyle::kPkcs1Sha1: return der::Sequence({der::Oid("1.2.840.113549.1.1.5"), der::Null()});
    case SignatureStyle::kPssSha256MostSalt: break;  // of quotes only
  }
  return {};
}

Bytes Encode(const std::vector<Extension>& extensions) {
  Bytes all;
  for (const Extension& extension : extensions) {
    Append(all,
           der::Sequence({der::Oid(extension.oid), extension.critical ? der::Boolean(true) : Bytes{}, der::OctetString(extension.value)}));
  }
  return der::Element(0x30, all);
}

}  // namespace

Bytes Certificate::SignedBy(const Key& issuer_key) const {
  const Bytes algorithm = AlgorithmOf(style, explicit_trailer);
  const Bytes signed_part = der::Sequence({der::Explicit(0, der::Integer(2)), der::IntegerOf(serial), algorithm, issuer,
                                           der::Sequence({der::Date(not_before), der::Date(not_after)}), subject, subject_public_key_info,
                                           extensions.empty() ? Bytes{} : der::Explicit(3, Encode(extensions))});
  return der::Sequence({signed_part, algorithm, der::BitString(issuer_key.Sign(style, signed_part))});
}

Bytes RevocationList::SignedBy(const Key& issuer_key) const {
  const Bytes algorithm = AlgorithmOf(style, false);
  Bytes revoked;
  for (const Bytes& serial : revoked_serials) Append(revoked, der::Sequence({der::IntegerOf(serial), der::Date(this_update)}));
  std::vector<Extension> extensions;
  if (!authority_key_identifier.empty()) extensions.push_back(extension::AuthorityKeyIdentifier(authority_key_identifier));
  if (number) extensions.push_back({.oid = "2.5.29.20", .value = der::Integer(*number)});
  const Bytes signed_part = der::Sequence(
      {der::Integer(1), algorithm, issuer, der::Date(this_update), next_update ? der::Date(*next_update) : Bytes{},
       revoked.empty() ? Bytes{} : der::Element(0x30, revoked), extensions.empty() ? Bytes{} : der::Explicit(0, Encode(extensions))});
  return der::Sequence({signed_part, algorithm, der::BitString(issuer_key.Sign(style, signed_part))});
}

Bytes NameOf(std::string_view common_name) {
  return der::Sequence({der::Set({der::Sequence({der::Oid("2.5.4.3"), der::Utf8String(common_name)})})});
}

namespace extension {

Extension KeyUsage(std::uint16_t bits) {
  // DER: trailing zero bits of a named bit list are not written. No use here reaches the ninth bit.
  const auto octet = static_cast<std::uint8_t>(bits >> 8);
  std::uint8_t unused = 0;
  while (unused < 8 && (octet >> unused & 1) == 0) ++unused;
  return {.oid = std::string(kKeyUsage), .critical = true, .value = der::BitString(Bytes{octet}, unused)};
}

Extension AmdKeyUsage(std::uint16_t bits) {
  return {.oid = std::string(kKeyUsage), .critical = true, .value = der::BitString(Bytes{static_cast<std::uint8_t>(bits >> 8)}, 1)};
}

Extension BasicConstraints(bool ca, std::optional<unsigned> path_length) {
  return {.oid = std::string(kBasicConstraints),
          .critical = true,
          .value = der::Sequence({ca ? der::Boolean(true) : Bytes{}, path_length ? der::Integer(*path_length) : Bytes{}})};
}

Extension SubjectKeyIdentifier(const Key& key) {
  return {.oid = std::string(kSubjectKeyIdentifier), .value = der::OctetString(key.Identifier())};
}

Extension AuthorityKeyIdentifier(ByteView identifier) {
  return {.oid = std::string(kAuthorityKeyIdentifier), .value = der::Sequence({der::Implicit(0, identifier)})};
}

Extension CrlDistributionPoint(std::string_view url) {
  const Bytes full_name = der::Explicit(0, der::Implicit(6, AsBytes(url)));
  return {.oid = std::string(kCrlDistributionPoints), .value = der::Sequence({der::Sequence({der::Explicit(0, full_name)})})};
}

Extension ExtendedKeyUsage(std::string_view purpose_oid) {
  return {.oid = std::string(kExtendedKeyUsage), .value = der::Sequence({der::Oid(purpose_oid)})};
}

}  // namespace extension
}  // namespace assay::softtee
