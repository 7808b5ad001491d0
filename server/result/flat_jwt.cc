#include "result/flat_jwt.h"

#include <algorithm>

#include "base/hex.h"
#include "crypto/digest.h"
#include "token/flat_claims.h"
#include "token/jws.h"

namespace assay::result {
namespace {

constexpr std::size_t kDigestSize = std::tuple_size_v<crypto::Sha256Digest>;

bool IsDigest(const std::string& bytes) { return bytes.size() == kDigestSize && !AllZero(AsBytes(bytes)); }

// DESIGN: credentials are for nodes that the policy admits, never for simulated ones.
bool MayLogIn(const v1::Appraisal& appraisal) {
  const bool trusted = appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  return trusted && appraisal.admits() && !appraisal.simulated() && appraisal.authenticity() == v1::AUTHENTICITY_AUTHENTIC;
}

char LetterOf(v1::Strength strength) { return static_cast<char>('A' + (strength - v1::STRENGTH_A)); }

}  // namespace

std::optional<json::Value> FlatClaimsOf(const v1::VerdictRecord& record, const Issue& issue) {
  const v1::Appraisal& appraisal = record.appraisal();
  if (!MayLogIn(appraisal)) return std::nullopt;
  if (appraisal.strength() < v1::STRENGTH_A || appraisal.strength() > v1::STRENGTH_E) return std::nullopt;
  if (!appraisal.has_appraised_at() || !appraisal.has_valid_until() || !IsDigest(appraisal.instance_identity())) return std::nullopt;
  // Somebody else's key in cnf would hand the token to them.
  if (!issue.node_key || !Equal(issue.node_key->spki_sha256(), AsBytes(record.node_key_sha256()))) return std::nullopt;

  token::FlatClaims claims{.issuer = issue.issuer,
                           .subject = std::string(token::kFlatSubjectPrefix) + ToHex(AsBytes(appraisal.instance_identity())),
                           .token_id = record.id(),
                           .audience = {record.context().cluster()},
                           .issued_at = appraisal.appraised_at().seconds()};
  claims.not_before = claims.issued_at;
  claims.expires = std::min(claims.issued_at + kLongestTokenLifetime, std::int64_t{appraisal.valid_until().seconds()});
  if (claims.expires <= claims.issued_at) return std::nullopt;
  if (!token::AlgorithmFor(*issue.node_key).empty()) claims.holder = issue.node_key;
  claims.warnings = appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  claims.simulated = appraisal.simulated();
  claims.platform = appraisal.platform();
  claims.policy_set = appraisal.policy_set();
  claims.policy = appraisal.policy();
  claims.strength = LetterOf(appraisal.strength());
  claims.node_key_sha256 = ToBytes(AsBytes(record.node_key_sha256()));
  claims.appraisal_sha256 = ToBytes(AsBytes(record.appraisal_sha256()));
  for (const std::string& digest : appraisal.digests().evidence()) claims.evidence.push_back(ToBytes(AsBytes(digest)));

  // Whatever else the record lacks: a token that its own reader refuses is not issued.
  json::Value set = token::WriteFlat(claims);
  if (!token::ReadFlat(set)) return std::nullopt;
  return set;
}

}  // namespace assay::result
