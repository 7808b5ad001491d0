// Operators with bearer tokens, through the front door: a provider of the test's own, a listener that takes tokens too.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

#include "assay/v1/verdict_service.grpc.pb.h"
#include "base/absl_bridge.h"
#include "base/strings.h"
#include "http/http_listener.h"
#include "tests/integration/operator_rpcs.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/provider/openid_provider.h"

namespace assay::integration {
namespace {

using provider::ClaimsSet;
using provider::Header;
using provider::Key;
using testing::HasSubstr;
using testing::Not;

std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

const Key& ProviderKey() {
  static const Key key = Key::Make("ES256");
  return key;
}
const Key& ForeignKey() {
  static const Key key = Key::Make("ES256");
  return key;
}
std::string Jwks() { return provider::KeySet(ProviderKey().Jwk("k1", R"("alg":"ES256","use":"sig")")); }

ClaimsSet Claims(std::string_view subject) {
  ClaimsSet claims = provider::ClaimsAt(SystemClock().Now());
  claims.subject = subject;
  return claims;
}
std::string Token(std::string_view subject) { return ProviderKey().Sign(Header("ES256", "k1"), Claims(subject).Text()); }

client::ChannelOptions WithToken(const Verifier& verifier, std::string token, std::string_view certificate = "") {
  client::ChannelOptions options = OperatorChannel(verifier.operators(), verifier.site(), certificate);
  options.bearer_token = [token = std::move(token)] { return token; };
  return options;
}

absl::Status List(const client::ChannelOptions& options) { return client::VerdictClient(options).ListVerdicts({}).status(); }

bool Eventually(const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

// Every RPC × who shows which token.
TEST(Bearers, EveryCallDemandsItsRole) {
  Verifier verifier("", "", TokensToo{Jwks()});
  Node node(verifier.join(), verifier.site());
  const auto joined = JoinAs(node);
  ASSERT_TRUE(joined.ok()) << Message(joined.status());
  const std::vector<OperatorRpc> rpcs = OperatorRpcs(joined->verdict_id());
  ASSERT_EQ(rpcs.size(), 22u);

  ClaimsSet expired = Claims("admin"), elsewhere = Claims("admin"), another_issuer = Claims("admin");
  expired.issued_at -= 3600;
  expired.expires -= 3600;
  elsewhere.audience = "another";
  another_issuer.issuer = "https://idp.example.evil";
  struct Caller {
    std::string_view who;
    std::string token;
    std::optional<service::Role> role;
    absl::StatusCode otherwise;
    std::string_view message;
  };
  const Caller callers[] = {
      {"viewer", Token("viewer"), service::Role::kViewer, absl::StatusCode::kPermissionDenied, "actual oidc:https://idp.example#viewer"},
      {"operator", Token("operator"), service::Role::kOperator, absl::StatusCode::kPermissionDenied, ""},
      {"admin", Token("admin"), service::Role::kAdmin, absl::StatusCode::kPermissionDenied, ""},
      {"stranger", Token("stranger"), std::nullopt, absl::StatusCode::kPermissionDenied, "actual oidc:https://idp.example#stranger"},
      {"expired", ProviderKey().Sign(Header("ES256", "k1"), expired.Text()), std::nullopt, absl::StatusCode::kUnauthenticated,
       "unauthenticated (5016) at authorization.claims.exp: expected after"},
      {"wrong audience", ProviderKey().Sign(Header("ES256", "k1"), elsewhere.Text()), std::nullopt, absl::StatusCode::kUnauthenticated,
       "at authorization.claims.aud: expected 'assay', actual 'another'"},
      {"wrong issuer", ProviderKey().Sign(Header("ES256", "k1"), another_issuer.Text()), std::nullopt, absl::StatusCode::kUnauthenticated,
       "at authorization.claims.iss"},
      {"foreign key", ForeignKey().Sign(Header("ES256", "k1"), Claims("admin").Text()), std::nullopt, absl::StatusCode::kUnauthenticated,
       "(token_signature_invalid)"},
      {"unknown key", ForeignKey().Sign(Header("ES256", "k2"), Claims("admin").Text()), std::nullopt, absl::StatusCode::kUnauthenticated,
       "at authorization.header.kid"},
      {"no token at all", "garbage", std::nullopt, absl::StatusCode::kUnauthenticated, "(token_malformed)"},
  };
  for (const Caller& caller : callers) {
    client::VerdictClient client(WithToken(verifier, caller.token));
    for (const OperatorRpc& rpc : rpcs) {
      const absl::Status status = rpc.call(client);
      if (caller.role && *caller.role >= rpc.needs) {
        EXPECT_TRUE(status.ok()) << caller.who << " " << rpc.name << ": " << Message(status);
      } else {
        EXPECT_EQ(status.code(), caller.otherwise) << caller.who << " " << rpc.name << ": " << Message(status);
        EXPECT_THAT(Message(status), HasSubstr(std::string(caller.message))) << caller.who << " " << rpc.name;
        if (caller.role) {
          EXPECT_THAT(Message(status), HasSubstr(Cat("at bearer token: expected an identity with the role ", service::NameOf(rpc.needs))))
              << caller.who << " " << rpc.name;
        }
      }
    }
    // Neither the signature nor the claims of a token are for logs.
    if (caller.token.size() > 100) {
      EXPECT_THAT(verifier.log(), Not(HasSubstr(caller.token.substr(caller.token.rfind('.') + 1, 24)))) << caller.who;
      EXPECT_THAT(verifier.log(), Not(HasSubstr(caller.token.substr(caller.token.find('.') + 1, 24)))) << caller.who;
    }
  }
  EXPECT_THAT(verifier.log(), HasSubstr(R"("identity":"oidc:https://idp.example#operator")")) << "changes name who made them";
}

// The same listener still knows certificates, and refuses whoever has neither, a bad one, or both.
TEST(Bearers, ACertificateOrATokenAndNeverBoth) {
  Verifier verifier("", "", TokensToo{Jwks()});
  EXPECT_TRUE(List(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ok());
  EXPECT_TRUE(List(WithToken(verifier, Token("viewer"))).ok());
  const absl::Status neither = List(OperatorChannel(verifier.operators(), verifier.site(), ""));
  EXPECT_TRUE(absl::IsUnauthenticated(neither));
  EXPECT_THAT(Message(neither),
              HasSubstr("unauthenticated (5016) at caller: expected a client certificate or a bearer token, actual neither"));
  for (const std::string& token : {Token("admin"), Token("stranger"), std::string("garbage")}) {
    const absl::Status both = List(WithToken(verifier, token, "operator"));
    EXPECT_TRUE(absl::IsUnauthenticated(both));
    EXPECT_THAT(Message(both), HasSubstr("actual both"));
  }
  for (const std::string_view who : {"self-signed", "foreign"}) {
    for (const auto& options : {OperatorChannel(verifier.operators(), verifier.site(), who), WithToken(verifier, Token("admin"), who)}) {
      const absl::Status status = List(options);
      // TLS 1.3 tells a refused client only when it reads: gRPC shows that as an unreachable server now and then.
      EXPECT_TRUE(absl::IsUnauthenticated(status) || absl::IsUnavailable(status)) << who << ": " << Message(status);
    }
  }
}

TEST(Bearers, WithoutAProviderTokensMeanNothing) {
  Verifier verifier;
  const absl::Status status = List(WithToken(verifier, Token("admin")));
  EXPECT_TRUE(absl::IsUnauthenticated(status) || absl::IsUnavailable(status)) << Message(status);
  EXPECT_TRUE(List(WithToken(verifier, Token("admin"), "viewer")).ok()) << "the certificate is looked at alone";
}

TEST(Bearers, TheHeaderIsThereOnceInItsScheme) {
  Verifier verifier("", "", TokensToo{Jwks()});
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = verifier.site().Text("tls/ca.pem");
  const auto stub = v1::VerdictService::NewStub(grpc::CreateChannel(verifier.operators(), grpc::SslCredentials(tls)));
  const std::string token = Token("viewer");
  const auto ask = [&](const std::vector<std::string>& values, const char* name = "authorization") {
    grpc::ClientContext context;
    for (const std::string& value : values) context.AddMetadata(name, value);
    v1::ListVerdictsResponse response;
    return stub->ListVerdicts(&context, {}, &response);
  };
  EXPECT_TRUE(ask({Cat("Bearer ", token)}).ok());
  EXPECT_TRUE(ask({Cat("bearer ", token)}).ok()) << "RFC 9110 section 11.1";
  struct Case {
    std::vector<std::string> values;
    std::string_view message;
  };
  for (const Case& c :
       {Case{{Cat("Bearer ", token), Cat("Bearer ", token)}, "at authorization: expected one value, actual 2"},
        Case{{Cat("Bearer ", token), "Basic eDp5"}, "expected one value, actual 2"},
        Case{{"Basic eDp5"}, "expected 'Bearer' and a token, actual something else"}, Case{{token}, "expected 'Bearer' and a token"},
        Case{{Cat("Bearer", token)}, "expected 'Bearer' and a token"}, Case{{Cat("Bearer  ", token)}, "token_malformed"},
        Case{{Cat("Bearer ", token, ",x")}, "token_malformed"}, Case{{"Bearer"}, "expected 'Bearer' and a token"}}) {
    const grpc::Status status = ask(c.values);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << c.message;
    EXPECT_THAT(status.error_message(), HasSubstr(std::string(c.message)));
    EXPECT_THAT(status.error_message(), Not(HasSubstr("eDp5"))) << "it may be a password";
    EXPECT_THAT(status.error_message(), Not(HasSubstr(token.substr(token.rfind('.') + 1, 24))));
  }
  EXPECT_EQ(ask({token}, "x-authorization").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_FALSE(ask({Cat("Bearer ", std::string(9000, 'a'))}).ok()) << "over what metadata may have";
}

TEST(Bearers, TheSubjectMayComeFromAnotherClaim) {
  Verifier verifier("", "", TokensToo{Jwks(), ", subject_claim: role, max_lifetime: 5m"});
  ClaimsSet claims = Claims("admin");
  claims.more = R"("role":"viewer")";
  const auto signed_with = [&] { return ProviderKey().Sign(Header("ES256", "k1"), claims.Text()); };
  EXPECT_THAT(Message(List(WithToken(verifier, signed_with()))),
              HasSubstr("at authorization.claims.exp: expected 1 to 300 s after iat, actual 600 s"));
  claims.expires = claims.issued_at + 300;
  EXPECT_TRUE(List(WithToken(verifier, signed_with())).ok());
  client::VerdictClient client(WithToken(verifier, signed_with()));
  v1::BanIdentityRequest ban;
  EXPECT_TRUE(absl::IsPermissionDenied(client.BanIdentity(ban).status())) << "sub says admin, and is not asked";
}

TEST(Bearers, AWatchEndsWithItsToken) {
  Verifier verifier("", "", TokensToo{Jwks()});
  ClaimsSet claims = Claims("viewer");
  claims.issued_at -= 120;
  claims.expires = claims.issued_at + 63;  // with the skew, three seconds are left
  int heartbeats = 0;
  const absl::Status ended = client::VerdictClient(WithToken(verifier, ProviderKey().Sign(Header("ES256", "k1"), claims.Text())))
                                 .WatchVerdicts({}, [&](const auto&) { return ++heartbeats < 1000; });
  EXPECT_TRUE(absl::IsUnauthenticated(ended)) << Message(ended);
  EXPECT_THAT(Message(ended), HasSubstr("one that did while you watched"));
  EXPECT_GE(heartbeats, 1);
}

// `assay verdict watch` outlives its first token, if its file has the next one, and ends if it has not.
TEST(Bearers, AWatchGoesOnWithTheNextToken) {
  Verifier verifier("", "", TokensToo{Jwks()});
  const Site& site = verifier.site();
  Node earlier(verifier.join(), site);
  EXPECT_TRUE(JoinAs(earlier).ok());  // or there would be no place in the sequence of events to resume behind
  ClaimsSet claims = Claims("viewer");
  claims.issued_at -= 120;
  claims.expires = claims.issued_at + 64;  // with the skew, four seconds are left
  site.Write("token", ProviderKey().Sign(Header("ES256", "k1"), claims.Text()));
  const auto watch = [&](std::string_view output) {
    return Process({test::Program("assay"), "verdict", "watch", "--count", "1", "--server", verifier.operators(), "--ca",
                    site.File("tls/ca.pem"), "--bearer-token-file", site.File("token")},
                   site.File(output));
  };
  Process ending = watch("ending");
  EXPECT_TRUE(Eventually([&] { return site.Text("ending").find("Resuming behind") != std::string::npos; }));
  EXPECT_EQ(ending.Wait(), 3);
  claims = Claims("viewer");
  claims.issued_at -= 120;
  claims.expires = claims.issued_at + 64;
  site.Write("token", ProviderKey().Sign(Header("ES256", "k1"), claims.Text()));
  Process going_on = watch("going-on");
  EXPECT_TRUE(Eventually([&] { return site.Text("going-on").find("Resuming behind") != std::string::npos; }));
  site.Write("token", Token("viewer"));
  Node node(verifier.join(), site);
  EXPECT_TRUE(JoinAs(node, {}, "node-2").ok());
  EXPECT_EQ(going_on.Wait(), 0) << site.Text("going-on");
  EXPECT_THAT(site.Text("going-on"), HasSubstr("demo/worker"));
}

TEST(Bearers, AChangedFileIsTakenUpAndABadOneIsNot) {
  Verifier verifier("", "", TokensToo{Jwks()});
  const std::string foreign = ForeignKey().Sign(Header("ES256", "k2"), Claims("viewer").Text());
  EXPECT_FALSE(List(WithToken(verifier, foreign)).ok());
  verifier.site().Write("jwks.json", R"({"keys":[]})");
  EXPECT_TRUE(Eventually(
      [&] { return verifier.log().find("keys of the OpenID provider not taken up, the former are used on") != std::string::npos; }));
  EXPECT_TRUE(List(WithToken(verifier, Token("viewer"))).ok()) << "the last good set goes on";
  verifier.site().Write("jwks.json", provider::KeySet(ForeignKey().Jwk("k2")));
  EXPECT_TRUE(Eventually([&] { return List(WithToken(verifier, foreign)).ok(); }));
  EXPECT_TRUE(absl::IsUnauthenticated(List(WithToken(verifier, Token("viewer"))))) << "what the provider took out is out";
}

// The provider is away at the start: certificates serve, tokens wait.
TEST(Bearers, KeysAreFetchedFromTheProvider) {
  Site idp;
  auto listener = http::HttpListener::Listen("idp", "127.0.0.1:0", http::TlsPem{idp.Text("tls/server.pem"), idp.Text("tls/server.key")});
  ASSERT_TRUE(listener.ok()) << Message(listener.status());
  (*listener)->Add("/keys", [] { return http::Response{.content_type = "application/json", .body = Jwks()}; });
  const std::string where = Cat("https://", (*listener)->address(), "/keys");
  Verifier verifier("", "", TokensToo{"", Cat(", jwks_ca: \"", idp.File("tls/ca.pem"), "\""), where});
  EXPECT_TRUE(List(OperatorChannel(verifier.operators(), verifier.site(), "viewer")).ok());
  const absl::Status early = List(WithToken(verifier, Token("viewer")));
  EXPECT_TRUE(absl::IsUnauthenticated(early));
  EXPECT_THAT(Message(early), HasSubstr("its key set has not been fetched yet"));
  (*listener)->Serve();
  EXPECT_TRUE(Eventually([&] { return List(WithToken(verifier, Token("viewer"))).ok(); }));
}

TEST(Bearers, NoServerStartsWithoutTheFile) {
  Site site;
  std::string text = site.Text("assayd.yaml");
  text.insert(text.find("  roles:\n"), "  oidc: {issuer: \"https://idp.example\", audience: assay, jwks: absent.json}\n");
  site.Write("assayd.yaml", text);
  Process check({test::Program("assayd"), "config", "check", site.File("assayd.yaml")}, site.File("out"));
  EXPECT_EQ(check.Wait(), 7);
  EXPECT_THAT(site.Text("out"), HasSubstr("operator.oidc.jwks"));
  site.Write("absent.json", "{}");
  Process again({test::Program("assayd"), "config", "check", site.File("assayd.yaml")}, site.File("out2"));
  EXPECT_EQ(again.Wait(), 7);
  EXPECT_THAT(site.Text("out2"), HasSubstr("expected the provider's JWK set"));
  site.Write("absent.json", Jwks());
  Process good({test::Program("assayd"), "config", "check", site.File("assayd.yaml")}, site.File("out3"));
  EXPECT_EQ(good.Wait(), 0) << site.Text("out3");
}

// `assay` with --bearer-token-file, with the variable, with both ways to say who one is, and with none.
TEST(Bearers, TheCommandLineShowsATokenFromAFile) {
  Verifier verifier("", "", TokensToo{Jwks()});
  const Site& site = verifier.site();
  site.Write("token", Cat(Token("viewer"), "\n"));
  site.Write("two", Cat(Token("viewer"), "\n", Token("viewer"), "\n"));
  site.Write("empty", "\n");
  const std::vector<std::string> list = {test::Program("assay"), "verdict", "list", "--server", verifier.operators(), "--ca",
                                         site.File("tls/ca.pem")};
  struct Case {
    std::vector<std::string> more;
    int code;
    std::string_view message;
  };
  int number = 0;
  const auto run = [&](const Case& c) {
    std::vector<std::string> arguments = list;
    arguments.insert(arguments.end(), c.more.begin(), c.more.end());
    const std::string name = Cat("out", ++number);
    EXPECT_EQ(Process(arguments, site.File(name)).Wait(), c.code) << site.Text(name);
    EXPECT_THAT(site.Text(name), HasSubstr(std::string(c.message)));
    EXPECT_THAT(site.Text(name), Not(HasSubstr("eyJ"))) << "no part of a token is shown";
  };
  const std::string certificate = site.File("tls/viewer.pem"), key = site.File("tls/viewer.key"), token = site.File("token");
  for (const Case& c :
       {Case{{"--bearer-token-file", token}, 0, "RECORDED AT"}, Case{{"--cert", certificate, "--key", key}, 0, "RECORDED AT"},
        Case{{}, 2, "actual: neither"}, Case{{"--bearer-token-file", token, "--cert", certificate, "--key", key}, 2, "actual: both"},
        Case{{"--bearer-token-file", token, "--key", key}, 2, "actual: both"}, Case{{"--cert", certificate}, 2, "no --key"},
        Case{{"--key", key}, 2, "no --cert"}, Case{{"--bearer-token-file", site.File("absent")}, 2, "--bearer-token-file"},
        Case{{"--bearer-token-file", site.File("two")}, 2, "on one line"},
        Case{{"--bearer-token-file", site.File("empty")}, 2, "actual: nothing"}, Case{{"--bearer-token-file", key}, 2, "on one line"}}) {
    run(c);
  }
  ASSERT_EQ(::setenv("ASSAY_BEARER_TOKEN_FILE", token.c_str(), 1), 0);
  run({{}, 0, "RECORDED AT"});
  run({{"--cert", certificate, "--key", key}, 2, "$ASSAY_BEARER_TOKEN_FILE), actual: both"});
  ASSERT_EQ(::unsetenv("ASSAY_BEARER_TOKEN_FILE"), 0);
}

}  // namespace
}  // namespace assay::integration
