#include "evidence/dcap/unpack.h"

#include <optional>
#include <string>
#include <utility>

#include "base/hex.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "evidence/dcap/collateral_kinds.h"
#include "evidence/dcap/pck.h"
#include "evidence/dcap/signed_document.h"
#include "trust/decoded_certificate.h"

namespace assay::dcap {
namespace {

constexpr std::uint8_t kDerSequence = 0x30;

std::string ScopeOf(CertificateKind kind) { return std::string(kind == CertificateKind::kPlatformCa ? kPlatformScope : kProcessorScope); }

trust::CollateralKey KeyOf(const crypto::Certificate& certificate, CertificateKind kind) {
  switch (kind) {
    case CertificateKind::kPck: {
      const auto extension = ReadPckExtension(certificate);
      return {std::string(kPckKind), {}, extension ? ToHex(extension->fmspc) : std::string()};
    }
    case CertificateKind::kPlatformCa:
    case CertificateKind::kProcessorCa: return {std::string(kPckCaKind), ScopeOf(kind), {}};
    case CertificateKind::kTcbSigning: return {std::string(kTcbSigningKind), {}, {}};
    case CertificateKind::kRoot: return {std::string(kRootKind), {}, {}};
  }
  return {};
}

std::optional<trust::CollateralKey> KeyOf(const crypto::CertificateList& list) {
  const std::string issuer = list.IssuerText();
  const auto by = [&](CertificateKind kind) { return issuer.find(NameOf(kind)) != std::string::npos; };
  if (by(CertificateKind::kRoot)) return trust::CollateralKey{std::string(kRootCrlKind), {}, {}};
  for (const CertificateKind kind : {CertificateKind::kPlatformCa, CertificateKind::kProcessorCa}) {
    if (by(kind)) return trust::CollateralKey{std::string(kPckCrlKind), ScopeOf(kind), {}};
  }
  return std::nullopt;
}

class Unpacker {
 public:
  Unpacker(trust::CollateralSource source, trust::FactCaches* caches) : source_(source), caches_(caches) {}

  // False: the bytes are not that kind of document; whose findings these are is for the caller to say.
  bool AddCertificate(ByteView der) {
    const trust::UntrustedBytes body(ToBytes(der));
    Outcome<crypto::Certificate> certificate = trust::DecodeCertificate(body, "certificate", caches_);
    if (!certificate) return Complain(std::move(certificate).findings());
    if (const auto kind = KindOf(*certificate)) {
      trust::CollateralItem item{KeyOf(*certificate, *kind), body, body.Sha256(), source_};
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
    if (auto key = KeyOf(*list)) {
      trust::CollateralItem item{*std::move(key), body, body.Sha256(), source_};
      item.revocation_list = std::move(list).value();
      items_.push_back(std::move(item));
    }
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

  void AddJson(const trust::UntrustedBytes& body, std::string_view text) {
    if (auto item = DocumentParser::Recognise(body, source_)) return items_.push_back(*std::move(item));
    const auto tree = json::Parse(text, "application/json", {.bytes = kMaxDocumentSize});
    if (!tree) Complain(tree.findings());
    else if (tree->Find("tcbInfo") != nullptr) Complain(DocumentParser::Parse<TcbInfo>(body).findings());
    else if (tree->Find("enclaveIdentity") != nullptr) Complain(DocumentParser::Parse<QeIdentity>(body).findings());
    else if (tree->Find("tcbEvaluationDataNumbers") != nullptr) Complain(DocumentParser::Parse<EvaluationNumbers>(body).findings());
    // Other documents are nobody's to complain about here.
  }

  void AddDer(ByteView der) {
    if (AddCertificate(der)) return;
    std::vector<Finding> as_certificate = std::exchange(findings_, {});
    if (AddRevocationList(der)) return;
    findings_.insert(findings_.begin(), as_certificate.begin(), as_certificate.end());
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
  Reader reader = bytes.Read();
  const ByteView raw = reader.TakeRest();
  Unpacker unpacker(source, caches);
  if (!raw.empty() && raw.front() == kDerSequence) unpacker.AddDer(raw);
  else if (!raw.empty() && raw.front() == '{') unpacker.AddJson(bytes, AsText(raw));
  else if (AsText(raw).find("-----BEGIN ") != std::string_view::npos) unpacker.AddPem(AsText(raw));
  return std::move(unpacker).Finish();
}

}  // namespace assay::dcap
