#include "appraisal/rules.h"

#include <algorithm>
#include <utility>

#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"

namespace assay::appraisal {
namespace {

using trust::ComponentVersion;
using trust::Names;
using trust::Value;
using trust::VersionComponent;

template <typename Range, typename Match>
bool AnyOf(const Range& range, Match&& match) {
  return std::any_of(range.begin(), range.end(), std::forward<Match>(match));
}

std::string ShowBits(std::uint64_t mask, const evidence::ClaimSpec* spec) {
  std::string text;
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    std::string name = Cat("bit ", bit);
    if (spec != nullptr) {
      for (const evidence::BitName& named : spec->bits) {
        if (named.bit == bit) name = named.name;
      }
    }
    text += Cat(text.empty() ? "" : ", ", name);
  }
  return text.empty() ? "none" : text;
}

std::string ShowValues(const std::vector<Value>& values) {
  std::vector<std::string> shown;
  for (const Value& value : values) shown.push_back(trust::ShowValue(value));
  return Join(shown, ", ");
}

std::string ShowComponents(const std::vector<VersionComponent>& components) { return trust::ShowValue(ComponentVersion{components, {}}); }

bool Allows(const Rule& rule, const Value& value) {
  return AnyOf(rule.values, [&](const Value& allowed) { return allowed == value; });
}

// The value as rules see it: with bit names where it is a bit field, with those ahead that are too many where it is a list.
std::string ShowActual(const Value& value, const Rule& rule, const evidence::ClaimSpec* spec) {
  const auto* number = std::get_if<std::uint64_t>(&value);
  const bool bits = rule.kind == RuleKind::kBitsSet || rule.kind == RuleKind::kBitsClear || rule.kind == RuleKind::kSubsetOf;
  if (number != nullptr && bits) return ShowBits(*number, spec);
  const auto* names = std::get_if<Names>(&value);
  if (names == nullptr) return trust::ShowValue(value);
  std::vector<std::string> beyond;
  for (const std::string& name : names->names) {
    if (!Allows(rule, name)) beyond.push_back(name);
  }
  return Cat(Join(beyond, ", "), beyond.size() < names->names.size() ? Cat(", of ", trust::ShowValue(value)) : "");
}

std::string ShowWanted(const Rule& rule, const evidence::ClaimSpec* spec, Time at) {
  switch (rule.kind) {
    case RuleKind::kEquals: return ShowValues(rule.values);
    case RuleKind::kOneOf: return Cat("one of ", ShowValues(rule.values));
    case RuleKind::kSubsetOf:
      if (spec == nullptr || spec->type != evidence::ClaimType::kNames) return Cat("no more than ", ShowBits(rule.number, spec));
      return rule.values.empty() ? "none" : Cat("no more than ", ShowValues(rule.values));
    case RuleKind::kAtLeast: return Cat("at least ", rule.number);
    case RuleKind::kMaskedEquals:
      return rule.octet_mask.empty() ? Cat(rule.masked_value, " under mask ", rule.number)
                                     : Cat(ShowValues(rule.values), " under mask ", ToHexBounded(rule.octet_mask));
    case RuleKind::kBitsSet: return Cat("set: ", ShowBits(rule.number, spec));
    case RuleKind::kBitsClear: return Cat("clear: ", ShowBits(rule.number, spec));
    case RuleKind::kPresent: return "present";
    case RuleKind::kStatusAtMost: return Cat("at most ", trust::ShowValue(rule.values.back()), ": ", ShowValues(rule.values));
    case RuleKind::kAgeAtMost: return Cat("at most ", FormatDuration(rule.age), " before ", FormatTime(at));
    case RuleKind::kNotBefore: return Cat("not before ", FormatTime(rule.time));
    case RuleKind::kNotAfter: return Cat("not after ", FormatTime(rule.time));
    case RuleKind::kRelease:
    case RuleKind::kAnyOf: break;  // not of a claim
  }
  return std::string(NameOf(rule.kind));
}

bool MaskedEqual(ByteView octets, ByteView mask, ByteView wanted) {
  if (octets.size() != mask.size() || wanted.size() != mask.size()) return false;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if ((octets[i] & mask[i]) != (wanted[i] & mask[i])) return false;
  }
  return true;
}

