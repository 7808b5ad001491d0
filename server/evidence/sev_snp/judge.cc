#include "evidence/sev_snp/judge.h"

#include <algorithm>

#include "base/hex.h"
#include "base/strings.h"
#include "evidence/sev_snp/bits.h"
#include "evidence/sev_snp/report.h"

namespace assay::sev_snp {
namespace {

using trust::AuthenticatedClaims;
using trust::ComponentVersion;

bool AtMost(const ComponentVersion& lower, const ComponentVersion& upper) {
  return lower.components.size() == upper.components.size() &&
         std::equal(
             lower.components.begin(), lower.components.end(), upper.components.begin(),
             [](const trust::VersionComponent& a, const trust::VersionComponent& b) { return a.name == b.name && a.number <= b.number; });
}

void RequireOrder(const AuthenticatedClaims& claims, std::string_view lower_name, std::string_view upper_name, CheckLog& log) {
  const auto* lower = claims.Get<ComponentVersion>(lower_name);
  const auto* upper = claims.Get<ComponentVersion>(upper_name);
  log.Require(Check::kSnpTcbOrder, lower != nullptr && upper != nullptr && AtMost(*lower, *upper), [&] {
    return Finding{.reason = Reason::kTcbOrder,
                   .component = std::string(kReportComponent),
                   .claim = std::string(lower_name),
                   .expected = Cat("at most ", upper_name, " (", upper == nullptr ? "absent" : trust::ShowValue(*upper), ")"),
                   .actual = lower == nullptr ? "absent" : trust::ShowValue(*lower)};
  });
}

bool Flag(const AuthenticatedClaims& claims, std::string_view name) {
  const bool* flag = claims.Get<bool>(name);
  return flag != nullptr && *flag;
}

}  // namespace

evidence::Provenance ProvenanceOf(const AuthenticatedClaims& claims, const evidence::JudgeContext& context) {
  const auto* signing_key = claims.Get<std::string>("snp.signing_key");
  const auto* chip_id = claims.Get<Bytes>("snp.chip_id");
  if (signing_key == nullptr || chip_id == nullptr) return evidence::Provenance::kInferred;
  const bool proven =
      *signing_key == NameOf(SigningKey::kVlek) ? context.Pins("snp.csp_id") : !AllZero(*chip_id) && context.Pins("snp.chip_id");
  return proven ? evidence::Provenance::kProven : evidence::Provenance::kInferred;
}

void Judge(const AuthenticatedClaims& claims, const evidence::JudgeContext& context, CheckLog& log) {
  const auto* version = claims.Get<std::uint64_t>("snp.version");
  if (version == nullptr) return;  // no SEV-SNP report in this bundle
  const std::string component(kReportComponent);

  RequireOrder(claims, "snp.reported_tcb", "snp.committed_tcb", log);
  RequireOrder(claims, "snp.committed_tcb", "snp.current_tcb", log);
  RequireOrder(claims, "snp.launch_tcb", "snp.current_tcb", log);

  log.Require(Check::kSnpVersionAllowed, (*version != 2 && *version != 4) || context.NamesValue("snp.version", *version), [&] {
    return Finding{.reason = Reason::kReportVersionNotAllowed,
                   .component = component,
                   .claim = "snp.version",
                   .expected = "3 or 5, or a rule that names this version",
                   .actual = std::to_string(*version)};
  });

  const auto* report_id_ma = claims.Get<Bytes>("snp.report_id_ma");
  if (!Flag(claims, "snp.policy_migrate_ma")) {
    log.Require(Check::kMigration, report_id_ma != nullptr && AllEqualTo(*report_id_ma, 0xFF), [&] {
      return Finding{.reason = Reason::kInconsistentClaims,
                     .component = component,
                     .claim = "snp.report_id_ma",
                     .expected = "all ones, as the policy allows no migration agent",
                     .actual = report_id_ma == nullptr ? "absent" : ToHex(*report_id_ma)};
    });
  }
  const auto* author_key_digest = claims.Get<Bytes>("snp.author_key_digest");
  if (!Flag(claims, "snp.author_key_en") && author_key_digest != nullptr && !AllZero(*author_key_digest)) {
    log.Add({.reason = Reason::kInconsistentClaims,
             .component = component,
             .claim = "snp.author_key_digest",
             .expected = "zero without AUTHOR_KEY_EN",
             .actual = ToHex(*author_key_digest)});
  }

  const auto* platform_info = claims.Get<std::uint64_t>("snp.platform_info");
  log.Require(Check::kSnpPlatformInfoBits, platform_info != nullptr && (*platform_info & ~kPlatformInfoKnown) == 0, [&] {
    return Finding{.reason = Reason::kUnknownBits,
                   .effect = Effect::kWarn,
                   .component = component,
                   .claim = "snp.platform_info",
                   .expected = "bits 0 to 7",
                   .actual = platform_info == nullptr ? "absent" : std::to_string(*platform_info)};
  });

  const auto* product = claims.Get<std::string>("snp.product");
  const bool extractable = product != nullptr && *product == NameOf(Product::kMilan);
  log.Require(Check::kSnpKeyExtraction, !extractable || ProvenanceOf(claims, context) == evidence::Provenance::kProven, [&] {
    return Finding{.reason = Reason::kKeyExtractable,
                   .effect = Effect::kWarn,
                   .component = component,
                   .claim = "snp.product",
                   .expected = "a pinned snp.chip_id (VCEK) or snp.csp_id (VLEK) on Milan",
                   .actual = "neither is pinned by the policy",
                   .spec = "arXiv 2605.12990"};
  });
}

}  // namespace assay::sev_snp
