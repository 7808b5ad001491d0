#include "evidence/tpm/signature.h"

#include <string>
#include <utility>

#include "base/strings.h"
#include "crypto/der.h"
#include "evidence/tpm/algorithms.h"
#include "evidence/tpm/unmarshal.h"

namespace assay::tpm {
namespace {

constexpr std::string_view kSpec = "TPM 2.0 part 2, 11.3.4";
constexpr std::size_t kMaxRsaSize = 1024;   // 8192 bits
constexpr std::size_t kMaxScalarSize = 66;  // P-521, refused with the key

Finding Defect(Reason reason, std::string_view component, std::string expected, std::string actual) {
  return {.reason = reason,
          .component = std::string(component),
          .claim = "TPMT_SIGNATURE",
          .expected = std::move(expected),
          .actual = std::move(actual),
          .spec = std::string(kSpec)};
}

// An INTEGER that is not negative, without the octet for its sign.
std::optional<Bytes> Magnitude(crypto::DerReader& reader) {
  const auto content = reader.Take(crypto::der::kInteger);
  if (!content || content->empty() || content->front() >= 0x80) return std::nullopt;
  return ToBytes(content->front() == 0 && content->size() > 1 ? content->subspan(1) : *content);
}

std::optional<Signature> FromDer(ByteView bytes) {
  if (!crypto::IsDer(bytes)) return std::nullopt;
  crypto::DerReader outer(bytes);
  crypto::DerReader fields(outer.Take(crypto::der::kSequence).value_or(ByteView{}));
  std::optional<Bytes> r = Magnitude(fields), s = Magnitude(fields);
  if (!r || !s || !fields.AtEnd() || r->size() > kMaxScalarSize || s->size() > kMaxScalarSize) return std::nullopt;
  return Signature{SignatureShape::kEcdsaDer, kAlgEcdsa, kAlgNull, {}, *std::move(r), *std::move(s)};
}

std::optional<Signature> FromTpmt(ByteView bytes) {
  const auto read = UnmarshalAll<&Tss2_MU_TPMT_SIGNATURE_Unmarshal, TPMT_SIGNATURE>(bytes);
  if (!read) return std::nullopt;
  Signature signature{SignatureShape::kTpmt, read->sigAlg, kAlgNull, {}, {}, {}};
  if (read->sigAlg == kAlgRsassa || read->sigAlg == kAlgRsapss) {
    const auto& rsa = read->sigAlg == kAlgRsassa ? read->signature.rsassa : read->signature.rsapss;
    signature.hash = rsa.hash;
    signature.rsa = ToBytes(ViewOf(rsa.sig));
  } else if (read->sigAlg == kAlgEcdsa) {
    signature.hash = read->signature.ecdsa.hash;
    signature.r = ToBytes(ViewOf(read->signature.ecdsa.signatureR));
    signature.s = ToBytes(ViewOf(read->signature.ecdsa.signatureS));
  }
  return signature;
}

}  // namespace

SignatureShape ShapeOf(ByteView bytes) {
  if (FromTpmt(bytes)) return SignatureShape::kTpmt;
  if (FromDer(bytes)) return SignatureShape::kEcdsaDer;
  const bool modulus_sized = bytes.size() >= 256 && bytes.size() <= kMaxRsaSize && bytes.size() % 64 == 0;
  return modulus_sized ? SignatureShape::kRawRsa : SignatureShape::kTpmt;
}

std::optional<Signature> ParseSignature(ByteView bytes, SignatureShape shape, std::string_view component, CheckLog& log) {
  std::optional<Signature> signature;
  switch (shape) {
    case SignatureShape::kTpmt: signature = FromTpmt(bytes); break;
    case SignatureShape::kEcdsaDer: signature = FromDer(bytes); break;
    case SignatureShape::kRawRsa:
      if (!bytes.empty() && bytes.size() <= kMaxRsaSize) signature = Signature{shape, kAlgRsassa, kAlgNull, ToBytes(bytes), {}, {}};
      break;
  }
  if (!log.Require(Check::kTpmSignatureForm, signature.has_value(),
                   [&] {
                     return Defect(Reason::kTpmStructureMalformed, component,
                                   "exactly one TPMT_SIGNATURE, Ecdsa-Sig-Value in DER, or raw RSA signature",
                                   Cat(bytes.size(), " bytes that are none"));
                   }) ||
      !signature) {
    return std::nullopt;
  }
  if (shape != SignatureShape::kTpmt) return signature;
  const bool known =
      (signature->scheme == kAlgRsassa || signature->scheme == kAlgRsapss || signature->scheme == kAlgEcdsa) && HashOf(signature->hash);
  if (!log.Require(Check::kTpmSignatureScheme, known, [&] {
        return Defect(Reason::kAlgorithmUnsupported, component, "RSASSA, RSAPSS or ECDSA with SHA-1, SHA-256, SHA-384 or SHA-512",
                      Cat(ShowAlgorithm(signature->scheme), " with ", ShowAlgorithm(signature->hash)));
      })) {
    return std::nullopt;
  }
  return signature;
}

}  // namespace assay::tpm