// What holds of a single value; floors of versions need the CPU as well and stand in CheckFloors.
bool Holds(const Rule& rule, const Value& value, Time at) {
  const auto* number = std::get_if<std::uint64_t>(&value);
  const auto* date = std::get_if<Time>(&value);
  const auto* names = std::get_if<Names>(&value);
  switch (rule.kind) {
    case RuleKind::kEquals:
    case RuleKind::kOneOf:
    case RuleKind::kStatusAtMost: return Allows(rule, value);
    case RuleKind::kSubsetOf:
      if (names != nullptr) {
        return std::all_of(names->names.begin(), names->names.end(), [&](const std::string& name) { return Allows(rule, name); });
      }
      return number != nullptr && (*number & ~rule.number) == 0;
    case RuleKind::kAtLeast: return number != nullptr && *number >= rule.number;
    case RuleKind::kMaskedEquals: {
      if (number != nullptr) return rule.octet_mask.empty() && (*number & rule.number) == (rule.masked_value & rule.number);
      const auto* octets = std::get_if<Bytes>(&value);
      const auto* wanted = rule.values.size() == 1 ? std::get_if<Bytes>(&rule.values.front()) : nullptr;
      return octets != nullptr && wanted != nullptr && MaskedEqual(*octets, rule.octet_mask, *wanted);
    }
    case RuleKind::kBitsSet: return number != nullptr && (*number & rule.number) == rule.number;
    case RuleKind::kBitsClear: return number != nullptr && (*number & rule.number) == 0;
    case RuleKind::kPresent: return true;
    case RuleKind::kAgeAtMost: return date != nullptr && *date <= at && at <= *date + rule.age;  // what is yet to come has no age
    case RuleKind::kNotBefore: return date != nullptr && *date >= rule.time;
    case RuleKind::kNotAfter: return date != nullptr && *date <= rule.time;
    case RuleKind::kRelease:
    case RuleKind::kAnyOf: return false;
  }
  return false;
}

// The product-wide key of an exact one: "19:11:*" of "19:11:1".
std::string AnyStepping(std::string_view key) {
  const std::size_t colon = key.rfind(':');
  return colon == std::string_view::npos ? std::string() : Cat(key.substr(0, colon), ":*");
}

// nullopt: above every floor that is keyed by this CPU. The key is the sibling claim `cpu` of the version, e.g. snp.cpu of
// snp.reported_tcb: signed, never taken from a hint.
std::optional<Finding> CheckFloors(const Rule& rule, const ComponentVersion& version, const Subject& subject) {
  const std::string key_claim = Cat(std::string_view(rule.claim).substr(0, rule.claim.find('.')), ".cpu");
  const auto* key = subject.claims.Get<std::string>(key_claim);
  std::vector<std::string> known;
  bool found = false;
  for (const ComponentFloor& floor : rule.floors) {
    known.push_back(floor.key);
    if (key == nullptr || (floor.key != *key && floor.key != AnyStepping(*key))) continue;
    found = true;
    for (const VersionComponent& least : floor.components) {
      const auto actual = std::find_if(version.components.begin(), version.components.end(),
                                       [&](const VersionComponent& component) { return component.name == least.name; });
      if (actual != version.components.end() && actual->number >= least.number) continue;
      return Finding{.reason = Reason::kTcbBelowFloor,
                     .claim = rule.claim,
                     .expected = Cat("at least ", ShowComponents(floor.components), " on ", floor.key),
                     .actual = actual == version.components.end() ? Cat("no ", least.name, " in ", ShowComponents(version.components))
                                                                  : ShowComponents(version.components)};
    }
  }
  if (found) return std::nullopt;
  return Finding{.reason = Reason::kTcbFloorMissing,
                 .effect = Effect::kIndeterminate,
                 .claim = rule.claim,
                 .expected = Cat("a floor for one of ", Join(known, ", ")),
                 .actual = key == nullptr ? Cat("no ", key_claim, ": this report version does not name its CPU") : *key,
                 .remedy = key == nullptr ? std::string("Update the firmware: only reports of version 3 and later name their CPU.")
                                          : Cat("Add the key \"", *key, "\" to the rule, with the floor that you demand.")};
}

