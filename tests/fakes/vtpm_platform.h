// A platform of the tests: a virtual TPM whose attestation key nobody's certificate vouches for, only an operator or an activation.
#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "appraisal/registry.h"
#include "evidence/tpm/format.h"
#include "platform/binding/vtpm.h"
#include "platform/platform.h"

namespace assay::fakes {

inline bool FitsAVtpm(std::span<const evidence::Item> items) { return platform::FitsVtpm(items, tpm::kOperatorProfile); }

inline std::optional<trust::Bundle> AuthenticateAVtpm(std::span<const evidence::Item> items, const evidence::AuthenticationContext& context,
                                                      CheckLog& log) {
  std::optional<tpm::TpmItems> parsed = tpm::ParseItems(items, context.caches, log);
  if (!parsed) return std::nullopt;
  std::optional<tpm::VouchedAk> ak = tpm::VouchForAk(*parsed, nullptr, context, log);
  if (!ak) return std::nullopt;
  const std::vector<tpm::PcrSelection> demanded = tpm::AllOfSha256();
  return tpm::CarryQuote(*std::move(parsed), *std::move(ak), &demanded, context, log);
}

inline const evidence::Format* const kVtpmOnly[] = {&tpm::kFormat};
inline const platform::Platform kVtpmPlatform{
    .name = "test_vtpm",
    .summary = "a virtual TPM of a test",
    .manifest = platform::kVtpmManifest,
    .formats = kVtpmOnly,
    .fits = &FitsAVtpm,
    .identity_hint = &platform::VtpmIdentityHint,
    .authenticate = &AuthenticateAVtpm,
    .provenance = [](const trust::AuthenticatedClaims&, const evidence::JudgeContext&) { return evidence::Provenance::kInferred; },
    .strength = [](const trust::Bundle&, const platform::AppraisedFacts&) { return platform::Strength::kD; },
    .trust_boundary = [](const trust::Bundle& bundle,
                         const platform::AppraisedFacts& facts) { return platform::VtpmBoundary(bundle, facts); },
};

// `builtin` and the platform above. `builtin` outlives it.
class RegistryWithVtpm {
 public:
  explicit RegistryWithVtpm(const appraisal::Registry& builtin)
      : platforms_(builtin.platforms.begin(), builtin.platforms.end()), registry_{builtin.formats, {}} {
    platforms_.push_back(&kVtpmPlatform);
    std::sort(platforms_.begin(), platforms_.end(),
              [](const platform::Platform* a, const platform::Platform* b) { return a->name < b->name; });
    registry_.platforms = platforms_;
  }
  RegistryWithVtpm(const RegistryWithVtpm&) = delete;
  const appraisal::Registry& get() const { return registry_; }

 private:
  std::vector<const platform::Platform*> platforms_;
  appraisal::Registry registry_;
};

// A policy for it, and the set of cluster "vtpm", role "worker".
inline constexpr std::string_view kVtpmPolicy = R"(apiVersion: assay.v1
kind: AppraisalPolicy
name: test-vtpm
platform: test_vtpm
strength: {at_least: D}
trust_boundary: {require: []}
max_validity: 1h
admit_with_warnings: false
rules:
  - {claim: tpm.ak_trust, one_of: [activation, enrolment]}
  - {claim: tpm.revocation, one_of: [checked, not_published, no_certificate]}
waive:
  - {claim: boot.covered, reason: a test}
  - {claim: owner, reason: a test}
)";
inline constexpr std::string_view kVtpmSet = R"(apiVersion: assay.v1
kind: PolicySet
name: vtpm-workers
context: {cluster: vtpm, role: [worker]}
strength: {at_least: D}
trust_boundary: {require: []}
policies: [test-vtpm]
)";

}  // namespace assay::fakes
