#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "service/operator_service.h"

namespace assay::service {
namespace {

using testing::HasSubstr;

class AirGapTest : public ::testing::Test {
 protected:
  AirGapTest() {
    std::string path = (std::filesystem::temp_directory_path() / "assay-air-gap-XXXXXX").string();
    root_ = ::mkdtemp(path.data());
  }
  ~AirGapTest() override { std::filesystem::remove_all(root_); }
  static v1::AirGap WithExportKey(const std::filesystem::path& path) {
    v1::AirGap config;
    config.set_export_key(path.string());
    return config;
  }
  std::filesystem::path root_;
};

TEST_F(AirGapTest, AMissingKeyIsMadeAtTheStartAndByNoCheck) {
  const std::filesystem::path path = root_ / "export.key";
  const auto checked = LoadAirGap(WithExportKey(path), MissingKey::kLeave);
  ASSERT_TRUE(checked.ok()) << MessageOf(checked.status());
  EXPECT_FALSE(checked->export_key);
  EXPECT_TRUE(std::filesystem::is_empty(root_));

  const auto started = LoadAirGap(WithExportKey(path), MissingKey::kMake);
  ASSERT_TRUE(started.ok()) << MessageOf(started.status());
  ASSERT_TRUE(started->export_key);
  const auto again = LoadAirGap(WithExportKey(path), MissingKey::kLeave);
  ASSERT_TRUE(again.ok()) << MessageOf(again.status());
  ASSERT_TRUE(again->export_key) << "what is there is read";
  EXPECT_EQ(again->export_key->id(), started->export_key->id());
}

TEST_F(AirGapTest, ACheckSaysWhatTheStartWouldRefuse) {
  const auto no_place = LoadAirGap(WithExportKey(root_ / "no" / "such" / "key"), MissingKey::kLeave);
  EXPECT_THAT(std::string(MessageOf(no_place.status())), HasSubstr("expected a file that is there or can be made, actual: No such file"));
  ASSERT_TRUE(LoadAirGap(WithExportKey(root_ / "open.key"), MissingKey::kMake).ok());
  ::chmod((root_ / "open.key").c_str(), 0644);
  EXPECT_FALSE(LoadAirGap(WithExportKey(root_ / "open.key"), MissingKey::kLeave).ok());
}

}  // namespace
}  // namespace assay::service
