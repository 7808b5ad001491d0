#include "appraisal/clouds_table.h"

#include <map>
#include <string>
#include <utility>

#include "appraisal/appraiser.h"
#include "platform/clouds.h"

namespace assay::appraisal {
namespace {

v1::Offered ProtoOf(platform::Offered offered) {
  switch (offered) {
    case platform::Offered::kYes: return v1::OFFERED_YES;
    case platform::Offered::kNo: return v1::OFFERED_NO;
    case platform::Offered::kDepends: return v1::OFFERED_DEPENDS;
    case platform::Offered::kDoubted: return v1::OFFERED_DOUBTED;
  }
  return v1::OFFERED_UNSPECIFIED;
}

}  // namespace

std::vector<v1::Cloud> CloudsTable(const Registry& registry) {
  std::map<std::string, v1::Cloud, std::less<>> clouds;
  for (const platform::Cloud& published : platform::AllClouds()) {
    v1::Cloud& cloud = clouds[std::string(published.name)];
    cloud.set_title(std::string(published.title));
    cloud.set_as_of(std::string(published.as_of));
    for (const platform::Offer& offer : published.offers) {
      v1::CloudFeature& feature = *cloud.add_features();
      feature.set_feature(std::string(platform::NameOf(offer.feature)));
      feature.set_offered(ProtoOf(offer.offered));
      feature.set_note(std::string(offer.note));
    }
  }
  for (const platform::Platform* platform : registry.platforms) {  // sorted by name
    v1::Cloud& cloud = clouds[std::string(platform->cloud)];
    v1::CloudPlatform& added = *cloud.add_platforms();
    added.set_name(std::string(platform->name));
    added.set_summary(std::string(platform->summary));
    added.set_strength_at_best(ToProto(platform->strength_at_best));
    added.set_trusted_at_best(std::string(platform->trusted_at_best));
  }
  std::vector<v1::Cloud> table;
  for (auto& [name, cloud] : clouds) {
    cloud.set_name(name);
    if (cloud.title().empty()) cloud.set_title(name.empty() ? "elsewhere" : name);
    table.push_back(std::move(cloud));
  }
  return table;
}

}  // namespace assay::appraisal
