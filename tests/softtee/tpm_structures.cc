#include "tests/softtee/tpm_structures.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/bug.h"
#include "base/reader.h"

namespace assay::softtee {
namespace {

void U8(Bytes& to, unsigned value) { to.push_back(static_cast<std::uint8_t>(value)); }
void U16(Bytes& to, unsigned value) {
  U8(to, value >> 8 & 0xFF);
  U8(to, value & 0xFF);
}

const EVP_MD* MdOf(std::uint16_t algorithm) {
  switch (algorithm) {
    case kTpmSha1: return EVP_sha1();
    case kTpmSha384: return EVP_sha384();
    case kTpmSha512: return EVP_sha512();
    default: return EVP_sha256();
  }
}

// DER Ecdsa-Sig-Value, as OpenSSL signs.
void AppendScalars(Bytes& to, ByteView der) {
  Reader reader(der);
  reader.Skip(der[1] == 0x81 ? 3 : 2);
  for (int i = 0; i < 2; ++i) {
    reader.Skip(1);
    ByteView number = *reader.Take(*reader.U8());
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    Append(to, Tpm2b(number));
  }
}

Bytes Hmac(ByteView key, ByteView message) {
  Bytes mac(32);
  unsigned size = 32;
  ASSAY_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), mac.data(), &size) != nullptr &&
              size == 32);
  return mac;
}

// Part 1, 11.4.10.2: one block of KDFa with SHA-256 is enough for 256 bits.
Bytes KdfA(ByteView key, std::string_view label, ByteView context, unsigned bits) {
  Bytes message = {0, 0, 0, 1};
  Append(message, AsBytes(label));
  U8(message, 0);
  Append(message, context);
  AppendU32Be(message, bits);
  Bytes block = Hmac(key, message);
  block.resize(bits / 8);
  return block;
}

// Part 1, 11.4.10.3.
Bytes KdfE(ByteView z, std::string_view use, ByteView party_u, ByteView party_v) {
  Bytes message = {0, 0, 0, 1};
  Append(message, z);
  Append(message, AsBytes(use));
  U8(message, 0);
  Append(message, party_u);
  Append(message, party_v);
  return Sha256(message);
}

Bytes DecryptCfb(ByteView key, ByteView ciphertext) {
  const std::uint8_t iv[16] = {};
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  Bytes plain(ciphertext.size());
  int size = 0;
  ASSAY_CHECK(EVP_DecryptInit_ex(context, EVP_aes_128_cfb128(), nullptr, key.data(), iv) == 1 &&
              EVP_DecryptUpdate(context, plain.data(), &size, ciphertext.data(), static_cast<int>(ciphertext.size())) == 1);
  EVP_CIPHER_CTX_free(context);
  return plain;
}

}  // namespace

Bytes TpmHash(std::uint16_t algorithm, ByteView message) {
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(MdOf(algorithm))));
  ASSAY_CHECK(EVP_Digest(message.data(), message.size(), digest.data(), nullptr, MdOf(algorithm), nullptr) == 1);
  return digest;
}

Bytes Tpm2b(ByteView content) {
  Bytes out;
  U16(out, static_cast<unsigned>(content.size()));
  Append(out, content);
  return out;
}

Bytes TpmPublic::Tpmt() const {
  Bytes out;
  U16(out, type);
  U16(out, name_algorithm);
  AppendU32Be(out, attributes);
  Append(out, softtee::Tpm2b(policy));
  U16(out, symmetric);
  if (symmetric != 0x0010) {
    U16(out, symmetric_bits);
    U16(out, 0x0043);  // CFB
  }
  U16(out, scheme);
  if (scheme != 0x0010) U16(out, scheme_hash);
  if (type == 0x0001) {
    U16(out, key_bits);
    AppendU32Be(out, exponent);
    Append(out, softtee::Tpm2b(unique));
  } else {
    U16(out, curve);
    U16(out, 0x0010);  // no KDF
    Append(out, softtee::Tpm2b(ByteView(unique).first(unique.size() / 2)));
    Append(out, softtee::Tpm2b(ByteView(unique).subspan(unique.size() / 2)));
  }
  return out;
}

Bytes TpmPublic::Tpm2b() const { return softtee::Tpm2b(Tpmt()); }

Bytes TpmPublic::Name() const {
  Bytes name;
  U16(name, name_algorithm);
  Append(name, TpmHash(name_algorithm, Tpmt()));
  return name;
}

TpmPublic AkOf(const Key& key, bool pss) {
  TpmPublic area;
  if (key.bits() >= 1024) {
    area.key_bits = static_cast<std::uint16_t>(key.bits());
    area.unique = key.Modulus();
    if (pss) area.scheme = kTpmRsapss;
  } else {
    area.type = 0x0023;
    area.scheme = kTpmEcdsa;
    area.curve = key.bits() == 256 ? 0x0003 : 0x0004;
    if (key.bits() != 256) area.scheme_hash = kTpmSha384;
    area.unique = key.Coordinates();
  }
  return area;
}

