// Checkers of the kinds ear-token, ear-endorsement and ear-claims: what a relying party does, by the library it would use.
#include <array>
#include <utility>

#include "base/strings.h"
#include "client/relying_party/check_token.h"
#include "codec/cbor.h"
#include "crypto/certificate.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/json_text.h"

namespace assay::vectors {
namespace {

void NoteClaims(const token::EarClaims& claims, Observation& observation) {
  observation.claims["eat_profile"] = JsonString(token::UriOf(claims.profile));
  observation.claims["iat"] = JsonNumber(static_cast<std::uint64_t>(claims.issued_at));
  std::map<std::string, std::string> status;
  for (const token::EarSubmodule& submodule : claims.submodules) status[submodule.label] = JsonString(NameOf(submodule.status));
  observation.claims["status"] = JsonObject(status);
}

// The cases ask what the token says, not whether it is good news.
relying_party::Expectation WhateverItSays() { return {.keys = {}, .skew = Duration{0}, .affirming = false}; }

Observation Conclude(CheckLog log, bool authentic) {
  Observation observation;
  observation.against = log.findings();
  observation.authentic = authentic && observation.against.empty();
  return observation;
}

Observation RunToken(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* given = inputs.One("token");
  const Bytes* key = inputs.One("key");
  if (given == nullptr) {
    observation.fault = "the case has no token";
    return observation;
  }
  relying_party::Expectation expectation = WhateverItSays();
  if (key != nullptr) {
    Outcome<std::vector<token::Jwk>> keys = token::ReadKeys(AsText(*key));
    if (!keys) {
      observation.against = keys.findings();
      return observation;
    }
    expectation.keys = std::move(keys).value();
  }
  std::string_view text = AsText(*given);
  if (text.ends_with('\n')) text.remove_suffix(1);  // of the file, not of the token
  CheckLog log;
  const std::optional<token::EarClaims> claims = relying_party::CheckToken(text, expectation, conformance_case.at, log);
  observation = Conclude(std::move(log), claims.has_value());
  if (claims) NoteClaims(*claims, observation);
  return observation;
}

Observation RunEndorsement(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* key = inputs.One("jwk");
  const Bytes* trust = inputs.One("trust");
  if (key == nullptr || trust == nullptr) {
    observation.fault = "the case has no jwk or no trust";
    return observation;
  }
  const Outcome<json::Value> tree = json::Parse(AsText(*key));
  const Outcome<token::Jwk> jwk = tree ? token::ReadJwk(*tree) : Outcome<token::Jwk>(tree.findings());
  const auto trusted = crypto::CertificatesFrom(*trust, "trust");
  if (!jwk || !trusted) {
    observation.against = jwk ? trusted.findings() : jwk.findings();
    return observation;
  }
  CheckLog log;
  const bool endorsed = token::CheckEndorsement(*jwk, *trusted, conformance_case.at, log);
  return Conclude(std::move(log), endorsed);
}

Outcome<token::EarClaims> ReadClaimsSet(const Bytes& bytes) {
  if (!bytes.empty() && bytes.front() == '{') {
    const Outcome<json::Value> tree = json::Parse(AsText(bytes));
    return tree ? token::ReadEar(*tree) : Outcome<token::EarClaims>(tree.findings());
  }
  const Outcome<cbor::Value> tree = cbor::Parse(bytes, "claims", {.indefinite = true});
  return tree ? token::ReadEar(*tree) : Outcome<token::EarClaims>(tree.findings());
}

Observation RunClaims(const Case&, const Inputs& inputs) {
  Observation observation;
  const Bytes* given = inputs.One("claims_set");
  if (given == nullptr) {
    observation.fault = "the case has no claims_set";
    return observation;
  }
  const Outcome<token::EarClaims> claims = ReadClaimsSet(*given);
  observation.authentic = claims.ok();
  if (claims) NoteClaims(*claims, observation);
  else observation.against = claims.findings();
  return observation;
}

}  // namespace

std::span<const Checker> EarCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({
      {"ear-claims", &RunClaims},
      {"ear-endorsement", &RunEndorsement},
      {"ear-token", &RunToken},
  });
  return kCheckers;
}

}  // namespace assay::vectors
