// Why an attestation key counts: exactly one of a certificate that leads to a pinned root, a secret that its TPM gave back for an
// endorsement key that counts, a commitment inside other authenticated evidence, or an operator who enrolled it. There is no fifth
// way: a key that merely comes with a quote signs nothing that is believed.
//
// A public area, where there is one, must be of a restricted signing key that never leaves its TPM. Where only a certificate is
// had, its issuer is trusted for that, and the check shows as skipped.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "evidence/format.h"
#include "evidence/tpm/ak_certificate.h"
#include "evidence/tpm/public_area.h"
#include "trust/activation.h"
#include "trust/claims.h"
#include "trust/enrolled_keys.h"
#include "trust/verified_key.h"

namespace assay::tpm {

inline constexpr std::string_view kAkComponent = "tpm-ak";
inline constexpr std::string_view kAkCertificateComponent = "tpm-ak-certificate";
inline constexpr std::string_view kEkComponent = "tpm-ek";
inline constexpr std::string_view kEkCertificateComponent = "tpm-ek-certificate";

// What a certificate adds.
struct CertifiedBy {
  std::string_view vendor;                // of the anchors: "google"
  std::optional<GceInstance> instance;    // of a Google certificate
  Revocation revocation = Revocation::kNotPublished;
};

struct VouchedAk {
  trust::VerifiedKey key;
  std::optional<PublicArea> area;
  bool name_vouched = false;  // what vouches covers the area's Name, not only the key in it
  std::optional<CertifiedBy> certified;
  std::vector<trust::ValidityWindow> windows;
};
std::string_view NameOf(trust::KeyOrigin origin);  // "certificate", "activation", "commitment", "enrolment"

// An endorsement key that counts: by its certificate, or because an operator enrolled it.
struct VouchedEk {
  trust::VerifiedKey key;
  PublicArea area;
  std::optional<CertifiedBy> certified;
  std::vector<trust::ValidityWindow> windows;
};

// Attributes, key and algorithms of an attestation key. False, and logged: it may sign what no TPM made, or may leave it.
bool CheckAttestationKey(const PublicArea& area, CheckLog& log);
// The same of an endorsement key: a restricted decryption key that never leaves its TPM, with AES-128 or stronger in CFB mode.
bool CheckEndorsementKey(const PublicArea& area, CheckLog& log);

// Each nullopt: the log says why.
//
// `area`, if given, must be of the certified key.
std::optional<VouchedAk> VouchByCertificate(const crypto::Certificate& certificate, std::optional<PublicArea> area, const CertificateProfile& profile,
                                            const evidence::AuthenticationContext& context, CheckLog& log);
std::optional<VouchedAk> VouchByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled, CheckLog& log);                // by Name
std::optional<VouchedAk> VouchByEnrolment(const crypto::PublicKey& key, const trust::EnrolledKeys& enrolled, CheckLog& log);  // by SHA-256 of the SPKI
std::optional<VouchedAk> VouchByActivation(PublicArea area, const VouchedEk& ek, const trust::Activation& activation, CheckLog& log);
// `key` was made by VerifiedKey::FromCommitment: a field of authenticated evidence equals a digest over `area`, or over its key.
// `covers_area`: over all of it.
std::optional<VouchedAk> VouchByCommitment(trust::VerifiedKey key, std::optional<PublicArea> area, bool covers_area, CheckLog& log);

std::optional<VouchedEk> VouchEkByCertificate(const crypto::Certificate& certificate, PublicArea area, const CertificateProfile& profile,
                                              const evidence::AuthenticationContext& context, CheckLog& log);
std::optional<VouchedEk> VouchEkByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled, CheckLog& log);

}  // namespace assay::tpm
