#include "service/tls.h"

#include <grpcpp/security/server_credentials.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "codec/pem.h"
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

constexpr Duration kMostSkew{300};  // of a certificate that was issued just now, on a machine whose clock is ahead
constexpr Duration kDay{86400};
constexpr Duration kSoon = 14 * kDay;
constexpr int kSoonPartOfLife = 5;

std::string InFile(const std::string& field, const std::string& path) { return Cat(field, " '", Printable(path), "'"); }

// What `what` ("certificates") the file has, PEM or DER.
absl::StatusOr<std::vector<crypto::Certificate>> ReadCertificates(const std::string& field, const std::string& path,
                                                                  std::string_view what) {
  const absl::StatusOr<Bytes> bytes = ReadFile(field, path);
  if (!bytes.ok()) return bytes.status();
  auto certificates = crypto::CertificatesFrom(*bytes, field);
  if (certificates && !certificates->empty()) return std::move(certificates).value();
  return absl::InvalidArgumentError(ToAbsl(
      Cat(InFile(field, path), ": expected ", what, ", actual: ", certificates ? "none" : Describe(certificates.findings().front()))));
}

std::string PemOf(const std::vector<crypto::Certificate>& certificates) {
  std::string pem;
  for (const crypto::Certificate& certificate : certificates) pem += codec::EncodePem("CERTIFICATE", certificate.der());
  return pem;
}

std::vector<Lifetime> LifetimesOf(const std::vector<crypto::Certificate>& certificates) {
  std::vector<Lifetime> lifetimes;
  for (const crypto::Certificate& certificate : certificates) {
    lifetimes.push_back({Printable(certificate.SubjectText(), 96), certificate.not_before(), certificate.not_after()});
  }
  return lifetimes;
}

// To the day: what is said about a file must not change with every look at it.
std::string DayOf(Time time) { return FormatTime(time).substr(0, 10); }

bool Ended(const Lifetime& certificate, Time now) { return certificate.not_after < now; }
bool NotBegun(const Lifetime& certificate, Time now) { return now + kMostSkew < certificate.not_before; }
// "'CN=x' ended 2026-11-01T00:00:00Z"
std::string OutOfTime(const Lifetime& certificate, Time now) {
  return Cat("'", certificate.subject, "' ", Ended(certificate, now) ? "ended " : "begins ",
             FormatTime(Ended(certificate, now) ? certificate.not_after : certificate.not_before), " (today is ", DayOf(now), ")");
}

bool SignsCertificates(const crypto::Certificate& certificate) {
  return certificate.is_ca() &&
         (!certificate.key_usage() || (*certificate.key_usage() & static_cast<std::uint16_t>(crypto::KeyUsage::kKeyCertSign)) != 0);
}

}  // namespace

absl::StatusOr<TlsMaterial> LoadTlsMaterial(const v1::TlsIdentity& identity, const std::string& field, Time now) {
  const std::string certificate_field = Cat(field, ".certificate"), key_field = Cat(field, ".key");
  const auto chain = ReadCertificates(certificate_field, identity.certificate(), "certificates in PEM, leaf first");
  if (!chain.ok()) return chain.status();
  struct stat status {};
  if (::stat(identity.key().c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        ToAbsl(Cat(InFile(key_field, identity.key()),
                   ": expected a file that only its owner can read, actual: open to group or others. Run chmod 600 on it.")));
  }
  const absl::StatusOr<Bytes> key = ReadFile(key_field, identity.key());
  if (!key.ok()) return key.status();
  const auto private_key = crypto::PrivateKey::FromPem(AsText(*key));
  if (!private_key) {
    return absl::InvalidArgumentError(ToAbsl(Cat(InFile(key_field, identity.key()), ": expected an EC P-256 private key in PEM, actual: ",
                                                 Describe(private_key.findings().front()))));
  }
  const crypto::Certificate& leaf = chain->front();
  if (!(leaf.public_key() == private_key->public_key())) {
    return absl::InvalidArgumentError(ToAbsl(Cat(field, ": expected the private key of the certificate '", Printable(leaf.SubjectText()),
                                                 "', actual: another key. Give the pair that belongs together.")));
  }
  TlsMaterial material{PemOf(*chain),      std::string(AsText(*key)), leaf.public_key().spki_sha256(),
                       leaf.SubjectText(), leaf.not_after(),          LifetimesOf(*chain)};
  if (const Lifetime& life = material.lifetimes.front(); Ended(life, now) || NotBegun(life, now)) {
    return absl::InvalidArgumentError(ToAbsl(Cat(InFile(certificate_field, identity.certificate()),
                                                 ": expected a certificate that is valid now, actual: ", OutOfTime(life, now), ". ",
                                                 Ended(life, now) ? "Renew it, or set" : "Wait for it, or set", " this machine's clock.")));
  }
  return material;
}

absl::StatusOr<CaMaterial> LoadCaMaterial(const std::string& path, const std::string& field, Time now) {
  const auto certificates = ReadCertificates(field, path, "CA certificates in PEM");
  if (!certificates.ok()) return certificates.status();
  const auto other = std::find_if_not(certificates->begin(), certificates->end(), SignsCertificates);
  if (other != certificates->end()) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat(InFile(field, path), ": expected CA certificates, actual: '", Printable(other->SubjectText(), 96),
                   "' may sign none. Give the certificate of who issues, not one that was issued.")));
  }
  CaMaterial material{PemOf(*certificates), LifetimesOf(*certificates)};
  const auto out_of_time = [&](const Lifetime& life) { return Ended(life, now) || NotBegun(life, now); };
  if (std::all_of(material.lifetimes.begin(), material.lifetimes.end(), out_of_time)) {
    return absl::InvalidArgumentError(ToAbsl(Cat(InFile(field, path), ": expected a CA certificate that is valid now, actual: ",
                                                 OutOfTime(material.lifetimes.front(), now), ". Renew it, or set this machine's clock.")));
  }
  return material;
}

void EndWatch::Look(std::string_view listener, const std::vector<Lifetime>& certificates, Time now, telemetry::Log& log) {
  std::erase_if(said_, [&](const auto& said) { return said.second + kDay <= now; });
  for (const Lifetime& certificate : certificates) {
    const Duration life = certificate.not_after - certificate.not_before;
    if (now + std::min(kSoon, life / kSoonPartOfLife) < certificate.not_after) continue;
    if (!said_.try_emplace(Cat(listener, " ", FormatTime(certificate.not_after), " ", certificate.subject), now).second) continue;
    if (Ended(certificate, now)) {
      log.Error("a certificate in use has ended",
                {{"listener", listener}, {"subject", certificate.subject}, {"not_after", certificate.not_after}});
    } else
      log.Warning("a certificate in use ends soon",
                  {{"listener", listener}, {"subject", certificate.subject}, {"not_after", certificate.not_after}});
  }
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

std::shared_ptr<grpc::ServerCredentials> OperatorCredentials(const TlsMaterial& material, const std::string& client_ca_pem,
                                                             bool tokens_too) {
  return Credentials(
      material, client_ca_pem,
      tokens_too ? GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
}

}  // namespace assay::service
