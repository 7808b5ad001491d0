// Certification requests: any bytes are refused with one finding or read; what was read reads the same again, and only what a key
// really signed is signed by it.
#include <string>

#include "base/bug.h"
#include "crypto/certification_request.h"
#include "crypto/private_key.h"
#include "tests/fuzz/fuzzer.h"

namespace assay {
namespace {

using crypto::CertificationRequest;

const std::vector<Bytes>& Genuine() {
  static const std::vector<Bytes> requests = [] {
    std::vector<Bytes> all;
    for (const std::string& name : {std::string("n"), std::string("node-1.example"), std::string(64, 'x'), std::string("kn\xC3\xB6ten")}) {
      all.push_back(*crypto::PrivateKey::GenerateP256().CertificateRequest(name));
    }
    return all;
  }();
  return requests;
}

}  // namespace

std::vector<Bytes> fuzz::MintedSeeds() { return Genuine(); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView der(data, size);
  const auto request = CertificationRequest::FromDer(der);
  if (!request) {
    ASSAY_CHECK(!request.findings().empty());
    for (const Finding& finding : request.findings()) {
      ASSAY_CHECK(finding.reason == Reason::kCertificateMalformed || finding.reason == Reason::kSizeOverLimit ||
                  finding.reason == Reason::kKeyUnsupported);
      ASSAY_CHECK(finding.component == "csr");
    }
    return 0;
  }
  ASSAY_CHECK(size <= crypto::kMaxCertificationRequestSize && Equal(request->der(), der));
  const auto again = CertificationRequest::FromDer(request->der());
  ASSAY_CHECK(again.ok() && again->public_key() == request->public_key() && again->IsSignedByItsKey() == request->IsSignedByItsKey());
  Bytes longer = ToBytes(der);
  longer.push_back(0);
  ASSAY_CHECK(!CertificationRequest::FromDer(longer) && !CertificationRequest::FromDer(der.first(size - 1)));
  if (!request->IsSignedByItsKey()) return 0;
  // What is signed is what a key of ours signed, whatever was done to it behind the signed part.
  bool ours = false;
  for (const Bytes& genuine : Genuine()) ours = ours || CertificationRequest::FromDer(genuine)->public_key() == request->public_key();
  ASSAY_CHECK(ours);
  return 0;
}

}  // namespace assay
