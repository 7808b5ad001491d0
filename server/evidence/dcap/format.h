// The format `dcap`: Intel SGX and TDX quotes with their PCK chain and Intel's collateral. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/dcap/quote.h"
#include "evidence/format.h"
#include "trust/authenticated.h"

namespace assay::dcap {

inline constexpr std::string_view kQuoteMediaType = "application/vnd.assay.dcap-quote";
inline constexpr std::string_view kCertificateMediaType = "application/pkix-cert";
inline constexpr std::string_view kCrlMediaType = "application/pkix-crl";
inline constexpr std::string_view kPemChainMediaType = "application/pem-certificate-chain";
inline constexpr std::string_view kJsonMediaType = "application/json";  // TCB info, QE identity as the PCS serves them

// What a TD was launched with.
inline constexpr std::string_view kLaunchClaims[] = {"dcap.mrtd"};

extern const evidence::Format kFormat;

// For platforms: parses and authenticates the one quote among the items; a malformed certificate, CRL or TCB document among them is
// refused as well. nullopt: the log says why.
std::optional<trust::Authenticated<Quote>> AuthenticateQuote(std::span<const evidence::Item> items,
                                                             const evidence::AuthenticationContext& context, CheckLog& log);

// The TEE that the unauthenticated quote among the items names: chooses which platform to try, decides nothing.
std::optional<Tee> TeeHint(std::span<const evidence::Item> items);

// MRTD of the unauthenticated TDX quote among the items: to look up what is published about it, decides nothing.
std::optional<Bytes> MrtdHint(std::span<const evidence::Item> items);

}  // namespace assay::dcap
