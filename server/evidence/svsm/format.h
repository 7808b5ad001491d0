// The format `svsm`: manifests of a Secure VM Service Module. See README.md in this folder.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/check_log.h"
#include "evidence/format.h"
#include "evidence/svsm/manifest.h"

namespace assay::svsm {

inline constexpr std::string_view kManifestMediaType = "application/vnd.assay.svsm-manifest";

extern const evidence::Format kFormat;

// For platforms: the one manifest among the items. nullopt: the log says why.
std::optional<trust::Parsed<Manifest>> ParseManifest(std::span<const evidence::Item> items, CheckLog& log);

}  // namespace assay::svsm
