// Intel's endorsement certificates: the PCK (provisioning certification key) certificate with its SGX extension, the CAs above it, and
// the certificate that signs TCB documents. Source: Intel SGX PCK Certificate and Certificate Revocation List Profile Specification;
// encodings as found in genuine certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "crypto/certificate.h"
#include "crypto/path.h"
#include "trust/anchors.h"

namespace assay::dcap {

inline constexpr std::string_view kIntelVendor = "intel";
inline constexpr std::string_view kIntelProduct = "SGX";  // one root for SGX and TDX

// 1.2.840.113741.1.13.1.5
enum class SgxType : std::uint8_t { kStandard, kScalable, kScalableWithIntegrity };
std::string_view NameOf(SgxType type);  // "standard"

// .7, only of platforms with several packages or with keys that the PCS keeps
struct PckConfiguration {
  bool dynamic_platform = false;  // packages may be added without a new registration
  bool cached_keys = false;       // Intel keeps the platform root keys
  bool smt_enabled = false;
};

// The extension 1.2.840.113741.1.13.1, whole.
struct PckExtension {
  ByteArray<16> ppid{};                               // .1
  ByteArray<16> tcb_components{};                     // .2.1 to .2.16: the SVNs that TCB levels are compared with
  std::uint16_t pce_svn = 0;                          // .2.17
  ByteArray<16> cpu_svn{};                            // .2.18
  ByteArray<2> pce_id{};                              // .3
  ByteArray<6> fmspc{};                               // .4
  SgxType sgx_type = SgxType::kStandard;              // .5
  std::optional<ByteArray<16>> platform_instance_id;  // .6; with .7, or neither
  std::optional<PckConfiguration> configuration;      // .7
};
// Strict DER; every member exactly once, of its type and size; members that are not listed above are refused. Findings
// (certificate_extension) name the member.
Outcome<PckExtension> ReadPckExtension(const crypto::Certificate& pck);

enum class CertificateKind : std::uint8_t { kPck, kPlatformCa, kProcessorCa, kTcbSigning, kRoot };
// By common name: what the certificate claims to be, nothing more. nullopt: none of Intel's.
std::optional<CertificateKind> KindOf(const crypto::Certificate& certificate);
std::string_view NameOf(CertificateKind kind);  // the common name

// What Intel's chains are beyond a sound path: PCK, PCK Platform or Processor CA, root; or TCB signing, root. Intel's names; EC P-256
// and ECDSA with SHA-256 throughout; CAs with exactly keyCertSign and cRLSign and path lengths 1 and 0; leaves that are no CA and sign
// data; a root that signed itself; no critical extension but keyUsage and basicConstraints.
std::vector<Finding> CheckPckProfile(const crypto::CertificatePath& path);
std::vector<Finding> CheckTcbSigningProfile(const crypto::CertificatePath& path);

// The production pin: SHA-256 of the SubjectPublicKeyInfo of Intel SGX Root CA. Two certificates of that key are in the field.
std::span<const trust::Anchor> IntelAnchors();

}  // namespace assay::dcap
