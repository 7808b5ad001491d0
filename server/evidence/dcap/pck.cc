#include "evidence/dcap/pck.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "crypto/der.h"

namespace assay::dcap {
namespace {

namespace der = crypto::der;

constexpr std::string_view kSpec = "Intel SGX PCK Certificate Profile";
constexpr std::string_view kArc = "1.2.840.113741.1.13.1";
constexpr ByteArray<9> kArcDer = {0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x01, 0x0D, 0x01};
constexpr std::size_t kTcbComponents = 16;

Finding Deviation(Reason reason, std::string component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::move(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

std::string Shown(ByteView bytes) { return bytes.empty() ? "nothing" : ToHexBounded(bytes); }

// A SEQUENCE OF { OID below the arc, value }, each number at most once, and each taken by somebody.
class Members {
 public:
  // `arc` is the DER of the OID to which the members' OIDs add one number.
  Members(ByteView content, Bytes arc, std::string name, std::vector<Finding>& findings)
      : arc_(std::move(arc)), name_(std::move(name)), findings_(findings) {
    crypto::DerReader reader(content);
    while (!reader.AtEnd()) {
      const auto member = reader.Take(der::kSequence);
      crypto::DerReader parts(member.value_or(ByteView()));
      const auto oid = parts.Take(der::kOid);
      const auto value = parts.Next();
      const int number = oid ? NumberOf(*oid) : kNoNumber;
      if (!member || !value || !parts.AtEnd() || number == kNoNumber) {
        Refuse(name_, Cat("members of an OID below ", name_, " and a value"), Shown(content));
        return;
      }
      if (Find(number) != nullptr) {
        Refuse(Cat(name_, ".", number), "once", "twice");
        return;
      }
      members_.push_back({number, *value, false});
    }
  }

  bool Has(int number) { return Find(number) != nullptr; }
  // The content of a member that has to be there with this tag; empty, with a finding, otherwise.
  std::optional<ByteView> Take(int number, std::uint8_t tag, std::string_view what) {
    Member* member = Find(number);
    if (member != nullptr) member->taken = true;
    if (member == nullptr || member->value.tag != tag) {
      Refuse(Cat(name_, ".", number), std::string(what), member == nullptr ? "absent" : Shown(member->value.whole));
      return std::nullopt;
    }
    return member->value.content;
  }
  template <std::size_t N>
  void Octets(int number, std::string_view what, ByteArray<N>& into) {
    const auto content = Take(number, der::kOctetString, Cat(what, ", an OCTET STRING of ", N, " bytes"));
    if (!content) return;
    if (content->size() != N) return Refuse(Cat(name_, ".", number), Cat(what, ", ", N, " bytes"), Cat(content->size(), " bytes"));
    std::copy(content->begin(), content->end(), into.begin());
  }
  template <typename Number>
  void Integer(int number, std::string_view what, std::int32_t most, Number& into, std::uint8_t tag = der::kInteger) {
    const std::string wanted = Cat(what, ", from 0 to ", most);
    const auto content = Take(number, tag, wanted);
    if (!content) return;
    const std::optional<std::int32_t> value = crypto::SmallInteger(*content);
    if (!value || *value > most) return Refuse(Cat(name_, ".", number), wanted, Shown(*content));
    into = static_cast<Number>(*value);
  }
  void Boolean(int number, std::string_view what, bool& into) {
    const auto content = Take(number, der::kBoolean, Cat(what, ", a BOOLEAN"));
    if (content) into = content->size() == 1 && content->front() != 0;
  }
  // What nobody took is not of this profile.
  void Finish() {
    for (const Member& member : members_) {
      if (!member.taken) Refuse(Cat(name_, ".", member.number), "no such member", Shown(member.value.whole));
    }
  }

 private:
  struct Member {
    int number;
    crypto::DerElement value;
    bool taken;
  };

  static constexpr int kNoNumber = -1;

  int NumberOf(ByteView oid) const {
    const bool below = oid.size() == arc_.size() + 1 && Equal(oid.first(arc_.size()), arc_) && oid.back() < 0x80;
    return below ? oid.back() : kNoNumber;
  }
  Member* Find(int number) {
    const auto found = std::find_if(members_.begin(), members_.end(), [number](const Member& member) { return member.number == number; });
    return found == members_.end() ? nullptr : &*found;
  }
  void Refuse(std::string where, std::string expected, std::string actual) {
    findings_.push_back(Deviation(Reason::kCertificateExtension, "pck", Cat("extension ", where), std::move(expected), std::move(actual)));
  }

  const Bytes arc_;
  const std::string name_;
  std::vector<Finding>& findings_;
  std::vector<Member> members_;
};

Bytes ArcWith(std::initializer_list<std::uint8_t> numbers) {
  Bytes arc;
  arc.reserve(kArcDer.size() + numbers.size());
  Append(arc, kArcDer);
  Append(arc, {numbers.begin(), numbers.size()});
  return arc;
}

}  // namespace

std::string_view NameOf(SgxType type) {
  switch (type) {
    case SgxType::kStandard: return "standard";
    case SgxType::kScalable: return "scalable";
    case SgxType::kScalableWithIntegrity: return "scalable_with_integrity";
  }
  return "unknown";
}

Outcome<PckExtension> ReadPckExtension(const crypto::Certificate& pck) {
  const crypto::Extension* extension = pck.FindExtension(kArc);
  const auto whole_refused = [](std::string actual) {
    return Deviation(Reason::kCertificateExtension, "pck", Cat("extension ", kArc), "one DER SEQUENCE of members", std::move(actual));
  };
  if (extension == nullptr) return whole_refused("absent");
  crypto::DerReader reader(extension->value);
  const auto content = reader.Take(der::kSequence);
  if (!content || !reader.AtEnd() || !crypto::IsDer(extension->value)) return whole_refused(Shown(extension->value));

  PckExtension read;
  std::vector<Finding> findings;
  Members members(*content, ArcWith({}), std::string(kArc), findings);
  if (!findings.empty()) return findings;
  members.Octets(1, "PPID", read.ppid);
  if (const auto tcb = members.Take(2, der::kSequence, "TCB, a SEQUENCE")) {
    Members levels(*tcb, ArcWith({2}), Cat(kArc, ".2"), findings);
    if (findings.empty()) {
      for (std::size_t i = 0; i < kTcbComponents; ++i) {
        levels.Integer(static_cast<int>(i) + 1, "SVN of a TCB component", 255, read.tcb_components[i]);
      }
      levels.Integer(17, "PCESVN", 65535, read.pce_svn);
      levels.Octets(18, "CPUSVN", read.cpu_svn);
      levels.Finish();
    }
  }
  members.Octets(3, "PCEID", read.pce_id);
  members.Octets(4, "FMSPC", read.fmspc);
  members.Integer(5, "SGX type", 2, read.sgx_type, der::kEnumerated);
  if (members.Has(6) || members.Has(7)) {
    members.Octets(6, "platform instance id", read.platform_instance_id.emplace());
    if (const auto configuration = members.Take(7, der::kSequence, "configuration, a SEQUENCE")) {
      PckConfiguration& flags = read.configuration.emplace();
      Members switches(*configuration, ArcWith({7}), Cat(kArc, ".7"), findings);
      if (findings.empty()) {
        switches.Boolean(1, "dynamicPlatform", flags.dynamic_platform);
        switches.Boolean(2, "cachedKeys", flags.cached_keys);
        switches.Boolean(3, "SMTEnabled", flags.smt_enabled);
        switches.Finish();
      }
    }
  }
  members.Finish();
  if (!findings.empty()) return findings;
  return read;
}

namespace {

constexpr auto kNames = std::to_array<std::pair<std::string_view, CertificateKind>>({
    {"Intel SGX PCK Certificate", CertificateKind::kPck},
    {"Intel SGX PCK Platform CA", CertificateKind::kPlatformCa},
    {"Intel SGX PCK Processor CA", CertificateKind::kProcessorCa},
    {"Intel SGX TCB Signing", CertificateKind::kTcbSigning},
    {"Intel SGX Root CA", CertificateKind::kRoot},
});

// What every certificate of Intel's has, whatever its place.
void CheckCommon(const crypto::Certificate& certificate, const auto& refuse) {
  // 2.5.4.10 O, .7 L, .8 ST, .6 C
  static constexpr std::pair<std::string_view, std::string_view> kIntelName[] = {
      {"2.5.4.10", "Intel Corporation"}, {"2.5.4.7", "Santa Clara"}, {"2.5.4.8", "CA"}, {"2.5.4.6", "US"}};
  const auto& subject = certificate.subject();
  for (const auto& [oid, value] : kIntelName) {
    const bool present = std::any_of(subject.begin(), subject.end(), [oid = oid, value = value](const crypto::NameAttribute& attribute) {
      return attribute.oid == oid && attribute.value == value;
    });
    if (!present) refuse(certificate, "subject", Cat(oid, "=", value), certificate.SubjectText());
  }
  const crypto::SignatureAlgorithm& algorithm = certificate.signature_algorithm();
  if (algorithm.kind != crypto::SignatureAlgorithm::Kind::kEcdsa || algorithm.hash != crypto::HashAlgorithm::kSha256) {
    refuse(certificate, "signature algorithm", "ECDSA with SHA-256", Cat("OID ", algorithm.oid));
  }
  if (!certificate.SignatureAlgorithmsAgree()) {
    refuse(certificate, "signature algorithm", "the same inside and outside", "two different ones");
  }
  if (certificate.version() != 3) refuse(certificate, "version", "3", std::to_string(certificate.version()));
  if (certificate.public_key().kind() != crypto::KeyKind::kEcP256) {
    refuse(certificate, "key", "EC P-256",
           Cat(crypto::NameOf(certificate.public_key().kind()), ", ", certificate.public_key().bits(), " bits"));
  }
  for (const crypto::Extension& extension : certificate.extensions()) {
    const bool known = extension.oid == "2.5.29.15" || extension.oid == "2.5.29.19";  // keyUsage, basicConstraints
    if (extension.critical && !known) {
      refuse(certificate, "critical extensions", "keyUsage and basicConstraints at most", Printable(extension.oid, 64));
    }
  }
}

constexpr std::uint16_t Usage(crypto::KeyUsage a, crypto::KeyUsage b) {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}

// `kinds` from leaf to root; each place takes one of its kinds.
std::vector<Finding> CheckProfile(const crypto::CertificatePath& path, std::span<const std::span<const CertificateKind>> kinds) {
  std::vector<Finding> findings;
  const auto refuse = [&](const crypto::Certificate& certificate, std::string what, std::string expected, std::string actual) {
    findings.push_back(Deviation(Reason::kCertificateProfile, Printable(certificate.CommonName(), 64), std::move(what), std::move(expected),
                                 std::move(actual)));
  };
  if (path.certificates.size() != kinds.size()) {
    refuse(path.leaf(), "path", Cat(kinds.size(), " certificates"), Cat(path.certificates.size(), " certificates"));
    return findings;
  }
  constexpr std::uint16_t kCaUsage = Usage(crypto::KeyUsage::kKeyCertSign, crypto::KeyUsage::kCrlSign);
  constexpr std::uint16_t kLeafUsage = Usage(crypto::KeyUsage::kDigitalSignature, crypto::KeyUsage::kNonRepudiation);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const crypto::Certificate& certificate = path.certificates[i];
    const std::optional<CertificateKind> kind = KindOf(certificate);
    if (!kind || std::find(kinds[i].begin(), kinds[i].end(), *kind) == kinds[i].end()) {
      refuse(certificate, "common name", std::string(NameOf(kinds[i].front())), Printable(certificate.CommonName(), 64));
    }
    CheckCommon(certificate, refuse);
    const bool leaf = i == 0;
    if (certificate.is_ca() == leaf) {
      refuse(certificate, "basicConstraints", leaf ? "not a certificate authority" : "cA TRUE", leaf ? "cA TRUE" : "absent or FALSE");
    }
    if (!leaf && certificate.path_length() != static_cast<int>(i) - 1 + (kinds.size() == 2 ? 1 : 0)) {
      refuse(certificate, "pathLenConstraint", "1 of the root, 0 of a CA below it",
             certificate.path_length() ? std::to_string(*certificate.path_length()) : "absent");
    }
    const std::uint16_t usage = leaf ? kLeafUsage : kCaUsage;
    if (certificate.key_usage() != usage) {
      refuse(certificate, "keyUsage", leaf ? "digitalSignature and nonRepudiation" : "keyCertSign and cRLSign",
             certificate.key_usage() ? Cat("bits ", *certificate.key_usage()) : std::string("absent"));
    }
  }
  // An anchor's own signature protects nothing that the pin does not, except the rest of the certificate: names, dates, constraints.
  if (!path.anchor().SelfIssued() || !path.anchor().IsSignedBy(path.anchor().public_key())) {
    refuse(path.anchor(), "signature", "one by its own key", "one that does not verify");
  }
  return findings;
}

constexpr CertificateKind kPckKinds[] = {CertificateKind::kPck};
constexpr CertificateKind kCaKinds[] = {CertificateKind::kPlatformCa, CertificateKind::kProcessorCa};
constexpr CertificateKind kTcbSigningKinds[] = {CertificateKind::kTcbSigning};
constexpr CertificateKind kRootKinds[] = {CertificateKind::kRoot};

}  // namespace

std::optional<CertificateKind> KindOf(const crypto::Certificate& certificate) {
  for (const auto& [name, kind] : kNames) {
    if (certificate.CommonName() == name) return kind;
  }
  return std::nullopt;
}

std::string_view NameOf(CertificateKind kind) {
  const auto found = std::find_if(kNames.begin(), kNames.end(), [kind](const auto& entry) { return entry.second == kind; });
  return found == kNames.end() ? "unknown" : found->first;
}

std::vector<Finding> CheckPckProfile(const crypto::CertificatePath& path) {
  static constexpr std::span<const CertificateKind> kKinds[] = {kPckKinds, kCaKinds, kRootKinds};
  return CheckProfile(path, kKinds);
}

std::vector<Finding> CheckTcbSigningProfile(const crypto::CertificatePath& path) {
  static constexpr std::span<const CertificateKind> kKinds[] = {kTcbSigningKinds, kRootKinds};
  return CheckProfile(path, kKinds);
}

std::span<const trust::Anchor> IntelAnchors() {
  static const trust::Anchor kAnchors[] = {
      {std::string(kIntelVendor), std::string(kIntelProduct),
       trust::SpkiPin("a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e")},
  };
  return kAnchors;
}

}  // namespace assay::dcap
