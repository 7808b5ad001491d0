// Certificates and revocation lists as plain descriptions that are then signed (RFC 5280). Everything in them can be set,
// so that a test can make exactly one thing wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

struct Extension {
  std::string oid;
  bool critical = false;
  Bytes value;  // what the OCTET STRING holds
};

struct Certificate {
  Bytes serial = {0};  // unsigned, big-endian
  Bytes issuer = {};   // a Name, DER
  Bytes subject = {};
  Time not_before = {};
  Time not_after = {};
  Bytes subject_public_key_info = {};
  std::vector<Extension> extensions = {};
  SignatureStyle style = SignatureStyle::kPssSha384;
  bool explicit_trailer = false;  // RSASSA-PSS: write trailerField although 1 is its default, as AMD's CA certificates do

  Bytes SignedBy(const Key& issuer_key) const;  // DER
};

struct RevocationList {
  Bytes issuer = {};
  Time this_update = {};
  std::optional<Time> next_update = {};
  std::vector<Bytes> revoked_serials = {};  // unsigned, big-endian
  Bytes authority_key_identifier = {};
  std::optional<std::uint64_t> number = {};
  SignatureStyle style = SignatureStyle::kPssSha384;

  Bytes SignedBy(const Key& issuer_key) const;  // DER
};

Bytes NameOf(std::string_view common_name);  // CN alone

// Bits of keyUsage (RFC 5280 section 4.2.1.3), first bit highest.
inline constexpr std::uint16_t kDigitalSignature = 0x8000;
inline constexpr std::uint16_t kKeyCertSign = 0x0400;
inline constexpr std::uint16_t kCrlSign = 0x0200;

namespace extension {
inline constexpr std::string_view kSubjectKeyIdentifier = "2.5.29.14";
inline constexpr std::string_view kKeyUsage = "2.5.29.15";
inline constexpr std::string_view kSubjectAltName = "2.5.29.17";
inline constexpr std::string_view kBasicConstraints = "2.5.29.19";
inline constexpr std::string_view kCrlDistributionPoints = "2.5.29.31";
inline constexpr std::string_view kAuthorityKeyIdentifier = "2.5.29.35";
inline constexpr std::string_view kExtendedKeyUsage = "2.5.29.37";

Extension KeyUsage(std::uint16_t bits);
// AMD counts one unused bit whatever the bits are: not the DER of a named bit list, but what its ASKs and ASVKs carry.
Extension AmdKeyUsage(std::uint16_t bits);
Extension BasicConstraints(bool ca, std::optional<unsigned> path_length);
Extension SubjectKeyIdentifier(const Key& key);
Extension AuthorityKeyIdentifier(ByteView identifier);
Extension CrlDistributionPoint(std::string_view url);
Extension ExtendedKeyUsage(std::string_view purpose_oid);
}  // namespace extension

}  // namespace assay::softtee
