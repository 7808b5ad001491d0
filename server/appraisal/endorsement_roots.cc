#include "appraisal/endorsement_roots.h"

#include <algorithm>
#include <utility>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "evidence/gce_endorsement/authenticate.h"

namespace assay::appraisal {

absl::StatusOr<trust::AnchorSet> WithEndorsementRoots(trust::AnchorSet anchors, const std::vector<std::string>& files) {
  if (files.empty()) return anchors;
  std::vector<trust::Anchor> all(anchors.anchors().begin(), anchors.anchors().end());
  for (const std::string& file : files) {
    const absl::StatusOr<Bytes> bytes = ReadFile("GCE endorsement root", file);
    if (!bytes.ok()) return bytes.status();
    const auto certificates = crypto::CertificatesFrom(*bytes, "root");
    if (!certificates || certificates->empty() ||
        !std::all_of(certificates->begin(), certificates->end(), [](const crypto::Certificate& one) { return one.is_ca(); })) {
      return absl::InvalidArgumentError(
          ToAbsl(Cat("GCE endorsement root '", Printable(file), "': expected certificates of authorities, PEM or DER, actual: ",
                     certificates ? std::string("another certificate, or none") : certificates.findings().front().actual,
                     ". Give the root that Google publishes.")));
    }
    for (const crypto::Certificate& certificate : *certificates) {
      all.push_back(
          {std::string(gce_endorsement::kVendor), std::string(gce_endorsement::kProduct), certificate.public_key().spki_sha256()});
    }
  }
  return trust::AnchorSet(std::move(all), anchors.simulated());
}

}  // namespace assay::appraisal
