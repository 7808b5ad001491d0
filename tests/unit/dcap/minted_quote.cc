#include "tests/unit/dcap/minted_quote.h"

#include <algorithm>

#include "base/bug.h"
#include "base/strings.h"
#include "crypto/crl.h"
#include "crypto/digest.h"
#include "evidence/dcap/collateral_kinds.h"
#include "tests/softtee/der.h"

namespace assay::dcap::test {
namespace {

namespace der = softtee::der;

// SEQUENCE { INTEGER r, INTEGER s } as two numbers of 32 bytes.
Bytes RawSignature(const Bytes& encoded) {
  Bytes raw;
  std::size_t at = 2;
  for (int i = 0; i < 2; ++i) {
    const std::size_t size = encoded.at(at + 1);
    Bytes number(encoded.begin() + static_cast<std::ptrdiff_t>(at + 2), encoded.begin() + static_cast<std::ptrdiff_t>(at + 2 + size));
    while (number.size() > 32) number.erase(number.begin());
    number.insert(number.begin(), 32 - number.size(), 0);
    Append(raw, number);
    at += 2 + size;
  }
  return raw;
}


Bytes PointOf(const softtee::Key& key) {
  const Bytes spki = key.SubjectPublicKeyInfo();
  return Bytes(spki.end() - 64, spki.end());
}

std::string_view CaName(bool platform) { return platform ? "Intel SGX PCK Platform CA" : "Intel SGX PCK Processor CA"; }

softtee::Certificate Plain(const softtee::Key& key, std::string_view subject, std::string_view issuer, Bytes serial) {
  softtee::Certificate certificate;
  certificate.serial = std::move(serial);
  certificate.subject = IntelName(subject);
  certificate.issuer = IntelName(issuer);
  certificate.not_before = kNotBefore;
  certificate.not_after = kNotAfter;
  certificate.subject_public_key_info = key.SubjectPublicKeyInfo();
  certificate.style = softtee::SignatureStyle::kEcdsaSha256;
  return certificate;
}

softtee::Extension CaUsage() { return softtee::extension::KeyUsage(softtee::kKeyCertSign | softtee::kCrlSign); }
softtee::Extension LeafUsage() { return softtee::extension::KeyUsage(softtee::kDigitalSignature | 0x4000); }

Bytes RootDer(const MintOptions& options, const Pki& pki) {
  softtee::Certificate root = Plain(pki.root, "Intel SGX Root CA", "Intel SGX Root CA", {1});
  root.extensions = {CaUsage(), softtee::extension::BasicConstraints(true, 1)};
  if (options.root_certificate) options.root_certificate(root);
  return root.SignedBy(pki.root);
}

Bytes CaDer(const MintOptions& options, const Pki& pki) {
  softtee::Certificate ca = Plain(pki.ca, CaName(options.platform_ca), "Intel SGX Root CA", kCaSerial);
  ca.extensions = {CaUsage(), softtee::extension::BasicConstraints(true, 0)};
  if (options.ca_certificate) options.ca_certificate(ca);
  return ca.SignedBy(pki.root);
}

}  // namespace

Bytes Sign(const softtee::Key& key, ByteView message) { return RawSignature(key.Sign(softtee::SignatureStyle::kEcdsaSha256, message)); }

Bytes Member(std::string_view suffix, ByteView value) {
  return der::Sequence({der::Oid(Cat("1.2.840.113741.1.13.1.", suffix)), value});
}

Bytes ExtensionParts::Der() const {
  Bytes content;
  for (const Bytes& member : members) Append(content, member);
  return der::Element(0x30, content);
}

ExtensionParts PlainExtension(bool platform_ca) {
  Bytes tcb;
  for (unsigned i = 1; i <= 16; ++i) Append(tcb, Member(Cat("2.", i), der::Integer(i * 15)));
  Append(tcb, Member("2.17", der::Integer(13)));
  Append(tcb, Member("2.18", der::OctetString(Bytes(16, 0x18))));
  ExtensionParts parts;
  parts.members = {Member("1", der::OctetString(Bytes(16, 0xA1))), Member("2", der::Element(0x30, tcb)),
                   Member("3", der::OctetString(Bytes{0, 0})), Member("4", der::OctetString(Bytes{0x00, 0x80, 0x6F, 0x05, 0, 0})),
                   Member("5", der::Element(0x0A, Bytes{1}))};
  if (platform_ca) {
    parts.members.push_back(Member("6", der::OctetString(Bytes(16, 0xA6))));
    Bytes flags = Member("7.1", der::Boolean(true));
    Append(flags, Member("7.2", der::Boolean(false)));
    Append(flags, Member("7.3", der::Boolean(true)));
    parts.members.push_back(Member("7", der::Element(0x30, flags)));
  }
  return parts;
}

const Pki& Pki::Shared() {
  static const Pki pki;
  return pki;
}

trust::AnchorSet Pki::Anchors() const {
  return trust::AnchorSet({{"intel", "SGX", crypto::Sha256(root.SubjectPublicKeyInfo())}}, /*simulated=*/true);
}

Bytes IntelName(std::string_view common_name) {
  const std::pair<std::string_view, std::string_view> kAttributes[] = {
      {"2.5.4.3", common_name}, {"2.5.4.10", "Intel Corporation"}, {"2.5.4.7", "Santa Clara"}, {"2.5.4.8", "CA"}, {"2.5.4.6", "US"}};
  Bytes content;
  for (const auto& [oid, value] : kAttributes) {
    const Bytes text = oid == "2.5.4.6" ? der::PrintableString(value) : der::Utf8String(value);
    Append(content, der::Set({der::Sequence({der::Oid(oid), text})}));
  }
  return der::Element(0x30, content);
}

Bytes PckDer(const MintOptions& options, const Pki& pki) {
  softtee::Certificate pck = Plain(pki.pck, "Intel SGX PCK Certificate", CaName(options.platform_ca), kPckSerial);
  pck.extensions = {LeafUsage(), softtee::extension::BasicConstraints(false, std::nullopt),
                    {"1.2.840.113741.1.13.1", false, PlainExtension(options.platform_ca).Der()}};
  if (options.pck_certificate) options.pck_certificate(pck);
  return pck.SignedBy(options.signs_pck == nullptr ? pki.ca : *options.signs_pck);
}

Bytes Mint(const MintOptions& options, const Pki& pki) {
  PlainQuote quote = options.kind;
  quote.body = Bytes(quote.body_size, 0);
  if (options.body) options.body(quote.body);
  quote.attestation_key = PointOf(pki.attestation);
  Bytes committed = quote.attestation_key;
  Append(committed, quote.qe_authentication_data);
  const auto digest = crypto::Sha256(committed);
  std::copy(digest.begin(), digest.end(), quote.qe_report.begin() + 320);
  if (options.qe_report) options.qe_report(quote.qe_report);
  quote.qe_signature = Sign(options.signs_qe_report == nullptr ? pki.pck : *options.signs_qe_report, quote.qe_report);
  quote.signature = Sign(options.signs_quote == nullptr ? pki.attestation : *options.signs_quote, quote.SignedPart());
  const Bytes ders[] = {PckDer(options, pki), CaDer(options, pki), RootDer(options, pki)};
  quote.chain.clear();
  for (const std::size_t i : options.order) quote.chain += softtee::ToPem("CERTIFICATE", ders[i]);
  if (options.quote) options.quote(quote);
  return quote.Write();
}

trust::CollateralItem RootItem(const Pki& pki) {
  const trust::UntrustedBytes body(RootDer({}, pki));
  trust::CollateralItem item{{std::string(kRootKind), {}, {}}, body, body.Sha256()};
  auto decoded = crypto::Certificate::FromDer(body.Read().TakeRest());
  ASSAY_CHECK(decoded.ok());
  item.certificate = std::move(decoded).value();
  return item;
}

trust::CollateralItem List(const ListOptions& options, const Pki& pki) {
  softtee::RevocationList list;
  const std::string_view issuer = !options.issuer.empty() ? options.issuer : options.root ? std::string_view("Intel SGX Root CA") : CaName(true);
  list.issuer = IntelName(issuer);
  list.this_update = kNotBefore;
  list.next_update = kNotAfter;
  list.revoked_serials = options.serials;
  list.number = options.number;
  list.style = softtee::SignatureStyle::kEcdsaSha256;
  const Bytes encoded = list.SignedBy(options.signer != nullptr ? *options.signer : options.root ? pki.root : pki.ca);
  const trust::UntrustedBytes body(encoded);
  trust::CollateralItem item{{std::string(options.root ? kRootCrlKind : kPckCrlKind), std::string(options.root ? "" : kPlatformScope), {}},
                             body, body.Sha256()};
  auto decoded = crypto::CertificateList::FromDer(encoded);
  ASSAY_CHECK(decoded.ok());
  item.revocation_list = std::move(decoded).value();
  return item;
}

}  // namespace assay::dcap::test