TpmPublic EkOf(const Key& key) {
  TpmPublic area = AkOf(key);
  area.attributes = 0x000300B2;  // fixedTPM fixedParent sensitiveDataOrigin adminWithPolicy restricted decrypt
  area.policy = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24, 0xFD,
                 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};  // PolicySecret(endorsement)
  area.symmetric = 0x0006;
  area.scheme = 0x0010;
  return area;
}

Bytes TpmSelection(const std::vector<TpmBank>& banks) {
  Bytes out;
  AppendU32Be(out, static_cast<std::uint32_t>(banks.size()));
  for (const TpmBank& bank : banks) {
    U16(out, bank.algorithm);
    Bytes bitmap(3);
    for (const auto& [index, value] : bank.values) {
      if (index / 8 >= bitmap.size()) bitmap.resize(index / 8 + 1);
      bitmap[index / 8] = static_cast<std::uint8_t>(bitmap[index / 8] | 1U << (index % 8));
    }
    U8(out, static_cast<unsigned>(bitmap.size()));
    Append(out, bitmap);
  }
  return out;
}

Bytes TpmDigests(const std::vector<TpmBank>& banks) {
  Bytes out;
  for (const TpmBank& bank : banks) {
    for (const auto& [index, value] : bank.values) Append(out, value);
  }
  return out;
}

Bytes TpmAttest::Marshal() const {
  Bytes out;
  AppendU32Be(out, magic);
  U16(out, type);
  Append(out, Tpm2b(qualified_signer));
  Append(out, Tpm2b(extra_data));
  AppendU64Be(out, clock);
  AppendU32Be(out, reset_count);
  AppendU32Be(out, restart_count);
  U8(out, safe);
  AppendU64Be(out, firmware_version);
  Append(out, body);
  return out;
}

Bytes TpmSignature(const Key& key, std::uint16_t scheme, std::uint16_t hash, ByteView message, bool most_salt) {
  Bytes out;
  U16(out, scheme);
  U16(out, hash);
  if (scheme == kTpmEcdsa) {
    if (key.bits() == 384) {
      const EcdsaSignature signature = key.SignP384Sha384(message);
      Append(out, Tpm2b(signature.r));
      Append(out, Tpm2b(signature.s));
    } else {
      AppendScalars(out, key.Sign(SignatureStyle::kEcdsaSha256, message));
    }
  } else {
    const SignatureStyle style = scheme == kTpmRsapss ? (most_salt ? SignatureStyle::kPssSha256MostSalt : SignatureStyle::kPssSha256)
                                 : hash == kTpmSha1   ? SignatureStyle::kPkcs1Sha1
                                                      : SignatureStyle::kPkcs1Sha256;
    Append(out, Tpm2b(key.Sign(style, message)));
  }
  return out;
}

Bytes TpmCreationData(ByteView outside_info) {
  Bytes out;
  AppendU32Be(out, 0);     // no PCRs
  Append(out, Tpm2b({}));  // pcrDigest
  U8(out, 1);              // locality 0
  U16(out, 0x0010);        // the parent is a hierarchy
  const Bytes handle = {0x40, 0x00, 0x00, 0x0B};
  Append(out, Tpm2b(handle));
  Append(out, Tpm2b(handle));
  Append(out, Tpm2b(outside_info));
  return out;
}

Bytes ActivateCredential(const Key& ek, ByteView object_name, ByteView id_object, ByteView encrypted_secret) {
  Bytes seed;
  if (ek.bits() >= 1024) {
    seed = ek.DecryptOaep(AsBytes(std::string_view("IDENTITY\0", 9)), encrypted_secret);
  } else {
    Reader reader(encrypted_secret);
    const auto x = reader.Take(reader.U16Be().value_or(0));
    const auto y = reader.Take(reader.U16Be().value_or(0));
    if (!x || !y || !reader.AtEnd()) return {};
    Bytes point = ToBytes(*x);
    Append(point, *y);
    const Bytes z = ek.SharedX(point);
    if (!z.empty()) seed = KdfE(z, "IDENTITY", *x, ByteView(ek.Coordinates()).first(32));
  }
  if (seed.size() != 32) return {};
  Reader reader(id_object);
  const auto mac = reader.Take(reader.U16Be().value_or(0));
  if (!mac) return {};
  const ByteView encrypted = reader.TakeRest();
  Bytes covered = ToBytes(encrypted);
  Append(covered, object_name);
  if (!Equal(Hmac(KdfA(seed, "INTEGRITY", {}, 256), covered), *mac)) return {};
  const Bytes plain = DecryptCfb(KdfA(seed, "STORAGE", object_name, 128), encrypted);
  Reader credential(plain);
  const auto secret = credential.Take(credential.U16Be().value_or(0));
  return secret && credential.AtEnd() ? ToBytes(*secret) : Bytes();
}

}  // namespace assay::softtee
