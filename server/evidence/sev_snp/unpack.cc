#include "evidence/sev_snp/unpack.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/strings.h"
#include "codec/pem.h"
#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "evidence/sev_snp/cert_table.h"
#include "evidence/sev_snp/endorsement.h"
#include "trust/decoded_certificate.h"

namespace assay::sev_snp {
namespace {

using Items = std::vector<trust::CollateralItem>;

std::string_view KindOf(CertificateKind kind) {
  switch (kind) {
    case CertificateKind::kVcek: return kVcekKind;
    case CertificateKind::kVlek: return kVlekKind;
    case CertificateKind::kAsk: return kAskKind;
    case CertificateKind::kAsvk: return kAsvkKind;
    case CertificateKind::kArk: return kArkKind;
  }
  return {};
}

// nullopt: not one of AMD's.
std::optional<trust::CollateralKey> KeyOf(const crypto::Certificate& certificate) {
  const std::optional<CertificateRole> role = RoleOf(certificate);
  if (!role) return std::nullopt;
  trust::CollateralKey key{std::string(KindOf(role->kind)), std::string(role->product ? NameOf(*role->product) : ""), {}};
  if (role->kind == CertificateKind::kVcek || role->kind == CertificateKind::kVlek) {
    // A leaf whose extensions can't be read is still found by its kind, and then refused by name.
    if (const auto extensions = ReadLeafExtensions(certificate, KindOf(role->kind))) {
      key.detail = extensions->hwid ? VcekDetail(*extensions->hwid, extensions->tcb, *extensions->product) : TcbDetail(extensions->tcb);
    }
  }
  return key;
}

class Unpacker {
 public:
  Unpacker(trust::CollateralSource source, trust::FactCaches* caches) : source_(source), caches_(caches) {}

  void AddCertificate(ByteView der) {
    const trust::UntrustedBytes body(ToBytes(der));
    const Outcome<crypto::Certificate> certificate = trust::DecodeCertificate(body, "certificate", caches_);
    if (!certificate) return Complain(certificate.findings());
    Keep(*certificate, body);
  }

  void AddRevocationList(ByteView der) {
    const trust::UntrustedBytes body(ToBytes(der));
    std::optional<crypto::CertificateList> list;
    if (caches_ != nullptr) {
      if (const auto known = caches_->revocation_lists.Find(body.Sha256())) list = known->list;
    }
    if (!list) {
      Outcome<crypto::CertificateList> decoded = crypto::CertificateList::FromDer(der);
      if (!decoded) return Complain(decoded.findings());
      list = std::move(decoded).value();
    }
    const std::string issuer = list->IssuerText();
    for (const Product product : {Product::kMilan, Product::kGenoa, Product::kTurin}) {
      if (issuer.find(Cat("ARK-", NameOf(product))) == std::string::npos) continue;
      trust::CollateralItem item{{std::string(kCrlKind), std::string(NameOf(product)), {}}, body, body.Sha256(), source_};
      item.revocation_list = std::move(list);
      items_.push_back(std::move(item));
      return;
    }
  }

  void AddPem(std::string_view text) {
    const auto blocks = codec::ParsePem(text);
    if (!blocks) return Complain(blocks.findings());
    for (const codec::PemBlock& block : *blocks) {
      if (block.label == "CERTIFICATE") AddCertificate(block.der);
      else if (block.label == "X509 CRL") AddRevocationList(block.der);
    }
  }

  void AddDocument(ByteView bytes, bool revocation_list) {
    if (LooksLike(bytes) == Container::kPem) AddPem(AsText(bytes));
    else if (revocation_list) AddRevocationList(bytes);
    else AddCertificate(bytes);
  }

  void AddTable(ByteView table) {
    const Outcome<std::vector<CertTableEntry>> entries = ReadCertTable(table);
    if (!entries) return Complain(entries.findings());
    for (const CertTableEntry& entry : *entries) {
      if (entry.name == "unknown" || entry.name == "ExtraPlatformInfo") continue;
      AddDocument(entry.value, entry.name == "CRL");
    }
  }

