// From an upstream's answer to bytes in which a format may recognise documents.
//
// Everything in an answer is as untrusted as evidence: the issuer chain that Intel's service sends in a header is a hint like any other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "collateral/transport.h"
#include "trust/untrusted_bytes.h"

namespace assay::collateral {

inline constexpr std::size_t kMostChainBytes = std::size_t{16} * 1024;  // of the header as it is sent
inline constexpr std::size_t kMostChainCertificates = 4;

// The PEM text in a header of the kind "…-Issuer-Chain": percent-encoded, certificates only. Findings: answer_malformed.
Outcome<std::string> DecodeIssuerChain(std::string_view header);

// Body and issuer chain of an answer with status 200; a body in hexadecimal, as a PCCS sends lists, is decoded. Findings: answer_malformed.
Outcome<std::vector<trust::UntrustedBytes>> BodiesOf(const FetchAnswer& answer);

}  // namespace assay::collateral