// nullopt: the rule holds. Not for release and any_of.
std::optional<Finding> JudgeOne(const Rule& rule, const Registry& registry, const Subject& subject) {
  const evidence::ClaimSpec* spec = registry.FindClaim(rule.claim);
  const std::optional<Value> value = subject.Find(rule.claim);
  std::optional<Finding> finding;
  if (!value) {
    finding = Finding{.reason = Reason::kClaimAbsent,
                      .effect = spec == nullptr ? Effect::kReject : spec->rule.absent,
                      .claim = rule.claim,
                      .expected = ShowWanted(rule, spec, subject.at),
                      .actual = "absent"};
  } else if (const auto* version = std::get_if<ComponentVersion>(&*value); version != nullptr && rule.kind == RuleKind::kAtLeast) {
    finding = CheckFloors(rule, *version, subject);
  } else if (!Holds(rule, *value, subject.at)) {
    const evidence::RuleMeaning meaning = spec == nullptr ? evidence::RuleMeaning{} : spec->rule;
    const bool provenance = rule.claim == kProvenanceClaim;
    finding = Finding{.reason = provenance ? Reason::kProvenanceInferred : meaning.failure,
                      .effect = meaning.effect,
                      .claim = rule.claim,
                      .expected = ShowWanted(rule, spec, subject.at),
                      .actual = ShowActual(*value, rule, spec)};
    const auto* why = meaning.explained_by.empty() ? nullptr : subject.claims.Get<std::string>(meaning.explained_by);
    if (why != nullptr) finding->actual += Cat(": ", *why);
  }
  if (finding) finding->component = Cat("policy rule at ", rule.where);
  return finding;
}

// The last second at which a rule that holds still does; nullopt: the time of day is nothing to it.
std::optional<Time> EndOf(const Rule& rule, const Subject& subject) {
  const std::optional<Value> value = rule.kind == RuleKind::kAgeAtMost ? subject.Find(rule.claim) : std::nullopt;
  const auto* date = value ? std::get_if<Time>(&*value) : nullptr;
  return date == nullptr ? std::nullopt : std::optional(*date + rule.age);
}

bool MatchesTuple(const Release& release, const Subject& subject) {
  return !release.values.empty() && std::all_of(release.values.begin(), release.values.end(), [&](const auto& wanted) {
    const std::optional<Value> value = subject.Find(wanted.first);
    return value && *value == wanted.second;
  });
}

// The tuple's first claim as it is, to find the image by.
std::string ShowMeasured(const ReferenceValues& values, const Subject& subject) {
  std::string text;
  for (const auto& [claim, wanted] : values.releases.front().values) {
    const std::optional<Value> value = subject.Find(claim);
    text += Cat(text.empty() ? "" : ", ", claim, " ", value ? trust::ShowValue(*value) : std::string("absent"));
  }
  return text;
}

std::size_t CountDifferences(const Release& release, const Subject& subject) {
  return static_cast<std::size_t>(std::count_if(release.warnings.begin(), release.warnings.end(), [&](const auto& wanted) {
    const std::optional<Value> value = subject.Find(wanted.first);
    return !value || *value != wanted.second;
  }));
}

// What the matching release only warns about.
void CheckWarnings(const Rule& rule, const Release& release, const Subject& subject, CheckLog& log) {
  for (const auto& warning : release.warnings) {
    const std::optional<Value> value = subject.Find(warning.first);
    log.Require(Check::kReleaseWarnings, value && *value == warning.second, [&] {
      return Finding{.reason = Reason::kReleaseValueDiffers,
                     .effect = Effect::kWarn,
                     .component = Cat("policy rule at ", rule.where),
                     .claim = warning.first,
                     .expected = Cat(trust::ShowValue(warning.second), ", as of release ", release.name),
                     .actual = value ? trust::ShowValue(*value) : std::string("absent")};
    });
  }
}

