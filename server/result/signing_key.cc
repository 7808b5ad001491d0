#include "result/signing_key.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "codec/json_writer.h"
#include "result/owner_file.h"
#include "token/jwk.h"

namespace assay::result {

SigningKey::SigningKey(crypto::PrivateKey key, bool made) : key_(std::move(key)), id_(token::Thumbprint(key_.public_key())), made_(made) {}

absl::StatusOr<SigningKey> SigningKey::LoadOrMake(const std::string& field, const std::string& path) {
  const std::string named = Cat(field, " '", Printable(path), "': ");
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) {
    crypto::PrivateKey key = crypto::PrivateKey::GenerateP256();
    const crypto::SecretText pem = key.ToPem();
    const bool written =
        ::write(file, pem.view().data(), pem.view().size()) == static_cast<ssize_t>(pem.view().size()) && ::fsync(file) == 0;
    const int error = errno;
    if (::close(file) == 0 && written) return SigningKey(std::move(key), true);
    ::unlink(path.c_str());
    return absl::UnavailableError(Cat(named, "expected to be written, actual: ", std::strerror(error), ". Check the disk."));
  }
  if (errno != EEXIST) {
    return absl::UnavailableError(Cat(named, "expected a file that is there or can be made, actual: ", std::strerror(errno),
                                      ". Check the directory and its permissions."));
  }
  return Load(field, path);
}

absl::StatusOr<SigningKey> SigningKey::Load(const std::string& field, const std::string& path) {
  const absl::StatusOr<Bytes> pem = ReadOwnerFile(field, path);
  if (!pem.ok()) return pem.status();
  Outcome<crypto::PrivateKey> key = crypto::PrivateKey::FromPem(AsText(*pem));
  if (!key) {
    return absl::InvalidArgumentError(
        Cat(field, " '", Printable(path), "': expected an EC P-256 private key in PEM, actual: ", Describe(key.findings().front())));
  }
  return SigningKey(std::move(key).value(), false);
}

SigningKey SigningKey::Generate() { return SigningKey(crypto::PrivateKey::GenerateP256(), true); }

std::string SigningKey::Jwks() const {
  json::Value set = json::Value::MakeObject();
  set.Add("keys", json::Value::MakeArray()).Append(token::ToJwk(key_.public_key(), id_));
  return *json::Canonical(set);
}

}  // namespace assay::result
