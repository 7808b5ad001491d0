// The format `tpm`: quotes of TPM 2.0, the keys that sign them, the values they are about. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/tpm/attest.h"
#include "evidence/tpm/pcr_values.h"
#include "evidence/tpm/public_area.h"
#include "evidence/tpm/vouch.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"

namespace assay::tpm {

inline constexpr std::string_view kQuoteMediaType = "application/vnd.assay.tpm-quote";
inline constexpr std::string_view kAkMediaType = "application/vnd.assay.tpm-ak";
inline constexpr std::string_view kPcrsMediaType = "application/vnd.assay.tpm-pcrs";
inline constexpr std::string_view kCertificateMediaType = "application/pkix-cert";
inline constexpr std::string_view kCrlMediaType = "application/pkix-crl";
inline constexpr std::string_view kPemChainMediaType = "application/pem-certificate-chain";

// Parameters by which a node is told how to collect a quote.
inline constexpr std::string_view kSelectionParameter = "pcr_selection";        // as ShowSelection has it
inline constexpr std::string_view kCredentialParameter = "credential_blob";     // TPM2B_ID_OBJECT, lower-case hexadecimal digits
inline constexpr std::string_view kSealedSecretParameter = "encrypted_secret";  // TPM2B_ENCRYPTED_SECRET, the same

extern const evidence::Format kFormat;

// What a platform finds among its items, parsed and not believed; one of each at most, as its manifest demands.
struct TpmItems {
  trust::Parsed<Quote> quote;
  std::optional<PublicArea> ak;
  std::optional<trust::Parsed<PcrValues>> pcrs;
  // Of attestation keys among the certificates, the one of `ak` first; of endorsement keys, if there is no other.
  std::vector<crypto::Certificate> certificates;
};
// nullopt: there is no quote, or something among them is malformed; the log says which. Malformed certificates and lists are refused
// as well.
std::optional<TpmItems> ParseItems(std::span<const evidence::Item> items, trust::FactCaches* caches, CheckLog& log);

// By the first certificate, if there is one and the platform has a profile for it; else by an operator's enrolment of this key; else by
// its activation under an endorsement key that counts. nullopt: none of them vouches for the key; the log says so.
std::optional<VouchedAk> VouchForAk(const TpmItems& items, const CertificateProfile* profile,
                                    const evidence::AuthenticationContext& context, CheckLog& log);

// The carrier of a bundle, with the values on it: the quote answers the challenge and is about what was demanded. nullopt: the log says
// why.
std::optional<trust::Bundle> CarryQuote(TpmItems items, VouchedAk ak, const std::vector<PcrSelection>* demanded,
                                        const evidence::AuthenticationContext& context, CheckLog& log);

// The instance identity that hangs on an attestation key: SHA-256 over its public key, whatever vouches for it.
Bytes IdentityOfAk(const crypto::PublicKey& key);

// The attestation key that the unauthenticated items name: to look up what is remembered, decides nothing. nullopt: none.
std::optional<crypto::PublicKey> HintedAk(std::span<const evidence::Item> items);

// The same identity, of the attestation key that the unauthenticated items name: to look up what is remembered, decides nothing.
// Empty: none.
Bytes AkHint(std::span<const evidence::Item> items);

}  // namespace assay::tpm