std::optional<Finding> CheckRelease(const Rule& rule, const ReferenceValues& values, const Subject& subject, RulesOutcome& outcome,
                                    CheckLog& log) {
  const Release* expired = nullptr;
  const Release* matching = nullptr;  // of several, the first that leaves least to warn about
  for (const Release& release : values.releases) {
    if (!MatchesTuple(release, subject)) continue;
    if (release.sunset && subject.at >= *release.sunset) expired = &release;
    else if (matching == nullptr || CountDifferences(release, subject) < CountDifferences(*matching, subject)) matching = &release;
  }
  if (matching != nullptr) {
    CheckWarnings(rule, *matching, subject, log);
    outcome.release = matching->name;
    outcome.matched.push_back(matching);
    if (matching->sunset) outcome.EndBy(*matching->sunset - Duration(1));
    return std::nullopt;
  }
  const std::string component = Cat("policy rule at ", rule.where);
  if (expired != nullptr) {
    return Finding{.reason = Reason::kReleaseSunset,
                   .component = component,
                   .claim = Cat("release ", values.name),
                   .expected = Cat("a release before its sunset"),
                   .actual = Cat(expired->name, ", sunset ", FormatTime(*expired->sunset))};
  }
  std::vector<std::string> names;
  for (const Release& release : values.releases) names.push_back(release.name);
  return Finding{.reason = Reason::kReleaseUnknown,
                 .component = component,
                 .claim = Cat("release ", values.name),
                 .expected = Cat("one of ", Join(names, ", ")),
                 .actual = ShowMeasured(values, subject)};
}

bool NamesValue(const void* opaque, std::string_view claim, const Value& value) {
  const Policy& policy = static_cast<const PolicyInBook*>(opaque)->policy;
  return AnyOf(policy.rules, [&](const Rule& rule) {
    return (rule.kind == RuleKind::kEquals || rule.kind == RuleKind::kOneOf) && rule.claim == claim &&
           AnyOf(rule.values, [&](const Value& allowed) { return allowed == value; });
  });
}

bool PinsClaim(const void* opaque, std::string_view claim) {
  const Policy& policy = static_cast<const PolicyInBook*>(opaque)->policy;
  return AnyOf(policy.rules,
               [&](const Rule& rule) { return (rule.kind == RuleKind::kEquals || rule.kind == RuleKind::kOneOf) && rule.claim == claim; });
}

bool HasInEveryTuple(const Rule& rule, const PolicyBook& book, std::string_view claim) {
  const ReferenceValues* values = book.FindReferenceValues(rule.release);
  return values != nullptr && !values->releases.empty() &&
         std::all_of(values->releases.begin(), values->releases.end(), [&](const Release& release) {
           return AnyOf(release.values, [&](const auto& value) { return value.first == claim; });
         });
}

bool ReleasesClaim(const void* opaque, std::string_view claim) {
  const auto& [policy, book] = *static_cast<const PolicyInBook*>(opaque);
  for (const Rule& rule : policy.rules) {
    if (rule.kind == RuleKind::kRelease && HasInEveryTuple(rule, book, claim)) return true;
  }
  return false;
}

// A rule's result in the log: passed, failed, or waived.
bool Conclude(Check check, const Waiver* waiver, std::optional<Finding> finding, CheckLog& log) {
  if (finding && waiver != nullptr && !SwitchedOff(check)) {
    log.Waive(check, *std::move(finding), waiver->reason);
    return false;
  }
  return log.Require(check, !finding, [&] { return *std::move(finding); });
}

}  // namespace

std::string_view NameOf(evidence::Provenance provenance) { return provenance == evidence::Provenance::kProven ? "proven" : "inferred"; }

std::optional<Value> Subject::Find(std::string_view claim) const {
  if (claim == kProvenanceClaim) return Value(std::string(NameOf(provenance)));
  const trust::Claim* found = claims.Find(claim);
  return found == nullptr ? std::nullopt : std::optional(found->value);
}

