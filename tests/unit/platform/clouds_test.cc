// The table of clouds, as published.
#include "platform/clouds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "registry/builtin_registry.h"

namespace assay::platform {
namespace {

TEST(Clouds, AreSortedAndHaveEachFeatureOnce) {
  std::set<std::string_view> names;
  for (const Cloud& cloud : AllClouds()) {
    EXPECT_TRUE(names.empty() || *names.rbegin() < cloud.name) << cloud.name;
    names.insert(cloud.name);
    EXPECT_FALSE(cloud.title.empty()) << cloud.name;
    EXPECT_EQ(cloud.as_of.size(), 7U) << cloud.name;
    std::set<Feature> features;
    for (const Offer& offer : cloud.offers) {
      features.insert(offer.feature);
      EXPECT_TRUE((offer.offered != Offered::kDoubted && offer.offered != Offered::kDepends) || !offer.note.empty())
          << cloud.name << ": a doubt without a reason";
    }
    EXPECT_EQ(features.size(), AllFeatures().size()) << cloud.name;
  }
}

TEST(Clouds, EveryPlatformIsOfOneAndSaysWhomItTrusts) {
  for (const Platform* platform : BuiltinRegistry().platforms) {
    const auto clouds = AllClouds();
    EXPECT_TRUE(std::any_of(clouds.begin(), clouds.end(), [&](const Cloud& cloud) { return cloud.name == platform->cloud; }))
        << platform->name << ": " << platform->cloud;
    EXPECT_FALSE(platform->trusted_at_best.empty()) << platform->name;
  }
}

}  // namespace
}  // namespace assay::platform
