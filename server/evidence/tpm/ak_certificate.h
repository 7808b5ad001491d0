// Certificates of keys in TPMs: attestation keys (AK) and endorsement keys (EK). TCG EK Credential Profile 2.6; how Google's and
// Microsoft's certificates for virtual TPMs look, by genuine ones.
//
// AK and EK certificates of one cloud come from the same issuers and differ in keyUsage alone: digitalSignature for an AK,
// keyEncipherment or keyAgreement for an EK.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "crypto/certificate.h"
#include "crypto/path.h"
#include "trust/anchors.h"
#include "trust/chain.h"

namespace assay::tpm {

// Kinds of collateral.
inline constexpr std::string_view kAkKind = "tpm.ak";  // certificates of attestation keys
inline constexpr std::string_view kEkKind = "tpm.ek";
inline constexpr std::string_view kCaKind = "tpm.ca";  // issuers and roots, of any vendor
inline constexpr std::string_view kCrlKind = "tpm.crl";

inline constexpr std::string_view kGoogleVendor = "google";
inline constexpr std::string_view kMicrosoftVendor = "microsoft";
inline constexpr std::string_view kOperatorVendor = "operator";  // roots that the operator configures
inline constexpr std::string_view kProduct = "tpm";

// A vendor's chains, and under which names its anchors stand.
struct CertificateProfile {
  trust::ChainProfile ak;
  trust::ChainProfile ek;
};
extern const CertificateProfile kGoogleProfile;
extern const CertificateProfile kMicrosoftProfile;
extern const CertificateProfile kOperatorProfile;  // the TCG's own, for CAs of anybody
// The profile that the certificate would have to conform to, by what it claims to be; decides nothing.
const CertificateProfile& ProfileHint(const crypto::Certificate& leaf);

// What the certificate says of itself. nullopt: not one of a key in a TPM.
enum class CertificateKind : std::uint8_t { kAk, kEk, kCa };
std::optional<CertificateKind> KindOf(const crypto::Certificate& certificate);

// `name`: as SubjectText and IssuerText have it. By its common name, a CA of SEV, SGX or TDX.
bool IsOfAnotherFormat(std::string_view name);

// keyUsage alone: digitalSignature and nothing that decrypts or agrees on keys.
bool IsForSigning(const crypto::Certificate& certificate);

// Google's extension 1.3.6.1.4.1.11129.2.1.21: which instance the virtual TPM belongs to.
struct GceInstance {
  std::string zone;
  std::uint64_t project_number = 0;
  std::string project_id;
  std::string instance_id;  // decimal
  std::string instance_name;
  std::optional<std::uint64_t> security_version;
  std::optional<bool> is_production;
};
inline constexpr std::string_view kGceInstanceOid = "1.3.6.1.4.1.11129.2.1.21";
Outcome<GceInstance> ReadGceInstance(const crypto::Certificate& certificate, std::string_view component);

// Whether lists of revoked certificates were consulted, of every issuer that says where its list is.
enum class Revocation : std::uint8_t { kChecked, kNotPublished, kMissing };
std::string_view NameOf(Revocation revocation);  // "checked", "not_published", "missing"
bool NamesRevocationList(const crypto::Certificate& certificate);

// The production pins: SHA-256 of the SubjectPublicKeyInfo.
std::span<const trust::Anchor> BuiltinAnchors();

}  // namespace assay::tpm
