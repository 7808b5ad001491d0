// What the checks of every kind of token share: which key signed it, and the claims that RFC 7519 registers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "base/clock.h"
#include "codec/json.h"
#include "token/jwk.h"
#include "token/jws.h"

namespace assay::token {

// The payload of a token that one of `keys` signed, the one that the token names: found by key id, with the algorithm that
// the key is for. `type`: header typ, where one is demanded. Runs token.form, token.key, token.algorithm, token.signature.
std::optional<json::Value> SignedPayload(std::string_view token, std::span<const Jwk> keys, const std::optional<std::string>& type,
                                         CheckLog& log);

// The payload of a token whose signature was verified. Runs token.form.
std::optional<json::Value> ReadPayload(const Jws& jws, CheckLog& log);

struct Window {
  std::int64_t issued_at;
  std::optional<std::int64_t> not_before, expires;
};
// Each runs the check of its name, token.window to token.holder.
bool CheckWindow(const Window& window, Duration skew, Time at, CheckLog& log);
// From iat to exp, more than nothing and at most `longest`.
bool CheckLifetime(std::int64_t issued_at, std::int64_t expires, Duration longest, CheckLog& log);
bool CheckIssuer(const std::string& issuer, const std::string& expected, CheckLog& log);
bool CheckAudience(const std::vector<std::string>& audience, const std::string& expected, CheckLog& log);
bool CheckHolder(const std::optional<crypto::PublicKey>& holder, const crypto::PublicKey& expected, CheckLog& log);

// Text of a token in a finding, and a finding at a claim.
std::string Shown(std::string_view text);
Finding AtClaim(Reason reason, std::string claim, std::string expected, std::string actual);

}  // namespace assay::token
