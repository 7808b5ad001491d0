// Everything this build knows: formats and platforms. The build generates the one list (builtin_registry.h); roots pass it
// on as an argument.
#pragma once

#include <span>
#include <string_view>

#include "evidence/format.h"
#include "platform/platform.h"

namespace assay::appraisal {

struct Registry {
  std::span<const evidence::Format* const> formats;      // sorted by name
  std::span<const platform::Platform* const> platforms;  // sorted by name

  const platform::Platform* FindPlatform(std::string_view name) const;  // nullptr: none
  const evidence::ClaimSpec* FindClaim(std::string_view name) const;    // nullptr: no format has it
};

}  // namespace assay::appraisal
