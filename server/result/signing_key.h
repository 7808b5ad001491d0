// The key that signs tokens: one PEM file, EC P-256.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "crypto/private_key.h"

namespace assay::result {

class SigningKey {
 public:
  // Reads the file, or makes it (mode 0600, on disk before this returns) where there is none.
  // PermissionDenied: open to group or others; InvalidArgument: no EC P-256 key; Unavailable: can't be read or written.
  static absl::StatusOr<SigningKey> LoadOrMake(const std::string& field, const std::string& path);

  // Reads the file. Errors as above; NotFound: there is none.
  static absl::StatusOr<SigningKey> Load(const std::string& field, const std::string& path);
  static SigningKey Generate();  // in memory only

  const std::string& id() const { return id_; }  // kid: the key's RFC 7638 thumbprint
  bool made() const { return made_; }
  const crypto::PrivateKey& key() const { return key_; }
  std::string Jwks() const;  // the public half, for relying parties

 private:
  SigningKey(crypto::PrivateKey key, bool made);
  crypto::PrivateKey key_;
  std::string id_;
  bool made_;
};

}  // namespace assay::result
