#include "trust/claims.h"

#include <gtest/gtest.h>

#include "tests/unit/trust/parts.h"

namespace assay::trust {
namespace {

class Claims : public testing::Test {
 protected:
  static Bundle Carried() {
    CheckLog log;
    const auto carrier = test::Authenticate(test::Sign<test::Statement>({1, 2, 3}), log);
    return *Bundle::Carry(*carrier, Challenge::NotDemanded(true), log);
  }
  const Bundle bundle_ = Carried();  // claims: a.first (flag), statement.text (octets)
  const AuthenticatedClaims& claims_ = bundle_.claims();
};

TEST_F(Claims, AreFoundByNameAndType) {
  ASSERT_EQ(claims_.all().size(), 2U);
  ASSERT_NE(claims_.Find("statement.text"), nullptr);
  EXPECT_EQ(claims_.Find("statement.text")->component, "statement");
  ASSERT_NE(claims_.Get<Bytes>("statement.text"), nullptr);
  EXPECT_EQ(*claims_.Get<Bytes>("statement.text"), (Bytes{1, 2, 3}));
  EXPECT_EQ(*claims_.Get<bool>("a.first"), true);
}

TEST_F(Claims, AnAbsentClaimIsAbsent) {
  for (const char* name : {"", "a", "a.firs", "a.first0", "a.First", "statement", "statement.", "statement.text ", "zzz"}) {
    EXPECT_EQ(claims_.Find(name), nullptr) << name;
    EXPECT_EQ(claims_.Get<Bytes>(name), nullptr) << name;
  }
}

// Attack 29: a value is what was signed, never something that converts to it.
TEST_F(Claims, Attack029_AClaimOfAnotherTypeIsNotConverted) {
  EXPECT_EQ(claims_.Get<std::uint64_t>("a.first"), nullptr);
  EXPECT_EQ(claims_.Get<std::string>("a.first"), nullptr);
  EXPECT_EQ(claims_.Get<bool>("statement.text"), nullptr);
  EXPECT_EQ(claims_.Get<std::string>("statement.text"), nullptr);
  EXPECT_EQ(claims_.Get<ComponentVersion>("statement.text"), nullptr);
}

TEST(ShowValueTest, IsForPeople) {
  struct Shown {
    Value value;
    const char* text;
  };
  for (const Shown& shown : std::vector<Shown>{
           {true, "true"},
           {false, "false"},
           {std::uint64_t{0}, "0"},
           {std::uint64_t{18446744073709551615U}, "18446744073709551615"},
           {std::string("vcek"), "vcek"},
           {std::string(), ""},
           {std::string("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a"},
           {Bytes{0x00, 0xAB}, "00ab"},
           {Bytes{}, ""},
           {ComponentVersion{{{"boot_loader", 4}, {"tee", 0}, {"snp", 24}}, {}}, "boot_loader 4, tee 0, snp 24"},
           {ComponentVersion{}, ""},
       }) {
    EXPECT_EQ(ShowValue(shown.value), shown.text);
  }
  EXPECT_LT(ShowValue(Bytes(100'000, 0)).size(), 300U) << "bounded";
  EXPECT_LT(ShowValue(std::string(100'000, '\n')).size(), 3000U) << "bounded";
}

// Attack 96: a TCB is its components, not one number.
TEST(ComponentVersionTest, Attack096_IsComparedComponentByComponent) {
  const ComponentVersion version{{{"boot_loader", 1}, {"snp", 2}}, {1, 2}};
  EXPECT_EQ(version, (ComponentVersion{{{"boot_loader", 1}, {"snp", 2}}, {1, 2}}));
  EXPECT_NE(version, (ComponentVersion{{{"boot_loader", 2}, {"snp", 1}}, {1, 2}}));
  EXPECT_NE(version, (ComponentVersion{{{"boot_loader", 1}, {"tee", 2}}, {1, 2}}));
  EXPECT_NE(version, (ComponentVersion{{{"boot_loader", 1}}, {1, 2}}));
  EXPECT_NE(version, (ComponentVersion{{{"boot_loader", 1}, {"snp", 2}}, {2, 1}}));
}

}  // namespace
}  // namespace assay::trust
