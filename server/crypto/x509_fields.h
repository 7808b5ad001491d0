// The parts that certificates and revocation lists have in common (RFC 5280 sections 4.1 and 5.1), read from DER. Included
// by crypto/*.cc only.
//
// Each Read function takes one element from `reader`; nullopt means that it is missing or not of its form.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/certificate.h"
#include "crypto/der.h"

namespace assay::crypto {

// SEQUENCE { to-be-signed, AlgorithmIdentifier, BIT STRING }
struct SignedStructure {
  DerElement tbs;
  DerElement algorithm;
  ByteView signature;
};
// `bytes` must be exactly one such structure, DER throughout.
std::optional<SignedStructure> ReadSignedStructure(ByteView bytes);

struct Name {
  ByteView der;
  std::vector<NameAttribute> attributes;
};
std::optional<Name> ReadName(DerReader& reader);
std::string TextOf(const std::vector<NameAttribute>& attributes);

// UTCTime or GeneralizedTime in RFC 5280's only form: with seconds, without fraction, in UTC.
std::optional<Time> ReadTime(DerReader& reader);

// `list`: the SEQUENCE OF Extension. nullopt also if it is empty, or if an extension occurs twice.
std::optional<std::vector<Extension>> ReadExtensions(ByteView list);
const Extension* FindIn(const std::vector<Extension>& extensions, std::string_view oid);

// Never fails: what is not known or not well-formed has kind kOther or lacks its hash.
SignatureAlgorithm AlgorithmOf(const DerElement& algorithm_identifier);

// Whether `key` made `signature` over `message` with `algorithm`. Digests that no longer resist collisions (SHA-1) never
// verify: an issuer's signature is worth nothing if another document has the same digest.
bool VerifySigned(const SignatureAlgorithm& algorithm, const PublicKey& key, ByteView message, ByteView signature);
bool IsCollisionResistant(const SignatureAlgorithm& algorithm);

// The dotted form of an OBJECT IDENTIFIER element; "" if it is none.
std::string OidText(const DerElement& oid);

namespace oid {
inline constexpr std::string_view kCommonName = "2.5.4.3";
inline constexpr std::string_view kSubjectKeyIdentifier = "2.5.29.14";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kSubjectAltName = "2.5.29.17";
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kCrlNumber = "2.5.29.20";
inline constexpr std::string_view kReasonCode = "2.5.29.21";
inline constexpr std::string_view kInvalidityDate = "2.5.29.24";
inline constexpr std::string_view kDeltaCrlIndicator = "2.5.29.27";
inline constexpr std::string_view kIssuingDistributionPoint = "2.5.29.28";
inline constexpr std::string_view kCertificateIssuer = "2.5.29.29";
inline constexpr std::string_view kNameConstraints = "2.5.29.30";
inline constexpr std::string_view kAuthorityKeyIdentifier = "2.5.29.35";
inline constexpr std::string_view kAuthorityInfoAccess = "1.3.6.1.5.5.7.1.1";
}  // namespace oid

}  // namespace assay::crypto
