#include "crypto/make_credential.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/bug.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

constexpr std::string_view kIdentity("IDENTITY\0", 9);  // the zero is part of every label
constexpr std::string_view kStorage("STORAGE\0", 8);
constexpr std::string_view kIntegrity("INTEGRITY\0", 10);

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Freer<EVP_CIPHER_CTX_free>>;

// Bytes that are overwritten when they die.
class Secret {
 public:
  explicit Secret(Bytes bytes) : bytes_(std::move(bytes)) {}
  ~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  Secret(const Secret&) = delete;
  Secret(Secret&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Secret& operator=(const Secret&) = delete;
  Secret& operator=(Secret&&) = delete;
  ByteView view() const { return bytes_; }

 private:
  Bytes bytes_;
};

Bytes Tpm2b(ByteView content) {
  Bytes sized = {static_cast<std::uint8_t>(content.size() >> 8), static_cast<std::uint8_t>(content.size() & 0xFF)};
  Append(sized, content);
  return sized;
}

Bytes Hmac(HashAlgorithm hash, ByteView key, ByteView message) {
  Bytes mac(DigestSize(hash));
  unsigned size = static_cast<unsigned>(mac.size());
  ASSAY_CHECK(HMAC(Md(hash), key.data(), static_cast<int>(key.size()), message.data(), message.size(), mac.data(), &size) != nullptr &&
              size == mac.size());
  return mac;
}

// SP 800-108 in counter mode, with HMAC.
Secret KdfA(HashAlgorithm hash, ByteView key, std::string_view label, ByteView context, std::size_t bytes) {
  Bytes derived;
  for (std::uint32_t counter = 1; derived.size() < bytes; ++counter) {
    Bytes message;
    AppendU32Be(message, counter);
    Append(message, AsBytes(label));
    Append(message, context);
    AppendU32Be(message, static_cast<std::uint32_t>(8 * bytes));
    Append(derived, Hmac(hash, key, message));
  }
  derived.resize(bytes);
  return Secret(std::move(derived));
}

// SP 800-56A, one hash long.
Secret KdfE(HashAlgorithm hash, ByteView z, ByteView party_u, ByteView party_v) {
  Bytes message;
  AppendU32Be(message, 1);
  Append(message, z);
  Append(message, AsBytes(kIdentity));
  Append(message, party_u);
  Append(message, party_v);
  Secret seed(Digest(hash, message));
  OPENSSL_cleanse(message.data(), message.size());
  return seed;
}

struct SharedSeed {
  Secret seed;
  Bytes encrypted;  // content of TPM2B_ENCRYPTED_SECRET
};

std::optional<SharedSeed> ShareByRsa(const EndorsementKey& to) {
  Bytes seed(DigestSize(to.name_hash));
  ASSAY_CHECK(RAND_bytes(seed.data(), static_cast<int>(seed.size())) == 1);
  Secret kept(std::move(seed));
  const EvpPkeyCtx context(EVP_PKEY_CTX_new(to.key.handle().pkey.get(), nullptr));
  void* label = OPENSSL_memdup(kIdentity.data(), kIdentity.size());  // the context's, once it has taken it
  if (context == nullptr || label == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), Md(to.name_hash)) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), Md(to.name_hash)) != 1 ||
      EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, static_cast<int>(kIdentity.size())) != 1) {
    OPENSSL_free(label);
    return std::nullopt;
  }
  Bytes encrypted(static_cast<std::size_t>(to.key.bits() + 7) / 8);
  std::size_t size = encrypted.size();
  if (EVP_PKEY_encrypt(context.get(), encrypted.data(), &size, kept.view().data(), kept.view().size()) != 1) return std::nullopt;
  encrypted.resize(size);
  return SharedSeed{std::move(kept), std::move(encrypted)};
}

// Coordinates of an uncompressed point at the end of a SubjectPublicKeyInfo.
std::pair<ByteView, ByteView> CoordinatesOf(ByteView spki, std::size_t size) { return {spki.last(2 * size).first(size), spki.last(size)}; }

std::optional<SharedSeed> ShareByEcdh(const EndorsementKey& to) {
  const std::size_t size = to.key.kind() == KeyKind::kEcP256 ? 32 : 48;
  const EvpPkey ephemeral(EVP_EC_gen(to.key.kind() == KeyKind::kEcP256 ? "P-256" : "P-384"));
  const EvpPkeyCtx context(ephemeral == nullptr ? nullptr : EVP_PKEY_CTX_new(ephemeral.get(), nullptr));
  Bytes z(size);
  std::size_t written = size;
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), to.key.handle().pkey.get()) != 1 || EVP_PKEY_derive(context.get(), z.data(), &written) != 1 ||
      written != size) {
    return std::nullopt;
  }
  const Secret shared(std::move(z));
  const Bytes spki = DerOf<i2d_PUBKEY>(ephemeral.get());
  if (spki.size() < 2 * size) return std::nullopt;
  const auto [x, y] = CoordinatesOf(spki, size);
  Bytes encrypted = Tpm2b(x);
  Append(encrypted, Tpm2b(y));
  return SharedSeed{KdfE(to.name_hash, shared.view(), x, CoordinatesOf(to.key.spki(), size).first), std::move(encrypted)};
}

std::optional<Bytes> EncryptCfb(ByteView key, ByteView plain) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  const std::uint8_t iv[16] = {};
  Bytes encrypted(plain.size());
  int size = 0;
  if (context == nullptr ||
      EVP_EncryptInit_ex(context.get(), key.size() == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128(), nullptr, key.data(), iv) != 1 ||
      EVP_EncryptUpdate(context.get(), encrypted.data(), &size, plain.data(), static_cast<int>(plain.size())) != 1 ||
      static_cast<std::size_t>(size) != plain.size()) {
    return std::nullopt;
  }
  return encrypted;
}

}  // namespace

std::optional<Credential> MakeCredential(const EndorsementKey& endorsement_key, ByteView object_name, ByteView secret) {
  const ErrorQueueGuard guard;
  const HashAlgorithm hash = endorsement_key.name_hash;
  const bool sound = (endorsement_key.symmetric_bits == 128 || endorsement_key.symmetric_bits == 256) && hash != HashAlgorithm::kSha1 &&
                     object_name.size() > 2 && !secret.empty() && secret.size() <= DigestSize(hash);
  if (!sound) return std::nullopt;
  std::optional<SharedSeed> shared =
      endorsement_key.key.kind() == KeyKind::kRsa ? ShareByRsa(endorsement_key) : ShareByEcdh(endorsement_key);
  if (!shared) return std::nullopt;
  const ByteView seed = shared->seed.view();
  const Secret storage_key = KdfA(hash, seed, kStorage, object_name, static_cast<std::size_t>(endorsement_key.symmetric_bits) / 8);
  const Secret plain(Tpm2b(secret));
  const std::optional<Bytes> identity = EncryptCfb(storage_key.view(), plain.view());
  if (!identity) return std::nullopt;
  const Secret integrity_key = KdfA(hash, seed, kIntegrity, {}, DigestSize(hash));
  Bytes covered = *identity;
  Append(covered, object_name);
  Bytes id_object = Tpm2b(Hmac(hash, integrity_key.view(), covered));
  Append(id_object, *identity);
  return Credential{Tpm2b(id_object), Tpm2b(shared->encrypted)};
}

}  // namespace assay::crypto
