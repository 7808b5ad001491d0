#include "tests/softtee/dev_tls.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/der.h"
#include "tests/softtee/file.h"
#include "tests/softtee/key.h"

namespace assay::softtee {
namespace {

constexpr std::string_view kRoles[] = {"viewer", "operator", "admin"};
constexpr std::string_view kServerAuth = "1.3.6.1.5.5.7.3.1";
constexpr std::string_view kClientAuth = "1.3.6.1.5.5.7.3.2";
constexpr std::string_view kStampFile = "made_for";  // server name and end of validity; written last

// GeneralName (RFC 5280 section 4.2.1.6): [2] dNSName, [6] URI, [7] iPAddress.
Bytes DnsName(std::string_view name) { return der::Implicit(2, AsBytes(name)); }
Bytes Uri(std::string_view uri) { return der::Implicit(6, AsBytes(uri)); }
Bytes IpAddress(ByteView address) { return der::Implicit(7, address); }

Extension SubjectAltName(const Bytes& general_names) {
  return {.oid = std::string(extension::kSubjectAltName), .value = der::Element(0x30, general_names)};
}

Bytes Serial() {
  Bytes serial = RandomBytes(16);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // positive and of full length
  return serial;
}

struct Authority {
  Key key;
  Bytes name;
  Time not_before;
  Time not_after;

  Certificate Describe(std::string_view common_name, const Key& subject) const {
    return {.serial = Serial(),
            .issuer = name,
            .subject = NameOf(common_name),
            .not_before = not_before,
            .not_after = not_after,
            .subject_public_key_info = subject.SubjectPublicKeyInfo(),
            .style = SignatureStyle::kEcdsaSha256};
  }
};

absl::Status WriteLeaf(const std::filesystem::path& directory, std::string_view stem, std::string_view common_name,
                       std::string_view purpose, const Bytes& alternative_names, const Authority& ca) {
  const Key key = Key::GenerateP256();
  Certificate certificate = ca.Describe(common_name, key);
  certificate.extensions = {extension::BasicConstraints(false, std::nullopt),
                            extension::KeyUsage(kDigitalSignature),
                            extension::ExtendedKeyUsage(purpose),
                            SubjectAltName(alternative_names),
                            extension::SubjectKeyIdentifier(key),
                            extension::AuthorityKeyIdentifier(ca.key.Identifier())};
  const std::string pem = ToPem("CERTIFICATE", certificate.SignedBy(ca.key));
  if (absl::Status status = WriteFile(directory / Cat(stem, ".key"), AsBytes(key.ToPem()), kPrivateFile); !status.ok()) return status;
  return WriteFile(directory / Cat(stem, ".pem"), AsBytes(pem), kPublicFile);
}

bool StillGood(const std::filesystem::path& directory, std::string_view server_name, Time now) {
  const auto stamp = ReadFile(directory / kStampFile);
  if (!stamp.ok()) return false;
  const std::string_view text = AsText(*stamp);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || text.substr(0, space) != server_name) return false;
  const std::optional<Time> end = ParseTime(text.substr(space + 1));
  return end && now < *end;
}

}  // namespace

absl::Status MakeDevTls(const std::filesystem::path& directory, std::string_view server_name, Time now) {
  const absl::StatusOr<DirectoryLock> lock = DirectoryLock::Take(directory);
  if (!lock.ok()) return lock.status();
  if (StillGood(directory, server_name, now)) return absl::OkStatus();

  const Authority ca{Key::GenerateP256(), NameOf("Assay development CA"), now - std::chrono::hours(1), now + std::chrono::days(90)};
  Certificate root = ca.Describe("Assay development CA", ca.key);
  root.extensions = {extension::BasicConstraints(true, 0), extension::KeyUsage(kKeyCertSign | kCrlSign),
                     extension::SubjectKeyIdentifier(ca.key)};
  absl::Status status = WriteFile(directory / "ca.pem", AsBytes(ToPem("CERTIFICATE", root.SignedBy(ca.key))), kPublicFile);
  if (!status.ok()) return status;

  constexpr ByteArray<4> kLoopback4 = {127, 0, 0, 1};
  constexpr ByteArray<16> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  status = WriteLeaf(directory, "server", server_name, kServerAuth,
                     der::Concat({DnsName(server_name), IpAddress(kLoopback4), IpAddress(kLoopback6)}), ca);
  if (!status.ok()) return status;
  for (const std::string_view role : kRoles) {
    status = WriteLeaf(directory, role, Cat("assay development ", role), kClientAuth, Uri(Cat("spiffe://dev.assay/operator/", role)), ca);
    if (!status.ok()) return status;
  }
  return WriteFile(directory / kStampFile, AsBytes(Cat(server_name, " ", FormatTime(ca.not_after))), kPublicFile);
}

}  // namespace assay::softtee
