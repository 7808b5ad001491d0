// TCB info, QE identity and the list of evaluation data numbers as Intel's PCS serves them: {"tcbInfo", "enclaveIdentity" or
// "tcbEvaluationDataNumbers": …, "signature": "<r||s, hex>"}. Source: Intel PCS API version 4, "Get TCB Info", "Get Enclave Identity" and
// "Retrieve TCB Evaluation Data Numbers"; TCB info version 2 as version 3 of the API served it for SGX.
//
// The Read functions promise: strict JSON in which no name occurs twice; every member that evaluation needs, of its type and size; SVNs
// in their ranges; dates in their order. Members that they do not know are left alone: Intel adds some from time to time. They decode,
// no more: `signed_bytes` and `signature` are the very bytes as served and not a rendering. What may be believed is an
// Authenticated<TcbInfo>, which signed_document.h makes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/outcome.h"
#include "evidence/dcap/quote.h"
#include "trust/authenticated.h"
#include "trust/collateral.h"
#include "trust/description.h"

namespace assay::dcap {

inline constexpr std::size_t kMaxDocumentSize = std::size_t{256} * 1024;

struct DocumentHead {
  std::string signed_bytes;
  Bytes signature;  // r || s, 64 bytes
  Time issue_date{};
  Time next_update{};
  std::uint32_t evaluation_data_number = 0;  // of the list of numbers: the highest in it

  trust::EcdsaSigned Signed() const;
};

// From best to worst only within each group; how they combine is Evaluate's matter.
enum class TcbStatus : std::uint8_t {
  kUpToDate,
  kSwHardeningNeeded,
  kConfigurationNeeded,
  kConfigurationAndSwHardeningNeeded,
  kOutOfDate,
  kOutOfDateConfigurationNeeded,
  kRevoked,
  // Never in a document: results of evaluation.
  kTdRelaunchAdvised,
  kTdRelaunchAdvisedConfigurationNeeded,
  kNotSupported
};
std::string_view NameOf(TcbStatus status);  // as Intel writes it, e.g. "SWHardeningNeeded"; "NotSupported": no level applies

struct TcbVerdict {
  TcbStatus status = TcbStatus::kRevoked;
  Time date{};
  std::vector<std::string> advisory_ids;
};

struct PlatformLevel {
  ByteArray<16> sgx_components{};
  ByteArray<16> tdx_components{};  // zero in documents for SGX
  std::uint16_t pce_svn = 0;
  TcbVerdict verdict;
};

struct IsvLevel {
  std::uint16_t isv_svn = 0;
  TcbVerdict verdict;
};

struct TdxModule {
  std::string id;  // "TDX_03"; empty: the module before 1.5, which tdxModule describes
  ByteArray<48> mrsigner{};
  ByteArray<8> attributes{};
  ByteArray<8> attributes_mask{};
  std::vector<IsvLevel> levels;  // highest SVN first
};

struct TcbInfo {
  using Parser = class DocumentParser;
  using Authenticator = class DocumentAuthenticator;
  static constexpr std::string_view kComponent = "tcb-info";

  DocumentHead head;
  Tee tee = Tee::kSgx;
  ByteArray<6> fmspc{};
  ByteArray<2> pce_id{};
  std::vector<PlatformLevel> levels;  // highest first, none twice
  std::vector<TdxModule> modules;

  trust::CollateralKey Series() const;  // what it claims to be about
  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const { return head.Signed(); }
};
Outcome<TcbInfo> ReadTcbInfo(std::string_view text);

struct QeIdentity {
  using Parser = class DocumentParser;
  using Authenticator = class DocumentAuthenticator;
  static constexpr std::string_view kComponent = "qe-identity";

  DocumentHead head;
  std::string id;  // "QE" or "TD_QE"
  ByteArray<4> miscselect{}, miscselect_mask{};
  ByteArray<16> attributes{}, attributes_mask{};
  ByteArray<32> mrsigner{};
  std::uint16_t isv_prod_id = 0;
  std::vector<IsvLevel> levels;  // highest SVN first

  trust::CollateralKey Series() const;  // what it claims to be about
  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const { return head.Signed(); }
};
Outcome<QeIdentity> ReadQeIdentity(std::string_view text);

// Which evaluation data numbers there are, and the recovery event behind each.
struct EvaluationNumbers {
  using Parser = class DocumentParser;
  using Authenticator = class DocumentAuthenticator;
  static constexpr std::string_view kComponent = "tcb-evaluation-data-numbers";

  DocumentHead head;
  Tee tee = Tee::kSgx;
  struct Number {
    std::uint32_t number = 0;
    Time recovery_event{};
    Time tcb_date{};
  };
  std::vector<Number> numbers;  // highest first, none twice

  trust::CollateralKey Series() const;  // what it claims to be about
  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const { return head.Signed(); }
};
Outcome<EvaluationNumbers> ReadEvaluationNumbers(std::string_view text);

}  // namespace assay::dcap
