// Kinds of Intel's collateral, and how each is found: kind, scope, detail.
#pragma once

#include <string_view>

namespace assay::dcap {

inline constexpr std::string_view kPckKind = "intel.pck";       // detail: FMSPC; certificates that come apart from a quote
inline constexpr std::string_view kPckCaKind = "intel.pck_ca";  // scope: platform, processor
inline constexpr std::string_view kRootKind = "intel.root";
inline constexpr std::string_view kTcbSigningKind = "intel.tcb_signing";  // the certificate under which TCB documents are signed
inline constexpr std::string_view kRootCrlKind = "intel.root_crl";        // lists PCK CAs and TCB signing certificates
inline constexpr std::string_view kPckCrlKind = "intel.pck_crl";          // scope: platform, processor; lists PCK certificates
inline constexpr std::string_view kTcbInfoKind = "intel.tcb_info";        // scope: SGX, TDX; detail: FMSPC
inline constexpr std::string_view kQeIdentityKind = "intel.qe_identity";  // scope: QE, TD_QE
inline constexpr std::string_view kEvaluationNumbersKind = "intel.tcb_evaluation_data_numbers";  // scope: SGX, TDX

inline constexpr std::string_view kPlatformScope = "platform";
inline constexpr std::string_view kProcessorScope = "processor";

}  // namespace assay::dcap
