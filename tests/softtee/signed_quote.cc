#include "tests/softtee/signed_quote.h"

#include <algorithm>

namespace assay::softtee {
namespace {

Bytes PointOf(const Key& key) {
  const Bytes spki = key.SubjectPublicKeyInfo();
  return Bytes(spki.end() - 64, spki.end());
}

IntelKind CaKind(const QuoteOptions& options) { return options.platform_ca ? IntelKind::kPlatformCa : IntelKind::kProcessorCa; }

}  // namespace

// SEQUENCE { INTEGER r, INTEGER s } as two numbers of 32 bytes.
Bytes SignP1363(const Key& p256_key, ByteView message) {
  const Bytes encoded = p256_key.Sign(SignatureStyle::kEcdsaSha256, message);
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

Bytes MintIntelRoot(const QuoteOptions& options, const QuoteKeys& keys) {
  Certificate root = DescribeIntel(IntelKind::kRoot, CommonNameOf(IntelKind::kRoot), keys.root, kIntelRootSerial, options.validity,
                                   options.identifiers ? &keys.root : nullptr);
  if (options.root_certificate) options.root_certificate(root);
  return root.SignedBy(keys.root);
}

Bytes MintPckCa(const QuoteOptions& options, const QuoteKeys& keys) {
  Certificate ca = DescribeIntel(CaKind(options), CommonNameOf(IntelKind::kRoot), keys.ca, kCaSerial, options.validity,
                                 options.identifiers ? &keys.root : nullptr);
  if (options.ca_certificate) options.ca_certificate(ca);
  return ca.SignedBy(keys.root);
}

Bytes MintPck(const QuoteOptions& options, const QuoteKeys& keys) {
  Certificate pck = DescribeIntel(IntelKind::kPck, CommonNameOf(CaKind(options)), keys.pck, kPckSerial, options.validity,
                                  options.identifiers ? &keys.ca : nullptr);
  pck.extensions.push_back({"1.2.840.113741.1.13.1", false, DescribePckExtension(options.machine, options.platform_ca).Der()});
  if (options.pck_certificate) options.pck_certificate(pck);
  return pck.SignedBy(options.signs_pck == nullptr ? keys.ca : *options.signs_pck);
}

Bytes MintQuote(const QuoteOptions& options, const QuoteKeys& keys) {
  DcapQuote quote = options.kind;
  quote.body = Bytes(quote.body_size, 0);
  if (options.body) options.body(quote.body);
  quote.attestation_key = PointOf(keys.attestation);
  Bytes committed = quote.attestation_key;
  Append(committed, quote.qe_authentication_data);
  const Bytes digest = Sha256(committed);
  std::copy(digest.begin(), digest.end(), quote.qe_report.begin() + 320);
  if (options.qe_report) options.qe_report(quote.qe_report);
  quote.qe_signature = SignP1363(options.signs_qe_report == nullptr ? keys.pck : *options.signs_qe_report, quote.qe_report);
  quote.signature = SignP1363(options.signs_quote == nullptr ? keys.attestation : *options.signs_quote, quote.SignedPart());
  const Bytes ders[] = {MintPck(options, keys), MintPckCa(options, keys), MintIntelRoot(options, keys)};
  quote.chain.clear();
  for (const std::size_t i : options.order) quote.chain += ToPem("CERTIFICATE", ders[i]);
  if (options.quote) options.quote(quote);
  return quote.Write();
}

}  // namespace assay::softtee
