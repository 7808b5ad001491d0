#include "http/endpoints.h"

#include <chrono>
#include <utility>

#include "base/bug.h"
#include "base/strings.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "telemetry/metrics.h"

namespace assay::http {
namespace {

constexpr std::chrono::seconds kKeep{300};
constexpr char kJson[] = "application/json";
constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kJwksPath[] = "/.well-known/jwks.json";

json::Value ArrayOf(std::string_view only) {
  json::Value array = json::Value::MakeArray();
  array.Append(json::Value::String(only));
  return array;
}

std::string Discovery(std::string_view issuer) {
  json::Value document = json::Value::MakeObject();
  document.Add("issuer", json::Value::String(issuer));
  document.Add("jwks_uri", json::Value::String(Cat(issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer, kJwksPath)));
  document.Add("id_token_signing_alg_values_supported", ArrayOf("ES256"));
  document.Add("response_types_supported", ArrayOf("id_token"));
  document.Add("subject_types_supported", ArrayOf("public"));
  Outcome<std::string> text = json::Canonical(document);
  ASSAY_CHECK(text.ok());
  return std::move(text).value();
}

}  // namespace

void RegisterDiscovery(HttpListener& listener, const std::string& issuer, std::function<std::string()> jwks) {
  listener.Add("/.well-known/openid-configuration",
               [document = Discovery(issuer)] { return Response{.content_type = kJson, .body = document, .max_age = kKeep}; });
  listener.Add(kJwksPath,
               [jwks = std::move(jwks)] { return Response{.content_type = "application/jwk-set+json", .body = jwks(), .max_age = kKeep}; });
}

void RegisterHealthAndMetrics(HttpListener& listener, std::function<bool()> live, std::function<Readiness()> ready,
                              std::function<std::string()> metrics) {
  listener.Add("/live", [live = std::move(live)] {
    const bool alive = live();
    return Response{.status = alive ? 200 : 503, .content_type = kText, .body = alive ? "live\n" : "not live\n"};
  });
  listener.Add("/ready", [ready = std::move(ready)] {
    const Readiness readiness = ready();
    return Response{.status = readiness.ready ? 200 : 503, .content_type = kText, .body = readiness.text + "\n"};
  });
  listener.Add("/metrics", [metrics = std::move(metrics)] {
    return Response{.content_type = std::string(telemetry::Metrics::kContentType), .body = metrics()};
  });
}

}  // namespace assay::http
