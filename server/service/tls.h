// TLS material of the listeners: read, checked as a pair, and turned into gRPC's credentials.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "crypto/digest.h"

namespace grpc {
class ServerCredentials;
}

namespace assay::service {

struct TlsMaterial {
  std::string certificate_pem;      // chain, leaf first
  std::string key_pem;
  crypto::Sha256Digest spki_sha256;  // of the leaf's key
  std::string subject;               // of the leaf, for people
  Time not_after;                    // of the leaf
  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

// InvalidArgument: not PEM, the key is not the leaf's, or not P-256; PermissionDenied: the key file is open to group or
// others; others as ReadFile's. `field` names the member of the configuration, e.g. "join.tls".
absl::StatusOr<TlsMaterial> LoadTlsMaterial(const v1::TlsIdentity& identity, const std::string& field);

// Whether any of the files is another one, or has changed, since the last call: cheap, by stat. The first call says yes.
class FilesSeen {
 public:
  bool Changed(const std::vector<std::string>& paths);

 private:
  std::string seen_;
};

// The client certificate is requested and not verified against any CA: the node key speaks for itself.
std::shared_ptr<grpc::ServerCredentials> JoinCredentials(const TlsMaterial& material);
// A certificate that clients show must be one that `client_ca_pem` issued. `tokens_too`: they may show none; who they are is then
// for each call to prove.
std::shared_ptr<grpc::ServerCredentials> OperatorCredentials(const TlsMaterial& material, const std::string& client_ca_pem, bool tokens_too);

}  // namespace assay::service
