#include "service/tls.h"

#include <grpcpp/security/server_credentials.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "crypto/private_key.h"

namespace assay::service {
namespace {

std::shared_ptr<grpc::ServerCredentials> Credentials(const TlsMaterial& material, const std::string& client_ca_pem,
                                                     grpc_ssl_client_certificate_request_type request) {
  grpc::SslServerCredentialsOptions options(request);
  options.pem_root_certs = client_ca_pem;
  options.pem_key_cert_pairs.push_back({material.key_pem, material.certificate_pem});
  return grpc::SslServerCredentials(options);
}

}  // namespace

absl::StatusOr<TlsMaterial> LoadTlsMaterial(const v1::TlsIdentity& identity, const std::string& field) {
  const absl::StatusOr<Bytes> certificate = ReadFile(Cat(field, ".certificate"), identity.certificate());
  if (!certificate.ok()) return certificate.status();
  struct stat status {};
  if (::stat(identity.key().c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(Cat(field, ".key '", Printable(identity.key()), "': expected a file that only its owner can read, actual: open to group or others. Run chmod 600 on it."));
  }
  const absl::StatusOr<Bytes> key = ReadFile(Cat(field, ".key"), identity.key());
  if (!key.ok()) return key.status();
  const auto chain = crypto::CertificatesFrom(*certificate, Cat(field, ".certificate"));
  if (!chain || chain->empty()) {
    return absl::InvalidArgumentError(Cat(field, ".certificate '", Printable(identity.certificate()), "': expected PEM certificates, leaf first, actual: ",
                                          chain ? "none" : Describe(chain.findings().front())));
  }
  const auto private_key = crypto::PrivateKey::FromPem(AsText(*key));
  if (!private_key) {
    return absl::InvalidArgumentError(Cat(field, ".key '", Printable(identity.key()), "': expected an EC P-256 private key in PEM, actual: ",
                                          Describe(private_key.findings().front())));
  }
  const crypto::Certificate& leaf = chain->front();
  if (!(leaf.public_key() == private_key->public_key())) {
    return absl::InvalidArgumentError(Cat(field, ": expected the private key of the certificate '", Printable(leaf.SubjectText()), "', actual: another key. Give the pair that belongs together."));
  }
  return TlsMaterial{std::string(AsText(*certificate)), std::string(AsText(*key)), leaf.public_key().spki_sha256(), leaf.SubjectText(), leaf.not_after()};
}

bool FilesSeen::Changed(const std::vector<std::string>& paths) {
  std::string seen;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) seen += "absent;";
    else seen += Cat(status.st_dev, ",", status.st_ino, ",", status.st_size, ",", status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, ";");
  }
  std::swap(seen, seen_);
  return seen != seen_;
}

std::shared_ptr<grpc::ServerCredentials> JoinCredentials(const TlsMaterial& material) {
  return Credentials(material, "", GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
}

std::shared_ptr<grpc::ServerCredentials> OperatorCredentials(const TlsMaterial& material, const std::string& client_ca_pem, bool tokens_too) {
  return Credentials(material, client_ca_pem, tokens_too ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
}

}  // namespace assay::service
