// The format `gce_endorsement`: Google's launch endorsements. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/gce_endorsement/endorsement.h"

namespace assay::gce_endorsement {

inline constexpr std::string_view kEndorsementMediaType = "application/vnd.assay.gce-endorsement";

extern const evidence::Format kFormat;

// For platforms: the one endorsement among the items. nullopt: there is none, or it is malformed; then `sound` is false and the log says why.
std::optional<trust::Parsed<LaunchEndorsement>> ParseEndorsement(std::span<const evidence::Item> items, bool& sound,
                                                                 trust::FactCaches* caches, CheckLog& log);

// The same from the collateral, under that measurement. nullopt: there is none.
std::optional<trust::Parsed<LaunchEndorsement>> FindEndorsement(const trust::CollateralSnapshot& collateral, std::string_view scope,
                                                                ByteView measurement, trust::FactCaches* caches, CheckLog& log);

// What the platform needs where the node sent no endorsement: nothing if it did, if it is there, or if there is no measurement.
std::vector<trust::CollateralKey> NeedsEndorsement(std::span<const evidence::Item> items, const trust::CollateralSnapshot& collateral,
                                                   std::string_view scope, const std::optional<Bytes>& measurement);

}  // namespace assay::gce_endorsement
