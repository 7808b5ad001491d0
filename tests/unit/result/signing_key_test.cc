#include "result/signing_key.h"
#include "base/absl_bridge.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "token/jwk.h"

namespace assay::result {
namespace {

class SigningKeyTest : public testing::Test {
 protected:
  SigningKeyTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-key-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~SigningKeyTest() override { std::filesystem::remove_all(root_); }
  std::string Path() const { return (root_ / "token.key").string(); }
  static std::string Message(const absl::StatusOr<SigningKey>& key) { return std::string(MessageOf(key.status())); }
  std::filesystem::path root_;
};

TEST_F(SigningKeyTest, IsMadeOnceForItsOwnerOnly) {
  const auto made = SigningKey::LoadOrMake("tokens.key_file", Path());
  ASSERT_TRUE(made.ok()) << Message(made);
  EXPECT_TRUE(made->made());
  struct stat status {};
  ASSERT_EQ(::stat(Path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto again = SigningKey::LoadOrMake("tokens.key_file", Path());
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(again->made());
  EXPECT_EQ(again->id(), made->id());
}

TEST_F(SigningKeyTest, PublishesItsPublicHalfOnly) {
  const auto key = SigningKey::LoadOrMake("tokens.key_file", Path());
  const auto keys = token::ReadKeys(key->Jwks());
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->front().key == key->key().public_key());
  EXPECT_EQ(keys->front().key_id, key->id());
  EXPECT_EQ(key->Jwks().find("\"d\""), std::string::npos);
}

TEST_F(SigningKeyTest, WhatIsNoKeyIsRefusedAndLeftAlone) {
  std::ofstream(Path()) << "nonsense";
  ::chmod(Path().c_str(), 0600);
  const auto key = SigningKey::LoadOrMake("tokens.key_file", Path());
  EXPECT_TRUE(absl::IsInvalidArgument(key.status()));
  EXPECT_NE(Message(key).find("tokens.key_file"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(Path()), 8U);
}

// attacks 105: key file world-readable.
TEST_F(SigningKeyTest, AKeyThatOthersCanReadIsRefused) {
  ASSERT_TRUE(SigningKey::LoadOrMake("tokens.key_file", Path()).ok());
  ::chmod(Path().c_str(), 0640);
  EXPECT_TRUE(absl::IsPermissionDenied(SigningKey::LoadOrMake("tokens.key_file", Path()).status()));
}

TEST_F(SigningKeyTest, AMissingDirectoryIsNamed) {
  const auto key = SigningKey::LoadOrMake("tokens.key_file", (root_ / "no/such/key").string());
  EXPECT_TRUE(absl::IsUnavailable(key.status()));
}

}  // namespace
}  // namespace assay::result
