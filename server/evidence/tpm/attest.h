// What a TPM says and signs: TPMS_ATTEST, TPM 2.0 part 2, section 10.12; quotes and attestations of creation.
//
// The parsers promise: exactly one marshalled structure with the magic of what a TPM made itself, of the type asked for; of a quote
// a selection that names each bank once, registers that exist and at least one of them, and a pcrDigest of some size. They do not
// promise that anybody signed it: that is AttestAuthenticator's part. What holders of a key make a TPM sign otherwise never
// begins with that magic, as long as the key is restricted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "evidence/tpm/public_area.h"
#include "evidence/tpm/signature.h"
#include "evidence/tpm/vouch.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/claims.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::tpm {

inline constexpr std::string_view kQuoteComponent = "tpm-quote";
inline constexpr std::string_view kCreationComponent = "tpm-creation";

// TPMS_PCR_SELECTION: registers of one bank.
struct PcrSelection {
  std::uint16_t bank;               // TPM_ALG_ID
  std::vector<std::uint32_t> pcrs;  // ascending
  friend bool operator==(const PcrSelection&, const PcrSelection&) = default;
};
std::string ShowSelection(std::span<const PcrSelection> selection);  // "sha256:0,7+sha1:0", as tpm2-tools write it

// All 24 registers of the SHA-256 bank: what platforms demand.
std::vector<PcrSelection> AllOfSha256();

// Of every attestation.
struct AttestHeader {
  Bytes attest;            // TPMS_ATTEST, what is signed
  Bytes qualified_signer;  // TPM2B_NAME
  Bytes extra_data;
  std::uint64_t clock = 0;  // milliseconds
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;
  std::uint64_t firmware_version = 0;
  Signature signature{};
};

// What vouches for the key, added to an attestation that it signed.
struct AttestEndorsement {
  VouchedAk ak;
  crypto::HashAlgorithm hash;  // of the signature
  trust::AnySigned is_signed;  // points into the header
};

class Quote {
 public:
  using Parser = class AttestParser;
  using Authenticator = class AttestAuthenticator;
  static constexpr std::string_view kComponent = kQuoteComponent;
  static constexpr trust::CarrierKind kCarrierKind = trust::CarrierKind::kNonce;

  const AttestHeader& header() const { return *header_; }
  ByteView extra_data() const { return header_->extra_data; }
  const std::vector<PcrSelection>& selection() const { return selection_; }
  ByteView pcr_digest() const { return pcr_digest_; }
  // Only of an authenticated quote.
  const VouchedAk& ak() const { return endorsement_->ak; }
  crypto::HashAlgorithm signature_hash() const { return endorsement_->hash; }

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::AnySigned Signed() const { return endorsement_->is_signed; }
  ByteView CarriedValue() const { return extra_data(); }
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class AttestParser;
  friend class AttestAuthenticator;
  Quote() = default;
  std::shared_ptr<const AttestHeader> header_;
  std::vector<PcrSelection> selection_;
  Bytes pcr_digest_;
  std::optional<AttestEndorsement> endorsement_;
};

// TPMS_CREATION_INFO: that the signer's TPM created an object of that Name, with creation data of that hash.
class Creation {
 public:
  using Parser = class AttestParser;
  using Authenticator = class AttestAuthenticator;
  static constexpr std::string_view kComponent = kCreationComponent;

  const AttestHeader& header() const { return *header_; }
  ByteView object_name() const { return object_name_; }
  ByteView creation_hash() const { return creation_hash_; }
  const VouchedAk& ak() const { return endorsement_->ak; }  // only of an authenticated one

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::AnySigned Signed() const { return endorsement_->is_signed; }

 private:
  friend class AttestParser;
  friend class AttestAuthenticator;
  Creation() = default;
  std::shared_ptr<const AttestHeader> header_;
  Bytes object_name_;
  Bytes creation_hash_;
  std::optional<AttestEndorsement> endorsement_;
};

class AttestParser {
 public:
  // nullopt: the log says why; of a header all defects are collected.
  static std::optional<trust::Parsed<Quote>> ParseQuote(ByteView attest, Signature signature, CheckLog& log);
  static std::optional<trust::Parsed<Creation>> ParseCreation(ByteView attest, Signature signature, CheckLog& log);
  // An item tpm-quote: TPM2B_ATTEST, and behind it the signature in whichever shape.
  static std::optional<trust::Parsed<Quote>> ParseQuoteItem(const trust::UntrustedBytes& item, CheckLog& log);
};

// Whether the bytes begin like an item tpm-quote.
bool LooksLikeQuoteItem(ByteView bytes);

class AttestAuthenticator {
 public:
  // Only ever a reason to refuse before other signatures are paid for.
  static bool MayAnswer(const trust::Parsed<Quote>& parsed, const trust::Challenge& challenge, CheckLog& log);
  // Compares the challenge, the demanded selection (nullptr: none was demanded), and the signature's scheme with that of the key; the
  // signature last. nullopt: the log says why.
  static std::optional<trust::Authenticated<Quote>> Authenticate(trust::Parsed<Quote> parsed, VouchedAk ak,
                                                                 const std::vector<PcrSelection>* demanded,
                                                                 const trust::Challenge& challenge, CheckLog& log);
  static std::optional<trust::Authenticated<Creation>> Authenticate(trust::Parsed<Creation> parsed, VouchedAk ak, CheckLog& log);

 private:
  template <typename T>
  static bool Endorse(T& attestation, VouchedAk ak, CheckLog& log);
};

}  // namespace assay::tpm
