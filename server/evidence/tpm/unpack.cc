#include "evidence/tpm/unpack.h"

#include <string>
#include <utility>

#include "codec/pem.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "evidence/tpm/ak_certificate.h"
#include "trust/decoded_certificate.h"

namespace assay::tpm {
namespace {

std::string_view CollateralKindOf(CertificateKind kind) {
  switch (kind) {
    case CertificateKind::kAk: return kAkKind;
    case CertificateKind::kEk: return kEkKind;
    case CertificateKind::kCa: return kCaKind;
  }
  return {};
}

class Unpacker {
 public:
  Unpacker(trust::CollateralSource source, trust::FactCaches* caches) : source_(source), caches_(caches) {}

  // False: the bytes are no certificate.
  bool AddCertificate(ByteView der) {
    const trust::UntrustedBytes body(ToBytes(der));
    Outcome<crypto::Certificate> certificate = trust::DecodeCertificate(body, "certificate", caches_);
    if (!certificate) return Complain(std::move(certificate).findings());
    if (const auto kind = KindOf(*certificate)) {
      trust::CollateralItem item{{std::string(CollateralKindOf(*kind)), {}, {}}, body, body.Sha256(), source_};
      item.certificate = std::move(certificate).value();
      items_.push_back(std::move(item));
    }
    return true;
  }

  bool AddRevocationList(ByteView der) {
    const trust::UntrustedBytes body(ToBytes(der));
    const auto known = caches_ == nullptr ? nullptr : caches_->revocation_lists.Find(body.Sha256());
    Outcome<crypto::CertificateList> list =
        known != nullptr ? Outcome<crypto::CertificateList>(known->list) : crypto::CertificateList::FromDer(der);
    if (!list) return Complain(std::move(list).findings());
    std::string issuer = list->IssuerText();
    if (IsOfAnotherFormat(issuer)) return true;
    trust::CollateralItem item{{std::string(kCrlKind), std::move(issuer), {}}, body, body.Sha256(), source_};
    item.revocation_list = std::move(list).value();
    items_.push_back(std::move(item));
    return true;
  }

  void AddPem(std::string_view text) {
    const auto blocks = codec::ParsePem(text);
    if (!blocks) return void(Complain(blocks.findings()));
    for (const codec::PemBlock& block : *blocks) {
      if (block.label == "CERTIFICATE") AddCertificate(block.der);
      else if (block.label == "X509 CRL") AddRevocationList(block.der);
    }
  }

  void AddDer(ByteView der) {
    if (AddCertificate(der)) return;
    std::vector<Finding> as_certificate = std::exchange(findings_, {});
    if (AddRevocationList(der)) return;
    findings_ = std::move(as_certificate);
  }

  Outcome<std::vector<trust::CollateralItem>> Finish() && {
    if (!findings_.empty()) return std::move(findings_);
    return std::move(items_);
  }

 private:
  bool Complain(std::vector<Finding> findings) {
    findings_.insert(findings_.end(), findings.begin(), findings.end());
    return false;
  }

  const trust::CollateralSource source_;
  trust::FactCaches* const caches_;
  std::vector<trust::CollateralItem> items_;
  std::vector<Finding> findings_;
};

}  // namespace

Outcome<std::vector<trust::CollateralItem>> Unpack(const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                                   trust::FactCaches* caches) {
  const ByteView raw = bytes.Read().TakeRest();
  Unpacker unpacker(source, caches);
  if (!raw.empty() && raw.front() == 0x30) unpacker.AddDer(raw);
  else unpacker.AddPem(AsText(raw));
  return std::move(unpacker).Finish();
}

}  // namespace assay::tpm
