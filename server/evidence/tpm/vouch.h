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
  std::string_view vendor;              // of the anchors: "google"
  std::optional<GceInstance> instance;  // of a Google certificate
  Revocation revocation = Revocation::kNotPublished;
};

// An endorsement key that counts and is of the same TPM.
struct ProvenEk {
  crypto::Sha256Digest key_digest;  // SHA-256 of its SubjectPublicKeyInfo
  Bytes name;
  trust::KeyOrigin origin;  // of the trust in it: kChain or kEnrolment
};

struct VouchedAk {
  trust::VerifiedKey key;
  std::optional<PublicArea> area;
  bool name_vouched = false;  // what vouches covers the area's Name, not only the key in it
  std::optional<CertifiedBy> certified;
  std::vector<trust::ValidityWindow> windows;
  std::optional<ProvenEk> ek = {};  // by activation
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
std::optional<VouchedAk> VouchByCertificate(const crypto::Certificate& certificate, std::optional<PublicArea> area,
                                            const CertificateProfile& profile, const evidence::AuthenticationContext& context,
                                            CheckLog& log);
std::optional<VouchedAk> VouchByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled,
                                          CheckLog& log);  // by Name, or by SHA-256 of the SPKI
std::optional<VouchedAk> VouchByEnrolment(const crypto::PublicKey& key, const trust::EnrolledKeys& enrolled,
                                          CheckLog& log);  // by SHA-256 of the SPKI
std::optional<VouchedAk> VouchByActivation(PublicArea area, const VouchedEk& ek, const trust::Activation& activation, CheckLog& log);
// `key` was made by VerifiedKey::FromCommitment: a field of authenticated evidence equals a digest over `area`, or over its key.
// `covers_area`: over all of it.
std::optional<VouchedAk> VouchByCommitment(trust::VerifiedKey key, std::optional<PublicArea> area, bool covers_area, CheckLog& log);

std::optional<VouchedEk> VouchEkByCertificate(const crypto::Certificate& certificate, PublicArea area, const CertificateProfile& profile,
                                              const evidence::AuthenticationContext& context, CheckLog& log);
std::optional<VouchedEk> VouchEkByEnrolment(PublicArea area, const trust::EnrolledKeys& enrolled, CheckLog& log);  // as attestation keys

// Whether that is the key: by Name, or by SHA-256 of the SPKI.
bool IsEnrolled(const PublicArea& area, const trust::EnrolledKeys* enrolled);  // nullptr: none is

// The endorsement key that the request named: because an operator enrolled it, else by its certificate, of the vendor that the
// certificate claims to be of. A certificate of a vendor whose roots nobody configured is not looked at, and shown as that.
std::optional<VouchedEk> VouchForEk(const evidence::AuthenticationContext& context, CheckLog& log);
// Of a key that something else vouches for: if it was activated under an endorsement key that an operator enrolled, says so in `ak`.
void AddEnrolledEk(VouchedAk& ak, const evidence::AuthenticationContext& context);

}  // namespace assay::tpm