  Outcome<Items> Finish() && {
    if (!findings_.empty()) return std::move(findings_);
    return std::move(items_);
  }

 private:
  void Keep(const crypto::Certificate& certificate, const trust::UntrustedBytes& body) {
    const std::optional<trust::CollateralKey> key = KeyOf(certificate);
    if (!key) return;
    trust::CollateralItem item{*key, body, body.Sha256(), source_};
    item.certificate = certificate;
    items_.push_back(std::move(item));
  }
  void Complain(const std::vector<Finding>& findings) { findings_.insert(findings_.end(), findings.begin(), findings.end()); }

  const trust::CollateralSource source_;
  trust::FactCaches* const caches_;
  Items items_;
  std::vector<Finding> findings_;
};

// The same bytes are something else in another container.
crypto::Sha256Digest NameOfContents(Container container, const trust::UntrustedBytes& bytes) {
  Bytes name{static_cast<std::uint8_t>(container)};
  Append(name, bytes.Sha256());
  return crypto::Sha256(name);
}

}  // namespace

Container LooksLike(ByteView bytes) {
  static constexpr std::string_view kPemStart = "-----BEGIN ";
  const std::string_view text = AsText(bytes);
  const bool printable_start = std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(text.size(), 16)),
                                           [](char c) { return (c >= 0x20 && c < 0x7F) || c == '\n' || c == '\r' || c == '\t'; });
  if (printable_start && text.find(kPemStart) != std::string_view::npos) return Container::kPem;
  // DER SEQUENCE { SEQUENCE { [0] version or INTEGER serial …: a certificate's TBS begins with [0] (version 3), a list's
  // with an INTEGER version followed by an AlgorithmIdentifier.
  if (bytes.size() > 16 && bytes[0] == 0x30) {
    const auto content_of = [](ByteView der) -> ByteView {
      if (der.size() < 2) return {};
      const std::size_t header = der[1] < 0x80 ? 2 : 2 + std::size_t{der[1]} - 0x80;
      return header <= der.size() && header <= 6 ? der.subspan(header) : ByteView();
    };
    const ByteView tbs = content_of(bytes);
    const ByteView inside = tbs.empty() || tbs[0] != 0x30 ? ByteView() : content_of(tbs);
    if (inside.size() > 3 && inside[0] == 0x02 && inside[1] == 0x01 && inside[3] == 0x30) return Container::kRevocationList;
    return Container::kCertificate;
  }
  if (bytes.size() >= 48) {
    const auto table = ReadCertTable(bytes);
    if (table && std::any_of(table->begin(), table->end(), [](const CertTableEntry& entry) { return entry.name != "unknown"; })) {
      return Container::kCertTable;
    }
  }
  return Container::kUnknown;
}

Outcome<Items> Unpack(Container container, const trust::UntrustedBytes& bytes, trust::CollateralSource source, trust::FactCaches* caches) {
  if (caches != nullptr && container != Container::kUnknown) {
    if (const auto known = caches->endorsements.Find(NameOfContents(container, bytes))) {
      Items items = *known;
      for (trust::CollateralItem& item : items) item.source = source;
      return items;
    }
  }
  Reader reader = bytes.Read();
  const ByteView raw = reader.TakeRest();
  Unpacker unpacker(source, caches);
  switch (container) {
    case Container::kCertificate: unpacker.AddDocument(raw, false); break;
    case Container::kRevocationList: unpacker.AddDocument(raw, true); break;
    case Container::kPem: unpacker.AddPem(AsText(raw)); break;
    case Container::kCertTable: unpacker.AddTable(raw); break;
    case Container::kUnknown: break;
  }
  return std::move(unpacker).Finish();
}

void Remember(Container container, const trust::UntrustedBytes& bytes, const Items& items, trust::FactCaches& caches) {
  caches.endorsements.Insert(NameOfContents(container, bytes), std::make_shared<const Items>(items));
}

}  // namespace assay::sev_snp
