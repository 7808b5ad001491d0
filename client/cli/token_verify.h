// `assay token verify`: the checks of a relying party, offline, by the library that a relying party would link.
#pragma once

#include <string>
#include <vector>

#include "client/cli/invocation.h"
#include "client/cli/structured_output.h"

namespace assay::cli {

struct TokenVerifyOptions {
  std::string file;                                                              // "-": standard input
  std::string keys;                                                              // JWK set, JWK or PEM public key
  std::vector<std::string> profiles = {};                                        // short names; none: all
  std::string issuer = {}, verifier = {}, audience = {}, nonce = {}, type = {};  // "": not checked
  std::string holder = {};                                                       // PEM public key or JWK; "": not checked
  std::vector<std::string> submodules = {}, demanded = {};
  bool allow_warnings = false;
  bool any_status = false;
  std::string at = {};  // "": now
  OutputFormat output = OutputFormat::kTable;
};

ExitCode VerifyToken(const TokenVerifyOptions& options, const Invocation& invocation);

}  // namespace assay::cli
