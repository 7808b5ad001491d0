#include "crypto/signature.h"

#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "crypto/der.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

// SP 800-186: the orders n of P-256 and P-384.
constexpr auto kP256Order =
    std::to_array<std::uint8_t>({0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51});
constexpr auto kP384Order =
    std::to_array<std::uint8_t>({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF,
                                 0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73});

ByteView OrderOf(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEcP256: return kP256Order;
    case KeyKind::kEcP384: return kP384Order;
    case KeyKind::kRsa: break;
  }
  return {};
}

// `configure` sets padding and parameters on the key context.
template <typename Configure>
bool DigestVerify(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature, Configure configure) {
  const ErrorQueueGuard guard;
  const EvpMdCtx context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by context
  return context != nullptr && EVP_DigestVerifyInit(context.get(), &parameters, Md(hash), nullptr, key.handle().pkey.get()) == 1 &&
         configure(parameters) && EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
}

bool IsModulusSized(const PublicKey& key, ByteView signature) {
  return key.kind() == KeyKind::kRsa && signature.size() == static_cast<std::size_t>(key.bits() + 7) / 8;
}

// Ecdsa-Sig-Value (RFC 3279 2.2.3) on the stack. With P-384 its content is at most 2 * (2 + 49) bytes, so every length
// fits one octet.
class EcdsaSigValue {
 public:
  EcdsaSigValue(ByteView r, ByteView s) {
    bytes_[0] = der::kSequence;
    AppendInteger(r);
    AppendInteger(s);
    bytes_[1] = static_cast<std::uint8_t>(size_ - 2);
  }
  ByteView view() const { return ByteView(bytes_).first(size_); }

 private:
  void AppendInteger(ByteView value) {
    while (value.size() > 1 && value[0] == 0) value = value.subspan(1);
    const bool sign_octet = value[0] >= 0x80;
    bytes_[size_++] = der::kInteger;
    bytes_[size_++] = static_cast<std::uint8_t>(value.size() + (sign_octet ? 1 : 0));
    if (sign_octet) bytes_[size_++] = 0;
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += value.size();
  }

  ByteArray<2 + 2 * (2 + 49)> bytes_{};
  std::size_t size_ = 2;
};

}  // namespace

bool IsEcdsaScalar(KeyKind kind, ByteView value) {
  const ByteView order = OrderOf(kind);
  return value.size() == order.size() && !order.empty() && !AllZero(value) &&
         std::lexicographical_compare(value.begin(), value.end(), order.begin(), order.end());
}

bool VerifyEcdsaDer(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature) {
  // OpenSSL re-encodes the signature and compares, so BER forms and trailing bytes fail.
  return key.kind() != KeyKind::kRsa && DigestVerify(key, hash, message, signature, [](EVP_PKEY_CTX*) { return true; });
}

bool VerifyEcdsa(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView r, ByteView s) {
  if (!IsEcdsaScalar(key.kind(), r) || !IsEcdsaScalar(key.kind(), s)) return false;
  return VerifyEcdsaDer(key, hash, message, EcdsaSigValue(r, s).view());
}

bool VerifyEcdsaP1363(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature) {
  const std::size_t half = OrderOf(key.kind()).size();
  if (half == 0 || signature.size() != 2 * half) return false;
  return VerifyEcdsa(key, hash, message, signature.first(half), signature.subspan(half));
}

bool VerifyRsaPkcs1(const PublicKey& key, HashAlgorithm hash, ByteView message, ByteView signature) {
  return IsModulusSized(key, signature) && DigestVerify(key, hash, message, signature, [](EVP_PKEY_CTX* parameters) {
           return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) == 1;
         });
}

bool VerifyRsaPss(const PublicKey& key, HashAlgorithm hash, HashAlgorithm mgf_hash, int salt_length, ByteView message, ByteView signature) {
  // Negative lengths are commands to OpenSSL ("whatever the signature has"), not lengths.
  return salt_length >= 0 && IsModulusSized(key, signature) && DigestVerify(key, hash, message, signature, [&](EVP_PKEY_CTX* parameters) {
           return EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt_length) == 1 &&
                  EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, Md(mgf_hash)) == 1;
         });
}

}  // namespace assay::crypto
