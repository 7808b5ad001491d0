// Intel's TCB documents on the road that evidence takes: bytes, Parsed<T>, Authenticated<T>, with T one of TcbInfo, QeIdentity and
// EvaluationNumbers. A key that vouches for them leads over a TCB signing certificate to Intel's pinned root; what it signed is the inner
// object, byte for byte as served.
//
// Does not promise that a document is current, nor that its signer is not revoked: windows are reported, lists are consulted by the caller.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/outcome.h"
#include "crypto/certificate.h"
#include "evidence/dcap/tcb_documents.h"
#include "trust/anchors.h"
#include "trust/authenticated.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::dcap {

class DocumentParser {
 public:
  // The document's findings: collateral_malformed, or those of JSON.
  template <typename T>
  static Outcome<trust::Parsed<T>> Parse(const trust::UntrustedBytes& bytes);
  // Whichever of the three it is, as collateral under the key that it claims for itself. nullopt: none of them, or malformed.
  static std::optional<trust::CollateralItem> Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source);

 private:
  template <typename T>
  static std::optional<trust::CollateralItem> RecogniseAs(const trust::UntrustedBytes& bytes, trust::CollateralSource source);
};

// Display tree of a recognised document; nullopt: the item has none.
std::optional<trust::Description> DescribeDocument(const trust::CollateralItem& item);

struct DocumentSigner {
  crypto::Certificate certificate;
  trust::VerifiedKey key;
};
// Intel has had one or two at a time. Each that is given costs signatures to look at.
inline constexpr std::size_t kMaxDocumentSigners = 16;

// Those of the TCB signing certificates that lead to a pinned root among `roots`. Those that do not are logged: as notes if others do,
// else as rejections. More than kMaxDocumentSigners: none, size_over_limit.
std::vector<DocumentSigner> DocumentSigners(std::span<const trust::CollateralItem> certificates, std::span<const crypto::Certificate> roots,
                                            const trust::AnchorSet& anchors, trust::FactCaches* caches, CheckLog& log);

template <typename T>
struct SignedDocument {
  std::shared_ptr<const trust::Authenticated<T>> document;
  // Intel re-issues the signing certificate for the same key: of those with the key that signed, one that was valid at the issue date.
  const DocumentSigner* signer;

  const T& value() const { return document->value(); }
};

// Why a document was not taken: what it costs depends on whether there is a better one.
struct DocumentRefusal {
  Check check;
  Finding finding;
};

class DocumentAuthenticator {
 public:
  // nullopt: malformed, or signed by none of the signers' keys; `refused` says which. `caches` may be nullptr.
  template <typename T>
  static std::optional<SignedDocument<T>> Authenticate(const trust::CollateralItem& item, std::span<const DocumentSigner> signers,
                                                       trust::FactCaches* caches, std::vector<DocumentRefusal>& refused);
};

}  // namespace assay::dcap
