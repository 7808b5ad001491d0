// Project Wycheproof's signature vectors. Every file of the folder is accounted for: run in full, or named here with the
// reason why it is not.
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/hex.h"
#include "crypto/public_key.h"
#include "crypto/signature.h"
#include "test_pki.h"
#include "tests/vectors_dir.h"

namespace assay::crypto {
namespace {

using Json = nlohmann::json;

std::optional<HashAlgorithm> HashNamed(const std::string& name) {
  static const std::map<std::string, HashAlgorithm> kNames = {{"SHA-1", HashAlgorithm::kSha1},
                                                              {"SHA-256", HashAlgorithm::kSha256},
                                                              {"SHA-384", HashAlgorithm::kSha384},
                                                              {"SHA-512", HashAlgorithm::kSha512}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) return std::nullopt;  // SHA-224: no profile names it
  return found->second;
}

Bytes Hex(const Json& value) { return test::FromHexText(value.get<std::string>()); }

Json Load(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return Json::parse(stream);
}

struct File {
  const char* name;
  int cases;    // run in this test
  int refused;  // cases whose key or parameters can't even be expressed, so that nothing is there to be run
};

// What a group needs beside its key.
using Verify = bool (*)(const PublicKey&, const Json& group, ByteView message, ByteView signature);

bool EcdsaDer(const PublicKey& key, const Json& group, ByteView message, ByteView signature) {
  return VerifyEcdsaDer(key, *HashNamed(group["sha"]), message, signature);
}
bool EcdsaP1363(const PublicKey& key, const Json& group, ByteView message, ByteView signature) {
  return VerifyEcdsaP1363(key, *HashNamed(group["sha"]), message, signature);
}
bool RsaPkcs1(const PublicKey& key, const Json& group, ByteView message, ByteView signature) {
  return VerifyRsaPkcs1(key, *HashNamed(group["sha"]), message, signature);
}
bool RsaPss(const PublicKey& key, const Json& group, ByteView message, ByteView signature) {
  return VerifyRsaPss(key, *HashNamed(group["sha"]), *HashNamed(group["mgfSha"]), group["sLen"], message, signature);
}

bool IsExpressible(const Json& group) {
  return HashNamed(group["sha"]) && (!group.contains("mgfSha") || (group["mgf"] == "MGF1" && HashNamed(group["mgfSha"])));
}

// The group's key as rsaEncryption or EC SubjectPublicKeyInfo.
Bytes SpkiOf(const Json& group) {
  if (group["type"] != "RsassaPssWithParametersVerify") return Hex(group["publicKeyDer"]);
  const Bytes algorithm = test::FromHexText("300d06092a864886f70d0101010500");
  return test::Der(0x30, test::Concat({algorithm, test::Der(0x03, test::Concat({Bytes{0}, Hex(group["publicKeyAsn"])}))}));
}

void RunFile(const std::filesystem::path& dir, const File& file, Verify verify) {
  SCOPED_TRACE(file.name);
  const Json vectors = Load(dir / file.name);
  int run = 0;
  int refused = 0;
  for (const Json& group : vectors["testGroups"]) {
    const auto size = static_cast<int>(group["tests"].size());
    if (!IsExpressible(group)) {
      refused += size;
      continue;
    }
    if (group["type"] == "RsassaPssWithParametersVerify") {
      const auto restricted = PublicKey::FromSpki(Hex(group["publicKeyDer"]));
      ASSERT_FALSE(restricted.ok()) << "a key of type id-RSASSA-PSS restricts its use; that is not supported, so it is refused";
      EXPECT_EQ(restricted.findings()[0].reason, Reason::kKeyUnsupported);
    }
    const auto key = PublicKey::FromSpki(SpkiOf(group));
    if (!key) {
      EXPECT_EQ(key.findings()[0].reason, Reason::kKeyUnsupported);
      refused += size;
      continue;
    }
    for (const Json& test : group["tests"]) {
      // "acceptable" marks PKCS #1 signatures without the NULL: not what RFC 8017 says, so not accepted.
      const bool expected = test["result"] == "valid";
      EXPECT_EQ(verify(*key, group, Hex(test["msg"]), Hex(test["sig"])), expected) << "tcId " << test["tcId"] << ": " << test["comment"];
      EXPECT_EQ(ERR_peek_error(), 0U) << "tcId " << test["tcId"];
      ++run;
    }
  }
  EXPECT_EQ(run, file.cases);
  EXPECT_EQ(refused, file.refused);
  EXPECT_EQ(run + refused, vectors["numberOfTests"].get<int>());
}

const File kEcdsaDer[] = {{"ecdsa_secp256r1_sha256_test.json", 484, 0},
                          {"ecdsa_secp384r1_sha256_test.json", 472, 0},
                          {"ecdsa_secp384r1_sha384_test.json", 504, 0},
                          {"ecdsa_secp521r1_sha512_test.json", 0, 542}};  // P-521 is in no profile: every key is refused
const File kEcdsaP1363[] = {{"ecdsa_secp256r1_sha256_p1363_test.json", 262, 0}, {"ecdsa_secp384r1_sha384_p1363_test.json", 280, 0}};
const File kRsaPss[] = {{"rsa_pss_2048_sha256_mgf1_32_params_test.json", 108, 0},
                        {"rsa_pss_2048_sha256_mgf1_32_test.json", 108, 0},
                        {"rsa_pss_2048_sha384_mgf1_48_test.json", 141, 0},
                        {"rsa_pss_3072_sha256_mgf1_32_test.json", 108, 0},
                        {"rsa_pss_4096_sha256_mgf1_32_test.json", 108, 0},
                        {"rsa_pss_4096_sha384_mgf1_48_test.json", 141, 0},
                        {"rsa_pss_misc_test.json", 96, 54}};  // 54 have SHA-224 as digest or in MGF1
// Three have exponent 3: the key is refused.
const File kRsaPkcs1[] = {{"rsa_signature_2048_sha256_test.json", 257, 2},
                          {"rsa_signature_2048_sha384_test.json", 258, 0},
                          {"rsa_signature_3072_sha256_test.json", 258, 1},
                          {"rsa_signature_4096_sha256_test.json", 258, 0},
                          {"rsa_signature_4096_sha384_test.json", 259, 0}};
const char* const kOutOfScope[] = {"json_web_signature_test.json"};  // JWS is token's business, not crypto's

TEST(Wycheproof, EcdsaDer) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const File& file : kEcdsaDer) RunFile(dir / "wycheproof", file, EcdsaDer);
}
TEST(Wycheproof, EcdsaP1363) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const File& file : kEcdsaP1363) RunFile(dir / "wycheproof", file, EcdsaP1363);
}
TEST(Wycheproof, RsaPss) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const File& file : kRsaPss) RunFile(dir / "wycheproof", file, RsaPss);
}
TEST(Wycheproof, RsaPkcs1) {
  ASSAY_VECTORS_OR_SKIP(dir);
  for (const File& file : kRsaPkcs1) RunFile(dir / "wycheproof", file, RsaPkcs1);
}

