#include "evidence/sev_snp/endorsement.h"

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"

namespace assay::sev_snp {
namespace {

constexpr std::string_view kSpec = "AMD 57230";
constexpr std::string_view kArc = "1.3.6.1.4.1.3704.1.";

constexpr std::uint8_t kTagInteger = 0x02;
constexpr std::uint8_t kTagIa5String = 0x16;
constexpr std::size_t kHwidSize = 64;
constexpr std::size_t kTurinHwidSize = 8;

// Which extension holds which byte of TCB_VERSION. spl4 to spl7 are the reserved bytes.
struct TcbExtension {
  std::string_view suffix;
  std::size_t index;
};
constexpr auto kMilanGenoaTcb =
    std::to_array<TcbExtension>({{"3.1", 0}, {"3.2", 1}, {"3.4", 2}, {"3.5", 3}, {"3.6", 4}, {"3.7", 5}, {"3.3", 6}, {"3.8", 7}});
constexpr auto kTurinTcb =
    std::to_array<TcbExtension>({{"3.9", 0}, {"3.1", 1}, {"3.2", 2}, {"3.3", 3}, {"3.5", 4}, {"3.6", 5}, {"3.7", 6}, {"3.8", 7}});

std::span<const TcbExtension> TcbExtensionsOf(Product product) {
  if (product == Product::kTurin) return kTurinTcb;
  return kMilanGenoaTcb;
}

// DER INTEGER 0..255: 02 01 xx below 0x80, 02 02 00 xx from there on. No other encoding of the same number.
std::optional<std::uint8_t> DecodeByte(ByteView der) {
  if (der.size() == 3 && der[0] == kTagInteger && der[1] == 1 && der[2] < 0x80) return der[2];
  if (der.size() == 4 && der[0] == kTagInteger && der[1] == 2 && der[2] == 0 && der[3] >= 0x80) return der[3];
  return std::nullopt;
}

std::optional<std::string> DecodeIa5String(ByteView der) {
  if (der.size() < 2 || der[0] != kTagIa5String || der[1] >= 0x80 || der.size() != std::size_t{2} + der[1]) return std::nullopt;
  const ByteView text = der.subspan(2);
  if (std::any_of(text.begin(), text.end(), [](std::uint8_t c) { return c < 0x20 || c > 0x7E; })) return std::nullopt;
  return std::string(AsText(text));
}

Finding Deviation(Reason reason, std::string_view component, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

}  // namespace

std::string TcbDetail(const RawTcb& tcb) { return ToHex(tcb); }

std::string VcekDetail(ByteView chip_id, const RawTcb& tcb, Product product) {
  const std::size_t size = product == Product::kTurin ? kTurinHwidSize : kHwidSize;
  return Cat(ToHex(chip_id.first(std::min(size, chip_id.size()))), "/", ToHex(tcb));
}

Outcome<LeafExtensions> ReadLeafExtensions(const crypto::Certificate& leaf, std::string_view component) {
  std::vector<Finding> findings;
  const auto refuse = [&](std::string_view suffix, std::string expected, std::string actual) {
    findings.push_back(
        Deviation(Reason::kCertificateExtension, component, Cat("extension ", kArc, suffix), std::move(expected), std::move(actual)));
  };
  const auto value_of = [&](std::string_view suffix) -> const Bytes* {
    const crypto::Extension* extension = leaf.FindExtension(Cat(kArc, suffix));
    return extension == nullptr ? nullptr : &extension->value;
  };
  const auto byte_of = [&](std::string_view suffix, std::string_view what) -> std::optional<std::uint8_t> {
    const Bytes* value = value_of(suffix);
    const std::optional<std::uint8_t> number = value == nullptr ? std::nullopt : DecodeByte(*value);
    if (!number) refuse(suffix, Cat(what, ", a DER INTEGER from 0 to 255"), value == nullptr ? "absent" : ToHexBounded(*value));
    return number;
  };
  const auto text_of = [&](std::string_view suffix, std::string_view what) -> std::optional<std::string> {
    const Bytes* value = value_of(suffix);
    std::optional<std::string> text = value == nullptr ? std::nullopt : DecodeIa5String(*value);
    if (!text) refuse(suffix, Cat(what, ", a DER IA5String"), value == nullptr ? "absent" : ToHexBounded(*value));
    return text;
  };

  LeafExtensions read;
  byte_of("1", "structVersion");
  if (const auto name = text_of("2", "productName")) {
    read.product_name = *name;
    read.product = ProductNamed(std::string_view(*name).substr(0, name->find('-')));
    if (!read.product) refuse("2", "a product name of the lines Milan, Genoa or Turin", Printable(*name, 64));
  }
  if (read.product) {
    for (const TcbExtension& extension : TcbExtensionsOf(*read.product)) {
      if (const auto number = byte_of(extension.suffix, "a TCB component")) read.tcb[extension.index] = *number;
    }
  }
  // The chip id is not wrapped in a DER type; an id that happens to begin like one is still the raw id.
  const bool is_vcek = leaf.CommonName() == "SEV-VCEK";
  const Bytes* hwid = value_of("4");
  const std::size_t hwid_size = read.product == Product::kTurin ? kTurinHwidSize : kHwidSize;
  if (is_vcek) {
    if (hwid == nullptr || hwid->size() != hwid_size) {
      refuse("4", Cat("hwID, ", hwid_size, " raw bytes"), hwid == nullptr ? "absent" : Cat(hwid->size(), " bytes"));
    } else {
      read.hwid = *hwid;
    }
    if (value_of("5") != nullptr) refuse("5", "no CSP_ID in a VCEK", ToHexBounded(*value_of("5")));
  } else {
    read.csp_id = text_of("5", "CSP_ID");
    if (hwid != nullptr) refuse("4", "no hwID in a VLEK", ToHexBounded(*hwid));
  }
  if (!findings.empty()) return findings;
  return read;
}

std::optional<CertificateRole> RoleOf(const crypto::Certificate& certificate) {
  const std::string_view name = certificate.CommonName();
  if (name == "SEV-VCEK" || name == "SEV-VLEK") {
    std::optional<Product> product;
    if (const crypto::Extension* extension = certificate.FindExtension(Cat(kArc, "2"))) {
      if (const auto text = DecodeIa5String(extension->value)) product = ProductNamed(text->substr(0, text->find('-')));
    }
    return CertificateRole{name == "SEV-VCEK" ? CertificateKind::kVcek : CertificateKind::kVlek, product};
  }
  struct Prefix {
    std::string_view text;
    CertificateKind kind;
  };
  for (const Prefix& prefix :
       {Prefix{"ARK-", CertificateKind::kArk}, Prefix{"SEV-VLEK-", CertificateKind::kAsvk}, Prefix{"SEV-", CertificateKind::kAsk}}) {
    if (!name.starts_with(prefix.text)) continue;
    if (const auto product = ProductNamed(name.substr(prefix.text.size()))) return CertificateRole{prefix.kind, product};
  }
  return std::nullopt;
}

std::vector<Finding> CheckAmdProfile(const crypto::CertificatePath& path) {
  std::vector<Finding> findings;
  const auto refuse = [&](const crypto::Certificate& certificate, std::string what, std::string expected, std::string actual) {
    findings.push_back(Deviation(Reason::kCertificateProfile, Printable(certificate.CommonName(), 64), std::move(what), std::move(expected),
                                 std::move(actual)));
  };
  if (path.certificates.size() != 3) {
    refuse(path.leaf(), "path", "VCEK or VLEK, ASK or ASVK, ARK", Cat(path.certificates.size(), " certificates"));
    return findings;
  }
  const crypto::Certificate& leaf = path.certificates[0];
  const crypto::Certificate& intermediate = path.certificates[1];
  const crypto::Certificate& root = path.certificates[2];

  const auto leaf_role = RoleOf(leaf), intermediate_role = RoleOf(intermediate), root_role = RoleOf(root);
  const bool vcek_chain =
      leaf_role && leaf_role->kind == CertificateKind::kVcek && intermediate_role && intermediate_role->kind == CertificateKind::kAsk;
  const bool vlek_chain =
      leaf_role && leaf_role->kind == CertificateKind::kVlek && intermediate_role && intermediate_role->kind == CertificateKind::kAsvk;
  if ((!vcek_chain && !vlek_chain) || !root_role || root_role->kind != CertificateKind::kArk ||
      intermediate_role->product != root_role->product) {
    refuse(leaf, "names", "SEV-VCEK under SEV-<product>, or SEV-VLEK under SEV-VLEK-<product>, under ARK-<product>",
           Cat(Printable(leaf.CommonName(), 64), " under ", Printable(intermediate.CommonName(), 64), " under ",
               Printable(root.CommonName(), 64)));
  }

  // Names beside the common name: 2.5.4.11 OU, .6 C, .7 L, .8 ST, .10 O.
  static constexpr std::pair<std::string_view, std::string_view> kAmdName[] = {{"2.5.4.11", "Engineering"},
                                                                               {"2.5.4.6", "US"},
                                                                               {"2.5.4.7", "Santa Clara"},
                                                                               {"2.5.4.8", "CA"},
                                                                               {"2.5.4.10", "Advanced Micro Devices"}};
  for (const crypto::Certificate& certificate : path.certificates) {
    const auto& subject = certificate.subject();
    for (const auto& [oid, value] : kAmdName) {
      const bool present = std::any_of(subject.begin(), subject.end(), [oid = oid, value = value](const crypto::NameAttribute& attribute) {
        return attribute.oid == oid && attribute.value == value;
      });
      if (!present) refuse(certificate, "subject", Cat(oid, "=", value), certificate.SubjectText());
    }
    const crypto::SignatureAlgorithm& algorithm = certificate.signature_algorithm();
    if (algorithm.kind != crypto::SignatureAlgorithm::Kind::kRsaPss || algorithm.hash != crypto::HashAlgorithm::kSha384 ||
        algorithm.mgf_hash != crypto::HashAlgorithm::kSha384 || algorithm.salt_length != 48 || algorithm.trailer_field != 1) {
      refuse(certificate, "signature algorithm", "RSASSA-PSS, SHA-384, MGF1 with SHA-384, salt 48, trailer 1",
             Cat("OID ", algorithm.oid, ", salt ", algorithm.salt_length, ", trailer ", algorithm.trailer_field));
    }
    if (!certificate.SignatureAlgorithmsAgree()) {
      refuse(certificate, "signature algorithm", "the same inside and outside", "two different ones");
    }
    if (certificate.version() != 3) refuse(certificate, "version", "3", std::to_string(certificate.version()));
    for (const crypto::Extension& extension : certificate.extensions()) {
      const bool known = extension.oid == "2.5.29.15" || extension.oid == "2.5.29.19";  // keyUsage, basicConstraints
      if (extension.critical && !known) {
        refuse(certificate, "critical extensions", "keyUsage and basicConstraints at most", Printable(extension.oid, 64));
      }
    }
  }
  for (const crypto::Certificate* authority : {&intermediate, &root}) {
    const crypto::PublicKey& key = authority->public_key();
    if (key.kind() != crypto::KeyKind::kRsa || key.bits() != 4096) {
      refuse(*authority, "key", "RSA, 4096 bits", Cat(crypto::NameOf(key.kind()), ", ", key.bits(), " bits"));
    }
    if (!authority->is_ca()) refuse(*authority, "basicConstraints", "cA TRUE", "absent or FALSE");
  }
  if (leaf.public_key().kind() != crypto::KeyKind::kEcP384) {
    refuse(leaf, "key", "EC P-384", Cat(crypto::NameOf(leaf.public_key().kind()), ", ", leaf.public_key().bits(), " bits"));
  }
  if (leaf.is_ca()) refuse(leaf, "basicConstraints", "not a certificate authority", "cA TRUE");
  if (intermediate.path_length() != 0) {
    refuse(intermediate, "pathLenConstraint", "0", intermediate.path_length() ? std::to_string(*intermediate.path_length()) : "absent");
  }

  constexpr auto kCertSign = static_cast<std::uint16_t>(crypto::KeyUsage::kKeyCertSign);
  constexpr auto kCertAndCrlSign = static_cast<std::uint16_t>(kCertSign | static_cast<std::uint16_t>(crypto::KeyUsage::kCrlSign));
  const auto usage_text = [](const std::optional<std::uint16_t>& usage) { return usage ? Cat("bits ", *usage) : std::string("absent"); };
  if (intermediate.key_usage() != kCertSign) refuse(intermediate, "keyUsage", "keyCertSign only", usage_text(intermediate.key_usage()));
  if (root.key_usage() != kCertAndCrlSign) refuse(root, "keyUsage", "keyCertSign and cRLSign", usage_text(root.key_usage()));
  return findings;
}

std::span<const trust::Anchor> AmdAnchors() {
  static const trust::Anchor kAnchors[] = {
      {"amd", "Genoa", trust::SpkiPin("429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831")},
      {"amd", "Milan", trust::SpkiPin("9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9")},
      {"amd", "Turin", trust::SpkiPin("4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08")},
  };
  return kAnchors;
}

}  // namespace assay::sev_snp
