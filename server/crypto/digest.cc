#include "crypto/digest.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <array>

#include "base/bug.h"
#include "crypto/openssl_handles.h"

namespace assay::crypto {
namespace {

constexpr std::size_t kAlgorithms = 4;

// A context for each thread: making one costs as much as hashing a PCR does.
EVP_MD_CTX* ThreadContext() {
  thread_local const EvpMdCtx context(EVP_MD_CTX_new());
  ASSAY_CHECK(context != nullptr);
  return context.get();
}

void DigestInto(HashAlgorithm algorithm, ByteView message, std::uint8_t* out) {
  EVP_MD_CTX* context = ThreadContext();
  ASSAY_CHECK(EVP_DigestInit_ex2(context, Md(algorithm), nullptr) == 1);
  ASSAY_CHECK(EVP_DigestUpdate(context, message.data(), message.size()) == 1);
  ASSAY_CHECK(EVP_DigestFinal_ex(context, out, nullptr) == 1);
}

template <HashAlgorithm algorithm, typename Result>
Result FixedDigest(ByteView message) {
  Result digest;
  DigestInto(algorithm, message, digest.data());
  return digest;
}

}  // namespace

std::string_view NameOf(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1: return "SHA-1";
    case HashAlgorithm::kSha256: return "SHA-256";
    case HashAlgorithm::kSha384: return "SHA-384";
    case HashAlgorithm::kSha512: break;
  }
  return "SHA-512";
}

std::size_t DigestSize(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha1: return 20;
    case HashAlgorithm::kSha256: return 32;
    case HashAlgorithm::kSha384: return 48;
    case HashAlgorithm::kSha512: break;
  }
  return 64;
}

const EVP_MD* Md(HashAlgorithm algorithm) {
  // Never freed: other threads may still hash while the process exits.
  static const std::array<const EVP_MD*, kAlgorithms> fetched = [] {
    std::array<const EVP_MD*, kAlgorithms> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = EVP_MD_fetch(nullptr, NameOf(static_cast<HashAlgorithm>(i)).data(), nullptr);
      ASSAY_CHECK(all[i] != nullptr);
    }
    return all;
  }();
  return fetched[static_cast<std::size_t>(algorithm)];
}

Bytes Digest(HashAlgorithm algorithm, ByteView message) {
  Bytes digest(DigestSize(algorithm));
  DigestInto(algorithm, message, digest.data());
  return digest;
}

Sha256Digest Sha256(ByteView message) { return FixedDigest<HashAlgorithm::kSha256, Sha256Digest>(message); }
Sha384Digest Sha384(ByteView message) { return FixedDigest<HashAlgorithm::kSha384, Sha384Digest>(message); }
Sha512Digest Sha512(ByteView message) { return FixedDigest<HashAlgorithm::kSha512, Sha512Digest>(message); }

struct Hasher::State {
  EvpMdCtx context;
  HashAlgorithm algorithm;
  bool finished = false;
};

Hasher::Hasher(HashAlgorithm algorithm)
    : state_(std::make_unique<State>(State{.context = EvpMdCtx(EVP_MD_CTX_new()), .algorithm = algorithm})) {
  ASSAY_CHECK(state_->context != nullptr && EVP_DigestInit_ex2(state_->context.get(), Md(algorithm), nullptr) == 1);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::Update(ByteView bytes) {
  ASSAY_CHECK(state_ != nullptr && !state_->finished);
  ASSAY_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Bytes Hasher::Finish() {
  ASSAY_CHECK(state_ != nullptr && !state_->finished);
  state_->finished = true;
  Bytes digest(DigestSize(state_->algorithm));
  ASSAY_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

Sha256Digest HmacSha256(ByteView key, ByteView message) {
  static EVP_MAC* const hmac = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  // Not kept per thread: a context holds the key until it is freed, and then cleanses it.
  const std::unique_ptr<EVP_MAC_CTX, Freer<EVP_MAC_CTX_free>> context(EVP_MAC_CTX_new(hmac));
  ASSAY_CHECK(context != nullptr);
  char digest_name[] = "SHA-256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0), OSSL_PARAM_construct_end()};
  // OpenSSL takes a null key to mean "the key of last time".
  static constexpr std::uint8_t kNoKey = 0;
  Sha256Digest mac;
  std::size_t size = 0;
  ASSAY_CHECK(EVP_MAC_init(context.get(), key.empty() ? &kNoKey : key.data(), key.size(), parameters) == 1);
  ASSAY_CHECK(EVP_MAC_update(context.get(), message.data(), message.size()) == 1);
  ASSAY_CHECK(EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

}  // namespace assay::crypto
