// Which platforms assay-softtee mints evidence of, and how it is called for each.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace assay::agent {

struct SimulatedPlatform {
  std::string_view name;  // of the platform
  // Subcommand and options of assay-softtee, separated by blanks. For {report_data} and {extra_data} stand the challenge's digests, in
  // hexadecimal digits: which of them a carrier has is fixed (docs/join.md). For {machine} the name of the machine.
  std::string_view arguments;
  bool names_keys = false;  // of a TPM, when it asks for the challenge
};

std::vector<std::string_view> SimulatedPlatformNames();

// InvalidArgument: none of them; with the nearest, and all.
absl::StatusOr<const SimulatedPlatform*> SimulatedPlatformNamed(std::string_view name);

}  // namespace assay::agent
