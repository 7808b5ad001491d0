// The SEV-SNP attestation report (AMD 56860 section 7.3), versions 2 to 5.
//
// ParseReport promises: exactly 1184 bytes of a known version; all reserved and unsigned bytes zero; POLICY's fixed bits as
// specified; VMPL 0 to 3; ECDSA P-384; SIGNING_KEY is VCEK or VLEK; from version 3 on, a product whose TCB layout is known
// with reserved TCB bytes zero. It does not promise that anybody signed it: that is ReportAuthenticator's part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check_log.h"
#include "evidence/sev_snp/layout.h"
#include "evidence/sev_snp/product.h"
#include "trust/authenticated.h"
#include "trust/bundle.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::sev_snp {

inline constexpr std::string_view kReportComponent = "sev-snp-report";

// SIGNING_KEY, bits 4:2 of the signer info.
enum class SigningKey : std::uint8_t { kVcek, kVlek };
std::string_view NameOf(SigningKey key);  // "vcek"

class Report {
 public:
  using Parser = class ReportParser;
  using Authenticator = class ReportAuthenticator;
  static constexpr std::string_view kComponent = kReportComponent;
  static constexpr trust::CarrierKind kCarrierKind = trust::CarrierKind::kReportData;

  std::uint32_t version() const { return version_; }
  SigningKey signing_key() const { return signing_key_; }
  const std::optional<CpuId>& cpu() const { return cpu_; }            // version 3 and later
  const std::optional<Product>& product() const { return product_; }  // version 2: only once the chain has told it
  ByteView report_data() const { return Slice(FieldNamed(kReportV5, "REPORT_DATA")); }
  ByteView measurement() const { return Slice(FieldNamed(kReportV5, "MEASUREMENT")); }
  ByteView chip_id() const { return Slice(FieldNamed(kReportV5, "CHIP_ID")); }
  ByteView report_id() const { return Slice(FieldNamed(kReportV5, "REPORT_ID")); }
  RawTcb reported_tcb() const { return Tcb(FieldNamed(kReportV5, "REPORTED_TCB")); }

  // What the road of trust asks of every part.
  trust::LookupHints Hints() const;
  trust::Description Describe() const;
  trust::EcdsaSigned Signed() const;
  ByteView CarriedValue() const { return report_data(); }
  void WriteClaims(trust::ClaimWriter& claims) const;

  // What the certificate of the signing key adds: set by the authenticator, from a verified chain.
  struct Endorsement {
    Product product;
    std::string csp_id;       // VLEK only
    bool revocation_checked;  // an authentic revocation list of the ARK was consulted
  };

 private:
  friend class ReportParser;
  friend class ReportAuthenticator;
  explicit Report(Bytes raw) : raw_(std::move(raw)) {}
  // Fields stand at the same place in every version that has them, so version 5's table names them all.
  ByteView Slice(const Field& field) const { return SliceOf(raw_, field); }
  std::uint64_t Number(const Field& field) const { return LittleEndianOf(raw_, field); }
  RawTcb Tcb(const Field& field) const;

  Bytes raw_;
  std::uint32_t version_ = 0;
  SigningKey signing_key_ = SigningKey::kVcek;
  std::optional<CpuId> cpu_;
  std::optional<Product> product_;
  std::optional<Endorsement> endorsement_;
};

class ReportParser {
 public:
  // nullopt: the log says why; all defects of the layout are collected, not only the first.
  static std::optional<trust::Parsed<Report>> Parse(const trust::UntrustedBytes& bytes, CheckLog& log);
};

}  // namespace assay::sev_snp
