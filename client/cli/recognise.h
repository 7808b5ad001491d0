// What a file is, by its content alone: evidence, endorsements, or neither.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appraisal/registry.h"
#include "base/finding.h"
#include "evidence/format.h"
#include "trust/collateral.h"
#include "trust/description.h"
#include "trust/untrusted_bytes.h"

namespace assay::cli {

// The first format that knows the bytes describes them; certificates and revocation lists of vendors that none of them
// knows are described as such. nullopt: nothing that this build knows.
std::optional<trust::Description> DescribeContent(const appraisal::Registry& registry, const trust::UntrustedBytes& bytes);

// Evidence and endorsements, sorted apart.
struct Pile {
  std::vector<evidence::Item> evidence;
  std::vector<std::string> evidence_names;        // of the file each item came from
  std::vector<trust::CollateralItem> collateral;  // supplied
};

// Adds the file to the pile. Otherwise the finding says why it can't be: item_empty, content_unrecognised, or
// item_unexpected for what is known but is neither evidence nor endorsement of a known vendor.
std::optional<Finding> Sort(const appraisal::Registry& registry, std::string_view name, const trust::UntrustedBytes& bytes, Pile& pile);

// item_empty or content_unrecognised, with the size and the first bytes.
Finding Unrecognised(std::string_view name, const trust::UntrustedBytes& bytes);

}  // namespace assay::cli
