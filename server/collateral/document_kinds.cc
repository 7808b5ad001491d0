#include "collateral/document_kinds.h"

#include <algorithm>
#include <array>
#include <string>

namespace assay::collateral {
namespace {

constexpr auto kKinds = std::to_array<DocumentKind>({
    {"amd.ark", "ark", Vendor::kAmd, Nature::kAuthority},
    {"amd.ask", "ask", Vendor::kAmd, Nature::kAuthority},
    {"amd.asvk", "asvk", Vendor::kAmd, Nature::kAuthority},
    {"amd.crl", "crl", Vendor::kAmd, Nature::kRenewed},
    {"amd.vcek", "vcek", Vendor::kAmd, Nature::kLeaf},
    {"amd.vlek", "vlek", Vendor::kAmd, Nature::kLeaf},
    {"gce.launch_endorsement", "launch_endorsement", Vendor::kGoogle, Nature::kLeaf},
    {"intel.pck_ca", "pck_ca", Vendor::kIntel, Nature::kAuthority},
    {"intel.pck_crl", "pck_crl", Vendor::kIntel, Nature::kRenewed},
    {"intel.qe_identity", "qe_identity", Vendor::kIntel, Nature::kRenewed},
    {"intel.root", "root", Vendor::kIntel, Nature::kAuthority},
    {"intel.root_crl", "root_crl", Vendor::kIntel, Nature::kRenewed},
    {"intel.tcb_evaluation_data_numbers", "tcb_evaluation_data_numbers", Vendor::kIntel, Nature::kRenewed},
    {"intel.tcb_info", "tcb_info", Vendor::kIntel, Nature::kRenewed},
    {"intel.tcb_signing", "tcb_signing", Vendor::kIntel, Nature::kAuthority},
});
static_assert(std::is_sorted(kKinds.begin(), kKinds.end(), [](const DocumentKind& a, const DocumentKind& b) { return a.name < b.name; }));

}  // namespace

std::string_view NameOf(Vendor vendor) {
  switch (vendor) {
    case Vendor::kAmd: return "amd";
    case Vendor::kIntel: return "intel";
    case Vendor::kGoogle: return "google";
  }
  return "unknown";
}

std::span<const DocumentKind> AllDocumentKinds() { return kKinds; }

const DocumentKind* FindKind(std::string_view name) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [name](const DocumentKind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : &*found;
}

bool IsLeaf(const trust::CollateralKey& key) {
  const DocumentKind* kind = FindKind(key.kind);
  return kind != nullptr && kind->nature == Nature::kLeaf;
}

bool IsNamedByEvidence(const trust::CollateralKey& key) { return IsLeaf(key) || key.kind == "intel.tcb_info"; }

std::vector<trust::CollateralKey> IssuersOf(const trust::CollateralKey& key) {
  if (key.kind == "amd.vcek") return {{"amd.ark", key.scope, {}}, {"amd.ask", key.scope, {}}};
  if (key.kind == "amd.vlek") return {{"amd.ark", key.scope, {}}, {"amd.asvk", key.scope, {}}};
  if (key.kind == "amd.crl" || key.kind == "amd.ask" || key.kind == "amd.asvk") return {{"amd.ark", key.scope, {}}};
  if (key.kind == "intel.pck_crl") return {{"intel.pck_ca", key.scope, {}}, {"intel.root", {}, {}}};
  if (key.kind == "intel.root_crl" || key.kind == "intel.pck_ca" || key.kind == "intel.tcb_signing") return {{"intel.root", {}, {}}};
  if (key.kind == "intel.tcb_info" || key.kind == "intel.qe_identity" || key.kind == "intel.tcb_evaluation_data_numbers") {
    return {{"intel.root", {}, {}}, {"intel.tcb_signing", {}, {}}};
  }
  return {};
}

std::vector<trust::CollateralKey> CompanionsOf(std::span<const trust::CollateralKey> keys) {
  std::vector<trust::CollateralKey> companions;
  for (const trust::CollateralKey& key : keys) {
    if (key.kind == "amd.asvk") companions.push_back({"amd.crl", key.scope, std::string(kVlekListDetail)});
    if (key.kind == "intel.tcb_signing") companions.push_back({"intel.root", {}, {}});
  }
  return companions;
}

}  // namespace assay::collateral
