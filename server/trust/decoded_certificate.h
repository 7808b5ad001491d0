// Certificates that were decoded a moment ago. One attestation's documents are looked at by every format that may know them, and again by
// the one that authenticates them; their bytes are decoded once.
#pragma once

#include <string_view>

#include "base/outcome.h"
#include "crypto/certificate.h"
#include "trust/fact_caches.h"
#include "trust/untrusted_bytes.h"

namespace assay::trust {

// crypto::Certificate::FromDer, or what `caches` (may be nullptr) remembers of these bytes. It proves nothing of the certificate.
Outcome<crypto::Certificate> DecodeCertificate(const UntrustedBytes& der, std::string_view component, FactCaches* caches);

}  // namespace assay::trust
