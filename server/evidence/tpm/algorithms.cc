#include "evidence/tpm/algorithms.h"

#include "base/hex.h"
#include "base/strings.h"

namespace assay::tpm {

std::optional<crypto::HashAlgorithm> HashOf(std::uint16_t algorithm) {
  switch (algorithm) {
    case kAlgSha1: return crypto::HashAlgorithm::kSha1;
    case kAlgSha256: return crypto::HashAlgorithm::kSha256;
    case kAlgSha384: return crypto::HashAlgorithm::kSha384;
    case kAlgSha512: return crypto::HashAlgorithm::kSha512;
    default: return std::nullopt;
  }
}

std::uint16_t AlgorithmOf(crypto::HashAlgorithm hash) {
  switch (hash) {
    case crypto::HashAlgorithm::kSha1: return kAlgSha1;
    case crypto::HashAlgorithm::kSha256: return kAlgSha256;
    case crypto::HashAlgorithm::kSha384: return kAlgSha384;
    case crypto::HashAlgorithm::kSha512: return kAlgSha512;
  }
  return kAlgNull;
}

std::string ShowAlgorithm(std::uint16_t algorithm) {
  if (const auto hash = HashOf(algorithm)) return std::string(crypto::NameOf(*hash));
  switch (algorithm) {
    case kAlgRsa: return "RSA";
    case kAlgAes: return "AES";
    case kAlgNull: return "none";
    case kAlgRsassa: return "RSASSA";
    case kAlgRsapss: return "RSAPSS";
    case kAlgEcdsa: return "ECDSA";
    case kAlgEcc: return "ECC";
    default: break;
  }
  const std::uint8_t id[] = {static_cast<std::uint8_t>(algorithm >> 8), static_cast<std::uint8_t>(algorithm & 0xFF)};
  return Cat("algorithm 0x", ToHex(id));
}

std::string BankName(std::uint16_t algorithm) {
  switch (algorithm) {
    case kAlgSha1: return "sha1";
    case kAlgSha256: return "sha256";
    case kAlgSha384: return "sha384";
    case kAlgSha512: return "sha512";
    default: return ShowAlgorithm(algorithm);
  }
}

}  // namespace assay::tpm
