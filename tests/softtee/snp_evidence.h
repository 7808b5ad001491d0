// Whole SEV-SNP evidence in one call: a signed report with its certificates, and on demand exactly one thing wrong with it.
//
//   const Evidence evidence = MintSnp(SnpPki::Shared(), {.report_data = challenge}).value();
//
// Promises: without a fault, evidence that a verifier with this PKI's anchors must accept; with one, evidence that differs
// from that in what AllFaults() says and in nothing else. Does not promise equal bytes twice: signatures are randomised.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/cert_table.h"
#include "tests/softtee/snp_pki.h"
#include "tests/softtee/snp_report.h"

namespace assay::softtee {

struct Item {
  std::string media_type;
  Bytes body;
};
struct Endorsement {
  std::string name;  // "vcek", "vlek", "ask", "asvk", "ark", "crl"
  Bytes der;
};
struct Evidence {
  std::vector<Item> items;
  std::vector<Endorsement> endorsements;  // the certificates and the list that the items carry, one by one
  // The body of the first item of that type; nullptr if there is none.
  const Bytes* Find(std::string_view media_type) const;
};

inline constexpr std::string_view kReportType = "application/vnd.assay.sev-snp-report";
inline constexpr std::string_view kCertTableType = "application/vnd.assay.sev-cert-table";
inline constexpr std::string_view kCertificateType = "application/pkix-cert";
inline constexpr std::string_view kCrlType = "application/pkix-crl";

// The values that a development policy may pin. Ramps: every byte differs from its neighbours, so a transposed or
// shifted field shows.
template <std::size_t N>
constexpr ByteArray<N> Ramp(std::uint8_t first) {
  ByteArray<N> bytes{};
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}
inline constexpr ByteArray<64> kDefaultChipId = Ramp<64>(0x01);           // 01 02 … 40; on Turin 01 … 08 and zeros
inline constexpr ByteArray<48> kDefaultMeasurement = Ramp<48>(0xA0);      // a0 a1 … cf
inline constexpr ByteArray<32> kDefaultHostData = Ramp<32>(0x10);         // 10 11 … 2f
inline constexpr ByteArray<48> kDefaultIdKeyDigest = Ramp<48>(0x40);      // 40 41 … 6f
inline constexpr std::string_view kDefaultFamilyId = "assay.softtee.vm";  // 16 bytes each
inline constexpr std::string_view kDefaultImageId = "image-2026-11-24";
inline constexpr std::uint32_t kDefaultGuestSvn = 1;
inline constexpr std::string_view kDefaultCspId = "CN=cc-us-east-2.amazonaws.com";
inline constexpr Time kDefaultNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);

// Above every floor that AMD's bulletins named until 2026.
Tcb DefaultTcb(Product product);

