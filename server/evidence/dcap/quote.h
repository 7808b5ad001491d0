// Intel ECDSA quotes of SGX enclaves and TDX trust domains, versions 3, 4 and 5; layouts and sources in layout.h.
//
// QuoteParser promises: a known version, ECDSA P-256, Intel's vendor id, a TEE and a body type that belong together, bodies of their
// exact sizes with reserved bytes zero; every declared length ends exactly where the one around it ends; certification data of type 5
// that is a PEM text of exactly three certificates (not decoded) and nothing else; bytes behind the declared length only zero and at most 64 KiB in
// all, and no part of the quote: they are neither kept nor hashed. It does not promise that anybody signed anything: that is
// QuoteAuthenticator's part. n - s verifies as well as s, so neither a quote's bytes nor their hash name it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "evidence/dcap/layout.h"
#include "evidence/dcap/pck.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/fact_caches.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::dcap {

inline constexpr std::string_view kQuoteComponent = "dcap-quote";
inline constexpr std::string_view kQeReportComponent = "dcap-quote/qe-report";
inline constexpr std::string_view kPckComponent = "dcap-quote/pck";

enum class Tee : std::uint8_t { kSgx, kTdx };
std::string_view NameOf(Tee tee);  // "SGX", "TDX"

// Body types of version 5; in versions 3 and 4 the TEE implies kSgxReport or kTdReport10.
enum class BodyType : std::uint16_t { kSgxReport = 1, kTdReport10 = 2, kTdReport15 = 3, kTdReport15Ex = 4 };
std::size_t SizeOf(BodyType type);

struct TcbResult;  // tcb.h

// Whole, immutable bytes of a quote, shared by its parts.
using QuoteBytes = std::shared_ptr<const Bytes>;

// The quoting enclave's own SGX report, which the PCK signs and whose REPORTDATA commits to the attestation key.
class QeReport {
 public:
  using Parser = class QuoteParser;
  using Authenticator = class QuoteAuthenticator;
  static constexpr std::string_view kComponent = kQeReportComponent;

  ByteView report() const { return report_; }  // 384 bytes
  ByteView Slice(const Field& field) const { return SliceOf(report_, field); }
  std::uint64_t Number(const Field& field) const { return LittleEndianOf(report_, field); }
  ByteView attestation_key() const { return attestation_key_; }          // x || y, big-endian
  ByteView signature() const { return signature_; }                      // r || s
  ByteView authentication_data() const { return authentication_data_; }  // hashed behind the key; may be empty

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const;

 private:
  friend class QuoteParser;
  QeReport() = default;
  QuoteBytes raw_;  // what the views point into
  ByteView report_;
  ByteView signature_;
  ByteView attestation_key_;
  ByteView authentication_data_;
};

// The three certificates in a quote, of anybody's making. One machine sends the same text every time, so that its chain is a fact worth
// remembering once it has led to a pinned root: then, and only then, `verified` is set.
struct QuoteChain final : trust::FormatFact {
  std::vector<Bytes> ders;  // in any order
  struct Verified {
    crypto::Certificate pck;
    std::vector<crypto::Certificate> pool;  // CA and root
    PckExtension extension;
  };
  std::optional<Verified> verified;
};

class Quote {
 public:
  using Parser = class QuoteParser;
  using Authenticator = class QuoteAuthenticator;
  static constexpr std::string_view kComponent = kQuoteComponent;
  static constexpr trust::CarrierKind kCarrierKind = trust::CarrierKind::kReportData;

  std::uint16_t version() const { return version_; }
  Tee tee() const { return tee_; }
  BodyType body_type() const { return body_type_; }
  ByteView body() const { return body_; }
  // A field of the body by its row in kSgxReport or kTdReport15Ex; empty if this body ends before it.
  ByteView Slice(const Field& field) const { return SliceOf(body_, field); }
  std::uint64_t Number(const Field& field) const { return LittleEndianOf(body_, field); }
  ByteView report_data() const;
  const QuoteChain& chain() const { return *chain_; }
  const crypto::Sha256Digest& chain_name() const { return chain_name_; }  // digest of the text that the chain is written as

  trust::LookupHints Hints() const;
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const;
  ByteView CarriedValue() const { return report_data(); }
  void WriteClaims(trust::ClaimWriter& claims) const;

  // What the PCK's chain and Intel's collateral add: set by the authenticator, from what it verified.
  struct Endorsement {
    PckExtension pck;
    CertificateKind pck_ca;
    std::uint16_t qe_isv_svn;
    bool qe_debug;
    ByteView qe_report_data_tail;          // 32 bytes of the quote, behind the commitment to the attestation key
    bool revocation_checked;               // authentic lists of the root and of the PCK CA were consulted
    std::shared_ptr<const TcbResult> tcb;  // null: documents were missing
  };

 private:
  friend class QuoteParser;
  friend class QuoteAuthenticator;
  Quote() = default;

  QuoteBytes raw_;  // header to the end of the authentication data; what the views point into
  std::uint16_t version_ = 0;
  Tee tee_ = Tee::kSgx;
  BodyType body_type_ = BodyType::kSgxReport;
  ByteView signed_;
  ByteView body_;
  ByteView signature_;
  std::shared_ptr<const QuoteChain> chain_;
  crypto::Sha256Digest chain_name_{};
  std::optional<Endorsement> endorsement_;
};

struct ParsedQuote {
  trust::Parsed<Quote> quote;
  trust::Parsed<QeReport> qe_report;
};

class QuoteParser {
 public:
  // nullopt: the log says why. A chain that `caches` (may be nullptr) knows to be sound is not read again.
  static std::optional<ParsedQuote> Parse(const trust::UntrustedBytes& bytes, trust::FactCaches* caches, CheckLog& log);
};

}  // namespace assay::dcap
