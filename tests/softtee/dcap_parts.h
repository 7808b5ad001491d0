// What DCAP evidence is put together from, before it is signed: where faults take hold. Internal to the software TEE.
#pragma once

#include <functional>
#include <string>

#include "tests/softtee/dcap_evidence.h"

namespace assay::softtee {

struct DcapParts {
  const IntelPki& pki;
  const DcapOptions& options;

  QuoteKeys keys;
  QuoteOptions quote;  // its `kind` holds the QE report's fields; its hooks are called when all else is in place
  Bytes body;
  std::function<void(Bytes&)> raw = {};  // the whole quote

  TcbInfo tcb_info;
  QeIdentity qe_identity;
  std::function<void(std::string&)> tcb_info_served = {};  // when it is signed
  std::function<void(std::string&)> qe_identity_served = {};
  bool with_tcb_info, with_qe_identity, with_tcb_signing;
  Key document_key;
  Certificate tcb_signing;
  Key tcb_signing_issuer;

  RevocationList root_crl, pck_crl;
  Key root_crl_issuer, pck_crl_issuer;
  bool with_root_crl, with_pck_crl;
  std::function<void(Bytes&)> root_crl_served = {};

  void ChangePck(std::function<void(Certificate&)> change) { quote.pck_certificate = Then(quote.pck_certificate, std::move(change)); }
  void ChangeCa(std::function<void(Certificate&)> change) { quote.ca_certificate = Then(quote.ca_certificate, std::move(change)); }
  void ChangeRoot(std::function<void(Certificate&)> change) { quote.root_certificate = Then(quote.root_certificate, std::move(change)); }

 private:
  static std::function<void(Certificate&)> Then(std::function<void(Certificate&)> first, std::function<void(Certificate&)> second) {
    return [first = std::move(first), second = std::move(second)](Certificate& certificate) {
      if (first) first(certificate);
      second(certificate);
    };
  }
};

// InvalidArgument if the fault cannot exist under the options.
absl::Status Apply(DcapFault fault, DcapParts& parts);
// InvalidArgument: no such status, or it cannot exist under the options.
absl::Status ApplyStatus(std::string_view status, DcapParts& parts);

inline constexpr std::size_t kTdAttributes = 120;
inline constexpr std::size_t kTdMrTd = 136;
inline constexpr std::size_t kTdReportData = 520;
inline constexpr std::size_t kTdTeeTcbSvn2 = 584;
inline constexpr std::size_t kTdMrServiceTd = 600;
inline constexpr std::size_t kTdInitTeeTcbSvn = 801;
inline constexpr std::size_t kEnclaveReportData = 320;

inline const Bytes kTcbSignerSerial = {0x55, 0x66};

}  // namespace assay::softtee
