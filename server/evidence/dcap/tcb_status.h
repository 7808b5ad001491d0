// Which TCB level a platform, its TDX module and its quoting enclave are at, and what that makes together. Source: Intel PCS API version 4
// ("Get TCB Info", determination of the status) and the convergence of Intel's quote verification library.
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
};

struct TcbEvaluation {
  TcbStatus status = TcbStatus::kNotSupported;
  // Of the parts; unset together when status is kNotSupported. No module before TDX 1.5, nor for SGX.
  std::optional<TcbStatus> platform, qe, tdx_module;
  Time date{};                             // the oldest of the parts
  std::vector<std::string> advisory_ids;   // of all parts, sorted, each once
};

TcbEvaluation Evaluate(const TcbInfo& info, const QeIdentity& identity, const TcbSubject& subject);

// "TDX_03" for module versions from 1.5 on, "" for those before: tee_tcb_svn[1] is the major version.
std::string ModuleId(const ByteArray<16>& tee_tcb_svn);

}  // namespace assay::dcap
