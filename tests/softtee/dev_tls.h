// TLS certificates for development: a CA, a server and one operator client for each role. P-256 throughout.
//
// Promises: idempotent (a directory that is whole stays as it is), private keys 0600. Does not promise anything for
// production: the CA's key is not kept, so nothing can be added later.
#pragma once

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"

namespace assay::softtee {

// Writes ca.pem; server.pem and server.key (SAN DNS:<name>, 127.0.0.1, ::1); and for viewer, operator and admin <role>.pem and
// <role>.key (SAN spiffe://dev.assay/operator/<role>). Valid from an hour before `now` for 90 days; what has expired by
// `now` or does not name `server_name` is made anew.
absl::Status MakeDevTls(const std::filesystem::path& directory, std::string_view server_name, Time now);

}  // namespace assay::softtee
