// Attestation documents of AWS Nitro in one call: CBOR, COSE and certificates as the Nitro hypervisor makes them, and on demand exactly one
// thing wrong.
//
//   const NitroEvidence evidence = MintNitro(NitroPki::Shared(), {.nonce = challenge});
//
// Promises: without a fault, evidence that a verifier with this PKI's anchor must accept; with one, evidence that differs from that in what
// AllNitroFaults() says and in nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/softtee/anchors.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {

inline constexpr std::string_view kNitroDocumentType = "application/vnd.assay.nitro-document";

// Root, regional, zonal and instance issuer, and a module's key. All are functions of one secret.
class NitroPki {
 public:
  static NitroPki Generate();
  // Of `directory`, which is made and filled if it is not there. Several processes may call this at once.
  static absl::StatusOr<NitroPki> Open(const std::filesystem::path& directory);
  static const NitroPki& Shared();

  const Key& KeyOf(std::string_view role) const;  // "root", "regional", "zonal", "instance", "module", "stranger"
  std::vector<Anchor> Anchors() const { return {{"aws", "nitro", Sha256(KeyOf("root").SubjectPublicKeyInfo())}}; }

 private:
  void Derive();  // keys_, of seed_
  Bytes seed_;
  std::map<std::string, Key, std::less<>> keys_;
};

// RFC 8949, as far as documents need it.
namespace cbor {
Bytes Head(unsigned major, std::uint64_t argument);
Bytes Number(std::uint64_t value);
Bytes Text(std::string_view text);
Bytes String(ByteView bytes);
Bytes Null();
Bytes Array(const std::vector<Bytes>& elements);       // encoded
using Members = std::vector<std::pair<Bytes, Bytes>>;  // encoded
Bytes Map(const Members& members, bool indefinite = false);
}  // namespace cbor

enum class NitroFault : std::uint8_t {
  // CBOR and COSE
  kTruncated,
  kTrailingByte,
  kOtherTag,
  kFiveElements,
  kUnprotectedAlg,
  kProtectedEmpty,
  kProtectedCrit,
  kProtectedNotMinimal,
  kEs256,
  kEs512,
  kSignatureShort,
  kPayloadDetached,
  kPayloadKeyTwice,
  kPayloadNotMinimal,
  kPayloadTrailing,
  kPayloadIndefiniteString,
  kPayloadDeep,
  kPayloadNoMap,
  kTooLarge,
  // Members
  kModuleIdMissing,
  kDigestMissing,
  kTimestampMissing,
  kPcrsMissing,
  kCertificateMissing,
  kCabundleMissing,
  kUnknownMember,
  kModuleIdEmpty,
  kModuleIdBytes,
  kDigestOther,
  kTimestampZero,
  kTimestampText,
  kPcrsEmpty,
  kPcr32,
  kPcrShort,
  kPcrsOfBothKinds,
  kCertificateEmpty,
  kCertificateLong,
  kCabundleEmpty,
  kCabundleOfEight,
  kCabundleEntryEmpty,
  kPublicKeyEmpty,
  kPublicKeyLong,
  kUserDataLong,
  kNonceLong,
  kNonceText,
  // Signature and binding
  kDocumentChanged,
  kSignatureDamaged,
  kSignatureZero,
  kSignedByOtherKey,
  kNonceOther,
  kNoncePrefix,
  kNonceLonger,
  kNonceMissing,
  // Certificates
  kRootSelfMade,
  kRootMissing,
  kIssuerMissing,
  kCabundleReversed,
  kCabundleMore,
  kCabundleTwice,
  kLeafGarbage,
  kIssuerGarbage,
  kLeafOtherIssuerKey,
  kLeafCa,
  kLeafCertSign,
  kLeafNoUsage,
  kLeafP256,
  kLeafSha256,
  kLeafOrganization,
  kIssuerNotCa,
  kIssuerNoCertSign,
  kIssuerNoPathLength,
  kIssuerPathLength,
  kIssuerName,
  kCriticalExtension,
  kLeafOfRoot,
  // Module and dates
  kLeafOtherModule,
  kLeafNoRegion,
  kModuleOfOtherKind,
  kModuleIdForm,
  kDatedBefore,
  kDatedAfter,
  kLeafExpired,
  kLeafNotYetValid,
  kIssuerExpired,
  // What it says
  kDebug,
};

// What is put together before it is signed: where faults and tests take hold.
struct NitroParts {
  const NitroPki& pki;
  bool tpm;
  std::string module_id;
  std::string region = "us-east-1";
  std::uint64_t timestamp_ms;
  std::map<unsigned, Bytes> pcrs;
  std::optional<Bytes> public_key, user_data, nonce;
  // Leaf first, root last, each with the key that signs it.
  struct Link {
    Certificate certificate;
    Key issuer;
  };
  std::vector<Link> path;
  Key document_key;
  bool indefinite = false;
  Bytes protected_header = {0xA1, 0x01, 0x38, 0x22};
  Bytes unprotected_header = {0xA0};
  std::function<void(std::vector<Bytes>&)> cabundle = {};  // DER, root first
  std::function<void(Bytes&)> leaf = {};                   // DER
  std::function<void(cbor::Members&)> members = {};
  std::function<void(Bytes&)> payload = {};  // encoded, before it is signed
  std::function<void(Bytes&)> signature = {};
  std::function<void(Bytes&)> signed_payload = {};        // when it is signed
  std::function<void(std::vector<Bytes>&)> message = {};  // the array's encoded elements
  std::function<void(Bytes&)> document = {};
};

struct NitroOptions {
  Bytes nonce = {};                     // empty: null
  bool tpm = false;                     // the document of a NitroTPM, not of an enclave
  std::map<unsigned, Bytes> pcrs = {};  // default: byte k of register i is 16 * i + k; 16 of an enclave, 24 of a NitroTPM
  std::optional<Bytes> public_key = {};
  std::optional<Bytes> user_data = {};
  std::string instance_id = "i-0123456789abcdef0";
  bool indefinite = false;  // the payload's map, as newer hypervisors write it
  Time now = kDefaultNow;
  std::optional<NitroFault> fault = {};
  std::function<void(NitroParts&)> change = {};
};

Evidence MintNitro(const NitroPki& pki, const NitroOptions& options);

struct NitroFaultEntry {
  NitroFault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const NitroFaultEntry> AllNitroFaults();  // in the order of the enumeration
bool CanExist(NitroFault fault, bool tpm);          // some are of an enclave's document only
std::optional<NitroFault> NitroFaultNamed(std::string_view name);
void Apply(NitroFault fault, NitroParts& parts);

}  // namespace assay::softtee
