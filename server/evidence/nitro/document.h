// The attestation document of AWS Nitro: of an enclave, or of an instance's NitroTPM. A COSE_Sign1 over a CBOR map (README.md).
//
// DocumentParser promises: one COSE_Sign1 by ES384; a map with every member of the specification, each of its type and size, and no
// other; either `pcrs` or `nitrotpm_pcrs`, of 48 bytes each, as the digest SHA384 demands. It does not promise that anybody signed it:
// that is DocumentAuthenticator's part (authenticate.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/check_log.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/claims.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::nitro {

inline constexpr std::string_view kDocumentComponent = "nitro-document";
inline constexpr std::size_t kMaxDocumentSize = 16 * 1024;
inline constexpr std::size_t kPcrSize = 48;

enum class Kind : std::uint8_t { kEnclave, kTpm };
std::string_view NameOf(Kind kind);  // "enclave", "tpm"

struct Pcr {
  std::uint32_t index;
  Bytes value;
};

struct Members {
  Kind kind;
  std::string module_id;
  std::uint64_t timestamp_ms;       // since 1970
  std::vector<Pcr> pcrs;            // ascending
  Bytes certificate;                // DER
  std::vector<Bytes> cabundle;      // DER, root first
  std::optional<Bytes> public_key;  // nullopt: null or absent, which is the same
  std::optional<Bytes> user_data;
  std::optional<Bytes> nonce;
  Bytes signed_bytes;  // Sig_structure
  Bytes signature;     // r, s: 48 bytes each
};

class Document {
 public:
  using Parser = class DocumentParser;
  using Authenticator = class DocumentAuthenticator;
  static constexpr std::string_view kComponent = kDocumentComponent;
  static constexpr trust::CarrierKind kCarrierKind = trust::CarrierKind::kNonce;

  Kind kind() const { return members_->kind; }
  const std::string& module_id() const { return members_->module_id; }
  const std::vector<Pcr>& pcrs() const { return members_->pcrs; }
  ByteView Find(std::uint32_t pcr) const;  // empty: not among them
  // What the guest had put in. nullopt: nothing.
  const std::optional<Bytes>& public_key() const { return members_->public_key; }
  const std::optional<Bytes>& nonce() const { return members_->nonce; }
  // PCRs 0 to 2 are zero, or not there: what ran was not measured.
  bool debug() const;

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const;
  ByteView CarriedValue() const { return members_->nonce ? ByteView(*members_->nonce) : ByteView(); }
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  friend class DocumentParser;
  friend class DocumentAuthenticator;
  Document() = default;
  std::shared_ptr<const Members> members_;
  std::string region_;  // of the certificate; only of an authenticated one
};

class DocumentParser {
 public:
  // nullopt: the log says why; of the members all defects are collected.
  static std::optional<trust::Parsed<Document>> Parse(const trust::UntrustedBytes& item, CheckLog& log);
};

// Whether the bytes begin like a document: proves nothing.
bool LooksLikeDocument(ByteView bytes);

// What unauthenticated bytes say: to choose which platform to try and to look up what is remembered, decides nothing. nullopt: they are
// malformed.
struct DocumentHint {
  Kind kind;
  std::string module_id;
};
std::optional<DocumentHint> HintIn(ByteView bytes);

// "i-04fd167167daacf3b" of "i-04fd167167daacf3b-enc01845e97d0b3eb4e"; empty: the id is not of a module of that kind.
std::string_view InstanceOf(std::string_view module_id, Kind kind);

}  // namespace assay::nitro
