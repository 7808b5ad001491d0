#include "service/collateral_sources.h"

#include <string>
#include <utility>

#include "appraisal/appraiser.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "service/tls.h"

namespace assay::service {
namespace {

using collateral::Upstream;

// AMD's service gives some one certificate in ten seconds to each address.
constexpr double kKdsPerMinute = 6, kKdsBurst = 1;

}  // namespace

absl::StatusOr<CollateralSettings> LoadCollateralSettings(const v1::CollateralFetching& config, bool simulated, Time now) {
  CollateralSettings settings;
  if (!config.renewal().empty()) settings.renewal = *ParseDuration(config.renewal());
  if (!config.patience().empty()) settings.patience = *ParseDuration(config.patience());
  if (config.offline()) return settings;
  settings.upstreams.pccs = config.pccs();
  settings.upstreams.proxy = config.proxy();
  std::string errors;
  const auto add = [&](bool there, const v1::Upstream& section, Upstream upstream) {
    if (!there) return;
    collateral::UpstreamConfig one;
    one.base_url = section.url().empty() ? std::string(collateral::PublicUrlOf(upstream)) : section.url();
    if (simulated && one.base_url == collateral::PublicUrlOf(upstream)) return;
    if (upstream == Upstream::kAmdKds) {
      one.per_minute = kKdsPerMinute;
      one.burst = kKdsBurst;
    }
    if (section.per_minute() != 0) one.per_minute = section.per_minute();
    if (section.burst() != 0) one.burst = section.burst();
    if (!section.deadline().empty()) one.deadline = *ParseDuration(section.deadline());
    if (!section.ca().empty()) {
      absl::StatusOr<CaMaterial> ca = LoadCaMaterial(section.ca(), Cat("collateral.", collateral::NameOf(upstream), ".ca"), now);
      if (ca.ok()) one.ca_pem = std::move(ca->pem);
      else errors += Cat(errors.empty() ? "" : "\n", MessageOf(ca.status()));
    }
    settings.upstreams.Of(upstream) = std::move(one);
  };
  add(config.has_amd_kds(), config.amd_kds(), Upstream::kAmdKds);
  add(config.has_azure_thim(), config.azure_thim(), Upstream::kAzureThim);
  add(config.has_intel_pcs(), config.intel_pcs(), Upstream::kIntelPcs);
  add(config.has_intel_certificates(), config.intel_certificates(), Upstream::kIntelCertificates);
  add(config.has_gce_storage(), config.gce_storage(), Upstream::kGceStorage);
  if (!errors.empty()) return absl::InvalidArgumentError(ToAbsl(errors));
  return settings;
}

std::vector<trust::CollateralItem> FormatsVerifier::Recognise(const trust::UntrustedBytes& bytes, trust::CollateralSource source) const {
  return appraisal::RecogniseCollateral(registry_, bytes, source);
}

std::vector<trust::AuthenticDocument> FormatsVerifier::Authentic(std::span<const trust::CollateralItem> items) const {
  return appraisal::AuthenticCollateral(registry_, items, anchors_, &caches_);
}

}  // namespace assay::service
