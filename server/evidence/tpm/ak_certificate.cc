#include "evidence/tpm/ak_certificate.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/der.h"

namespace assay::tpm {
namespace {

constexpr std::string_view kSpec = "TCG EK Credential Profile 2.6";

constexpr std::string_view kKeyUsageOid = "2.5.29.15";
constexpr std::string_view kSubjectAltNameOid = "2.5.29.17";
constexpr std::string_view kBasicConstraintsOid = "2.5.29.19";
constexpr std::string_view kCrlDistributionPointsOid = "2.5.29.31";
constexpr std::string_view kExtendedKeyUsageOid = "2.5.29.37";
constexpr std::string_view kLocalityOid = "2.5.4.7";
constexpr std::string_view kOrganizationOid = "2.5.4.10";
constexpr std::string_view kOrganizationalUnitOid = "2.5.4.11";

// Contents of the OBJECT IDENTIFIERs.
using Oid = std::array<std::uint8_t, 5>;
constexpr Oid kEkPurpose = {0x67, 0x81, 0x05, 0x08, 0x01};   // 2.23.133.8.1, tcg-kp-EKCertificate
constexpr Oid kAikPurpose = {0x67, 0x81, 0x05, 0x08, 0x03};  // 2.23.133.8.3, tcg-kp-AIKCertificate

constexpr std::uint16_t Bits(std::initializer_list<crypto::KeyUsage> usages) {
  std::uint16_t bits = 0;
  for (const crypto::KeyUsage usage : usages) bits = static_cast<std::uint16_t>(bits | static_cast<std::uint16_t>(usage));
  return bits;
}
constexpr std::uint16_t kSigning = Bits({crypto::KeyUsage::kDigitalSignature});
constexpr std::uint16_t kEncrypting = Bits({crypto::KeyUsage::kKeyEncipherment});
constexpr std::uint16_t kAgreeing = Bits({crypto::KeyUsage::kKeyAgreement});
constexpr std::uint16_t kCertSign = Bits({crypto::KeyUsage::kKeyCertSign});

bool IsForDecryption(const crypto::Certificate& certificate) {
  return !certificate.is_ca() && (certificate.key_usage() == kEncrypting || certificate.key_usage() == kAgreeing);
}

// KeyPurposeIds, each the content of its OBJECT IDENTIFIER. Empty: no such extension, or not of its form.
std::vector<Bytes> PurposesOf(const crypto::Certificate& certificate) {
  const crypto::Extension* extension = certificate.FindExtension(kExtendedKeyUsageOid);
  if (extension == nullptr || !crypto::IsDer(extension->value)) return {};
  crypto::DerReader outer(extension->value);
  crypto::DerReader list(outer.Take(crypto::der::kSequence).value_or(ByteView{}));
  std::vector<Bytes> purposes;
  while (const auto purpose = list.Take(crypto::der::kOid)) purposes.push_back(ToBytes(*purpose));
  return purposes;
}

bool Has(const std::vector<Bytes>& purposes, const Oid& wanted) {
  return std::any_of(purposes.begin(), purposes.end(), [&](const Bytes& purpose) { return Equal(purpose, wanted); });
}

std::string_view AttributeOf(const std::vector<crypto::NameAttribute>& name, std::string_view oid) {
  const auto found = std::find_if(name.begin(), name.end(), [oid](const crypto::NameAttribute& attribute) { return attribute.oid == oid; });
  return found == name.end() ? std::string_view() : std::string_view(found->value);
}

std::string NameFor(const crypto::Certificate& certificate) {
  return certificate.subject().empty() ? Cat("certificate ", ToHex(certificate.sha256())) : Printable(certificate.SubjectText(), 128);
}

// Collects what a chain is that it should not be.
class Conformance {
 public:
  explicit Conformance(const crypto::CertificatePath& path) : path_(path) {}

  void Demand(bool holds, const crypto::Certificate& certificate, std::string claim, std::string expected, std::string actual) {
    if (holds) return;
    findings_.push_back({.reason = Reason::kCertificateProfile,
                         .component = NameFor(certificate),
                         .claim = std::move(claim),
                         .expected = std::move(expected),
                         .actual = std::move(actual),
                         .spec = std::string(kSpec)});
  }

