#include "http/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/strings.h"
#include "telemetry/metrics.h"
#include "tests/unit/http/client.h"

namespace assay::http {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<HttpListener> Listening() {
  auto listener = HttpListener::Listen("http", "127.0.0.1:0", std::nullopt);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

TEST(Discovery, LeadsToTheKeys) {
  const auto listener = Listening();
  RegisterDiscovery(*listener, "https://verifier.example", [] { return std::string(R"({"keys":[]})"); });
  listener->Serve();
  Client client(listener->address());
  const Received discovery = client.Get("/.well-known/openid-configuration");
  EXPECT_EQ(discovery.status, 200);
  EXPECT_EQ(discovery.headers.at("content-type"), "application/json");
  EXPECT_EQ(discovery.headers.at("cache-control"), "max-age=300");
  EXPECT_EQ(discovery.body, R"({"id_token_signing_alg_values_supported":["ES256"],"issuer":"https://verifier.example",)"
                            R"("jwks_uri":"https://verifier.example/.well-known/jwks.json","response_types_supported":["id_token"],)"
                            R"("subject_types_supported":["public"]})");
  const Received keys = client.Get("/.well-known/jwks.json");
  EXPECT_EQ(keys.status, 200);
  EXPECT_EQ(keys.headers.at("content-type"), "application/jwk-set+json");
  EXPECT_EQ(keys.headers.at("cache-control"), "max-age=300");
  EXPECT_EQ(keys.body, R"({"keys":[]})");
  for (const char* path : {"/.well-known/", "/.well-known/jwks", "/metrics", "/ready", "/live"}) {
    EXPECT_EQ(client.Get(path).status, 404) << path;
  }
}

TEST(Discovery, KeysAreThoseOfTheMoment) {
  const auto listener = Listening();
  std::atomic<int> asked = 0;
  RegisterDiscovery(*listener, "https://verifier.example/", [&] { return std::to_string(++asked); });
  listener->Serve();
  Client client(listener->address());
  EXPECT_EQ(client.Get("/.well-known/jwks.json").body, "1");
  EXPECT_EQ(client.Get("/.well-known/jwks.json").body, "2");
  const std::string document = client.Get("/.well-known/openid-configuration").body;
  EXPECT_THAT(document, HasSubstr(R"("issuer":"https://verifier.example/")"));  // as in tokens
  EXPECT_THAT(document, HasSubstr(R"("jwks_uri":"https://verifier.example/.well-known/jwks.json")"));
}

TEST(Discovery, AnIssuerCannotLeaveItsQuotes) {
  const auto listener = Listening();
  RegisterDiscovery(*listener, R"(https://x","issuer":"https://evil)", [] { return std::string(); });
  listener->Serve();
  EXPECT_THAT(Client(listener->address()).Get("/.well-known/openid-configuration").body,
              HasSubstr(R"("issuer":"https://x\",\"issuer\":\"https://evil")"));
}

TEST(Health, SaysWhatIsTheCase) {
  const auto listener = Listening();
  std::atomic<bool> live = true, ready = false;
  telemetry::Metrics metrics("1.2.3", {});
  RegisterHealthAndMetrics(
      *listener, [&] { return live.load(); },
      [&] {
        return Readiness{ready, ready ? "ready" : "store: the disk is full"};
      },
      [&] { return metrics.Expose(); });
  listener->Serve();
  Client client(listener->address());

  EXPECT_EQ(client.Get("/live").status, 200);
  Received received = client.Get("/ready");
  EXPECT_EQ(received.status, 503);
  EXPECT_EQ(received.body, "store: the disk is full\n");
  EXPECT_EQ(received.headers.at("cache-control"), "no-store");

  live = false;
  ready = true;
  EXPECT_EQ(client.Get("/live").status, 503);
  received = client.Get("/ready");
  EXPECT_EQ(received.status, 200);
  EXPECT_EQ(received.body, "ready\n");

  received = client.Get("/metrics");
  EXPECT_EQ(received.status, 200);
  EXPECT_EQ(received.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(received.body, HasSubstr(R"(assay_build_info{version="1.2.3"} 1)"));
  EXPECT_EQ(client.Get("/.well-known/jwks.json").status, 404);
}

}  // namespace
}  // namespace assay::http
