// Evidence of the software TEE as seeds of the SEV-SNP fuzz targets, and what a verifier that trusts it would hold.
//
// Promises: the same bytes but for signatures in every process of one build directory (Fault::kIntermediateRsa2048
// alone has a key of its own each time). Does not promise that a seed is sound: most of them have one fault.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/certificate.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/anchors.h"
#include "trust/collateral.h"

namespace assay::fuzz {

// Sound evidence of each product and kind of key, and of each report version.
const std::vector<softtee::Evidence>& SoundSnp();
// Evidence with each fault from `first` to `last`, in the order of the enumeration.
std::vector<softtee::Evidence> FaultySnp(softtee::Fault first, softtee::Fault last);

// Certificates and revocation lists in DER, as far as there are any of these names ("vcek", "ark", "crl", …).
std::vector<Bytes> EndorsementsOf(const std::vector<softtee::Evidence>& evidence, const std::vector<std::string_view>& names);
// Bodies of the items of that type.
std::vector<Bytes> BodiesOf(const std::vector<softtee::Evidence>& evidence, std::string_view media_type);

trust::AnchorSet SnpAnchors();              // the three ARKs
trust::CollateralSnapshot SnpCollateral();  // every endorsement of SoundSnp()
std::vector<crypto::Certificate> Certificates(const std::vector<Bytes>& ders);

// The first element inside the outermost SEQUENCE: what the signature of a certificate or revocation list covers.
Bytes SignedPartOf(ByteView der);

}  // namespace assay::fuzz
