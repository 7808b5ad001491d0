// Rules and values of policy files, checked against the claim tables of the platform's formats. docs/policies.md.
//
// Promises: a rule that was read can hold for some evidence and fail for other: lists that allow nothing and operands
// that allow everything are refused, as is a rule that would demand what only a waiver may accept. Does not promise
// that the policy as a whole answers everything it must: the loader sees to that.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "appraisal/lint.h"
#include "appraisal/policy.h"
#include "evidence/format.h"
#include "platform/platform.h"

namespace assay::appraisal {

// Why no rule may be on the claim on that platform; empty: one may.
std::string_view WhyMeaningless(const platform::Platform& platform, std::string_view claim);

// Reads rules for one platform; with nullptr, values of claims of any format (reference values name no platform).
class RuleReader {
 public:
  RuleReader(const Registry& registry, const platform::Platform* platform, Lint& lint)
      : registry_(registry), platform_(platform), lint_(lint) {}

  // nullopt after saying why.
  std::optional<Rule> Read(const yaml::Node& node);
  // Of a claim's type and exact size. A status is one that can pass.
  std::optional<trust::Value> ReadValue(const yaml::Node& node, const evidence::ClaimSpec& claim);
  // A claim of the platform's formats, or cloud.provenance; nullptr after saying so.
  const evidence::ClaimSpec* FindClaim(const yaml::Position& position, std::string_view name);

 private:
  std::optional<Rule> ReadRelease(const yaml::Node& node);
  std::optional<Rule> ReadAnyOf(const yaml::Node& node);
  std::optional<Rule> ReadClaimRule(const yaml::Node& node);
  bool ReadOperand(RuleKind kind, const yaml::Node& node, const evidence::ClaimSpec& claim, Rule& rule);
  std::optional<std::string> ReadStatus(const yaml::Node& node, const evidence::ClaimSpec& claim);
  std::optional<std::uint64_t> ReadBits(const yaml::Node& node, const evidence::ClaimSpec& claim);
  bool ReadValues(const yaml::Node& node, const evidence::ClaimSpec& claim, Rule& rule);
  bool ReadMasked(const yaml::Node& node, const evidence::ClaimSpec& claim, Rule& rule);
  bool ReadLimit(const yaml::Node& node, const evidence::ClaimSpec& claim, Rule& rule);
  bool ReadNames(const yaml::Node& node, Rule& rule);
  bool ReadFloors(const yaml::Node& node, Rule& rule);

  const Registry& registry_;
  const platform::Platform* platform_;
  Lint& lint_;
  bool inside_any_of_ = false;
};

}  // namespace assay::appraisal