bool RulesOutcome::Appraised(std::string_view claim) const {
  const auto contains = [claim](const std::vector<std::string_view>& claims) {
    return std::find(claims.begin(), claims.end(), claim) != claims.end();
  };
  return contains(passed) && !contains(failed);
}

RulesOutcome JudgeRules(const Policy& policy, const PolicyBook& book, const Registry& registry, const Subject& subject, CheckLog& log) {
  RulesOutcome outcome;
  for (const Rule& rule : policy.rules) {
    if (rule.kind == RuleKind::kRelease) {
      const ReferenceValues* values = book.FindReferenceValues(rule.release);
      ASSAY_CHECK(values != nullptr && !values->releases.empty());  // the loader saw to it
      const bool holds = Conclude(Check::kRules, nullptr, CheckRelease(rule, *values, subject, outcome, log), log);
      for (const Release& release : values->releases) {
        for (const auto& [claim, value] : release.values) (holds ? outcome.passed : outcome.failed).push_back(claim);
      }
    } else if (rule.kind == RuleKind::kAnyOf) {
      std::vector<Finding> findings;
      std::vector<std::optional<Time>> ends;  // of the alternatives that hold: the rule lasts as long as the longest
      for (const Rule& alternative : rule.alternatives) {
        if (auto finding = JudgeOne(alternative, registry, subject)) findings.push_back(*std::move(finding));
        else ends.push_back(EndOf(alternative, subject));
      }
      const bool holds = findings.size() < rule.alternatives.size();
      if (holds && !AnyOf(ends, [](const std::optional<Time>& end) { return !end; })) {
        outcome.EndBy(**std::max_element(ends.begin(), ends.end()));
      }
      log.Require(Check::kRules, holds, [&] {
        Finding whole{.reason = Reason::kRuleFailed, .component = Cat("policy rule at ", rule.where), .claim = "any_of"};
        for (const Finding& finding : findings) {
          const std::string_view separator = whole.expected.empty() ? "" : "; or ";
          whole.expected += Cat(separator, finding.claim, " ", finding.expected);
          whole.actual += Cat(whole.actual.empty() ? "" : "; ", finding.claim, " ", finding.actual);
        }
        return whole;
      });
    } else {
      const evidence::ClaimSpec* spec = registry.FindClaim(rule.claim);
      const bool holds = Conclude(spec == nullptr ? Check::kRules : spec->rule.check, policy.FindWaiver(rule.claim),
                                  JudgeOne(rule, registry, subject), log);
      if (const auto end = EndOf(rule, subject); holds && end) outcome.EndBy(*end);
      if (!holds) outcome.failed.push_back(rule.claim);
      else if (rule.kind != RuleKind::kPresent) outcome.passed.push_back(rule.claim);
    }
  }
  for (const Waiver& waiver : policy.waivers) {
    const evidence::ClaimSpec* spec = registry.FindClaim(waiver.claim);
    const bool shown = std::find(outcome.failed.begin(), outcome.failed.end(), waiver.claim) != outcome.failed.end();
    if (spec == nullptr || shown) continue;  // boot.covered and owner are asked elsewhere
    const std::optional<Value> value = subject.Find(waiver.claim);
    log.Waive(spec->rule.check,
              {.reason = Reason::kClaimWaived,
               .component = Cat("policy '", policy.name, "'"),
               .claim = waiver.claim,
               .expected = "a rule",
               .actual = value ? trust::ShowValue(*value) : std::string("absent")},
              waiver.reason);
  }
  return outcome;
}

bool Appraises(const Policy& policy, const PolicyBook& book, std::string_view claim) {
  return AnyOf(policy.rules, [&](const Rule& rule) {
    if (rule.kind == RuleKind::kRelease) return HasInEveryTuple(rule, book, claim);
    return rule.kind != RuleKind::kAnyOf && rule.kind != RuleKind::kPresent && rule.claim == claim;
  });
}

evidence::JudgeContext JudgeContextOf(const PolicyInBook& judged) { return {&NamesValue, &PinsClaim, &judged, &ReleasesClaim}; }

}  // namespace assay::appraisal
