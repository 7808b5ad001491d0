// Whole evidence of a SEV-SNP guest under an SVSM in one call: report, manifest, a quote by the SVSM's virtual TPM with its PCRs and key, and
// on demand exactly one thing wrong.
//
// Promises: without a fault, evidence that a verifier with SnpPki's anchors, and the activation it names, must accept; with one, evidence that
// differs from that in what AllSvsmFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/softtee/snp_evidence.h"
#include "tests/softtee/tpm_evidence.h"

namespace assay::softtee {

inline constexpr std::string_view kSvsmManifestType = "application/vnd.assay.svsm-manifest";

// The manifest of all services as a plain description.
struct SvsmManifest {
  struct Service {
    std::string guid;  // as text
    Bytes data;
    std::optional<std::uint32_t> offset = {}, length = {};  // unset: what they are
  };
  std::string guid = "63849ebb-3d92-4670-a1ff-58f9c94b87bb";
  std::vector<Service> services;
  std::optional<std::uint32_t> length = {}, count = {};  // unset: what they are
  Bytes tail = {};
  Bytes Write() const;
};
inline constexpr std::string_view kSvsmVtpmGuid = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";
inline constexpr std::string_view kSvsmMmGuid = "a4453a59-9e1b-4787-a033-1986d6adbe55";

enum class SvsmFault : std::uint8_t {
  // Manifest, layout
  kTruncated,
  kLengthOther,
  kNoServices,
  kTooManyServices,
  kServiceTwice,
  kOffsetBack,
  kOffsetGap,
  kLengthPastEnd,
  kTail,
  kTooLong,
  kVtpmMissing,
  kEkEmpty,
  kEkGarbage,
  // Endorsement key
  kEkUnrestricted,
  kEkNotFixedTpm,
  // What hangs on what
  kManifestChanged,
  kOtherNonce,
  kNonceAlone,
  kManifestAlone,
  kVmpl1,
  kAkOfOther,
  kActivatedForOther,
  kNotActivated,
  // Items
  kManifestMissing,
  kReportMissing,
  kAkMissing,
  // Hardware and TPM
  kHardwareSignature,
  kExtraDataOther,
  kQuoteOfOtherKey,
  kAkUnrestricted,
  kPcrChanged,
};

struct SvsmEvidence {
  std::vector<Item> items;
  Bytes manifest;
  // SHA-256 of the endorsement key's SubjectPublicKeyInfo and the Name of the object, for which the TPM gave a secret back.
  std::optional<std::pair<Bytes, Bytes>> activated;
};

struct SvsmParts {
  SvsmManifest manifest;
  SnpOptions snp;
  TpmOptions tpm;
  TpmPublic ek;
  std::vector<std::function<void(TpmParts&)>> tpm_parts = {};
  std::function<void(Bytes&)> written = {};                                        // the manifest, before it is committed to
  std::function<void(Bytes&)> sent = {};                                           // and behind it
  std::function<Bytes(const Bytes& nonce, const Bytes& manifest)> committed = {};  // what is hashed
  std::function<void(SvsmEvidence&)> evidence = {};
};

struct SvsmOptions {
  ByteArray<64> nonce{};  // that the SVSM is asked with
  Bytes extra_data = {};
  bool vtpm_alone = false;  // the manifest of that service
  std::optional<SvsmFault> fault = {};
};
SvsmEvidence MintSvsm(const SvsmOptions& options);

struct SvsmFaultEntry {
  SvsmFault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const SvsmFaultEntry> AllSvsmFaults();  // in the order of the enumeration

}  // namespace assay::softtee
