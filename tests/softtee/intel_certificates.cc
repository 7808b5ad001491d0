#include "tests/softtee/intel_certificates.h"

#include <utility>

#include "base/strings.h"
#include "tests/softtee/der.h"

namespace assay::softtee {

std::string_view CommonNameOf(IntelKind kind) {
  switch (kind) {
    case IntelKind::kRoot: return "Intel SGX Root CA";
    case IntelKind::kPlatformCa: return "Intel SGX PCK Platform CA";
    case IntelKind::kProcessorCa: return "Intel SGX PCK Processor CA";
    case IntelKind::kPck: return "Intel SGX PCK Certificate";
    case IntelKind::kTcbSigning: return "Intel SGX TCB Signing";
  }
  return {};
}

Bytes IntelName(std::string_view common_name) {
  const std::pair<std::string_view, std::string_view> kAttributes[] = {
      {"2.5.4.3", common_name}, {"2.5.4.10", "Intel Corporation"}, {"2.5.4.7", "Santa Clara"}, {"2.5.4.8", "CA"}, {"2.5.4.6", "US"}};
  Bytes content;
  for (const auto& [oid, value] : kAttributes) {
    const Bytes text = oid == "2.5.4.6" ? der::PrintableString(value) : der::Utf8String(value);
    Append(content, der::Set({der::Sequence({der::Oid(oid), text})}));
  }
  return der::Element(0x30, content);
}

Bytes PckExtension::Der() const {
  Bytes content;
  for (const Bytes& member : members) Append(content, member);
  return der::Element(0x30, content);
}

Bytes PckMember(std::string_view suffix, ByteView value) { return der::Sequence({der::Oid(Cat("1.2.840.113741.1.13.1.", suffix)), value}); }

PckExtension DescribePckExtension(const Machine& machine, bool platform_ca) {
  Bytes tcb;
  for (std::size_t i = 0; i < 16; ++i) Append(tcb, PckMember(Cat("2.", i + 1), der::Integer(machine.components[i])));
  Append(tcb, PckMember("2.17", der::Integer(machine.pce_svn)));
  Append(tcb, PckMember("2.18", der::OctetString(machine.cpu_svn)));
  PckExtension parts;
  parts.members = {PckMember("1", der::OctetString(machine.ppid)), PckMember("2", der::Element(0x30, tcb)),
                   PckMember("3", der::OctetString(machine.pce_id)), PckMember("4", der::OctetString(machine.fmspc)),
                   PckMember("5", der::Element(0x0A, Bytes{machine.sgx_type}))};
  if (platform_ca) {
    parts.members.push_back(PckMember("6", der::OctetString(machine.platform_instance_id)));
    Bytes flags = PckMember("7.1", der::Boolean(machine.dynamic_platform));
    Append(flags, PckMember("7.2", der::Boolean(machine.cached_keys)));
    Append(flags, PckMember("7.3", der::Boolean(machine.smt_enabled)));
    parts.members.push_back(PckMember("7", der::Element(0x30, flags)));
  }
  return parts;
}

Certificate DescribeIntel(IntelKind kind, std::string_view issuer, const Key& key, Bytes serial, const Validity& validity,
                          const Key* issuer_key) {
  constexpr std::uint16_t kNonRepudiation = 0x4000;
  const bool ca = kind != IntelKind::kPck && kind != IntelKind::kTcbSigning;
  Certificate certificate{.serial = std::move(serial),
                          .issuer = IntelName(issuer),
                          .subject = IntelName(CommonNameOf(kind)),
                          .not_before = validity.not_before,
                          .not_after = validity.not_after,
                          .subject_public_key_info = key.SubjectPublicKeyInfo(),
                          .style = SignatureStyle::kEcdsaSha256};
  if (issuer_key != nullptr) {
    certificate.extensions = {extension::AuthorityKeyIdentifier(issuer_key->Identifier()),
                              extension::CrlDistributionPoint("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"),
                              extension::SubjectKeyIdentifier(key)};
  }
  certificate.extensions.push_back(extension::KeyUsage(ca ? kKeyCertSign | kCrlSign : kDigitalSignature | kNonRepudiation));
  certificate.extensions.push_back(
      extension::BasicConstraints(ca, !ca ? std::nullopt : std::optional<unsigned>(kind == IntelKind::kRoot ? 1 : 0)));
  return certificate;
}

RevocationList DescribeIntelCrl(IntelKind issuer, std::vector<Bytes> serials, const Validity& window, std::uint64_t number) {
  return {.issuer = IntelName(CommonNameOf(issuer)),
          .this_update = window.not_before,
          .next_update = window.not_after,
          .revoked_serials = std::move(serials),
          .number = number,
          .style = SignatureStyle::kEcdsaSha256};
}

}  // namespace assay::softtee