  // What all vendors have in common. `usage`: of the leaf.
  void DemandCommon(bool ek) {
    const crypto::Certificate& leaf = path_.leaf();
    Demand(path_.certificates.size() >= 2, leaf, "path", "a certificate and its issuers", "the root itself");
    Demand(ek ? IsForDecryption(leaf) : IsForSigning(leaf), leaf, "keyUsage",
           ek ? "keyEncipherment, or keyAgreement, alone" : "digitalSignature alone",
           leaf.key_usage() ? Cat("bits ", *leaf.key_usage()) : std::string("absent"));
    for (std::size_t i = 0; i < path_.certificates.size(); ++i) {
      const crypto::Certificate& certificate = path_.certificates[i];
      Demand(certificate.version() == 3, certificate, "version", "3", std::to_string(certificate.version()));
      for (const crypto::Extension& extension : certificate.extensions()) {
        const bool known = extension.oid == kKeyUsageOid || extension.oid == kBasicConstraintsOid || extension.oid == kSubjectAltNameOid;
        Demand(!extension.critical || known, certificate, "critical extensions", "keyUsage, basicConstraints and subjectAltName at most",
               Printable(extension.oid, 64));
      }
      if (i == 0) continue;
      Demand(certificate.is_ca(), certificate, "basicConstraints", "cA TRUE", "absent or FALSE");
      Demand(certificate.key_usage() && (*certificate.key_usage() & kCertSign) != 0, certificate, "keyUsage", "keyCertSign in an issuer",
             "not set");
    }
  }

  void DemandPurpose(const Oid& wanted, std::string_view name) {
    Demand(Has(PurposesOf(path_.leaf()), wanted), path_.leaf(), "extKeyUsage", std::string(name), "not among them");
  }

  std::vector<Finding> Finish() && { return std::move(findings_); }

