#include "trust/authenticated.h"

namespace assay::trust {

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
  if (is_signed.padding == RsaSigned::Padding::kPkcs1) return crypto::VerifyRsaPkcs1(key, is_signed.hash, is_signed.message, is_signed.signature);
  const int digest = static_cast<int>(crypto::DigestSize(is_signed.hash));
  const int most = (key.bits() + 6) / 8 - digest - 2;
  return crypto::VerifyRsaPss(key, is_signed.hash, is_signed.hash, digest, is_signed.message, is_signed.signature) ||
         crypto::VerifyRsaPss(key, is_signed.hash, is_signed.hash, most, is_signed.message, is_signed.signature);
}

bool Verifies(const crypto::PublicKey& key, const AnySigned& is_signed) {
  return std::visit([&](const auto& one) { return Verifies(key, one); }, is_signed);
}

}  // namespace assay::trust
