#include "service/authorization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace assay::service {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Names = std::vector<std::string>;

constexpr Role kRoles[] = {Role::kViewer, Role::kOperator, Role::kAdmin};

Authorization With(const std::vector<std::pair<std::string, std::string>>& bindings) {
  v1::OperatorListener listener;
  for (const auto& [identity, role] : bindings) {
    v1::RoleBinding& binding = *listener.add_roles();
    binding.set_identity(identity);
    binding.set_role(role);
  }
  return Authorization(listener);
}

std::optional<Finding> DenialOf(const std::variant<std::string, Finding>& answer) {
  return std::holds_alternative<Finding>(answer) ? std::optional(std::get<Finding>(answer)) : std::nullopt;
}

const std::string kUri = "spiffe://example.org/oncall";
const std::string kDns = "oncall.example.org";

TEST(Authorization, ARoleHasOneName) {
  for (const Role role : kRoles) EXPECT_EQ(RoleNamed(NameOf(role)), role);
  EXPECT_EQ(NameOf(Role::kOperator), "operator");
  for (const std::string_view other : {"", "Viewer", "ADMIN", "admin ", " admin", "root", "view", "viewers", "0"}) {
    EXPECT_EQ(RoleNamed(other), std::nullopt) << "'" << other << "'";
  }
}

TEST(Authorization, EachRoleMayDoWhatThoseBeforeItMay) {
  for (const Role held : kRoles) {
    const Authorization authorization = With({{kUri, std::string(NameOf(held))}});
    for (const Role needed : kRoles) {
      EXPECT_EQ(DenialOf(authorization.CheckCertificate({kUri}, {}, needed)).has_value(), held < needed)
          << NameOf(held) << " where " << NameOf(needed) << " is needed";
    }
  }
}

TEST(Authorization, WithoutUriTheDnsNameCounts) {
  const Authorization authorization = With({{kDns, "viewer"}});
  EXPECT_FALSE(DenialOf(authorization.CheckCertificate({}, {kDns}, Role::kViewer)));
  EXPECT_FALSE(DenialOf(authorization.CheckCertificate({}, {"other.example.org", kDns}, Role::kViewer))) << "any of them";
}

// Whoever may have a DNS name issued must not become, by it, what somebody's URI stands for.
TEST(Authorization, AttackADnsNameBesideAUriGivesNothing) {
  const Authorization authorization = With({{kDns, "admin"}, {kUri, "viewer"}});
  EXPECT_TRUE(DenialOf(authorization.CheckCertificate({"spiffe://example.org/stranger"}, {kDns}, Role::kViewer)));
  EXPECT_TRUE(DenialOf(authorization.CheckCertificate({kUri}, {kDns}, Role::kAdmin))) << "the role of the URI alone";
  EXPECT_TRUE(DenialOf(authorization.CheckCertificate({""}, {kDns}, Role::kViewer))) << "an empty URI is one";
}

// The binding does not say of which kind it is, so the text alone decides; a URI never looks like a host name.
TEST(Authorization, AttackIdentitiesAreComparedWhole) {
  const Authorization authorization = With({{kUri, "admin"}});
  for (const std::string& near :
       {kUri + "/", kUri + "x", kUri.substr(0, kUri.size() - 1), std::string("SPIFFE://example.org/oncall"), kUri + std::string(1, '\0'),
        std::string("spiffe://example.org//oncall"), std::string("spiffe://example.org/x/../oncall"),
        std::string("spiffe://example.org/%6fncall"), std::string("spiffe://example.org/*"), " " + kUri, std::string()}) {
    EXPECT_TRUE(DenialOf(authorization.CheckCertificate({near}, {}, Role::kViewer))) << near;
    EXPECT_TRUE(DenialOf(authorization.CheckCertificate({}, {near}, Role::kViewer))) << near;
  }
}

// attacks 149: a common name is not handed in at all, so a certificate that has nothing else has no identity.
TEST(Authorization, Attack149_ACertificateWithoutSanIsNobody) {
  const auto denied = DenialOf(With({{kUri, "admin"}, {kDns, "admin"}}).CheckCertificate({}, {}, Role::kViewer));
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason, Reason::kPermissionDenied);
  EXPECT_EQ(denied->actual, "a certificate without URI or DNS name");
}

TEST(Authorization, ADenialNamesIdentityAndNeededRole) {
  const auto denied = DenialOf(With({{kUri, "viewer"}}).CheckCertificate({"spiffe://example.org/a", kUri}, {kDns}, Role::kOperator));
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason, Reason::kPermissionDenied);
  EXPECT_EQ(denied->component, "client certificate");
  EXPECT_EQ(denied->expected, "an identity with the role operator");
  EXPECT_EQ(denied->actual, "spiffe://example.org/a, spiffe://example.org/oncall") << "not the DNS name, which did not count";
}

TEST(Authorization, ADenialShowsNothingThatATerminalObeys) {
  const auto denied = DenialOf(With({}).CheckCertificate({"spiffe://x/\x1b[2J\nadmin", std::string(5000, 'x')}, {}, Role::kViewer));
  ASSERT_TRUE(denied);
  EXPECT_THAT(denied->actual, AllOf(HasSubstr("\\x1b[2J\\x0aadmin"), testing::Not(HasSubstr("\n"))));
  EXPECT_LE(denied->actual.size(), 256U);
}

TEST(Authorization, NoBindingsLetNobodyIn) {
  EXPECT_TRUE(DenialOf(With({}).CheckCertificate({kUri}, {kDns}, Role::kViewer)));
  EXPECT_TRUE(DenialOf(With({}).CheckCertificate({""}, {}, Role::kViewer)));
}

TEST(Authorization, ABindingToNoRoleGivesNone) {
  EXPECT_TRUE(DenialOf(With({{kUri, "root"}}).CheckCertificate({kUri}, {}, Role::kViewer)));
  EXPECT_TRUE(DenialOf(With({{kUri, ""}}).CheckCertificate({kUri}, {}, Role::kViewer)));
}

TEST(Authorization, OfTwoBindingsOfOneIdentityTheHigherHoldsInAnyOrder) {
  for (const Authorization& authorization : {With({{kUri, "viewer"}, {kUri, "operator"}}), With({{kUri, "operator"}, {kUri, "viewer"}}),
                                             With({{kUri, "operator"}, {kUri, "operator"}})}) {
    EXPECT_FALSE(DenialOf(authorization.CheckCertificate({kUri}, {}, Role::kOperator)));
    EXPECT_TRUE(DenialOf(authorization.CheckCertificate({kUri}, {}, Role::kAdmin))) << "two roles are not a third";
  }
}

TEST(Authorization, RolesOfDifferentIdentitiesOfOneCertificateDoNotAddUp) {
  const Authorization authorization = With({{"spiffe://x/a", "viewer"}, {"spiffe://x/b", "operator"}});
  EXPECT_FALSE(DenialOf(authorization.CheckCertificate({"spiffe://x/a", "spiffe://x/b"}, {}, Role::kOperator))) << "one of them has it";
  EXPECT_TRUE(DenialOf(authorization.CheckCertificate({"spiffe://x/a", "spiffe://x/b"}, {}, Role::kAdmin)));
}

}  // namespace
}  // namespace assay::service
