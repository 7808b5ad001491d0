#include "appraisal/clouds_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "registry/builtin_registry.h"

namespace assay::appraisal {
namespace {

TEST(CloudsTable, HasEveryPlatformOnceAndNoFleet) {
  std::set<std::string> seen;
  for (const v1::Cloud& cloud : CloudsTable(BuiltinRegistry())) {
    for (const v1::CloudPlatform& platform : cloud.platforms()) {
      EXPECT_TRUE(seen.insert(platform.name()).second) << platform.name();
      EXPECT_FALSE(platform.has_last_day()) << platform.name();
      EXPECT_NE(platform.strength_at_best(), v1::STRENGTH_UNSPECIFIED) << platform.name();
    }
  }
  EXPECT_EQ(seen.size(), BuiltinRegistry().platforms.size());
}

TEST(CloudsTable, APlatformOfAnUnpublishedCloudStandsByItself) {
  platform::Platform one = *BuiltinRegistry().platforms.front(), two = one;
  one.name = "one";
  one.cloud = "";
  one.strength_at_best = platform::Strength::kE;
  two.name = "two";
  two.cloud = "brand_new";
  two.strength_at_best = platform::Strength::kB;
  const platform::Platform* const platforms[] = {&one, &two};
  const std::vector<v1::Cloud> table = CloudsTable({.formats = {}, .platforms = platforms});
  int found = 0;
  for (const v1::Cloud& cloud : table) {
    if (cloud.name().empty()) {
      EXPECT_EQ(cloud.title(), "elsewhere");
      EXPECT_EQ(cloud.platforms(0).name(), "one");
      EXPECT_EQ(cloud.platforms(0).strength_at_best(), v1::STRENGTH_E);
    } else if (cloud.name() == "brand_new") {
      EXPECT_EQ(cloud.title(), "brand_new");
      EXPECT_EQ(cloud.platforms(0).strength_at_best(), v1::STRENGTH_B);
    } else {
      EXPECT_EQ(cloud.platforms_size(), 0) << cloud.name();
      EXPECT_EQ(cloud.features_size(), 5) << cloud.name();
      continue;
    }
    EXPECT_EQ(cloud.features_size(), 0);
    ++found;
  }
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace assay::appraisal
