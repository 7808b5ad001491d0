// Evidence of Google's confidential machines in one call: a hardware report or quote, a quote by Google's virtual TPM under a certified key
// that the report's transcript has in it, a launch endorsement, and on demand exactly one thing wrong.
//
//   const GceEvidence evidence = MintGce({.tee = GceTee::kSevSnp}).value();
//
// Promises: without a fault, evidence that a verifier with these PKIs' anchors must accept; with one, evidence that differs from that in
// what AllGceFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {

inline constexpr std::string_view kGceEndorsementType = "application/vnd.assay.gce-endorsement";
inline constexpr std::string_view kTcgEventLogType = "application/vnd.assay.tcg-event-log";
inline constexpr std::string_view kCcelType = "application/vnd.assay.ccel";

// Google's authorities, of virtual TPMs and of launch endorsements.
struct GcePki {
  // Made once per process.
  static const GcePki& Shared();
  // Of `directory`, where they are made and kept as the others are. Several processes may call this at once. Errors: as of KeptKeys.
  static absl::StatusOr<GcePki> Open(const std::filesystem::path& directory);

  Key root = Key::GenerateP256();
  Key issuer = Key::GenerateP256();
  Key stranger = Key::GenerateP256();
  Key endorsement_root = Key::GenerateRsa(3072);
  Key endorsement_signer = Key::GenerateRsa(3072);
  Key endorsement_stranger = Key::GenerateRsa(3072);

  // `endorsements`: with the root of launch endorsements, as an operator pins it.
  std::vector<Anchor> Anchors(bool endorsements = true) const;
};

// Certificates as Google's CA makes them for virtual TPMs.
void CertifyAsGoogle(TpmParts& parts, const GcePki& pki);

// What a challenge wants to have answered: SHA-512 and SHA-256 of a binding transcript.
struct GceDemand {
  ByteArray<64> report_data;
  Bytes extra_data;
};

enum class GceTee : std::uint8_t { kSevSnp, kTdx };

enum class GceFault : std::uint8_t {
  // What ties the parts together
  kTranscriptWithoutAk,
  kTranscriptOfOtherAk,
  kReportOfOtherTranscript,
  kQuoteOfOtherTranscript,
  // The virtual TPM
  kQuoteOfOtherKey,
  kPcrChanged,
  kAkMissing,
  kAkUnrestricted,
  kCertificateMissing,
  kCertificateOfOtherKey,
  kEkCertificate,
  kCertificateOtherIssuerKey,
  kRootSelfMade,
  kNotProduction,
  // Launch endorsement, form
  kEndorsementCutOff,
  kEndorsementMoreFields,
  kEndorsementFieldTwice,
  kEndorsementLongVarint,
  kEndorsementNoSignature,
  kEndorsementShortMeasurement,
  kEndorsementVmsasTwice,
  kEndorsementNoTimestamp,
  kEndorsementNoSource,
  kEndorsementCertificateGarbage,
  kEndorsementBundleGarbage,
  // Launch endorsement, signature
  kEndorsementChanged,
  kEndorsementSignatureDamaged,
  kEndorsementSignatureShort,
  kEndorsementOfOtherKey,
  kEndorsementPkcs1,
  kEndorsementRootSelfMade,
  kEndorsementOtherIssuerKey,
  kEndorsementIssuerMissing,
  kEndorsementEcKey,
  kEndorsementExpired,
  kEndorsementOfOtherFirmware,
};

struct GceOptions {
  GceTee tee = GceTee::kSevSnp;
  std::optional<GceDemand> demand = {};  // unset: a transcript is made up, and answered
  const TpmPki* virtual_tpm = nullptr;   // unset: that of this process
  ByteArray<32> nonce = Ramp<32>(0x70);  // in that transcript
  SnpOptions snp = {};                   // report_data is the transcript's
  DcapOptions dcap = {};
  std::vector<TpmBank> banks = {};  // default: all of SHA-256, ramps
  Bytes event_log = {}, ccel = {};  // empty: none
  bool with_endorsement = true;
  Time now = kDefaultNow;
  std::optional<GceFault> fault = {};
};

struct GceEvidence {
  std::vector<Item> items;
  Bytes transcript;  // whose digests the evidence answers, as the verifier has it, where none was demanded
  Bytes ak;          // TPM2B_PUBLIC that the transcript has to have in it; with some faults empty, or another's
  Bytes endorsement;
};
// Errors (InvalidArgument): as of MintSnp and MintDcap.
absl::StatusOr<GceEvidence> MintGce(const GceOptions& options, const GcePki& pki = GcePki::Shared(), const SnpPki& amd = SnpPki::Shared(),
                                    const IntelPki& intel = IntelPki::Shared());

// The certificate that an operator would pin for launch endorsements, DER.
Bytes EndorsementRoot(const GcePki& pki, Time now);

struct GceFaultEntry {
  GceFault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const GceFaultEntry> AllGceFaults();  // in the order of the enumeration
std::optional<GceFault> GceFaultNamed(std::string_view name);

}  // namespace assay::softtee
