#include "tests/unit/dcap/minted_tcb.h"

#include <algorithm>

#include "base/bug.h"
#include "crypto/certificate.h"
#include "evidence/dcap/collateral_kinds.h"
#include "tests/softtee/pcs_documents.h"

namespace assay::dcap::test {

namespace {

const softtee::Key& SigningKey() {
  static const softtee::Key key = softtee::Key::GenerateP256();
  return key;
}

trust::CollateralItem Document(trust::CollateralKey item_key, std::string_view name, const std::string& body, const softtee::Key* signer) {
  const trust::UntrustedBytes bytes(ToBytes(AsBytes(softtee::SignedDocument(name, body, signer == nullptr ? SigningKey() : *signer))));
  return {std::move(item_key), bytes, bytes.Sha256()};
}

}  // namespace

std::string TcbInfoBody() { return softtee::TcbInfo().Body(); }
std::string QeIdentityBody() { return softtee::QeIdentity().Body(); }

std::vector<trust::CollateralItem> TcbDocuments(const TcbOptions& options, const Pki& pki) {
  softtee::Certificate certificate = softtee::DescribeIntel(softtee::IntelKind::kTcbSigning, CommonNameOf(softtee::IntelKind::kRoot),
                                                            SigningKey(), kTcbSigningSerial, {kNotBefore, kNotAfter});
  if (options.certificate) options.certificate(certificate);
  const Bytes der = certificate.SignedBy(options.issuer == nullptr ? pki.root : *options.issuer);

  std::vector<trust::CollateralItem> items;
  items.push_back(Document({std::string(kTcbInfoKind), "TDX", "00806f050000"}, softtee::kTcbInfoMember, options.info, options.signer));
  items.push_back(Document({std::string(kQeIdentityKind), "TD_QE", {}}, softtee::kQeIdentityMember, options.identity, options.signer));
  const trust::UntrustedBytes bytes(der);
  trust::CollateralItem signing{{std::string(kTcbSigningKind), {}, {}}, bytes, bytes.Sha256()};
  auto decoded = crypto::Certificate::FromDer(der);
  ASSAY_CHECK(decoded.ok());
  signing.certificate = std::move(decoded).value();
  items.push_back(std::move(signing));
  return items;
}

std::string EvaluationNumbersBody() {
  return "{\"id\":\"TDX\",\"version\":1,\"issueDate\":\"2026-06-01T00:00:00Z\",\"nextUpdate\":\"2026-07-01T00:00:00Z\",\"tcbEvalNumbers\":["
         "{\"tcbEvaluationDataNumber\":17,\"tcbRecoveryEventDate\":\"2024-03-12T00:00:00Z\",\"tcbDate\":\"2024-03-13T00:00:00Z\"},"
         "{\"tcbEvaluationDataNumber\":18,\"tcbRecoveryEventDate\":\"2024-11-12T00:00:00Z\",\"tcbDate\":\"2024-11-13T00:00:00Z\"}]}";
}

trust::CollateralItem EvaluationNumbersItem(const std::string& body, const softtee::Key* signer) {
  return Document({std::string(kEvaluationNumbersKind), "TDX", {}}, softtee::kEvaluationNumbersMember, body, signer);
}

MintOptions UpToDate() {
  MintOptions options;
  options.body = [](Bytes& body) {
    body[0] = 6;
    body[1] = 1;
    for (std::size_t i = 2; i < 16; ++i) body[i] = 5;
  };
  options.qe_report = [](Bytes& report) {
    report[48] = 0x11;
    std::fill_n(report.begin() + 128, 32, std::uint8_t{0xDC});
    report[256] = 2;
    report[258] = 4;
  };
  return options;
}

}  // namespace assay::dcap::test
