// Certificates and revocation lists as people read them, unauthenticated.
#pragma once

#include "crypto/certificate.h"
#include "crypto/crl.h"
#include "trust/description.h"

namespace assay::trust {

Description DescribeCertificate(const crypto::Certificate& certificate);
Description DescribeRevocationList(const crypto::CertificateList& list);

}  // namespace assay::trust