 private:
  const crypto::CertificatePath& path_;
  std::vector<Finding> findings_;
};

std::vector<Finding> CheckGoogle(const crypto::CertificatePath& path, bool ek) {
  Conformance conformance(path);
  conformance.DemandCommon(ek);
  const crypto::Certificate& leaf = path.leaf();
  conformance.Demand(path.certificates.size() == 3, leaf, "path", "a certificate, an intermediate, a root",
                     Cat(path.certificates.size(), " certificates"));
  for (std::size_t i = 1; i < path.certificates.size(); ++i) {
    const crypto::Certificate& issuer = path.certificates[i];
    conformance.Demand(AttributeOf(issuer.subject(), kOrganizationOid) == "Google LLC", issuer, "subject", "O=Google LLC",
                       Printable(issuer.SubjectText(), 128));
    conformance.Demand(Has(PurposesOf(issuer), kEkPurpose), issuer, "extKeyUsage", "2.23.133.8.1", "not among them");
  }
  // Of AK certificates, too: only keyUsage tells them apart. The newer hierarchy names no purpose in its leaves.
  const std::vector<Bytes> purposes = PurposesOf(leaf);
  conformance.Demand(leaf.FindExtension(kExtendedKeyUsageOid) == nullptr ||
                         (purposes.size() == 1 && (Has(purposes, kEkPurpose) || Has(purposes, kAikPurpose))),
                     leaf, "extKeyUsage", "2.23.133.8.1 or 2.23.133.8.3, or none", Cat(purposes.size(), " purposes"));
  const Outcome<GceInstance> instance = ReadGceInstance(leaf, NameFor(leaf));
  if (!instance) {
    conformance.Demand(false, leaf, Cat("extension ", kGceInstanceOid), "the instance, exactly encoded",
                       instance.findings().front().actual);
    return std::move(conformance).Finish();
  }
  if (leaf.subject().empty()) {
    const crypto::Extension* alternative = leaf.FindExtension(kSubjectAltNameOid);
    conformance.Demand(alternative != nullptr && alternative->critical, leaf, "subjectAltName", "critical where the subject is empty",
                       alternative == nullptr ? "absent" : "non-critical");
    return std::move(conformance).Finish();
  }
  struct Twice {
    std::string_view attribute, in_subject, in_extension;
  };
  for (const Twice& one : {Twice{"CN", leaf.CommonName(), instance->instance_id},
                           Twice{"OU", AttributeOf(leaf.subject(), kOrganizationalUnitOid), instance->project_id},
                           Twice{"L", AttributeOf(leaf.subject(), kLocalityOid), instance->zone}}) {
    conformance.Demand(one.in_subject == one.in_extension, leaf, Cat("subject ", one.attribute),
                       Cat(Printable(one.in_extension, 64), ", as the instance extension says"), Printable(one.in_subject, 64));
  }
  return std::move(conformance).Finish();
}

std::vector<Finding> CheckMicrosoft(const crypto::CertificatePath& path, bool ek) {
  Conformance conformance(path);
  conformance.DemandCommon(ek);
  const crypto::Certificate& leaf = path.leaf();
  conformance.Demand(path.certificates.size() == 3 || path.certificates.size() == 4, leaf, "path",
                     "a certificate, one or two intermediates, a root", Cat(path.certificates.size(), " certificates"));
  if (!ek) {
    conformance.DemandPurpose(kAikPurpose, "2.23.133.8.3");
    conformance.Demand(leaf.CommonName().ends_with(".TrustedVM.Azure.windows.net"), leaf, "subject", "CN=….TrustedVM.Azure.windows.net",
                       Printable(leaf.CommonName(), 128));
  } else {
    conformance.DemandPurpose(kEkPurpose, "2.23.133.8.1");
  }
  for (std::size_t i = 1; i + 1 < path.certificates.size(); ++i) {
    const crypto::Certificate& issuer = path.certificates[i];
    conformance.Demand(Has(PurposesOf(issuer), ek ? kEkPurpose : kAikPurpose), issuer, "extKeyUsage", ek ? "2.23.133.8.1" : "2.23.133.8.3",
                       "not among them");
  }
  return std::move(conformance).Finish();
}

std::vector<Finding> CheckTcg(const crypto::CertificatePath& path, bool ek) {
  Conformance conformance(path);
  conformance.DemandCommon(ek);
  if (ek) conformance.DemandPurpose(kEkPurpose, "2.23.133.8.1");
  else conformance.DemandPurpose(kAikPurpose, "2.23.133.8.3");
  const crypto::Certificate& leaf = path.leaf();
  if (leaf.subject().empty()) {
    const crypto::Extension* alternative = leaf.FindExtension(kSubjectAltNameOid);
    conformance.Demand(alternative != nullptr && alternative->critical, leaf, "subjectAltName", "critical where the subject is empty",
                       alternative == nullptr ? "absent" : "non-critical");
  }
  return std::move(conformance).Finish();
}

template <auto Check, bool Ek>
std::vector<Finding> Conforms(const crypto::CertificatePath& path) {
  return Check(path, Ek);
}

template <auto CheckVendor>
constexpr CertificateProfile ProfileOf(std::string_view vendor) {
  return {.ak = {.vendor = vendor,
                 .chain_check = Check::kTpmChain,
                 .root_check = Check::kTpmRootPinned,
                 .profile_check = Check::kTpmProfile,
                 .conformance = &Conforms<CheckVendor, false>},
          .ek = {.vendor = vendor,
                 .chain_check = Check::kTpmChain,
                 .root_check = Check::kTpmRootPinned,
                 .profile_check = Check::kTpmEkProfile,
                 .conformance = &Conforms<CheckVendor, true>}};
}

// An INTEGER from 0 to 2^64 - 1.
std::optional<std::uint64_t> Unsigned(crypto::DerReader& reader) {
  const auto content = reader.Take(crypto::der::kInteger);
  if (!content || content->empty() || content->front() >= 0x80 || content->size() > 9 || (content->size() == 9 && content->front() != 0)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const std::uint8_t byte : *content) value = value << 8 | byte;
  return value;
}

constexpr std::uint8_t kUtf8String = 0x0C;

std::optional<std::string> Text(crypto::DerReader& reader) {
  const auto content = reader.Take(kUtf8String);
  if (!content) return std::nullopt;
  const std::string_view text = AsText(*content);
  if (text.empty() || Printable(text, text.size()) != text) return std::nullopt;
  return std::string(text);
}

// [0] EXPLICIT SEQUENCE { [0] EXPLICIT INTEGER securityVersion, [1] EXPLICIT BOOLEAN isProduction, … }; later members are not ours to judge.
bool ReadSecurity(ByteView wrapped, GceInstance& instance) {
  crypto::DerReader outer(wrapped);
  crypto::DerReader members(outer.Take(crypto::der::kSequence).value_or(ByteView{}));
  if (!outer.AtEnd()) return false;
  while (const auto member = members.Next()) {
    crypto::DerReader value(member->content);
    if (member->tag == crypto::der::ContextConstructed(0)) {
      instance.security_version = Unsigned(value);
      if (!instance.security_version) return false;
    } else if (member->tag == crypto::der::ContextConstructed(1)) {
      const auto flag = value.Take(crypto::der::kBoolean);
      if (!flag || flag->size() != 1) return false;
      instance.is_production = flag->front() != 0;
    }
  }
  return members.AtEnd();
}

std::optional<GceInstance> DecodeInstance(ByteView der) {
  if (!crypto::IsDer(der)) return std::nullopt;
  crypto::DerReader outer(der);
  crypto::DerReader members(outer.Take(crypto::der::kSequence).value_or(ByteView{}));
  GceInstance instance;
  auto zone = Text(members);
  const auto project_number = Unsigned(members);
  auto project_id = Text(members);
  const auto instance_id = Unsigned(members);
  auto instance_name = Text(members);
  if (!zone || !project_number || !project_id || !instance_id || !instance_name) return std::nullopt;
  instance.zone = *std::move(zone);
  instance.project_number = *project_number;
  instance.project_id = *std::move(project_id);
  instance.instance_id = std::to_string(*instance_id);
  instance.instance_name = *std::move(instance_name);
  if (const auto security = members.Take(crypto::der::ContextConstructed(0)); security && !ReadSecurity(*security, instance)) {
    return std::nullopt;
  }
  return instance;
}

}  // namespace

const CertificateProfile kGoogleProfile = ProfileOf<&CheckGoogle>(kGoogleVendor);
const CertificateProfile kMicrosoftProfile = ProfileOf<&CheckMicrosoft>(kMicrosoftVendor);
const CertificateProfile kOperatorProfile = ProfileOf<&CheckTcg>(kOperatorVendor);

const CertificateProfile& ProfileHint(const crypto::Certificate& leaf) {
  if (leaf.FindExtension(kGceInstanceOid) != nullptr) return kGoogleProfile;
  return leaf.CommonName().ends_with(".TrustedVM.Azure.windows.net") ? kMicrosoftProfile : kOperatorProfile;
}

// Makers of processors have CAs for TPMs (Intel PTT, AMD fTPM) beside those of SGX and SEV, which other formats take.
bool IsOfAnotherFormat(std::string_view name) {
  static constexpr std::string_view kCommonNames[] = {"CN=ARK-", "CN=SEV-", "CN=Intel SGX "};
  return std::any_of(std::begin(kCommonNames), std::end(kCommonNames),
                     [name](std::string_view one) { return name.find(one) != std::string_view::npos; });
}

bool IsForSigning(const crypto::Certificate& certificate) { return !certificate.is_ca() && certificate.key_usage() == kSigning; }

std::optional<CertificateKind> KindOf(const crypto::Certificate& certificate) {
  if (certificate.is_ca()) { return IsOfAnotherFormat(certificate.SubjectText()) ? std::nullopt : std::optional(CertificateKind::kCa); }
  const std::vector<Bytes> purposes = PurposesOf(certificate);
  const bool of_a_tpm = certificate.FindExtension(kGceInstanceOid) != nullptr || Has(purposes, kEkPurpose) || Has(purposes, kAikPurpose);
  if (!of_a_tpm) return std::nullopt;
  return IsForDecryption(certificate) ? CertificateKind::kEk : CertificateKind::kAk;
}

Outcome<GceInstance> ReadGceInstance(const crypto::Certificate& certificate, std::string_view component) {
  const crypto::Extension* extension = certificate.FindExtension(kGceInstanceOid);
  const std::optional<GceInstance> instance = extension == nullptr ? std::nullopt : DecodeInstance(extension->value);
  if (!instance) {
    return Finding{.reason = Reason::kCertificateExtension,
                   .component = std::string(component),
                   .claim = Cat("extension ", kGceInstanceOid),
                   .expected = "zone, project and instance, exactly encoded",
                   .actual = extension == nullptr ? "absent" : ToHexBounded(extension->value)};
  }
  return *instance;
}

std::string_view NameOf(Revocation revocation) {
  switch (revocation) {
    case Revocation::kChecked: return "checked";
    case Revocation::kNotPublished: return "not_published";
    case Revocation::kMissing: return "missing";
  }
  return "unknown";
}

bool NamesRevocationList(const crypto::Certificate& certificate) { return certificate.FindExtension(kCrlDistributionPointsOid) != nullptr; }

std::span<const trust::Anchor> BuiltinAnchors() {
  static const trust::Anchor kAnchors[] = {
      // EK/AK CA Root
      {std::string(kGoogleVendor), std::string(kProduct),
       trust::SpkiPin("56a613f57126a385dd6949294e93b0b566f96ab0573be0c2368e6f5ca779831f")},
      // tpm_ek_v1_cloud_host_root
      {std::string(kGoogleVendor), std::string(kProduct),
       trust::SpkiPin("f23057f4f97d1d90e4cae0ce91d5a0fc99069f0a1bc147021dca33b1e9c4d0d9")},
      // Azure Virtual TPM Root Certificate Authority 2023
      {std::string(kMicrosoftVendor), std::string(kProduct),
       trust::SpkiPin("5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf")},
  };
  return kAnchors;
}

}  // namespace assay::tpm