enum class Fault : std::uint8_t {
  // Report, layout
  kReportTruncated,
  kReportExtended,
  kVersion1,
  kVersion6,
  kReserved04c,
  kReserved188,
  kReserved1eb,
  kReserved1ef,
  kReservedBehindLaunchTcb,
  kReservedLastSigned,
  kSignerInfoReserved,
  kTcbReserved,
  kPolicyUnknownBit,
  kPolicyBit17Clear,
  kVmpl4,
  kSignatureAlgo0,
  kSigningKeyNone,
  kSigningKeyReserved,
  kUnknownProduct,
  kRPadding,
  kSPadding,
  kSignatureTail,
  // Report, signature and binding
  kRZero,
  kSZero,
  kSNotBelowOrder,
  kSignatureBigEndian,
  kSignatureDamaged,
  kReportChanged,
  kReportOfOtherKey,
  kOtherReportData,
  kSigningKeyMismatch,
  kChipIdMasked,
  kChipIdOther,
  kReportedTcbOther,
  kOtherProduct,
  // Report, what it says
  kDebug,
  kMigrateMa,
  kReportIdMaSet,
  kAuthorKeyDigestAlone,
  kReportedAboveCommitted,
  kCommittedAboveCurrent,
  kLaunchAboveCurrent,
  kPlatformInfoUnknownBit,
  // Leaf certificate
  kLeafMissing,
  kLeafGarbage,
  kLeafTcbBootLoader,
  kLeafTcbTee,
  kLeafTcbSnp,
  kLeafTcbMicrocode,
  kLeafTcbFmc,
  kLeafExtensionMissing,
  kLeafExtensionDuplicate,
  kLeafExtensionPadded,
  kLeafExtensionNegative,
  kLeafExtensionTrailing,
  kLeafExtensionWrongType,
  kLeafExtensionTooLarge,
  kLeafProductName,
  kLeafHwidOther,
  kLeafHwidTagged,
  kLeafHwidShort,
  kLeafHwidMissing,
  kLeafCspIdOnVcek,
  kLeafHwidOnVlek,
  kLeafCspIdMissing,
  kLeafKindName,
  kLeafOrganization,
  kLeafSalt20,
  kLeafPssSha256,
  kLeafPkcs1,
  kLeafCa,
  kLeafP256,
  kLeafExpired,
  kLeafNotYetValid,
  kLeafOtherIssuerKey,
  kLeafWrongIntermediate,
  kLeafIssuedByRoot,
  // Authorities
  kIntermediateMissing,
  kIntermediateNotCa,
  kIntermediateNoPathLength,
  kIntermediateNoKeyUsage,
  kIntermediateCrlSign,
  kIntermediateExpired,
  kIntermediateOtherIssuerKey,
  kIntermediateSalt20,
  kIntermediateRsa2048,
  kIntermediateOrganization,
  kRootMissing,
  kRootSelfMade,
  kRootNoKeyUsage,
  kChainOfOtherProduct,
  // Revocation list
  kCrlRevokesIntermediate,
  kCrlStale,
  kCrlNotYetValid,
  kCrlOtherIssuerKey,
  kCrlOfOtherProduct,
  kCrlGarbage,
  // Certificate table
  kTableOverlap,
  kTableWrap,
  kTablePastEnd,
  kTableInsideHeader,
  kTableDuplicateGuid,
  kTableNoTerminator,
  kTableEmptyValue,
  kTableCutOff,
};

struct SnpOptions {
  Product product = Product::kMilan;
  std::uint32_t version = 3;
  SigningKey signing_key = SigningKey::kVcek;
  ByteArray<64> report_data{};
  std::optional<ByteArray<64>> chip_id = {};  // unset: the default, and with a VLEK all zero, as at AWS
  ByteArray<48> measurement = kDefaultMeasurement;
  ByteArray<32> host_data = kDefaultHostData;
  ByteArray<48> id_key_digest = kDefaultIdKeyDigest;
  std::optional<ByteArray<32>> report_id = {};  // unset: a function of the chip id
  std::optional<Tcb> tcb = {};                  // unset: DefaultTcb(product)
  std::uint32_t vmpl = 0;
  std::string csp_id = std::string(kDefaultCspId);  // in a VLEK
  Time now = kDefaultNow;                           // the certificates' dates are relative to it
  enum class Delivery : std::uint8_t { kTable, kSeparateItems } delivery = Delivery::kTable;
  bool pem_in_table = false;
  bool with_crl = true;  // in the table or as an item of its own
  std::optional<Fault> fault = {};
};

// Errors (InvalidArgument): the options contradict each other, or the fault cannot exist under them (a VLEK has no HWID).
absl::StatusOr<Evidence> MintSnp(const SnpPki& pki, const SnpOptions& options);

struct FaultEntry {
  Fault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const FaultEntry> AllFaults();  // in the order of the enumeration
const FaultEntry& EntryOf(Fault fault);
std::optional<Fault> FaultNamed(std::string_view name);
// Default options, but for what the fault needs to exist (Turin, a VLEK).
SnpOptions OptionsFor(Fault fault);

}  // namespace assay::softtee
