// The form of conformance cases, assay-cases/1: what a cases.json says, decoded and checked, and nothing run yet.
//
// Promises: strict about its own form. An unknown member, operation or word is an error, because a case whose meaning
// is only half understood would pass for the wrong reason. Does not promise that the input files exist.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "tests/vectors/mutation.h"

namespace assay::vectors {

// Claims and statuses by name; values as compact JSON text with sorted members (json_text.h), so that expected and
// actual values are equal exactly if their texts are.
using Values = std::map<std::string, std::string>;

// What the evidence must answer; members that a case does not name were not demanded.
struct Bind {
  std::optional<Bytes> nonce;
  std::optional<Bytes> report_data;
  std::optional<Bytes> extra_data;

  bool Empty() const { return !nonce && !report_data && !extra_data; }
};

struct Expectation {
  bool authentic = false;
  std::vector<std::string> reasons;  // reason, then reason_also; empty if authentic
  Values status;
  Values claims;
};

struct Case {
  std::string id;
  std::string kind;
  std::map<std::string, std::vector<std::filesystem::path>> inputs;  // by role; paths are resolved
  std::vector<Mutation> mutations;                                   // in order
  Time at{};
  Bind bind;
  std::string parameters = {};  // compact JSON text; "" without any
  Expectation expected;
};

struct CaseFile {
  std::string area;
  std::vector<Case> cases;
};

// INVALID_ARGUMENT naming case and member. `folder` is where relative input paths start.
absl::StatusOr<CaseFile> ParseCaseFile(std::string_view json, const std::filesystem::path& folder);

}  // namespace assay::vectors
