#include "evidence/nitro/endorsement.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "crypto/certificate.h"

namespace assay::nitro {
namespace {

constexpr std::string_view kSpec = "AWS Nitro Enclaves, certificate chain";
constexpr std::string_view kRootName = "aws.nitro-enclaves";
constexpr std::string_view kIssuerSuffix = ".aws.nitro-enclaves";
constexpr std::string_view kLeafSuffix = ".aws";
constexpr auto kDigitalSignature = static_cast<std::uint16_t>(crypto::KeyUsage::kDigitalSignature);
constexpr auto kCertSign = static_cast<std::uint16_t>(crypto::KeyUsage::kKeyCertSign);
constexpr std::size_t kLeastPath = 3;  // certificate, at least one issuer, root

bool IsLabel(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

}  // namespace

std::span<const trust::Anchor> AwsAnchors() {
  static const trust::Anchor kAnchors[] = {
      {std::string(kVendor), std::string(kProduct), trust::SpkiPin("f2caf5ecc6190b4a8399b78bc58a2bbcd0382375db8a1bfd78a82743874fd225")},
  };
  return kAnchors;
}

std::string_view RegionIn(std::string_view common_name, std::string_view module_id) {
  if (common_name.size() < module_id.size() + 1 + kLeafSuffix.size() || !common_name.starts_with(module_id) ||
      !common_name.ends_with(kLeafSuffix)) {
    return {};
  }
  common_name.remove_suffix(kLeafSuffix.size());
  common_name.remove_prefix(module_id.size());
  if (common_name.empty() || common_name.front() != '.') return {};
  return IsLabel(common_name.substr(1)) ? common_name.substr(1) : std::string_view();
}

std::vector<Finding> CheckAwsProfile(const crypto::CertificatePath& path) {
  std::vector<Finding> findings;
  const auto demand = [&](bool holds, const crypto::Certificate& certificate, std::string claim, std::string expected, std::string actual) {
    if (holds) return;
    findings.push_back({.reason = Reason::kCertificateProfile,
                        .component = Printable(certificate.SubjectText(), 128),
                        .claim = std::move(claim),
                        .expected = std::move(expected),
                        .actual = std::move(actual),
                        .spec = std::string(kSpec)});
  };
  const auto usage_text = [](const std::optional<std::uint16_t>& usage) { return usage ? Cat("bits ", *usage) : std::string("absent"); };
  // Names beside the common name: 2.5.4.6 C, .10 O, .11 OU.
  static constexpr std::pair<std::string_view, std::string_view> kAwsName[] = {
      {"2.5.4.6", "US"}, {"2.5.4.10", "Amazon"}, {"2.5.4.11", "AWS"}};

  const std::size_t count = path.certificates.size();
  demand(count >= kLeastPath, path.leaf(), "path", "the module's certificate, issuers, the root", Cat(count, " certificates"));
  for (std::size_t i = 0; i < count; ++i) {
    const crypto::Certificate& certificate = path.certificates[i];
    for (const auto& [oid, value] : kAwsName) {
      const bool present = std::any_of(
          certificate.subject().begin(), certificate.subject().end(),
          [oid = oid, value = value](const crypto::NameAttribute& attribute) { return attribute.oid == oid && attribute.value == value; });
      demand(present, certificate, "subject", Cat(oid, "=", value), Printable(certificate.SubjectText(), 128));
    }
    const crypto::SignatureAlgorithm& algorithm = certificate.signature_algorithm();
    demand(algorithm.kind == crypto::SignatureAlgorithm::Kind::kEcdsa && algorithm.hash == crypto::HashAlgorithm::kSha384, certificate,
           "signature algorithm", "ecdsa-with-SHA384", Cat("OID ", algorithm.oid));
    demand(certificate.SignatureAlgorithmsAgree(), certificate, "signature algorithm", "the same inside and outside", "two different ones");
    demand(certificate.public_key().kind() == crypto::KeyKind::kEcP384, certificate, "key", "EC P-384",
           std::string(crypto::NameOf(certificate.public_key().kind())));
    demand(certificate.version() == 3, certificate, "version", "3", std::to_string(certificate.version()));
    for (const crypto::Extension& extension : certificate.extensions()) {
      const bool known = extension.oid == "2.5.29.15" || extension.oid == "2.5.29.19";  // keyUsage, basicConstraints
      demand(!extension.critical || known, certificate, "critical extensions", "keyUsage and basicConstraints at most",
             Printable(extension.oid, 64));
    }
    const std::optional<std::uint16_t> usage = certificate.key_usage();
    if (i == 0) {
      demand(!certificate.is_ca(), certificate, "basicConstraints", "not a certificate authority", "cA TRUE");
      demand(usage && (*usage & kDigitalSignature) != 0 && (*usage & kCertSign) == 0, certificate, "keyUsage",
             "digitalSignature, and not keyCertSign", usage_text(usage));
      continue;
    }
    const bool root = i + 1 == count;
    demand(certificate.is_ca(), certificate, "basicConstraints", "cA TRUE", "absent or FALSE");
    demand(usage && (*usage & kCertSign) != 0, certificate, "keyUsage", "keyCertSign", usage_text(usage));
    const std::string_view name = certificate.CommonName();
    demand(root ? name == kRootName : name.ends_with(kIssuerSuffix), certificate, "subject CN",
           root ? std::string(kRootName) : Cat("…", kIssuerSuffix), Printable(name, 128));
    if (root) continue;
    // The issuer of modules issues nothing that issues, the one above it only such issuers, and so on.
    demand(certificate.path_length() == static_cast<int>(i) - 1, certificate, "pathLenConstraint", std::to_string(i - 1),
           certificate.path_length() ? std::to_string(*certificate.path_length()) : std::string("absent"));
  }
  return findings;
}

}  // namespace assay::nitro
