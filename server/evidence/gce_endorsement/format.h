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
std::optional<trust::Parsed<LaunchEndorsement>> ParseEndorsement(std::span<const evidence::Item> items, bool& sound, CheckLog& log);

}  // namespace assay::gce_endorsement
