// What stands on the HTTP listeners. docs/operations.md.
#pragma once

#include <functional>
#include <string>

#include "http/http_listener.h"

namespace assay::http {

// /.well-known/openid-configuration (OpenID Connect Discovery 1.0) and /.well-known/jwks.json (RFC 7517). Both may be kept
// for five minutes: a new key must be published that long before it signs. `issuer` as it stands in tokens.
void RegisterDiscovery(HttpListener& listener, const std::string& issuer, std::function<std::string()> jwks);

struct Readiness {
  bool ready = false;
  std::string text;  // why not, or what is ready: a line for people, no secrets
};

// /live, /ready (200, or 503 with the reason) and /metrics. `live` false is 503: restart this process.
void RegisterHealthAndMetrics(HttpListener& listener, std::function<bool()> live, std::function<Readiness()> ready,
                              std::function<std::string()> metrics);

}  // namespace assay::http
