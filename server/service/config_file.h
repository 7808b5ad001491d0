// The configuration file: YAML with the member names of assay.v1.ServerConfig, read by reflection over that proto, so that a
// new member needs no code here.
//
// Promises: every defect is named with file:line:col, not only the first; unknown keys with did-you-mean; relative paths are
// relative to the file's folder; what was left out has its default. Does not promise that files or addresses are usable.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"

namespace assay::service {

struct ConfigResult {
  std::optional<v1::ServerConfig> config;  // only if there are no messages
  std::vector<std::string> messages;
};

// `folder`: what relative paths are relative to; "" leaves them as they are.
ConfigResult LoadConfig(std::string_view name, std::string_view text, const std::string& folder);
absl::StatusOr<ConfigResult> LoadConfigFile(const std::string& path);

// A complete, commented file with the defaults. LoadConfig accepts it.
std::string DefaultConfigYaml();

// Of a config that LoadConfig gave.
Duration ChallengeLifetime(const v1::ServerConfig& config);

// Whether operator.oidc.jwks is to be fetched, and not a file.
inline bool IsUrl(std::string_view jwks) { return jwks.find("://") != std::string_view::npos; }

}  // namespace assay::service
