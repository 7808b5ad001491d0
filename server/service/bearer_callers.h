// Who calls with a bearer token: from the authorization metadata of a call to an identity.
//
// Promises: exactly one token, in the scheme Bearer; everything that token/bearer.h checks, with the provider's keys as they are
// now. Why a token was refused is said without any of its signature. Thread-safe. Does not promise any role: authorization.h.
// Source: RFC 6750 section 2.1.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assay/v1/server_config.pb.h"
#include "base/clock.h"
#include "base/finding.h"
#include "service/provider_keys.h"

namespace assay::service {

struct TokenCaller {
  std::string identity;  // TokenIdentity (authorization.h)
  Time until;            // it is not believed from then on
};

class BearerCallers {
 public:
  BearerCallers(const v1::Oidc& config, ProviderKeys& keys, const Clock& clock);

  // `authorization`: every value of that name; not empty. Otherwise unauthenticated, with the check that failed.
  std::variant<TokenCaller, Finding> Authenticate(const std::vector<std::string_view>& authorization) const;

 private:
  const token::BearerExpectation expectation_;
  ProviderKeys& keys_;
  const Clock& clock_;
};

// Nobody, or two at once: what the listener says where it takes certificates and tokens.
Finding NoCaller(bool certificate_and_token);

}  // namespace assay::service
