// TLS material of the listeners: read, checked as a pair and against the clock, and turned into gRPC's credentials.
//
// Promises: gRPC gets, in PEM, exactly the certificates that were decoded and checked here, whether the file was PEM or DER. Does
// not promise that clients will build a path from the chain.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "crypto/digest.h"
#include "telemetry/log.h"

namespace grpc {
class ServerCredentials;
}

namespace assay::service {

// Of one certificate in use; the bounds are inclusive.
struct Lifetime {
  std::string subject;
  Time not_before, not_after;
  friend bool operator==(const Lifetime&, const Lifetime&) = default;
};

struct TlsMaterial {
  std::string certificate_pem;  // chain, leaf first
  std::string key_pem;
  crypto::Sha256Digest spki_sha256;  // of the leaf's key
  std::string subject;               // of the leaf, for people
  Time not_after;                    // of the leaf
  std::vector<Lifetime> lifetimes;   // of the whole chain
  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

// InvalidArgument: no certificates, the key is not the leaf's, or not P-256 in PEM; or the leaf has ended by `now`, or begins more
// than five minutes later. PermissionDenied: the key file is open to group or others. Others as ReadFile's. `field` names the
// member of the configuration, e.g. "join.tls".
absl::StatusOr<TlsMaterial> LoadTlsMaterial(const v1::TlsIdentity& identity, const std::string& field, Time now);

struct CaMaterial {
  std::string pem;
  std::vector<Lifetime> lifetimes;
  friend bool operator==(const CaMaterial&, const CaMaterial&) = default;
};

// Certificates that may vouch for others. InvalidArgument: none, one that is no CA's (RFC 5280 4.2.1.9, 4.2.1.3), or none that is
// valid at `now`. Others as ReadFile's.
absl::StatusOr<CaMaterial> LoadCaMaterial(const std::string& path, const std::string& field, Time now);

// Says in the log which certificates have ended, or end soon: in the last fifth of their life, and within 14 days. At once, and then
// once a day.
class EndWatch {
 public:
  void Look(std::string_view listener, const std::vector<Lifetime>& certificates, Time now, telemetry::Log& log);

 private:
  std::map<std::string, Time> said_;
};

// Whether any of the files is another one, or has changed, since the last call: cheap, by stat. The first call says yes.
class FilesSeen {
 public:
  bool Changed(const std::vector<std::string>& paths);
  void Forget() { seen_.clear(); }

 private:
  std::string seen_;
};

// The client certificate is requested and not verified against any CA: the node key speaks for itself.
std::shared_ptr<grpc::ServerCredentials> JoinCredentials(const TlsMaterial& material);
// A certificate that clients show must be one that `client_ca_pem` issued. `tokens_too`: they may show none; who they are is then
// for each call to prove.
std::shared_ptr<grpc::ServerCredentials> OperatorCredentials(const TlsMaterial& material, const std::string& client_ca_pem,
                                                             bool tokens_too);

}  // namespace assay::service
