// Whose firmware image is being read: how findings about it name it.
#pragma once

#include <string>
#include <string_view>

#include "base/finding.h"

namespace assay::evidence {

struct FirmwareKind {
  std::string_view component;
  std::string_view spec;
  Reason not_of_kind;                  // an image without what this kind has
  std::string_view what_to_give = {};  // then; else what the reason says
  Finding Refuse(Reason reason, std::string field, std::string expected, std::string actual, std::string_view remedy = {}) const;
};

}  // namespace assay::evidence
