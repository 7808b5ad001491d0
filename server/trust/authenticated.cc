#include "trust/authenticated.h"

#include "crypto/digest.h"

namespace assay::trust {
namespace {

// The sizes of all but the message follow from key and algorithm.
void AppendTo(Bytes& name, const EcdsaSigned& is_signed) {
  name.push_back(static_cast<std::uint8_t>(is_signed.hash));
  for (const ByteView part : {ByteView(is_signed.r), ByteView(is_signed.s), is_signed.message}) Append(name, part);
}
void AppendTo(Bytes& name, const RsaSigned& is_signed) {
  name.push_back(static_cast<std::uint8_t>(is_signed.hash));
  name.push_back(static_cast<std::uint8_t>(is_signed.padding));
  for (const ByteView part : {is_signed.signature, is_signed.message}) Append(name, part);
}

}  // namespace

bool IsWellEncoded(const crypto::PublicKey& key, const EcdsaSigned& is_signed) {
  return crypto::IsEcdsaScalar(key.kind(), is_signed.r) && crypto::IsEcdsaScalar(key.kind(), is_signed.s);
}

bool IsWellEncoded(const crypto::PublicKey& key, const RsaSigned& is_signed) {
  return key.kind() == crypto::KeyKind::kRsa && is_signed.signature.size() == static_cast<std::size_t>(key.bits() + 7) / 8;
}

bool IsWellEncoded(const crypto::PublicKey& key, const AnySigned& is_signed) {
  return std::visit([&](const auto& one) { return IsWellEncoded(key, one); }, is_signed);
}

bool Verifies(const crypto::PublicKey& key, const EcdsaSigned& is_signed) {
  return crypto::VerifyEcdsa(key, is_signed.hash, is_signed.message, is_signed.r, is_signed.s);
}

// TPM 2.0 part 1, B.7: the salt is as long as the digest, or, in older parts, as long as there is room for.
bool Verifies(const crypto::PublicKey& key, const RsaSigned& is_signed) {
  if (is_signed.padding == RsaSigned::Padding::kPkcs1) {
    return crypto::VerifyRsaPkcs1(key, is_signed.hash, is_signed.message, is_signed.signature);
  }
  const int digest = static_cast<int>(crypto::DigestSize(is_signed.hash));
  const int most = (key.bits() + 6) / 8 - digest - 2;
  return crypto::VerifyRsaPss(key, is_signed.hash, is_signed.hash, digest, is_signed.message, is_signed.signature) ||
         crypto::VerifyRsaPss(key, is_signed.hash, is_signed.hash, most, is_signed.message, is_signed.signature);
}

bool Verifies(const crypto::PublicKey& key, const AnySigned& is_signed) {
  return std::visit([&](const auto& one) { return Verifies(key, one); }, is_signed);
}

bool Verifies(const crypto::PublicKey& key, const AnySigned& is_signed, ProvenSignatures& proven) {
  Bytes depends_on = ToBytes(key.spki_sha256());
  std::visit([&](const auto& one) { AppendTo(depends_on, one); }, is_signed);
  const crypto::Sha256Digest name = crypto::Sha256(depends_on);
  if (proven.Find(name) != nullptr) return true;
  if (!Verifies(key, is_signed)) return false;
  proven.Insert(name, std::make_shared<const ProvenSignature>());
  return true;
}

}  // namespace assay::trust
