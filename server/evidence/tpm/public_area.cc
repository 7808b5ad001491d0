#include "evidence/tpm/public_area.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/hex.h"
#include "base/reader.h"
#include "base/strings.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/unmarshal.h"

namespace assay::tpm {
namespace {

constexpr std::string_view kSpec = "TPM 2.0 part 2, 12.2";

struct Hierarchy {
  std::string_view name;
  ByteArray<4> handle;  // TPM_RH
};
constexpr auto kHierarchies = std::to_array<Hierarchy>({
    {"owner", {0x40, 0x00, 0x00, 0x01}},
    {"null", {0x40, 0x00, 0x00, 0x07}},
    {"endorsement", {0x40, 0x00, 0x00, 0x0B}},
    {"platform", {0x40, 0x00, 0x00, 0x0C}},
});

Finding Malformed(std::string_view component, Reason reason, std::string claim, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = std::move(claim),
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

// TPMs give coordinates without leading zeros, or with.
std::optional<Bytes> Padded(ByteView number, std::size_t size) {
  while (number.size() > size && number.front() == 0) number = number.subspan(1);
  if (number.size() > size) return std::nullopt;
  Bytes padded(size - number.size(), 0);
  Append(padded, number);
  return padded;
}

Outcome<crypto::PublicKey> KeyOf(const TPMT_PUBLIC& area, std::string_view component) {
  const auto unsupported = [&](std::string expected, std::string actual) {
    return Malformed(component, Reason::kKeyUnsupported, "unique", std::move(expected), std::move(actual));
  };
  if (area.type == kAlgRsa) {
    const TPMS_RSA_PARMS& parameters = area.parameters.rsaDetail;
    const ByteView modulus = ViewOf(area.unique.rsa);
    if (parameters.exponent != 0 && parameters.exponent != 65537) return unsupported("exponent 65537", std::to_string(parameters.exponent));
    if (modulus.size() * 8 != parameters.keyBits) {
      return unsupported(Cat("a modulus of ", parameters.keyBits, " bits, as keyBits says"), Cat(modulus.size() * 8, " bits"));
    }
    static constexpr auto kExponent = std::to_array<std::uint8_t>({0x01, 0x00, 0x01});
    Outcome<crypto::PublicKey> key = crypto::PublicKey::FromRsa(modulus, kExponent);
    if (key && key->bits() != parameters.keyBits) {
      return unsupported(Cat("a modulus of ", parameters.keyBits, " bits, as keyBits says"), Cat(key->bits(), " bits"));
    }
    return key;
  }
  const TPMS_ECC_PARMS& parameters = area.parameters.eccDetail;
  if (parameters.curveID != kCurveP256 && parameters.curveID != kCurveP384) {
    return unsupported("curve P-256 or P-384", Cat("TPM_ECC_CURVE ", parameters.curveID));
  }
  const bool p256 = parameters.curveID == kCurveP256;
  const std::optional<Bytes> x = Padded(ViewOf(area.unique.ecc.x), p256 ? 32 : 48);
  const std::optional<Bytes> y = Padded(ViewOf(area.unique.ecc.y), p256 ? 32 : 48);
  if (!x || !y) return unsupported("coordinates of the curve's size", "longer ones");
  return crypto::PublicKey::FromEcPoint(p256 ? crypto::KeyKind::kEcP256 : crypto::KeyKind::kEcP384, *x, *y);
}

}  // namespace

std::string ShowAttributes(std::uint32_t attributes) {
  std::string text;
  for (const evidence::BitName& bit : kAttributeBits) {
    if ((attributes >> bit.bit & 1) != 0) text += Cat(text.empty() ? "" : " ", bit.name);
  }
  return text.empty() ? "none" : text;
}

Bytes PublicArea::Tpm2b() const {
  Bytes sized = {static_cast<std::uint8_t>(tpmt_.size() >> 8), static_cast<std::uint8_t>(tpmt_.size() & 0xFF)};
  Append(sized, tpmt_);
  return sized;
}

Outcome<PublicArea> PublicArea::FromTpm2b(ByteView bytes, std::string_view component) {
  Reader reader(bytes);
  const auto size = reader.U16Be();
  if (!size || *size != reader.remaining()) {
    return Malformed(component, Reason::kTpmStructureMalformed, "TPM2B_PUBLIC", "a size and as many bytes",
                     size ? Cat("size ", *size, ", then ", reader.remaining(), " bytes") : Cat(bytes.size(), " bytes"));
  }
  return FromTpmt(reader.TakeRest(), component);
}

Outcome<PublicArea> PublicArea::FromTpmt(ByteView bytes, std::string_view component) {
  const auto area = UnmarshalAll<&Tss2_MU_TPMT_PUBLIC_Unmarshal, TPMT_PUBLIC>(bytes);
  if (!area) {
    return Malformed(component, Reason::kTpmStructureMalformed, "TPMT_PUBLIC", "exactly one marshalled structure",
                     Cat(bytes.size(), " bytes that are none"));
  }
  if (area->type != kAlgRsa && area->type != kAlgEcc) {
    return Malformed(component, Reason::kAlgorithmUnsupported, "type", "RSA or ECC", ShowAlgorithm(area->type));
  }
  const auto name_hash = HashOf(area->nameAlg);
  if (!name_hash) {
    return Malformed(component, Reason::kAlgorithmUnsupported, "nameAlg", "SHA-1, SHA-256, SHA-384 or SHA-512",
                     ShowAlgorithm(area->nameAlg));
  }

  PublicArea read;
  read.tpmt_ = ToBytes(bytes);
  read.name_algorithm_ = area->nameAlg;
  read.name_ = {static_cast<std::uint8_t>(area->nameAlg >> 8), static_cast<std::uint8_t>(area->nameAlg & 0xFF)};
  Append(read.name_, crypto::Digest(*name_hash, bytes));
  read.attributes_ = area->objectAttributes;
  read.auth_policy_ = ToBytes(ViewOf(area->authPolicy));
  const bool rsa = area->type == kAlgRsa;
  const TPMT_SYM_DEF_OBJECT& symmetric = rsa ? area->parameters.rsaDetail.symmetric : area->parameters.eccDetail.symmetric;
  read.symmetric_algorithm_ = symmetric.algorithm;
  if (symmetric.algorithm == kAlgAes) read.symmetric_bits_ = symmetric.keyBits.aes;
  if (rsa) {
    const TPMT_RSA_SCHEME& scheme = area->parameters.rsaDetail.scheme;
    if (scheme.scheme == kAlgRsassa) read.scheme_ = SigningScheme{kAlgRsassa, scheme.details.rsassa.hashAlg};
    if (scheme.scheme == kAlgRsapss) read.scheme_ = SigningScheme{kAlgRsapss, scheme.details.rsapss.hashAlg};
  } else if (area->parameters.eccDetail.scheme.scheme == kAlgEcdsa) {
    read.scheme_ = SigningScheme{kAlgEcdsa, area->parameters.eccDetail.scheme.details.ecdsa.hashAlg};
  }
  Outcome<crypto::PublicKey> key = KeyOf(*area, component);
  if (!key) {
    std::vector<Finding> findings = std::move(key).findings();
    for (Finding& finding : findings) finding.component = std::string(component);
    return findings;
  }
  read.key_ = std::move(key).value();
  return read;
}

trust::Description PublicArea::Describe(std::string_view title) const {
  trust::Description description{std::string(title), Cat(crypto::NameOf(key().kind()), ", ", key().bits(), " bits")};
  description.Add("name", ToHex(name_));
  description.Add("attributes", ShowAttributes(attributes_));
  if (scheme_) description.Add("scheme", Cat(ShowAlgorithm(scheme_->scheme), " with ", ShowAlgorithm(scheme_->hash)));
  if (symmetric_algorithm_ != kAlgNull) {
    description.Add("symmetric", Cat(ShowAlgorithm(symmetric_algorithm_), ", ", symmetric_bits_, " bits"));
  }
  if (!auth_policy_.empty()) description.Add("authorization policy", ToHex(auth_policy_));
  description.Add("key SHA-256", ToHex(key().spki_sha256()));
  return description;
}

Bytes QualifiedName(ByteView parent, ByteView name) {
  if (name.size() < 2) return {};
  const auto hash = HashOf(static_cast<std::uint16_t>(name[0] << 8 | name[1]));
  if (!hash) return {};
  Bytes both = ToBytes(parent);
  Append(both, name);
  Bytes qualified = ToBytes(name.first(2));
  Append(qualified, crypto::Digest(*hash, both));
  return qualified;
}

std::string_view HierarchyOf(ByteView qualified_name, ByteView name) {
  for (const Hierarchy& hierarchy : kHierarchies) {
    const Bytes qualified = QualifiedName(hierarchy.handle, name);
    if (!qualified.empty() && Equal(qualified, qualified_name)) return hierarchy.name;
  }
  return {};
}

}  // namespace assay::tpm
