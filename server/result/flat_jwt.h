// From a verdict to the flat JWT that a node logs in with, or to none: this is where credentials are refused.
//
// Promises: a pure function. No claims unless the record's appraisal is authentic, not simulated, trusts the node
// (TRUSTED, or TRUSTED_WITH_WARNINGS) and admits it, names an instance, and is about the key that cnf would name. Times: iat
// is the time of appraisal; exp is at most ten minutes later, and never behind the last second of the verdict.
// Does not promise: that the verdict still stands: a revoked one is for the caller to refuse. Tokens end soon for that reason.
#pragma once

#include <optional>

#include "assay/v1/verdict_record.pb.h"
#include "codec/json.h"
#include "result/ear_of.h"

namespace assay::result {

// The claims set to sign (header typ "JWT"). Of `issue`, issuer and node_key count. Subject: "attested-node:" and the
// instance identity in hexadecimal; audience: the cluster; jti: the verdict's id.
std::optional<json::Value> FlatClaimsOf(const v1::VerdictRecord& record, const Issue& issue);

}  // namespace assay::result
