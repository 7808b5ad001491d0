// Quotes that really authenticate, under a root that bears Intel's names. Every part can be changed before it is signed, so that a test
// makes exactly one thing wrong.
#pragma once

#include <functional>
#include <vector>

#include "tests/softtee/dcap_quote.h"
#include "tests/softtee/intel_certificates.h"

namespace assay::softtee {

// Who signs what: root - CA - PCK - quoting enclave's report - attestation key - quote.
struct QuoteKeys {
  Key root = Key::GenerateP256();
  Key ca = Key::GenerateP256();
  Key pck = Key::GenerateP256();
  Key attestation = Key::GenerateP256();
};

inline const Bytes kIntelRootSerial = {1};
inline const Bytes kPckSerial = {0x11, 0x22};
inline const Bytes kCaSerial = {0x33, 0x44};

struct QuoteOptions {
  DcapQuote kind = TdxV4();
  bool platform_ca = true;
  std::function<void(Bytes& body)> body = nullptr;
  std::function<void(Bytes& report)> qe_report = nullptr;  // before it is signed
  std::function<void(DcapQuote& quote)> quote = nullptr;   // when all is signed
  std::function<void(Certificate&)> pck_certificate = nullptr;
  std::function<void(Certificate&)> ca_certificate = nullptr;
  std::function<void(Certificate&)> root_certificate = nullptr;
  const Key* signs_pck = nullptr;  // default: the CA; and so on
  const Key* signs_qe_report = nullptr;
  const Key* signs_quote = nullptr;
  std::vector<std::size_t> order = {0, 1, 2};  // of PCK, CA, root in the PEM text; may repeat
  Machine machine = {};
  Validity validity = {*ParseTime("2026-01-01T00:00:00Z"), *ParseTime("2033-01-01T00:00:00Z")};  // of all certificates
  bool identifiers = false;  // key identifiers and distribution points, as in genuine certificates
};
Bytes MintQuote(const QuoteOptions& options, const QuoteKeys& keys);

// Certificates in DER.
Bytes MintPck(const QuoteOptions& options, const QuoteKeys& keys);
Bytes MintPckCa(const QuoteOptions& options, const QuoteKeys& keys);
Bytes MintIntelRoot(const QuoteOptions& options, const QuoteKeys& keys);

Bytes SignP1363(const Key& p256_key, ByteView message);  // ECDSA P-256 with SHA-256, r || s

}  // namespace assay::softtee
