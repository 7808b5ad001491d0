// Documents of Intel's Provisioning Certification Service (API version 4; TCB info version 2 as version 3 of the API served it), in the
// compact form in which they are served and signed.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "tests/softtee/key.h"

namespace assay::softtee {

struct TcbStatement {
  std::string status = "UpToDate";
  std::vector<std::string> advisory_ids = {};
  std::string date = "2025-05-14T00:00:00Z";
};
struct PlatformLevel {
  unsigned sgx;  // SVN of all 16 components
  unsigned tdx;
  unsigned pce_svn;
  TcbStatement statement;
};
struct IsvLevel {
  unsigned isv_svn;
  TcbStatement statement;
};
struct TdxModuleIdentity {
  std::string id;  // "TDX_01"
  std::vector<IsvLevel> levels;
};

struct DocumentDates {
  Time issue_date = *ParseTime("2026-06-01T00:00:00Z");
  Time next_update = *ParseTime("2026-07-01T00:00:00Z");
  unsigned evaluation_data_number = 18;
};

struct TcbInfo {
  bool tdx = true;
  unsigned version = 3;  // 2: SGX only, components by name
  DocumentDates dates = {};
  ByteArray<6> fmspc = {0x00, 0x80, 0x6F, 0x05, 0x00, 0x00};
  ByteArray<2> pce_id = {0, 0};
  std::vector<TdxModuleIdentity> modules = {{"TDX_01", {{6, {}}, {4, {"OutOfDate"}}}}};
  std::vector<PlatformLevel> levels = {{5, 5, 13, {}}, {1, 1, 5, {"OutOfDate", {"INTEL-SA-00001"}}}};

  std::string Body() const;
};

struct QeIdentity {
  bool tdx = true;  // "TD_QE" of product 2, else "QE" of product 1
  DocumentDates dates = {};
  ByteArray<32> mrsigner = Signer();
  std::vector<IsvLevel> levels = {{4, {}}, {2, {"OutOfDate"}}};

  static constexpr ByteArray<32> Signer() {
    ByteArray<32> bytes{};
    bytes.fill(0xDC);
    return bytes;
  }
  std::string Body() const;
};

// Which evaluation data numbers the service has documents of.
struct EvaluationNumbers {
  bool tdx = true;
  DocumentDates dates = {};
  std::vector<unsigned> numbers = {18, 17};

  std::string Body() const;
};

inline constexpr std::string_view kTcbInfoMember = "tcbInfo";
inline constexpr std::string_view kQeIdentityMember = "enclaveIdentity";
inline constexpr std::string_view kEvaluationNumbersMember = "tcbEvaluationDataNumbers";

// {"<member>":<body>,"signature":"<r || s over the body, hexadecimal>"}
std::string SignedDocument(std::string_view member, std::string_view body, const Key& key);

}  // namespace assay::softtee
