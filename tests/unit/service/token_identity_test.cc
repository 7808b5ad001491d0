#include "service/authorization.h"

#include <gtest/gtest.h>

namespace assay::service {
namespace {

v1::OperatorListener Config(const std::string& identity, const std::string& role) {
  v1::OperatorListener config;
  config.add_roles()->set_identity(identity);
  config.mutable_roles(0)->set_role(role);
  return config;
}

bool Allowed(const std::variant<std::string, Finding>& answer) { return std::holds_alternative<std::string>(answer); }

TEST(TokenIdentity, ATokenHasItsRoleAndThoseBelow) {
  const Authorization authorization(Config("oidc:https://idp#alice", "operator"));
  EXPECT_TRUE(Allowed(authorization.CheckToken(TokenIdentity("https://idp", "alice"), Role::kViewer)));
  EXPECT_TRUE(Allowed(authorization.CheckToken(TokenIdentity("https://idp", "alice"), Role::kOperator)));
  EXPECT_FALSE(Allowed(authorization.CheckToken(TokenIdentity("https://idp", "alice"), Role::kAdmin)));
  for (const auto& [issuer, subject] : {std::pair("https://idp", "Alice"), std::pair("https://idp", "alice "),
                                        std::pair("https://idp/", "alice"), std::pair("https://idp", ""), std::pair("", "alice")}) {
    EXPECT_FALSE(Allowed(authorization.CheckToken(TokenIdentity(issuer, subject), Role::kViewer))) << issuer << " " << subject;
  }
  const auto denied = authorization.CheckToken(TokenIdentity("https://idp", "bob"), Role::kViewer);
  EXPECT_EQ(std::get<Finding>(denied).reason, Reason::kPermissionDenied);
  EXPECT_EQ(std::get<Finding>(denied).actual, "oidc:https://idp#bob");
}

// Whoever issues the operators' certificates may write any URI into them.
TEST(TokenIdentity, ACertificateNeverHasTheIdentityOfAToken) {
  const Authorization authorization(Config("oidc:https://idp#alice", "admin"));
  EXPECT_FALSE(Allowed(authorization.CheckCertificate({"oidc:https://idp#alice"}, {}, Role::kViewer)));
  EXPECT_FALSE(Allowed(authorization.CheckCertificate({}, {"oidc:https://idp#alice"}, Role::kViewer)));
}

TEST(TokenIdentity, ATokenNeverHasTheIdentityOfACertificate) {
  const Authorization authorization(Config("spiffe://a/b", "admin"));
  EXPECT_TRUE(Allowed(authorization.CheckCertificate({"spiffe://a/b"}, {}, Role::kAdmin)));
  EXPECT_FALSE(Allowed(authorization.CheckToken(TokenIdentity("spiffe://a/b", ""), Role::kViewer)));
  EXPECT_FALSE(Allowed(authorization.CheckToken(TokenIdentity("", "spiffe://a/b"), Role::kViewer)));
}

}  // namespace
}  // namespace assay::service
