// TCB info and QE identity as Intel's PCS serves them: {"tcbInfo" or "enclaveIdentity": …, "signature": "<r||s, hex>"}. Source: Intel PCS
// API version 4, "Get TCB Info" and "Get Enclave Identity"; TCB info version 2 as version 3 of the API served it for SGX.
//
// ReadTcbInfo and ReadQeIdentity promise: strict JSON in which no name occurs twice; every member that evaluation needs, of its type and
// size; SVNs in their ranges; dates in their order. Members that they do not know are left alone: Intel adds some from time to time.
// They do not promise that anybody signed it: `signed_bytes` and `signature` are for that, the very bytes as served and not a rendering.
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

namespace assay::dcap {

inline constexpr std::size_t kMaxDocumentSize = std::size_t{256} * 1024;

struct DocumentHead {
  std::string signed_bytes;
  Bytes signature;  // r || s, 64 bytes
  Time issue_date{};
  Time next_update{};
  std::uint32_t evaluation_data_number = 0;
};

// From best to worst only within each group; how they combine is Evaluate's matter.
enum class TcbStatus : std::uint8_t {
  kUpToDate, kSwHardeningNeeded, kConfigurationNeeded, kConfigurationAndSwHardeningNeeded, kOutOfDate, kOutOfDateConfigurationNeeded,
  kRevoked,
  // Never in a document: results of evaluation.
  kTdRelaunchAdvised, kTdRelaunchAdvisedConfigurationNeeded, kNotSupported
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
  DocumentHead head;
  Tee tee = Tee::kSgx;
  ByteArray<6> fmspc{};
  ByteArray<2> pce_id{};
  std::vector<PlatformLevel> levels;  // highest first, none twice
  std::vector<TdxModule> modules;
};
Outcome<TcbInfo> ReadTcbInfo(std::string_view text);

struct QeIdentity {
  DocumentHead head;
  std::string id;  // "QE" or "TD_QE"
  ByteArray<4> miscselect{}, miscselect_mask{};
  ByteArray<16> attributes{}, attributes_mask{};
  ByteArray<32> mrsigner{};
  std::uint16_t isv_prod_id = 0;
  std::vector<IsvLevel> levels;  // highest SVN first
};
Outcome<QeIdentity> ReadQeIdentity(std::string_view text);

}  // namespace assay::dcap
