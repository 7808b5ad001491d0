// The section operator.oidc, the roles of its identities, and join.max_request_mib.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "service/config_file.h"

namespace assay::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kGood = R"(issuer: "https://idp.example", audience: assay, jwks: keys.json)";

ConfigResult Load(std::string_view oidc, std::string_view roles = "", std::string_view join = "") {
  return LoadConfig("assayd.yaml",
                    Cat(R"(join: {address: "127.0.0.1:0", tls: {certificate: c, key: k})", join, R"(}
operator:
  address: "127.0.0.1:0"
  tls: {certificate: c, key: k}
  client_ca: ca
  roles: [)",
                        roles, "]\n", oidc.empty() ? "" : "  oidc: {", oidc, oidc.empty() ? "" : "}\n", R"(store: {path: a.db}
policies: [p]
challenges: {key_file: ck}
)"),
                    "/etc/assay");
}

TEST(OidcConfig, WhatIsLeftOutHasItsDefault) {
  const ConfigResult file = Load(kGood);
  ASSERT_THAT(file.messages, ElementsAre());
  const v1::Oidc& oidc = file.config->operator_().oidc();
  EXPECT_EQ(oidc.jwks(), "/etc/assay/keys.json");
  EXPECT_EQ(oidc.subject_claim(), "sub");
  EXPECT_EQ(oidc.max_lifetime(), "1h");
  EXPECT_EQ(oidc.refresh(), "");
  const ConfigResult url = Load(
      R"(issuer: "https://idp.example/realms/a", audience: "https://assay", jwks: "https://idp.example:8443/keys?v=1", jwks_ca: ca.pem)");
  ASSERT_THAT(url.messages, ElementsAre());
  EXPECT_EQ(url.config->operator_().oidc().jwks(), "https://idp.example:8443/keys?v=1") << "no path of ours";
  EXPECT_EQ(url.config->operator_().oidc().jwks_ca(), "/etc/assay/ca.pem");
  EXPECT_EQ(url.config->operator_().oidc().refresh(), "5m");
  EXPECT_FALSE(Load("").config->operator_().has_oidc());
}

TEST(OidcConfig, EveryBadValueIsNamed) {
  struct Case {
    std::string oidc;
    std::string_view message;
  };
  const auto with_issuer = [](std::string_view issuer) { return Cat("issuer: \"", issuer, "\", audience: a, jwks: k"); };
  const auto with_jwks = [](std::string_view jwks) { return Cat("issuer: \"https://i\", audience: a, jwks: \"", jwks, "\""); };
  const auto with = [](std::string_view more) { return Cat(R"(issuer: "https://i", audience: a, jwks: "https://i/k", )", more); };
  const Case cases[] = {
      {"audience: a, jwks: k", "the key 'issuer'"},
      {R"(issuer: "https://i", jwks: k)", "the key 'audience'"},
      {R"(issuer: "https://i", audience: a)", "the key 'jwks'"},
      {R"(issuer: "", audience: a, jwks: k)", "expected text"},
      {R"(issuer: "https://i", audience: "", jwks: k)", "expected text"},
      {R"(issuer: "https://i", audience: a, jwks: "")", "expected text"},
      {with_issuer("http://i"), "expected an https URL without user, query and fragment"},
      {with_issuer("https://"), "expected an https URL"},
      {with_issuer("https:///path"), "expected an https URL"},
      {with_issuer("idp.example"), "expected an https URL"},
      {with_issuer("HTTPS://i"), "expected an https URL"},
      {with_issuer("https://u:p@i"), "expected an https URL"},
      {with_issuer("https://i?x"), "expected an https URL"},
      {with_issuer("https://i#x"), "expected an https URL"},
      {with_issuer("https://i x"), "expected an https URL"},
      {with_issuer(Cat("https://", std::string(600, 'i'))), "expected an https URL"},
      {with_jwks("http://i/k"), "expected a file, or an https URL"},
      {with_jwks("file:///etc/passwd"), "expected a file, or an https URL"},
      {with_jwks("https://u@i/k"), "expected a file, or an https URL"},
      {with_jwks("https://i/k#x"), "expected a file, or an https URL"},
      {R"(issuer: "https://i", audience: "a\tb", jwks: k)", "expected printable text"},
      {with(R"(subject_claim: "a\nb")"), "expected printable text"},
      {with("refresh: 29s"), "expected a duration from 30s to 24h"},
      {with("refresh: 25h"), "expected a duration from 30s to 24h"},
      {with("refresh: often"), "expected a duration from 30s to 24h"},
      {with("max_lifetime: 59s"), "expected a duration from 1m to 24h"},
      {with("max_lifetime: 2d"), "expected a duration from 1m to 24h"},
      {with("max_lifetime: \"\""), "expected a duration from 1m to 24h"},
      {with("algorithms: [none]"), "algorithms"},
      {Cat(kGood, ", refresh: 5m"), "operator.oidc.refresh: expected with a URL as jwks"},
      {Cat(kGood, ", jwks_ca: ca.pem"), "operator.oidc.jwks_ca: expected with a URL as jwks"},
  };
  for (const Case& c : cases) {
    const ConfigResult result = Load(c.oidc);
    EXPECT_FALSE(result.config) << c.oidc;
    EXPECT_THAT(result.messages, testing::Contains(HasSubstr(std::string(c.message)))) << c.oidc;
    for (const std::string& message : result.messages) EXPECT_TRUE(message.starts_with("assayd.yaml")) << message;
  }
}

TEST(OidcConfig, IdentitiesOfTokensAreOfTheIssuer) {
  EXPECT_THAT(
      Load(kGood, R"({identity: "oidc:https://idp.example#alice", role: admin}, {identity: "spiffe://a/b", role: viewer})").messages,
      ElementsAre());
  for (const std::string_view identity : {"oidc:https://idp.example", "oidc:https://idp.example#", "oidc:https://idp.example/#alice",
                                          "oidc:alice", "oidc:https://idp.exampl#alice"}) {
    EXPECT_THAT(Load(kGood, Cat("{identity: \"", identity, "\", role: viewer}")).messages,
                ElementsAre(HasSubstr("expected identities of tokens as 'oidc:https://idp.example#SUBJECT'")))
        << identity;
  }
  EXPECT_THAT(Load("", R"({identity: "oidc:https://idp.example#alice", role: viewer})").messages,
              ElementsAre(HasSubstr("operator.roles: expected operator.oidc")));
}

TEST(RequestSizeConfig, IsOneToFour) {
  EXPECT_EQ(Load("").config->join().max_request_mib(), 1u);
  for (const std::uint32_t size : {1u, 2u, 4u}) {
    EXPECT_EQ(Load("", "", Cat(", max_request_mib: ", size)).config->join().max_request_mib(), size);
  }
  for (const std::string_view size : {"0", "5", "4294967296", "-1", "1.5", "many"}) {
    EXPECT_FALSE(Load("", "", Cat(", max_request_mib: ", size)).config) << size;
  }
  EXPECT_THAT(Load("", "", ", max_request_mib: 5").messages, ElementsAre(HasSubstr("expected 1 to 4, found 5")));
}

TEST(OidcConfig, TheExampleBecomesAConfigurationWithoutItsComments) {
  std::string text = DefaultConfigYaml();
  const auto uncomment = [&](std::string_view line) {
    const std::size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    text.erase(at, 2);
  };
  for (const std::string_view line : {"# - {identity: \"oidc:", "# oidc:", "#   issuer: \"https://idp", "#   audience: assay",
                                      "#   jwks: ", "#   jwks_ca: ", "#   refresh: ", "#   subject_claim: ", "#   max_lifetime: "}) {
    uncomment(line);
  }
  const ConfigResult result = LoadConfig("assayd.yaml", text, "/etc/assay");
  EXPECT_THAT(result.messages, ElementsAre());
  ASSERT_TRUE(result.config && result.config->operator_().has_oidc());
  // All that can be said is said there.
  const v1::Oidc& oidc = result.config->operator_().oidc();
  const auto* descriptor = oidc.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    EXPECT_FALSE(oidc.GetReflection()->GetString(oidc, descriptor->field(i)).empty()) << descriptor->field(i)->name();
  }
}

}  // namespace
}  // namespace assay::service
