// The connections of the online commands, from files to TLS.
//
// Errors: Unavailable: not reached. Unauthenticated: either side would not believe who the other is. Others: as the server
// answered. Messages say which option to look at.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "client/agent/join.h"
#include "client/lib/client.h"
#include "crypto/private_key.h"

namespace assay::cli {

inline constexpr const char* kBearerTokenVariable = "ASSAY_BEARER_TOKEN_FILE";

struct ServerOptions {
  std::string address;  // --server, HOST:PORT
  std::string ca;       // --ca, PEM file
};

// A connection whose TLS client key is `node_key`, under a self-signed certificate valid around `now`.
absl::StatusOr<std::unique_ptr<agent::JoinConnection>> ConnectAsNode(const ServerOptions& server, const crypto::PrivateKey& node_key,
                                                                     Time now);

// Either the first two, or the last one.
struct OperatorOptions {
  std::string certificate;   // --cert, PEM file
  std::string key;           // --key, PEM file
  std::string bearer_token;  // --bearer-token-file; read anew before each call, since tokens live for minutes
};

// InvalidArgument besides: both ways to say who one is, or neither.
absl::StatusOr<std::unique_ptr<client::VerdictClient>> ConnectAsOperator(const ServerOptions& server, const OperatorOptions& credentials);

}  // namespace assay::cli
