#include "tests/unit/dcap/minted_quote.h"

#include "base/bug.h"
#include "crypto/crl.h"
#include "crypto/digest.h"
#include "evidence/dcap/collateral_kinds.h"

namespace assay::dcap::test {

const Pki& Pki::Shared() {
  static const Pki pki;
  return pki;
}

trust::AnchorSet Pki::Anchors() const {
  return trust::AnchorSet({{"intel", "SGX", crypto::Sha256(root.SubjectPublicKeyInfo())}}, /*simulated=*/true);
}

trust::CollateralItem RootItem(const Pki& pki) {
  const trust::UntrustedBytes body(softtee::MintIntelRoot({}, pki));
  trust::CollateralItem item{{std::string(kRootKind), {}, {}}, body, body.Sha256()};
  auto decoded = crypto::Certificate::FromDer(body.Read().TakeRest());
  ASSAY_CHECK(decoded.ok());
  item.certificate = std::move(decoded).value();
  return item;
}

trust::CollateralItem List(const ListOptions& options, const Pki& pki) {
  softtee::RevocationList list = softtee::DescribeIntelCrl(options.root ? softtee::IntelKind::kRoot : softtee::IntelKind::kPlatformCa,
                                                           options.serials, {kNotBefore, kNotAfter}, options.number);
  if (!options.issuer.empty()) list.issuer = IntelName(options.issuer);
  const Bytes encoded = list.SignedBy(options.signer != nullptr ? *options.signer : options.root ? pki.root : pki.ca);
  const trust::UntrustedBytes body(encoded);
  trust::CollateralItem item{
      {std::string(options.root ? kRootCrlKind : kPckCrlKind), std::string(options.root ? "" : kPlatformScope), {}}, body, body.Sha256()};
  auto decoded = crypto::CertificateList::FromDer(encoded);
  ASSAY_CHECK(decoded.ok());
  item.revocation_list = std::move(decoded).value();
  return item;
}

}  // namespace assay::dcap::test
