#include "client/cli/verdict_view.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "appraisal/appraiser.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/table.h"
#include "client/cli/text_width.h"
#include "codec/json.h"

namespace assay::cli {
namespace {

constexpr std::size_t kLabelWidth = 16;

std::string TimeOf(const google::protobuf::Timestamp& timestamp) { return FormatTime(Time{std::chrono::seconds{timestamp.seconds()}}); }

std::string_view NameOf(v1::Freshness freshness) {
  switch (freshness) {
    case v1::FRESHNESS_PROVEN: return "proven: the evidence answers this challenge";
    case v1::FRESHNESS_SKIPPED: return "skipped: unknown when and for whom the evidence was made";
    default: return "not proven";
  }
}

std::string_view NameOf(v1::Strength strength) {
  switch (strength) {
    case v1::STRENGTH_A: return "A  hardware report, fresh and bound, covers the boot state";
    case v1::STRENGTH_B: return "B  hardware report binds a vTPM that covers the boot state";
    case v1::STRENGTH_C: return "C  hardware report, but the boot state is not covered";
    case v1::STRENGTH_D: return "D  no hardware report; a provider vouches for the key";
    case v1::STRENGTH_E: return "E  the host runs the TPM; nobody but an operator vouches for its key";
    default: return "none: nothing was authenticated";
  }
}

std::string_view NameOf(v1::CheckResult result) {
  switch (result) {
    case v1::CHECK_RESULT_PASSED: return "passed";
    case v1::CHECK_RESULT_FAILED: return "FAILED";
    case v1::CHECK_RESULT_WAIVED: return "waived";
    case v1::CHECK_RESULT_SKIPPED: return "skipped";
    default: return "unknown";
  }
}

std::string_view NameOf(v1::Effect effect) {
  switch (effect) {
    case v1::EFFECT_NOTE: return "note";
    case v1::EFFECT_WARN: return "warning";
    case v1::EFFECT_INDETERMINATE: return "undecided";
    case v1::EFFECT_REJECT: return "rejected";
    default: return "unknown";
  }
}

std::string ShowClaim(const v1::Claim& claim) {
  switch (claim.value_case()) {
    case v1::Claim::kFlag: return claim.flag() ? "true" : "false";
    case v1::Claim::kNumber: return Cat(claim.number());
    case v1::Claim::kText: return Printable(claim.text());
    case v1::Claim::kOctets: return ToHexBounded(AsBytes(claim.octets()));
    case v1::Claim::kVersion: {
      std::string text;
      for (const auto& component : claim.version().components()) {
        text += Cat(text.empty() ? "" : ", ", Printable(component.name()), " ", component.number());
      }
      return text;
    }
    case v1::Claim::VALUE_NOT_SET: break;
  }
  return "";
}

class VerdictWriter {
 public:
  VerdictWriter(const v1::Appraisal& appraisal, const VerdictViewOptions& options, const Style& style)
      : appraisal_(appraisal), options_(options), style_(style) {}

  std::string Write() {
    const std::string badge = Badge(appraisal_);
    if (options_.ended.empty()) text_ = Cat(Coloured(badge), "\n");
    else {
      text_ = Cat(style_.Bad(options_.ended), "\n");
      Line("was", badge);
    }
    WriteSummary();
    WriteTrustBoundary();
    WriteFindings();
    if (options_.verbose) WriteDetails();
    return std::move(text_);
  }

 private:
  std::string Coloured(std::string_view badge) const {
    switch (appraisal_.verdict()) {
      case v1::VERDICT_TRUSTED: return style_.Good(badge);
      case v1::VERDICT_TRUSTED_WITH_WARNINGS: return style_.Warning(badge);
      case v1::VERDICT_INDETERMINATE: return style_.Warning(badge);
      default: return style_.Bad(badge);
    }
  }

  void Line(std::string_view label, std::string_view value) {
    if (!value.empty()) text_ += Cat(Padded(label, kLabelWidth), Printable(value, 1024), "\n");
  }
  template <typename Values>
  void Lines(std::string_view label, const Values& values) {
    for (const auto& value : values) {
      Line(label, value);
      label = "";
    }
  }
  static std::string WithOrigin(std::string_view value, std::string_view origin) {
    return origin.empty() ? std::string(value) : Cat(value, "  (", origin, ")");
  }

  void WriteSummary() {
    Line("authentication", appraisal_.authenticity() == v1::AUTHENTICITY_AUTHENTIC ? "authentic" : "not authentic");
    Line("platform", WithOrigin(appraisal_.platform().empty() ? "unknown" : appraisal_.platform(), options_.platform_origin));
    Line("policy", WithOrigin(appraisal_.policy().empty() ? "none" : appraisal_.policy(), options_.policy_origin));
    Line("policy set", appraisal_.policy_set());
    Line("release", appraisal_.release());
    Line("strength", NameOf(appraisal_.strength()));
    Line("freshness", NameOf(appraisal_.freshness()));
    if (!appraisal_.cloud_provenance().empty()) Line("provenance", appraisal_.cloud_provenance());
    Line("appraised at", TimeOf(appraisal_.appraised_at()));
    Line("valid until", appraisal_.has_valid_until() ? TimeOf(appraisal_.valid_until()) : "never: rely on no part of this");
    if (appraisal_.simulated()) Line("simulated", "the anchors are those of the software TEE: nothing here is about real hardware");
  }

