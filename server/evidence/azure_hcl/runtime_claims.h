// Runtime claims: the JSON text in which Azure's paravisor says which keys are those of its virtual TPM and how the machine is configured.
// microsoft/openvmm, openhcl/openhcl_attestation_protocol, igvm_attest::get::runtime_claims; RFC 7517 for keys.
//
// ReportParser promises: strict JSON in which no name stands twice; one key of kid HCLAkPub, RSA with at least 2048 bits and exponent
// 65537; members that are known of their form. Members that are not known are left alone. Nobody has signed the text: it is believed as
// far as a hardware report commits to these very bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check_log.h"
#include "base/hex.h"
#include "crypto/digest.h"
#include "crypto/public_key.h"
#include "trust/authenticated.h"
#include "trust/claims.h"
#include "trust/description.h"
#include "trust/parsed.h"

namespace assay::azure_hcl {

inline constexpr std::string_view kReportComponent = "azure-hcl-report";
inline constexpr std::string_view kClaimsComponent = "azure-hcl-claims";
inline constexpr std::string_view kAkKid = "HCLAkPub";

// REPORT_TYPE: what the hardware report is.
enum class ReportType : std::uint8_t { kSnp = 2, kTdx = 4 };
std::string_view NameOf(ReportType type);  // "SEV-SNP"

// What report data must be for the claims: SHA-256 of them, and 32 zero bytes.
ByteArray<64> CommitmentTo(ByteView claims);

class RuntimeClaims {
 public:
  using Parser = class ReportParser;
  using Authenticator = class RuntimeClaimsAuthenticator;
  static constexpr std::string_view kComponent = kClaimsComponent;

  ByteView json() const { return json_; }  // as received
  ReportType report_type() const { return report_type_; }
  // HCLAkPub: the key with which the paravisor's virtual TPM signs quotes.
  const crypto::PublicKey& ContainedKey() const { return *ak_; }

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class ReportParser;
  RuntimeClaims() = default;

  Bytes json_;
  ReportType report_type_ = ReportType::kSnp;
  std::optional<crypto::PublicKey> ak_;
  bool secure_boot_ = false;
  std::optional<bool> console_enabled_, interactive_console_enabled_, tpm_enabled_, tpm_persisted_, filtered_vpci_devices_allowed_;
  std::optional<std::string> vm_unique_id_, hardware_sealing_policy_, vmgs_provisioner_;
  std::optional<Bytes> root_cert_thumbprint_;  // 32 bytes
  std::optional<Bytes> user_data_;             // 64 bytes
};

class RuntimeClaimsAuthenticator {
 public:
  // The key that the claims name, before anything vouches for them: decides nothing.
  static crypto::PublicKey Hint(const trust::Parsed<RuntimeClaims>& parsed) {
    return parsed.Unverified(trust::UnverifiedAccess<RuntimeClaims>()).ContainedKey();
  }
  // By commitment: `report_data` is that field of `by`, the hardware report. nullopt: the log says why.
  template <typename U>
  static std::optional<trust::Authenticated<RuntimeClaims>> Authenticate(trust::Parsed<RuntimeClaims> parsed,
                                                                         const trust::Authenticated<U>& by, ByteView report_data,
                                                                         CheckLog& log) {
    const ByteArray<64> expected = CommitmentTo(parsed.Unverified(trust::UnverifiedAccess<RuntimeClaims>()).json());
    const Finding mismatch{.reason = Reason::kClaimsNotCommitted,
                           .component = std::string(by.component()),
                           .claim = "report_data",
                           .expected = ToHex(expected),
                           .actual = ToHex(report_data)};
    return trust::Authenticated<RuntimeClaims>::ByCommitment(std::move(parsed), by, report_data, expected, Check::kHclClaimsCommitted,
                                                             mismatch, log);
  }
};

}  // namespace assay::azure_hcl
