// Which TCB level a platform, its TDX module and its quoting enclave are at, and what that makes together. Source: Intel PCS API version 4
// ("Get TCB Info", determination of the status) and the convergence of Intel's quote verification library; the initial TCB as Open Enclave
// evaluates it, with the module's level beside the platform's: the whole is never better than that.
//
// Pure: no clock, no signature. Windows, signatures and whose documents these are is for the caller to have checked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evidence/dcap/tcb_documents.h"

namespace assay::dcap {

struct TcbSubject {
  ByteArray<16> pck_components;  // of the PCK certificate, not of the report
  std::uint16_t pce_svn;
  std::uint16_t qe_isv_svn;
  std::optional<ByteArray<16>> tee_tcb_svn;   // TDX: of the module at launch
  std::optional<ByteArray<16>> tee_tcb_svn2;  // TDX, body types 3 and 4: of the module now
  // TDX, body type 4: under which the TD was initialised before it came here, where that can be compared with this platform's levels.
  struct Initial {
    ByteArray<16> components;  // CPUSVN, whose bytes are the components
    ByteArray<16> tee_tcb_svn;
  };
  std::optional<Initial> initial = {};
};

struct TcbEvaluation {
  TcbStatus status = TcbStatus::kNotSupported;
  // Of the parts; unset together when status is kNotSupported. No module before TDX 1.5, nor for SGX.
  std::optional<TcbStatus> platform, qe, tdx_module;
  std::optional<TcbStatus> initial;       // of the initial TCB: platform and module; unset if there is none, or no level applies to it
  Time date{};                            // the oldest of the parts
  std::vector<std::string> advisory_ids;  // of all parts, sorted, each once
};

TcbEvaluation Evaluate(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject);

// Why the status is not UpToDate, for people: each component below what the least level that is UpToDate demands, e.g.
// "sgxtcbcomponents[3] is 4, UpToDate of 2025-08-13 demands 5"; where nothing falls short, the level that applies; then the advisories.
// Printable, at most kMaxShortfall bytes; empty if the status is UpToDate.
inline constexpr std::size_t kMaxShortfall = 800;
std::string ShortfallOf(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject);

// "TDX_03" for module versions from 1.5 on, "" for those before: tee_tcb_svn[1] is the major version.
std::string ModuleId(const ByteArray<16>& tee_tcb_svn);

}  // namespace assay::dcap
