// Whole DCAP evidence in one call: a quote that authenticates, with all of Intel's collateral for it, and on demand exactly one thing wrong.
//
//   const Evidence evidence = MintDcap(IntelPki::Shared(), {.report_data = challenge}).value();
//
// Promises: without a fault, evidence that a verifier with this PKI's anchor must accept; with one, evidence that differs from that in what
// AllDcapFaults() says and in nothing else. Does not promise equal bytes twice: signatures are randomised.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/softtee/intel_pki.h"
#include "tests/softtee/pcs_documents.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::softtee {

inline constexpr std::string_view kQuoteType = "application/vnd.assay.dcap-quote";
inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kPemChainType = "application/pem-certificate-chain";

enum class QuoteKind : std::uint8_t { kTdxV4, kTdxV5Td10, kTdxV5Td15, kTdxV5Td15Ex, kSgxV3, kSgxV4, kSgxV5 };
std::string_view NameOf(QuoteKind kind);  // "tdx_v5_td15"
std::optional<QuoteKind> QuoteKindNamed(std::string_view name);
std::span<const QuoteKind> AllQuoteKinds();
bool IsTdx(QuoteKind kind);

inline constexpr ByteArray<48> kDefaultMrtd = Ramp<48>(0x30);  // 30 31 … 5f
inline constexpr ByteArray<48> kDefaultRtmr0 = Ramp<48>(0x60);
inline constexpr ByteArray<48> kDefaultRtmr1 = Ramp<48>(0x90);
inline constexpr ByteArray<48> kDefaultRtmr2 = Ramp<48>(0xC0);
inline constexpr ByteArray<48> kDefaultMrConfigId = Ramp<48>(0x11);
inline constexpr ByteArray<48> kDefaultMrOwner = Ramp<48>(0x51);
inline constexpr ByteArray<48> kDefaultMrSeam = Ramp<48>(0x71);
inline constexpr ByteArray<32> kDefaultMrEnclave = Ramp<32>(0x21);
inline constexpr ByteArray<32> kDefaultMrSigner = Ramp<32>(0x41);

enum class DcapFault : std::uint8_t {
  // Quote, layout
  kQuoteTruncated,
  kTrailingByte,
  kTooLong,
  kVersion2,
  kVersion6,
  kKeyType3,
  kOtherVendor,
  kTeeTypeUnknown,
  kBodyTypeUnknown,
  kBodyTypeOfEnclave,
  kBodySizeOther,
  kAuthenticationLonger,
  kEnvelopeLonger,
  kOuterType,
  kPpidInstead,
  kPckAlone,
  kChainWithoutRoot,
  kRootTwice,
  kTextInChain,
  kQeReserved,
  // Quote, signatures and binding
  kRZero,
  kSNotBelowOrder,
  kSignatureLittleEndian,
  kSignatureDamaged,
  kBodyChanged,
  kQuoteOfOtherKey,
  kQeReportChanged,
  kQeReportOfOtherKey,
  kAttestationKeyOther,
  kAttestationKeyNoPoint,
  kAuthenticationDataChanged,
  kQeReportDataTail,
  kOtherReportData,
  // Quoting enclave
  kQeDebug,
  kQeOtherSigner,
  kQeOtherProduct,
  kQeOutOfDate,
  kQeRevoked,
  // Trust domain
  kDebug,
  kDebugOtherBit,
  kMigratable,
  kServiceTd,
  kAttributesUnknown,
  kXfamUnknown,
  kXfamFixedClear,
  kSeamAttributes,
  kMrSignerSeam,
  kModuleUnknown,
  kModuleOutOfDate,
  kModuleRevoked,
  kInitialTcb,
  kEnclave,
  // Certificates of the quote
  kPckOtherIssuerKey,
  kRootSelfMade,
  kCaNotCa,
  kCaPathLength,
  kPckCa,
  kPckOrganization,
  kPckP384,
  kPckExtensionMissing,
  kPckInstanceMissing,
  kPckExpired,
  kPckNotYetValid,
  kCaExpired,
  kCaNotYetValid,
  kRootExpired,
  kRootNotYetValid,
  // Revocation
  kPckRevoked,
  kCaRevoked,
  kTcbSignerRevoked,
  kRootCrlMissing,
  kPckCrlMissing,
  kRootCrlStale,
  kPckCrlStale,
  kRootCrlNotYetValid,
  kPckCrlNotYetValid,
  kRootCrlOtherKey,
  kPckCrlOtherKey,
  kPckCrlOfOtherCa,
  kCrlGarbage,
  // TCB documents
  kTcbInfoMissing,
  kQeIdentityMissing,
  kTcbSigningMissing,
  kTcbInfoChanged,
  kTcbInfoSpaced,
  kQeIdentityChanged,
  kDocumentsOfOtherKey,
  kTcbInfoMalformed,
  kTcbInfoNoJson,
  kQeIdentityMalformed,
  kTcbInfoOtherFmspc,
  kTcbInfoOtherPceId,
  kTcbInfoOfSgx,
  kQeIdentityOfSgx,
  kTcbInfoExpired,
  kTcbInfoNotYetValid,
  kQeIdentityExpired,
  kQeIdentityNotYetValid,
  kTcbSigningExpired,
  kTcbSigningNotYetValid,
  kTcbSigningOtherIssuerKey,
  kTcbSigningCa,
  // TCB status
  kOutOfDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  kTdRelaunchAdvised,
  kTdRelaunchAdvisedConfigurationNeeded,
  kNotSupported,
};

struct DcapOptions {
  QuoteKind kind = QuoteKind::kTdxV4;
  ByteArray<64> report_data{};
  bool platform_ca = true;
  Machine machine = {};
  ByteArray<48> mrtd = kDefaultMrtd;
  ByteArray<48> rtmr0 = kDefaultRtmr0, rtmr1 = kDefaultRtmr1, rtmr2 = kDefaultRtmr2, rtmr3 = {};
  ByteArray<48> mrconfigid = kDefaultMrConfigId, mrowner = kDefaultMrOwner, mrownerconfig = {};
  std::string status = "UpToDate";  // as Intel names it: what platform, TDX module and quoting enclave come to together
  unsigned tcb_info_version = 3;    // 2: SGX only
  Time now = kDefaultNow;           // all dates are relative to it
  bool with_documents = true;       // TCB info, QE identity and the chain of their signer
  bool with_crls = true;
  bool with_evaluation_numbers = false;
  // What a verifier must put up with:
  std::vector<std::size_t> order = {0, 1, 2};  // of PCK, CA, root in the quote
  std::size_t padding = 0;                     // zero bytes behind the quote
  bool negate_s = false;                       // n - s in the place of s: verifies just as well
  std::optional<DcapFault> fault = {};
};

// The first item is the quote; the endorsements are named like files, each as it is served. Errors (InvalidArgument): the options contradict
// each other, or the fault cannot exist under them.
absl::StatusOr<Evidence> MintDcap(const IntelPki& pki, const DcapOptions& options);

struct DcapFaultEntry {
  DcapFault fault;
  std::string_view name;    // stable, snake_case
  std::string_view reason;  // name of the finding that a verifier must give, as in base/reasons.def
  std::string_view what;
};
std::span<const DcapFaultEntry> AllDcapFaults();  // in the order of the enumeration
const DcapFaultEntry& EntryOf(DcapFault fault);
std::optional<DcapFault> DcapFaultNamed(std::string_view name);
// Default options, but for what the fault needs to exist (a TD report 1.5).
DcapOptions OptionsFor(DcapFault fault);

}  // namespace assay::softtee
