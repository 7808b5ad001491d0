// Endorsements out of whatever they come in: DER certificate, PEM certificates, DER or PEM revocation list, certificate table.
#pragma once

#include <string_view>
#include <vector>

#include "base/outcome.h"
#include "trust/collateral.h"
#include "trust/fact_caches.h"
#include "trust/untrusted_bytes.h"

namespace assay::sev_snp {

enum class Container { kCertificate, kPem, kRevocationList, kCertTable, kUnknown };
// What the first bytes look like; proves nothing.
Container LooksLike(ByteView bytes);

// AMD's documents in a container of that kind, decoded once (not at all if `caches` knows them). Documents of other
// vendors are left out. Findings: the container or a document in it is malformed.
Outcome<std::vector<trust::CollateralItem>> Unpack(Container container, const trust::UntrustedBytes& bytes, trust::CollateralSource source,
                                                   trust::FactCaches* caches);

// Lets Unpack answer from memory next time. Only for endorsements with which evidence was authenticated: what anybody can
// make in any number must not fill the cache.
void Remember(Container container, const trust::UntrustedBytes& bytes, const std::vector<trust::CollateralItem>& items,
              trust::FactCaches& caches);

}  // namespace assay::sev_snp
