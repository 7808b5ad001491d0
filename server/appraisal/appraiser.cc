#include "appraisal/appraiser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "appraisal/rules.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "crypto/digest.h"

namespace assay::appraisal {
namespace {

using platform::Feature;
using platform::Strength;

constexpr std::string_view kBootCoveredClaim = "boot.covered";
constexpr std::string_view kOwnerClaim = "owner";

// --- which platform, which policy ---------------------------------------------------------------------------------

struct Section {
  const platform::Platform* platform;
  const Policy* policy;
};

// The only section whose manifest these items keep to, whatever they look like inside.
std::optional<Section> OnlyTaker(const std::vector<Section>& sections, std::span<const evidence::Item> items) {
  std::optional<Section> taker;
  for (const Section& section : sections) {
    CheckLog unused;
    if (!platform::CheckManifest(*section.platform, items, unused)) continue;
    if (taker) return std::nullopt;
    taker = section;
  }
  return taker;
}

// The node's word for its platform only chooses among what the policies allow; without it the items' own looks do.
std::optional<Section> ChooseSection(const Inputs& inputs, CheckLog& log) {
  if (!log.Require(Check::kPolicySet, inputs.policies.HasAny(), [&] {
        return Finding{.reason = Reason::kPolicyNone,
                       .component = "policy",
                       .claim = "context",
                       .expected = "a policy set for this context",
                       .actual = inputs.policies.Label()};
      })) {
    return std::nullopt;
  }
  std::vector<Section> allowed;
  for (const platform::Platform* platform : inputs.registry.platforms) {
    if (const Policy* policy = inputs.policies.PolicyFor(platform->name)) allowed.push_back({platform, policy});
  }
  const auto allowed_named = [&](std::string_view name) -> std::optional<Section> {
    const auto found =
        std::find_if(allowed.begin(), allowed.end(), [name](const Section& section) { return section.platform->name == name; });
    return found == allowed.end() ? std::nullopt : std::optional(*found);
  };

  std::optional<Section> chosen;
  std::string named;
  if (!inputs.platform_hint.empty()) {
    named = Printable(inputs.platform_hint, 64);
    chosen = allowed_named(inputs.platform_hint);
  } else {
    const std::vector<std::string> fitting = FittingPlatforms(inputs.registry, inputs.items);
    named = fitting.empty() ? "items that fit no platform" : Join(fitting, ", ");
    std::vector<Section> candidates;
    for (const std::string& name : fitting) {
      if (const auto section = allowed_named(name)) candidates.push_back(*section);
    }
    if (candidates.size() == 1) chosen = candidates.front();
    // What fits nothing is judged by the only policy there is, or that takes such items, so that the finding says what is wrong with them.
    else if (fitting.empty() && allowed.size() == 1) chosen = allowed.front();
    else if (fitting.empty()) chosen = OnlyTaker(allowed, inputs.items);
  }
  log.Require(Check::kPlatformAllowed, chosen.has_value(), [&] {
    std::vector<std::string_view> names;
    for (const Section& section : allowed) names.push_back(section.platform->name);
    return Finding{.reason = Reason::kPlatformNotAllowed,
                   .component = inputs.policies.Label(),
                   .claim = "platform",
                   .expected = allowed.size() == 1 ? std::string(names.front()) : Cat("one of ", Join(names, ", ")),
                   .actual = named};
  });
  if (!chosen && SwitchedOff(Check::kPlatformAllowed) && !allowed.empty()) return allowed.front();
  return chosen;
}

// --- policy ---------------------------------------------------------------------------------------------------------

// The two questions that every policy must answer: what does a signed value say of `question`?
bool JudgeQuestion(Check check, Reason reason, std::string_view question, const std::optional<std::string>& satisfied_by,
                   const Policy& policy, const RulesOutcome& rules, const Subject& subject, CheckLog& log) {
  const std::string component = Cat("policy '", policy.name, "'");
  if (const Waiver* waiver = policy.FindWaiver(question); waiver != nullptr && !satisfied_by) {
    log.Waive(check,
              {.reason = reason,
               .component = component,
               .claim = std::string(question),
               .expected = "a claim under satisfies",
               .actual = "waived"},
              waiver->reason);
    return false;
  }
  const std::optional<trust::Value> value = satisfied_by ? subject.Find(*satisfied_by) : std::nullopt;
  // All-zero bytes mean "none" in every format: they answer nothing, whatever a rule says of them.
  const auto* octets = value ? std::get_if<Bytes>(&*value) : nullptr;
  const bool answered = value && rules.Appraised(*satisfied_by) && (octets == nullptr || !AllZero(*octets));
  log.Require(check, answered, [&] {
    return Finding{.reason = reason,
                   .component = component,
                   .claim = std::string(question),
                   .expected = satisfied_by ? Cat(*satisfied_by, ", not zero and as the policy's rules demand") : "a claim under satisfies",
                   .actual = value ? trust::ShowValue(*value) : std::string("absent")};
  });
  return answered;
}

void JudgeMustAppraise(const Section& section, const PolicyBook& book, CheckLog& log) {
  for (const evidence::Format* format : section.platform->formats) {
    for (const evidence::ClaimSpec& claim : format->claims) {
      if (claim.duty == evidence::Duty::kOptional) continue;
      const bool waived = claim.duty == evidence::Duty::kMustOrWaive && section.policy->FindWaiver(claim.name) != nullptr;
      log.Require(Check::kMustAppraise, waived || Appraises(*section.policy, book, claim.name), [&] {
        return Finding{.reason = Reason::kRuleFailed,
                       .component = Cat("policy '", section.policy->name, "'"),
                       .claim = std::string(claim.name),
                       .expected = "a rule that appraises it",
                       .actual = "none"};
      });
    }
  }
}

void JudgeStrength(Strength strength, const Section& section, const PolicySet* set, CheckLog& log) {
  Strength demanded = section.policy->strength_at_least;  // kA is the least enumerator and the strongest level
  if (set != nullptr) demanded = std::min(demanded, set->strength_at_least);
  log.Require(Check::kStrength, strength <= demanded, [&] {
    return Finding{.reason = Reason::kStrengthBelow,
                   .component = Cat("platform ", section.platform->name),
                   .claim = "strength",
                   .expected = Cat("at least ", platform::NameOf(demanded)),
                   .actual = std::string(platform::NameOf(strength))};
  });
}

void JudgeFeatures(const std::vector<Feature>& offered, const Section& section, const PolicySet* set, CheckLog& log) {
  std::vector<Feature> demanded = section.policy->required_features;
  if (set != nullptr) demanded.insert(demanded.end(), set->required_features.begin(), set->required_features.end());
  std::sort(demanded.begin(), demanded.end());
  demanded.erase(std::unique(demanded.begin(), demanded.end()), demanded.end());
  std::vector<std::string_view> names;
  for (const Feature feature : offered) names.push_back(platform::NameOf(feature));
  if (demanded.empty()) log.Pass(Check::kFeatures);
  for (const Feature feature : demanded) {
    log.Require(Check::kFeatures, std::find(offered.begin(), offered.end(), feature) != offered.end(), [&] {
      return Finding{.reason = Reason::kFeatureMissing,
                     .component = Cat("platform ", section.platform->name),
                     .claim = "trust_boundary",
                     .expected = std::string(platform::NameOf(feature)),
                     .actual = names.empty() ? "no features" : Join(names, ", ")};
    });
  }
}

void JudgeClock(const StateSnapshot& state, Time at, CheckLog& log) {
  if (!state.not_before) return;
  log.Require(Check::kClock, at >= *state.not_before, [&] {
    return Finding{.reason = Reason::kClockBehind,
                   .effect = Effect::kIndeterminate,
                   .component = "verifier",
                   .claim = "clock",
                   .expected = Cat("not before ", FormatTime(*state.not_before)),
                   .actual = FormatTime(at)};
  });
}

// Attacks 26 and 90: an identity, once seen, is not another node's, whatever its evidence says.
void JudgeIdentity(const StateSnapshot& state, const trust::Bundle& bundle, CheckLog& log) {
  if (!state.instance) return;
  const InstanceState& known = *state.instance;
  log.Require(Check::kIdentityState, Equal(known.identity, bundle.instance_identity()), [&] {
    return Finding{.reason = Reason::kStateUnread,
                   .effect = Effect::kIndeterminate,
                   .component = "verifier",
                   .claim = "instance_identity",
                   .expected = ToHex(bundle.instance_identity()),
                   .actual = known.identity.empty() ? "none" : ToHex(known.identity)};
  });
  log.Require(Check::kIdentityBan, known.ban.empty(), [&] {
    return Finding{
        .reason = Reason::kIdentityBanned, .component = "node", .claim = "instance_identity", .expected = "no ban", .actual = known.ban};
  });
  log.Require(Check::kIdentityName, known.held_as.empty(), [&] {
    return Finding{.reason = Reason::kIdentityConflict,
                   .component = "node",
                   .claim = "context.name",
                   .expected = known.held_as,
                   .actual = "another name"};
  });
}

const Denial* FindDenial(std::span<const Denial> denials, Denial::Of of, ByteView value) {
  const auto found =
      std::find_if(denials.begin(), denials.end(), [&](const Denial& denial) { return denial.of == of && Equal(denial.value, value); });
  return found == denials.end() ? nullptr : &*found;
}

// --- into the proto -------------------------------------------------------------------------------------------------

v1::Stage ProtoOf(Stage stage) {
  switch (stage) {
    case Stage::kParse: return v1::STAGE_PARSE;
    case Stage::kAuthenticate: return v1::STAGE_AUTHENTICATE;
    case Stage::kAppraise: return v1::STAGE_APPRAISE;
    case Stage::kCollateral: return v1::STAGE_COLLATERAL;
    case Stage::kRequest: return v1::STAGE_REQUEST;
  }
  return v1::STAGE_UNSPECIFIED;
}

v1::Effect ProtoOf(Effect effect) {
  switch (effect) {
    case Effect::kNote: return v1::EFFECT_NOTE;
    case Effect::kWarn: return v1::EFFECT_WARN;
    case Effect::kIndeterminate: return v1::EFFECT_INDETERMINATE;
    case Effect::kReject: return v1::EFFECT_REJECT;
  }
  return v1::EFFECT_UNSPECIFIED;
}

v1::CheckResult ProtoOf(CheckResult result) {
  switch (result) {
    case CheckResult::kPassed: return v1::CHECK_RESULT_PASSED;
    case CheckResult::kFailed: return v1::CHECK_RESULT_FAILED;
    case CheckResult::kWaived: return v1::CHECK_RESULT_WAIVED;
    case CheckResult::kSkipped: return v1::CHECK_RESULT_SKIPPED;
  }
  return v1::CHECK_RESULT_UNSPECIFIED;
}

// Something rejects, or leaves it undecided.
bool IsKeptFromTrust(const CheckLog& log) {
  return std::any_of(log.findings().begin(), log.findings().end(),
                     [](const Finding& finding) { return finding.effect >= Effect::kIndeterminate; });
}

v1::Verdict VerdictOf(const CheckLog& log) {
  Effect worst = Effect::kNote;
  for (const Finding& finding : log.findings()) worst = std::max(worst, finding.effect);
  switch (worst) {
    case Effect::kNote: return v1::VERDICT_TRUSTED;
    case Effect::kWarn: return v1::VERDICT_TRUSTED_WITH_WARNINGS;
    case Effect::kIndeterminate: return v1::VERDICT_INDETERMINATE;
    case Effect::kReject: return v1::VERDICT_REJECTED;
  }
  return v1::VERDICT_REJECTED;
}

std::string BytesText(ByteView bytes) { return std::string(AsText(bytes)); }

void Write(const trust::ComponentVersion& version, v1::ComponentVersion& out) {
  for (const trust::VersionComponent& component : version.components) {
    v1::ComponentVersion::Component& added = *out.add_components();
    added.set_name(std::string(component.name));
    added.set_number(component.number);
  }
  out.set_raw(BytesText(version.raw));
}

void Write(const trust::Claim& claim, v1::Claim& out) {
  out.set_name(std::string(claim.name));
  out.set_component(std::string(claim.component));
  struct Writer {
    v1::Claim& out;
    void operator()(bool flag) const { out.set_flag(flag); }
    void operator()(std::uint64_t number) const { out.set_number(number); }
    void operator()(const std::string& text) const { out.set_text(Printable(text, 1024)); }
    void operator()(const Bytes& octets) const { out.set_octets(BytesText(octets)); }
    void operator()(const trust::ComponentVersion& version) const { Write(version, *out.mutable_version()); }
    void operator()(Time time) const { out.set_text(FormatTime(time)); }
    void operator()(const trust::Names& names) const { out.set_text(Printable(Join(names.names, ","))); }
  };
  std::visit(Writer{out}, claim.value);
}

void WriteBundle(const trust::Bundle& bundle, v1::Appraisal& out) {
  out.set_authenticity(v1::AUTHENTICITY_AUTHENTIC);
  out.set_freshness(bundle.freshness() == trust::Freshness::kProven ? v1::FRESHNESS_PROVEN : v1::FRESHNESS_SKIPPED);
  out.set_instance_identity(BytesText(bundle.instance_identity()));
  for (const trust::Claim& claim : bundle.claims().all()) Write(claim, *out.add_claims());
  for (const trust::ValidityWindow& window : bundle.claims().windows()) {
    v1::ValidityWindow& added = *out.add_windows();
    added.set_component(window.component);
    added.mutable_not_before()->set_seconds(window.not_before.time_since_epoch().count());
    added.mutable_not_after()->set_seconds(window.not_after.time_since_epoch().count());
  }
  for (const trust::BundlePart& part : bundle.parts()) {
    v1::Part& added = *out.add_parts();
    added.set_component(std::string(part.component));
    added.set_authenticated_by(std::string(part.authenticated_by));
    added.set_vouched_by(std::string(part.vouched_by));
    added.set_carrier(part.carrier);
  }
}

void WriteBoundary(const platform::TrustBoundary& boundary, v1::TrustBoundary& out) {
  for (const std::string& party : boundary.trusted_parties) out.add_trusted_parties(party);
  std::vector<std::string_view> names;
  for (const Feature feature : boundary.features) names.push_back(platform::NameOf(feature));
  std::sort(names.begin(), names.end());
  for (const std::string_view name : names) out.add_features(std::string(name));
  for (const std::string& text : boundary.not_proven) out.add_not_proven(text);
}

void WriteInputs(const Inputs& inputs, v1::Appraisal& out) {
  out.set_engine(Cat("assay/", ASSAY_VERSION));
  out.mutable_appraised_at()->set_seconds(Time(inputs.at).time_since_epoch().count());
  out.set_simulated(inputs.anchors.simulated());
  out.set_channel_bound(inputs.channel_bound);
  if (inputs.policies.set() != nullptr) out.set_policy_set(inputs.policies.set()->name);
  v1::InputDigests& digests = *out.mutable_digests();
  for (const evidence::Item& item : inputs.items) digests.add_evidence(BytesText(item.body.Sha256()));
  digests.set_collateral(BytesText(inputs.collateral.Digest()));
  digests.set_policy(BytesText(inputs.policies.book().Digest()));
  digests.set_anchors(BytesText(inputs.anchors.Digest()));
  digests.set_state(BytesText(inputs.state.Digest()));
  digests.set_challenge(BytesText(inputs.challenge.Digest()));
}

// The policy's waiver of the claim that says whether revocation was checked, whatever the format calls it.
const Waiver* RevocationWaiver(const Section& section) {
  for (const evidence::Format* format : section.platform->formats) {
    for (const evidence::ClaimSpec& claim : format->claims) {
      if (claim.rule.failure == Reason::kRevocationUnchecked) return section.policy->FindWaiver(claim.name);
    }
  }
  return nullptr;
}

// The last second at which the verdict may be relied on: the least of all parts.
Time ValidUntil(Time at, const Policy& policy, const std::optional<Time>& rules_until, std::span<const trust::ValidityWindow> windows) {
  Time until = at + policy.max_validity;
  if (rules_until) until = std::min(until, *rules_until);
  for (const trust::ValidityWindow& window : windows) {
    const Time end = window.edition && window.not_after < at ? window.not_after + policy.grace : window.not_after;
    // A list that is out of its time and grace got this far only because the policy waives revocation.
    if (end >= at) until = std::min(until, end);
  }
  return until;
}

// The last second at which the policy's rules still hold, if there is one.
std::optional<Time> JudgeByPolicy(const Section& section, const trust::Bundle& bundle, const Inputs& inputs, CheckLog& log,
                                  v1::Appraisal& out) {
  const Policy& policy = *section.policy;
  const PolicyInBook judged{policy, inputs.policies.book()};
  const evidence::JudgeContext context = JudgeContextOf(judged);
  platform::AppraisedFacts facts;
  facts.provenance = section.platform->provenance(bundle.claims(), context);
  const Subject subject{bundle.claims(), facts.provenance, inputs.at};

  JudgeMustAppraise(section, inputs.policies.book(), log);
  JudgeWindows(bundle.claims().windows(), inputs.at, log,
               {.revocation = RevocationWaiver(section), .grace = policy.grace, .floors = inputs.state.floors});
  JudgeFloors(bundle.claims().windows(), inputs.state.floors, log);
  const RulesOutcome rules = JudgeRules(policy, inputs.policies.book(), inputs.registry, subject, log);
  for (const evidence::Format* format : section.platform->formats) format->judge(bundle.claims(), context, log);
  if (section.platform->judge != nullptr) section.platform->judge(bundle.claims(), context, log);
  facts.release_matched = !rules.release.empty();
  // All zero is a field that nobody set, as an ID key where there is no ID block: whoever names it names nothing.
  facts.launch_appraised =
      std::any_of(section.platform->launch_claims.begin(), section.platform->launch_claims.end(), [&](std::string_view claim) {
        const auto* value = bundle.claims().Get<Bytes>(claim);
        return value != nullptr && !AllZero(*value) && (context.Pins(claim) || context.Releases(claim));
      });
  for (const Release* release : rules.matched) {
    if (!release->reviewable_firmware) continue;
    for (const auto& [claim, value] : release->values) facts.reviewable.push_back(claim);
  }
  facts.boot_covered =
      JudgeQuestion(Check::kBootCovered, Reason::kBootNotCovered, kBootCoveredClaim, policy.boot_covered, policy, rules, subject, log);
  if (facts.boot_covered && policy.boot_covered) facts.boot_claim = *policy.boot_covered;
  JudgeQuestion(Check::kOwner, Reason::kOwnerUnknown, kOwnerClaim, policy.owner, policy, rules, subject, log);

  const Strength strength = section.platform->strength(bundle, facts);
  const platform::TrustBoundary boundary = section.platform->trust_boundary(bundle, facts);
  JudgeStrength(strength, section, inputs.policies.set(), log);
  JudgeFeatures(boundary.features, section, inputs.policies.set(), log);

  out.set_strength(ToProto(strength));
  WriteBoundary(boundary, *out.mutable_trust_boundary());
  out.set_release(rules.release);
  out.set_cloud_provenance(std::string(NameOf(facts.provenance)));
  return rules.until;
}

}  // namespace

v1::Strength ToProto(platform::Strength strength) {
  switch (strength) {
    case Strength::kA: return v1::STRENGTH_A;
    case Strength::kB: return v1::STRENGTH_B;
    case Strength::kC: return v1::STRENGTH_C;
    case Strength::kD: return v1::STRENGTH_D;
    case Strength::kE: return v1::STRENGTH_E;
  }
  return v1::STRENGTH_UNSPECIFIED;
}

crypto::Sha256Digest StateSnapshot::Digest() const {
  Bytes listing{static_cast<std::uint8_t>(not_before.has_value())};
  if (not_before) AppendU64Be(listing, static_cast<std::uint64_t>(not_before->time_since_epoch().count()));
  listing.push_back(static_cast<std::uint8_t>(instance.has_value()));
  if (instance) {
    for (const ByteView part : {ByteView(instance->identity), AsBytes(instance->ban), AsBytes(instance->held_as)}) {
      AppendU64Be(listing, part.size());
      Append(listing, part);
    }
  }
  // Nothing where there are none: verdicts from before there were floors keep their digest.
  for (const trust::Floor& floor : floors) {
    const trust::CollateralKey& series = floor.edition.series;
    for (const std::string_view part :
         {std::string_view(series.kind), std::string_view(series.scope), std::string_view(series.detail), NameOf(floor.channel)}) {
      AppendU64Be(listing, part.size());
      Append(listing, AsBytes(part));
    }
    AppendU64Be(listing, floor.edition.number);
    AppendU64Be(listing, static_cast<std::uint64_t>(floor.edition.issued.time_since_epoch().count()));
  }
  for (const Denial& denial : denials) {
    for (const ByteView part : {AsBytes("denial"), ByteView(denial.value), AsBytes(denial.why)}) {
      AppendU64Be(listing, part.size());
      Append(listing, part);
    }
    listing.push_back(static_cast<std::uint8_t>(denial.of));
  }
  tpm.AppendTo(listing);
  return crypto::Sha256(listing);
}

void JudgeDenials(const trust::AuthenticatedClaims& claims, std::span<const Denial> denials, CheckLog& log) {
  const auto any = [&](Denial::Of of) {
    return std::any_of(denials.begin(), denials.end(), [of](const Denial& denial) { return denial.of == of; });
  };
  if (any(Denial::Of::kCertificate)) {
    for (const trust::ValidityWindow& window : claims.windows()) {
      if (!window.key) continue;
      const Denial* denial = FindDenial(denials, Denial::Of::kCertificate, *window.key);
      log.Require(Check::kDeniedCertificate, denial == nullptr, [&] {
        return Finding{.reason = Reason::kCertificateDenied,
                       .component = window.component,
                       .claim = "SubjectPublicKeyInfo",
                       .expected = "no ban",
                       .actual = denial->why};
      });
    }
  }
  if (!any(Denial::Of::kMeasurement)) return;
  for (const trust::Claim& claim : claims.all()) {
    const auto* octets = std::get_if<Bytes>(&claim.value);
    if (octets == nullptr) continue;
    const Denial* denial = FindDenial(denials, Denial::Of::kMeasurement, *octets);
    log.Require(Check::kDeniedMeasurement, denial == nullptr, [&] {
      return Finding{.reason = Reason::kMeasurementDenied,
                     .component = std::string(claim.component),
                     .claim = std::string(claim.name),
                     .expected = "no ban",
                     .actual = denial->why};
    });
  }
}

v1::Appraisal Appraise(const Inputs& inputs) {
  v1::Appraisal out;
  WriteInputs(inputs, out);
  CheckLog log;
  out.set_authenticity(v1::AUTHENTICITY_NOT_AUTHENTIC);
  const std::optional<Section> section = ChooseSection(inputs, log);
  std::optional<trust::Bundle> bundle;
  const TpmInputs tpm(inputs.state.tpm);
  JudgeActivation(inputs.state.tpm, log);
  if (section) {
    out.set_platform(std::string(section->platform->name));
    out.set_policy(section->policy->name);
    // What the manifest refuses is not opened.
    if (platform::CheckManifest(*section->platform, inputs.items, log)) {
      bundle = section->platform->authenticate(inputs.items,
                                               {.anchors = inputs.anchors,
                                                .collateral = inputs.collateral,
                                                .challenge = inputs.challenge,
                                                .caches = inputs.caches,
                                                .enrolled = &tpm.attestation_keys(),
                                                .activation = tpm.activation(),
                                                .enrolled_endorsement_keys = &tpm.endorsement_keys(),
                                                .endorsement_key = tpm.endorsement_key()},
                                               log);
      ASSAY_CHECK(bundle || IsKeptFromTrust(log));  // refused without a reason would be a verdict that nobody can explain
    }
  }
  std::optional<Time> rules_until;
  if (bundle) {
    WriteBundle(*bundle, out);
    rules_until = JudgeByPolicy(*section, *bundle, inputs, log, out);
    JudgeIdentity(inputs.state, *bundle, log);
    JudgeDenials(bundle->claims(), inputs.state.denials, log);
  }
  JudgeEnrolments(inputs.state.tpm, bundle ? &bundle->claims() : nullptr, log);
  JudgeClock(inputs.state, inputs.at, log);
  if (inputs.anchors.simulated()) {
    log.Add({.reason = Reason::kSimulated,
             .effect = Effect::kNote,
             .component = "anchors",
             .expected = "the vendors' roots",
             .actual = "the software TEE's"});
  }

  const v1::Verdict verdict = VerdictOf(log);
  ASSAY_CHECK(bundle || verdict == v1::VERDICT_REJECTED || verdict == v1::VERDICT_INDETERMINATE);
  const bool trusted = verdict == v1::VERDICT_TRUSTED || verdict == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  out.set_verdict(verdict);
  if (trusted) {
    const Time until = ValidUntil(inputs.at, *section->policy, rules_until, bundle->claims().windows());
    out.mutable_valid_until()->set_seconds(until.time_since_epoch().count());
    out.set_admits(!inputs.anchors.simulated() && (verdict == v1::VERDICT_TRUSTED || section->policy->admit_with_warnings));
  } else {
    for (const trust::CollateralKey& key : Needs(inputs.registry, inputs.items, inputs.collateral)) {
      out.add_missing_collateral(Printable(key.ToString()));
    }
  }
  for (const CheckRecord& record : log.records()) {
    v1::Check& added = *out.add_checks();
    added.set_name(std::string(NameOf(record.check)));
    added.set_result(ProtoOf(record.result));
  }
  for (const Finding& finding : log.findings()) *out.add_findings() = ToProto(finding);
  return out;
}

v1::Finding ToProto(const Finding& finding) {
  v1::Finding out;
  const ReasonEntry& entry = EntryOf(finding.reason);
  out.set_stage(ProtoOf(entry.stage));
  out.set_code(entry.number);
  out.set_reason(std::string(entry.name));
  out.set_effect(ProtoOf(finding.effect));
  // Whatever made the text: it is shown, logged and hashed, so it is printable and bounded from here on.
  out.set_component(Printable(finding.component));
  out.set_claim(Printable(finding.claim));
  out.set_expected(Printable(finding.expected, 1024));
  out.set_actual(Printable(finding.actual, 1024));
  out.set_spec(Printable(finding.spec));
  out.set_remedy(finding.remedy.empty() ? std::string(entry.remedy) : Printable(finding.remedy, 1024));
  out.set_waived_because(Printable(finding.waived_because, 1024));
  return out;
}

const v1::Finding* DecidingFinding(const v1::Appraisal& appraisal) {
  const v1::Finding* deciding = nullptr;
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.effect() > (deciding == nullptr ? v1::EFFECT_NOTE : deciding->effect())) deciding = &finding;
  }
  return deciding;
}

}  // namespace assay::appraisal
