#include "appraisal/endorsement_roots.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "tests/softtee/certificate.h"
#include "tests/softtee/key.h"

namespace assay::appraisal {
namespace {

class EndorsementRoots : public ::testing::Test {
 protected:
  EndorsementRoots()
      : directory_(std::filesystem::path(::testing::TempDir()) / ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(directory_);
  }
  ~EndorsementRoots() override { std::filesystem::remove_all(directory_); }

  std::string Write(std::string_view name, std::string_view text) const {
    const std::filesystem::path path = directory_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  Bytes Root(bool ca = true) const {
    softtee::Certificate root{.serial = {1},
                              .issuer = softtee::NameOf("root"),
                              .subject = softtee::NameOf("root"),
                              .not_before = *ParseTime("2026-01-01T00:00:00Z"),
                              .not_after = *ParseTime("2036-01-01T00:00:00Z"),
                              .subject_public_key_info = key_.SubjectPublicKeyInfo(),
                              .extensions = {},
                              .style = softtee::SignatureStyle::kEcdsaSha256};
    root.extensions = {softtee::extension::BasicConstraints(ca, {})};
    return root.SignedBy(key_);
  }
  crypto::Sha256Digest Pin() const { return crypto::Sha256(key_.SubjectPublicKeyInfo()); }

  softtee::Key key_ = softtee::Key::GenerateP256();
  std::filesystem::path directory_;
};

TEST_F(EndorsementRoots, ArePinnedForEndorsementsAlone) {
  const trust::AnchorSet before({{"amd", "Milan", {}}}, true);
  for (const std::string& file : {Write("root.der", AsText(Root())), Write("root.pem", softtee::ToPem("CERTIFICATE", Root()))}) {
    const auto anchors = WithEndorsementRoots(before, {file});
    ASSERT_TRUE(anchors.ok()) << MessageOf(anchors.status());
    EXPECT_TRUE(anchors->Pins("google", "launch_endorsement", Pin()));
    EXPECT_FALSE(anchors->Pins("google", "tpm", Pin()));
    EXPECT_FALSE(anchors->Pins("amd", "Milan", Pin()));
    EXPECT_EQ(anchors->anchors().size(), 2u);
    EXPECT_TRUE(anchors->simulated());
  }
  EXPECT_EQ(WithEndorsementRoots(before, {})->Digest(), before.Digest());
}

TEST_F(EndorsementRoots, RefuseWhatIsNoAuthority) {
  for (const std::string& file :
       {Write("leaf.der", AsText(Root(false))), Write("noise", "noise"), Write("empty", ""), (directory_ / "none").string()}) {
    const auto anchors = WithEndorsementRoots(trust::AnchorSet({}, false), {file});
    ASSERT_FALSE(anchors.ok()) << file;
    EXPECT_NE(MessageOf(anchors.status()).find(std::filesystem::path(file).filename().string()), std::string_view::npos)
        << MessageOf(anchors.status());
  }
}

}  // namespace
}  // namespace assay::appraisal