  void WriteTrustBoundary() {
    const v1::TrustBoundary& boundary = appraisal_.trust_boundary();
    if (boundary.trusted_parties().empty() && boundary.not_proven().empty() && boundary.features().empty()) return;
    Heading("trust boundary");
    Lines("  must trust", boundary.trusted_parties());
    Lines("  not proven", boundary.not_proven());
    Line("  features", Join(boundary.features(), ", "));
  }

  void WriteFindings() {
    if (!appraisal_.missing_collateral().empty()) {
      Heading("missing collateral");
      for (const std::string& key : appraisal_.missing_collateral()) text_ += Cat("  ", Printable(key, 512), "\n");
    }
    if (appraisal_.findings().empty()) return;
    Heading("findings");
    for (const v1::Finding& finding : appraisal_.findings()) WriteFinding(finding);
  }

  void WriteFinding(const v1::Finding& finding) {
    const std::string effect = Padded(NameOf(finding.effect()), 10);
    text_ += Cat("  ",
                 finding.effect() == v1::EFFECT_REJECT ? style_.Bad(effect)
                 : finding.effect() == v1::EFFECT_NOTE ? style_.Faint(effect)
                                                       : style_.Warning(effect),
                 Printable(finding.reason()), " (", finding.code(), ")\n");
    const auto detail = [&](std::string_view label, std::string_view value) {
      if (!value.empty()) text_ += Cat("            ", Padded(label, 10), Printable(value, 1024), "\n");
    };
    detail("where", finding.claim().empty()       ? finding.component()
                    : finding.component().empty() ? finding.claim()
                                                  : Cat(finding.component(), ": ", finding.claim()));
    detail("expected", finding.expected());
    detail("actual", finding.actual());
    detail("waived", finding.waived_because());
    detail("remedy", finding.remedy());
    detail("spec", finding.spec());
  }

  void WriteDetails() {
    Table claims;
    for (const v1::Claim& claim : appraisal_.claims()) {
      claims.Add({Printable(claim.name()), ShowClaim(claim), Printable(claim.component())});
    }
    WriteTable("claims", claims);
    Table checks;
    for (const v1::Check& check : appraisal_.checks()) checks.Add({std::string(NameOf(check.result())), Printable(check.name())});
    WriteTable("checks", checks);
    Table parts;
    for (const v1::Part& part : appraisal_.parts()) {
      parts.Add({Printable(part.component()), Cat("by ", Printable(part.authenticated_by())), Printable(part.vouched_by()),
                 part.carrier() ? "carrier" : ""});
    }
    WriteTable("parts", parts);
    Table windows;
    for (const v1::ValidityWindow& window : appraisal_.windows()) {
      windows.Add({Printable(window.component()), TimeOf(window.not_before()), TimeOf(window.not_after())});
    }
    WriteTable("valid from, to", windows);
    WriteDigests();
  }

  void WriteDigests() {
    Table digests;
    const auto add = [&](std::string name, const std::string& digest) {
      if (!digest.empty()) digests.Add({std::move(name), ToHex(AsBytes(digest))});
    };
    for (const std::string& digest : appraisal_.digests().evidence()) add("evidence", digest);
    add("collateral", appraisal_.digests().collateral());
    add("policy", appraisal_.digests().policy());
    add("anchors", appraisal_.digests().anchors());
    add("state", appraisal_.digests().state());
    add("challenge", appraisal_.digests().challenge());
    add("instance", appraisal_.instance_identity());
    WriteTable("digests (SHA-256)", digests);
    if (!appraisal_.engine().empty()) text_ += Cat("\n", Padded("engine", kLabelWidth), Printable(appraisal_.engine()), "\n");
  }

  void Heading(std::string_view heading) { text_ += Cat("\n", style_.Strong(heading), "\n"); }
  void WriteTable(std::string_view heading, const Table& table) {
    if (table.empty()) return;
    Heading(heading);
    text_ += table.ToText("  ");
  }

  const v1::Appraisal& appraisal_;
  const VerdictViewOptions& options_;
  const Style& style_;
  std::string text_;
};

}  // namespace

std::string Badge(const v1::Appraisal& appraisal) {
  std::string badge;
  switch (appraisal.verdict()) {
    case v1::VERDICT_TRUSTED: badge = "TRUSTED"; break;
    case v1::VERDICT_TRUSTED_WITH_WARNINGS: badge = "TRUSTED WITH WARNINGS"; break;
    case v1::VERDICT_INDETERMINATE: badge = "INDETERMINATE"; break;
    default: badge = "REJECTED";
  }
  return appraisal.simulated() ? badge + " (simulated)" : badge;
}

std::string VerdictText(const v1::Appraisal& appraisal, const VerdictViewOptions& options, const Style& style) {
  return VerdictWriter(appraisal, options, style).Write();
}

std::string StructuredAppraisal(OutputFormat format, const v1::Appraisal& appraisal) {
  const std::string canonical = appraisal::CanonicalJson(appraisal);
  if (format == OutputFormat::kJson) return Cat(canonical, "\n");
  const auto tree = json::Parse(canonical, "appraisal", {.bytes = std::string::npos});
  return ToYaml(*tree);
}

ExitCode ExitCodeOf(const v1::Appraisal& appraisal) {
  if (appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS) return ExitCode::kOk;
  if (appraisal.verdict() == v1::VERDICT_INDETERMINATE) return ExitCode::kIndeterminate;
  const bool malformed = std::any_of(appraisal.findings().begin(), appraisal.findings().end(), [](const v1::Finding& finding) {
    return finding.stage() == v1::STAGE_PARSE && finding.effect() == v1::EFFECT_REJECT;
  });
  return malformed ? ExitCode::kMalformed : ExitCode::kNotTrusted;
}

}  // namespace assay::cli
