#include "trust/decoded_certificate.h"

#include <memory>

namespace assay::trust {

Outcome<crypto::Certificate> DecodeCertificate(const UntrustedBytes& der, std::string_view component, FactCaches* caches) {
  if (caches != nullptr) {
    for (FactCache<crypto::Certificate>* cache : {&caches->certificates, &caches->decoded}) {
      if (const auto known = cache->Find(der.Sha256())) return *known;
    }
  }
  Outcome<crypto::Certificate> certificate = crypto::Certificate::FromDer(der.Read().TakeRest(), component);
  if (certificate && caches != nullptr) caches->decoded.Insert(der.Sha256(), std::make_shared<const crypto::Certificate>(*certificate));
  return certificate;
}

}  // namespace assay::trust
