// One appraisal of evidence that the software TEE mints, with every input open to change.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "appraisal/appraiser.h"
#include "tests/softtee/dcap_evidence.h"
#include "tests/softtee/snp_evidence.h"

namespace assay::appraisal {

inline constexpr ByteArray<64> kDemanded = softtee::Ramp<64>(0x80);  // REPORT_DATA that the challenge demands

// Policies under which the default evidence is TRUSTED, and which any change below may break: they demand everything.
std::string QemuPolicy(std::string_view more_rules = {});
std::string AwsPolicy(std::string_view more_rules = {});
std::string TdxPolicy(std::string_view more_rules = {});

struct Appraising {
  softtee::SnpOptions evidence = {};
  std::optional<softtee::DcapOptions> quote = {};                                // set: this in its place
  std::vector<std::string> policies = {QemuPolicy(), AwsPolicy(), TdxPolicy()};  // texts
  std::string policy = {};                                                       // name; empty: the one of the evidence's platform
  std::string cluster = {};                                                      // not empty: the set of this context, role "worker"
  std::string platform_hint = {};                                                // "": inferred
  std::optional<trust::Challenge> challenge = {};                                // unset: demands kDemanded
  Time at = softtee::kDefaultNow;
  StateSnapshot state = {};
  bool simulated_anchors = true;  // false: this build's pins
  trust::FactCaches* caches = nullptr;
  std::vector<evidence::Item> more_items = {};

  // The evidence answers kDemanded.
  std::vector<evidence::Item> Items() const;
  v1::Appraisal Run() const;
  v1::Appraisal RunOn(const std::vector<evidence::Item>& items) const;
};

// The finding of that reason; nullptr: none.
const v1::Finding* FindingOf(const v1::Appraisal& appraisal, std::string_view reason);
v1::CheckResult ResultOf(const v1::Appraisal& appraisal, std::string_view check);
std::string Show(const v1::Appraisal& appraisal);  // verdict and findings, for messages

}  // namespace assay::appraisal