// Salt length, digest and mask digest are the caller's: the same signature under any other choice is false.
TEST(Wycheproof, PssParametersAreExact) {
  ASSAY_VECTORS_OR_SKIP(dir);
  int compared = 0;
  const Json vectors = Load(dir / "wycheproof" / "rsa_pss_misc_test.json");
  for (const Json& group : vectors["testGroups"]) {
    const auto hash = HashNamed(group["sha"]), mgf_hash = HashNamed(group["mgfSha"]);
    const int salt_length = group["sLen"];
    const PublicKey key = PublicKey::FromSpki(Hex(group["publicKeyDer"])).value();
    const Bytes message = Hex(group["tests"][0]["msg"]), signature = Hex(group["tests"][0]["sig"]);
    for (const HashAlgorithm h : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
      for (const HashAlgorithm m : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        for (const int salt : {-3, -2, -1, 0, 20, 28, 32, 48, 64}) {
          const bool same = hash == h && mgf_hash == m && salt == salt_length;
          ASSERT_EQ(VerifyRsaPss(key, h, m, salt, message, signature), same)
              << group["sha"] << ' ' << group["mgfSha"] << ' ' << salt_length << " as " << NameOf(h) << ' ' << NameOf(m) << ' ' << salt;
          ++compared;
        }
      }
    }
  }
  EXPECT_EQ(compared, 150 * 4 * 4 * 9);
}

TEST(Wycheproof, EveryFileIsAccountedFor) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::set<std::string> known(std::begin(kOutOfScope), std::end(kOutOfScope));
  for (const auto& files : {std::span<const File>(kEcdsaDer), std::span<const File>(kEcdsaP1363), std::span<const File>(kRsaPss),
                            std::span<const File>(kRsaPkcs1)}) {
    for (const File& file : files) known.insert(file.name);
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir / "wycheproof")) {
    if (entry.path().extension() != ".json") continue;
    EXPECT_EQ(known.erase(entry.path().filename()), 1U) << entry.path() << " is neither run nor named as left out";
  }
  EXPECT_TRUE(known.empty()) << *known.begin() << " is missing";
}

}  // namespace
}  // namespace assay::crypto
