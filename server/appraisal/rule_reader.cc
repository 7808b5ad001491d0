#include "appraisal/rule_reader.h"

#include <algorithm>
#include <array>

#include "appraisal/rules.h"

namespace assay::appraisal {
namespace {

using evidence::ClaimSpec;
using evidence::ClaimType;

constexpr ClaimSpec kProvenanceSpec{kProvenanceClaim, ClaimType::kText, evidence::Duty::kOptional, 0, {}, "proven or inferred"};
constexpr std::array<std::string_view, 2> kProvenances = {"proven", "inferred"};

constexpr auto kClaimKinds = std::to_array<RuleKind>({
    RuleKind::kEquals,
    RuleKind::kOneOf,
    RuleKind::kSubsetOf,
    RuleKind::kAtLeast,
    RuleKind::kMaskedEquals,
    RuleKind::kBitsSet,
    RuleKind::kBitsClear,
    RuleKind::kPresent,
    RuleKind::kStatusAtMost,
    RuleKind::kAgeAtMost,
    RuleKind::kNotBefore,
    RuleKind::kNotAfter,
});

// TCB_VERSION components in all layouts (AMD 56860, table of TCB_VERSION).
constexpr std::array<std::string_view, 5> kComponents = {"fmc", "boot_loader", "tee", "snp", "microcode"};
constexpr std::uint64_t kMaxComponent = 255;

constexpr Duration kLongestAge = std::chrono::days(3650);
constexpr std::size_t kLongestListedName = 64;

std::optional<RuleKind> KindNamed(std::string_view name) {
  const auto found = std::find_if(kClaimKinds.begin(), kClaimKinds.end(), [name](RuleKind kind) { return NameOf(kind) == name; });
  return found == kClaimKinds.end() ? std::nullopt : std::optional(*found);
}

std::string_view ShowType(const ClaimSpec& claim) {
  switch (claim.type) {
    case ClaimType::kFlag: return "true or false";
    case ClaimType::kNumber: return claim.bits.empty() ? "a number" : "a bit field";
    case ClaimType::kText: return "text";
    case ClaimType::kOctets: return "octets";
    case ClaimType::kComponentVersion: return "a version of several components";
    case ClaimType::kStatus: return "a status";
    case ClaimType::kDate: return "a date";
    case ClaimType::kNames: return "a list of names";
  }
  return "unknown";
}

bool Fits(RuleKind kind, const ClaimSpec& claim) {
  if (claim.name == kProvenanceClaim) return kind == RuleKind::kEquals || kind == RuleKind::kOneOf;
  const bool number = claim.type == ClaimType::kNumber;
  const bool bits = number && !claim.bits.empty();
  const bool version = claim.type == ClaimType::kComponentVersion, status = claim.type == ClaimType::kStatus;
  const bool date = claim.type == ClaimType::kDate, names = claim.type == ClaimType::kNames;
  switch (kind) {
    case RuleKind::kEquals: return !version && !date && !names;
    case RuleKind::kOneOf: return number || status || claim.type == ClaimType::kText || claim.type == ClaimType::kOctets;
    case RuleKind::kSubsetOf: return bits || names;
    case RuleKind::kBitsSet:
    case RuleKind::kBitsClear: return bits;
    case RuleKind::kAtLeast: return (number && !bits) || version;
    case RuleKind::kMaskedEquals: return number || claim.type == ClaimType::kOctets;
    case RuleKind::kPresent: return true;
    case RuleKind::kStatusAtMost: return status;
    case RuleKind::kAgeAtMost:
    case RuleKind::kNotBefore:
    case RuleKind::kNotAfter: return date;
    case RuleKind::kRelease:
    case RuleKind::kAnyOf: return false;
  }
  return false;
}

std::string FittingKinds(const ClaimSpec& claim) {
  std::vector<std::string_view> kinds;
  for (const RuleKind kind : kClaimKinds) {
    if (Fits(kind, claim)) kinds.push_back(NameOf(kind));
  }
  return Join(kinds, ", ");
}

bool IsLowerHex(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// "19:11:1" or "19:11:*": family and model two digits, stepping without leading zero.
bool IsCpuKey(std::string_view key) {
  if (key.size() < 7 || key.size() > 8 || key[2] != ':' || key[5] != ':') return false;
  const std::string_view stepping = key.substr(6);
  if (!IsLowerHex(key.substr(0, 2)) || !IsLowerHex(key.substr(3, 2)) || key.starts_with("00")) return false;
  return stepping == "*" || (IsLowerHex(stepping) && (stepping.size() == 1 || stepping.front() != '0'));
}

}  // namespace

std::string_view WhyMeaningless(const platform::Platform& platform, std::string_view claim) {
  return platform.meaningless == nullptr || SwitchedOff(Check::kClaimMeaningful) ? std::string_view() : platform.meaningless(claim);
}

const ClaimSpec* RuleReader::FindClaim(const yaml::Position& position, std::string_view name) {
  if (name == kProvenanceClaim && platform_ != nullptr) return &kProvenanceSpec;
  std::vector<std::string_view> known;
  const std::span<const evidence::Format* const> formats = platform_ == nullptr ? registry_.formats : platform_->formats;
  for (const evidence::Format* format : formats) {
    for (const ClaimSpec& claim : format->claims) {
      if (claim.name == name) {
        const std::string_view why = platform_ == nullptr ? std::string_view() : WhyMeaningless(*platform_, name);
        if (why.empty()) return &claim;
        lint_.Say(position, Cat("no rule may be on ", name, ": ", why));
        return nullptr;
      }
      known.push_back(claim.name);
    }
  }
  if (registry_.FindClaim(name) != nullptr) {
    lint_.Say(position, Cat("platform ", platform_->name, " has no claim ", codec::Quoted(name)));
    return nullptr;
  }
  if (platform_ != nullptr) known.push_back(kProvenanceClaim);
  const std::string_view nearest = NearestOf(name, known);
  lint_.Say(position, Cat("unknown claim ", codec::Quoted(name),
                          nearest.empty() ? "; docs/claims.md lists them" : Cat("; did you mean ", codec::Quoted(nearest), "?")));
  return nullptr;
}

std::optional<trust::Value> RuleReader::ReadValue(const yaml::Node& node, const ClaimSpec& claim) {
  switch (claim.type) {
    case ClaimType::kFlag: {
      const auto flag = lint_.Take(yaml::AsBool(node));
      if (flag && claim.duty == evidence::Duty::kMustOrWaive && *flag != claim.rule.safe) {
        lint_.Say(node.position, Cat("a rule may only demand that ", claim.name, " be ", claim.rule.safe ? "true" : "false",
                                     "; to accept the opposite, waive it with a reason"));
        return std::nullopt;
      }
      return flag ? std::optional<trust::Value>(*flag) : std::nullopt;
    }
    case ClaimType::kNumber: {
      const auto number = lint_.Take(yaml::AsInteger(node));
      return number ? std::optional<trust::Value>(*number) : std::nullopt;
    }
    case ClaimType::kText: {
      const auto text = lint_.Text(node);
      if (text && claim.name == kProvenanceClaim && std::find(kProvenances.begin(), kProvenances.end(), *text) == kProvenances.end()) {
        lint_.SayUnknown(node.position, "provenance", *text, kProvenances);
        return std::nullopt;
      }
      return text ? std::optional<trust::Value>(*text) : std::nullopt;
    }
    case ClaimType::kOctets: {
      auto octets = lint_.Take(yaml::AsHexString(node));
      if (octets && claim.size != 0 && octets->size() != claim.size) {
        lint_.Say(node.position, Cat("expected ", claim.size, " bytes for ", claim.name, ", found ", octets->size()));
        return std::nullopt;
      }
      return octets ? std::optional<trust::Value>(*std::move(octets)) : std::nullopt;
    }
    case ClaimType::kStatus: {
      auto status = ReadStatus(node, claim);
      return status ? std::optional<trust::Value>(*std::move(status)) : std::nullopt;
    }
    case ClaimType::kComponentVersion:
    case ClaimType::kDate:
    case ClaimType::kNames: break;
  }
  lint_.Say(node.position, Cat(claim.name, " is ", ShowType(claim), ": no release can hold it, only a rule: ", FittingKinds(claim)));
  return std::nullopt;
}

std::optional<std::string> RuleReader::ReadStatus(const yaml::Node& node, const ClaimSpec& claim) {
  auto text = lint_.Text(node);
  if (!text) return std::nullopt;
  std::vector<std::string_view> known;
  for (const evidence::StatusSpec& status : claim.statuses) {
    if (!status.never) known.push_back(status.name);
    else if (status.name == *text) {
      lint_.Say(node.position, Cat(*text, " passes under no policy: no rule may allow it"));
      return std::nullopt;
    }
  }
  if (std::find(known.begin(), known.end(), *text) != known.end()) return text;
  lint_.SayUnknown(node.position, Cat("status of ", claim.name), *text, known);
  return std::nullopt;
}

// Every status that is at most the one named; it comes last, as the claim's table has each behind those at most it.
bool RuleReader::ReadLimit(const yaml::Node& node, const ClaimSpec& claim, Rule& rule) {
  const auto text = ReadStatus(node, claim);
  if (!text) return false;
  const auto limit =
      std::find_if(claim.statuses.begin(), claim.statuses.end(), [&](const evidence::StatusSpec& status) { return status.name == *text; });
  for (const evidence::StatusSpec& status : claim.statuses) {
    if (evidence::AtMost(status, *limit)) rule.values.emplace_back(std::string(status.name));
  }
  return true;
}

// Those that may be there. None at all is an answer: then there must be none.
bool RuleReader::ReadNames(const yaml::Node& node, Rule& rule) {
  const std::size_t before = lint_.count();
  for (const yaml::Node& element : lint_.Elements(node)) {
    auto name = lint_.Text(element);
    if (!name) continue;
    const bool sound = !name->empty() && name->size() <= kLongestListedName &&
                       std::all_of(name->begin(), name->end(), [](char c) { return c > ' ' && c <= '~' && c != ','; });
    if (!sound) {
      lint_.Say(element.position, Cat("expected a name of 1 to ", kLongestListedName,
                                      " printable characters without blank or comma, found ", codec::Quoted(*name)));
      continue;
    }
    trust::Value value(*std::move(name));
    if (std::find(rule.values.begin(), rule.values.end(), value) != rule.values.end()) {
      lint_.Say(element.position, Cat(codec::Quoted(std::get<std::string>(value)), " twice"));
    } else {
      rule.values.push_back(std::move(value));
    }
  }
  return lint_.count() == before;
}

bool RuleReader::ReadValues(const yaml::Node& node, const ClaimSpec& claim, Rule& rule) {
  const std::size_t before = lint_.count();
  for (const yaml::Node& element : lint_.Elements(node)) {
    auto value = ReadValue(element, claim);
    if (!value) continue;
    if (std::find(rule.values.begin(), rule.values.end(), *value) != rule.values.end()) {
      lint_.Say(element.position, Cat(trust::ShowValue(*value), " twice"));
    } else rule.values.push_back(*std::move(value));
  }
  if (lint_.count() == before && rule.values.empty()) {
    lint_.Say(node.position, "an empty list would allow nothing; name at least one value");
  }
  return lint_.count() == before;
}

std::optional<std::uint64_t> RuleReader::ReadBits(const yaml::Node& node, const ClaimSpec& claim) {
  const std::size_t before = lint_.count();
  std::vector<std::string_view> known;
  for (const evidence::BitName& bit : claim.bits) known.push_back(bit.name);
  std::uint64_t mask = 0;
  const auto elements = lint_.Elements(node);
  for (const yaml::Node& element : elements) {
    const auto name = lint_.Text(element);
    if (!name) continue;
    const auto found = std::find_if(claim.bits.begin(), claim.bits.end(), [&](const evidence::BitName& bit) { return bit.name == *name; });
    if (found == claim.bits.end()) lint_.SayUnknown(element.position, Cat("bit of ", claim.name), *name, known);
    else mask |= std::uint64_t{1} << found->bit;
  }
  if (lint_.count() == before && elements.empty()) lint_.Say(node.position, "an empty list of bits; name at least one");
  return lint_.count() == before ? std::optional(mask) : std::nullopt;
}

bool RuleReader::ReadMasked(const yaml::Node& node, const ClaimSpec& claim, Rule& rule) {
  const std::size_t before = lint_.count();
  lint_.Take(yaml::RequireKnownKeys(node, {"mask", "value"}));
  if (lint_.count() != before) return false;
  const yaml::Node* mask_node = lint_.Key(node, "mask");
  const yaml::Node* value_node = lint_.Key(node, "value");
  if (mask_node == nullptr || value_node == nullptr) return false;
  const auto mask = ReadValue(*mask_node, claim);
  auto value = ReadValue(*value_node, claim);
  if (!mask || !value) return false;
  if (const auto* number = std::get_if<std::uint64_t>(&*mask)) {
    rule.number = *number;
    rule.masked_value = std::get<std::uint64_t>(*value);
    if (rule.number == 0) lint_.Say(mask_node->position, "a mask of zero would let everything pass");
    else if ((rule.masked_value & ~rule.number) != 0) {
      lint_.Say(value_node->position, "the value has bits outside of the mask: it could never be equal");
    }
  } else {
    rule.octet_mask = std::get<Bytes>(*mask);
    const Bytes& octets = std::get<Bytes>(*value);
    bool outside = octets.size() != rule.octet_mask.size();
    for (std::size_t i = 0; !outside && i < octets.size(); ++i) outside = (octets[i] & ~rule.octet_mask[i]) != 0;
    if (AllZero(rule.octet_mask)) lint_.Say(mask_node->position, "a mask of zero would let everything pass");
    else if (outside) lint_.Say(value_node->position, "the value has bits outside of the mask: it could never be equal");
    rule.values.push_back(*std::move(value));
  }
  return lint_.count() == before;
}

bool RuleReader::ReadFloors(const yaml::Node& node, Rule& rule) {
  const std::size_t before = lint_.count();
  const auto keys = lint_.Take(yaml::AsMapping(node)).value_or(std::span<const yaml::Member>());
  if (lint_.count() == before && keys.empty()) {
    lint_.Say(node.position, "no floor for any CPU; name at least one \"family:model:stepping\"");
  }
  for (const yaml::Member& member : keys) {
    ComponentFloor floor{member.key, {}};
    if (!IsCpuKey(member.key)) {
      lint_.Say(member.key_position,
                Cat("expected \"family:model:stepping\" in lower-case hexadecimal, as \"19:11:1\" or \"19:11:*\", found ",
                    codec::Quoted(member.key)));
    }
    const auto components = lint_.Take(yaml::AsMapping(member.value)).value_or(std::span<const yaml::Member>());
    for (const yaml::Member& component : components) {
      const auto name = std::find(kComponents.begin(), kComponents.end(), component.key);
      const auto number = lint_.Take(yaml::AsInteger(component.value));
      if (name == kComponents.end()) lint_.SayUnknown(component.key_position, "TCB component", component.key, kComponents);
      else if (number && *number > kMaxComponent) lint_.Say(component.value.position, Cat("expected 0 to 255, found ", *number));
      else if (number) floor.components.push_back({*name, *number});
      if (component.key == "microcode" && member.key.ends_with('*')) {
        lint_.Say(component.key_position, "microcode differs by stepping: give its floor under a key with a stepping");
      }
    }
    const bool any = std::any_of(floor.components.begin(), floor.components.end(), [](const auto& one) { return one.number != 0; });
    if (member.value.kind == yaml::Kind::kMapping && floor.components.size() == components.size() && !any) {
      lint_.Say(member.value.position, "a floor of nothing or of zeros would let everything pass");
    }
    rule.floors.push_back(std::move(floor));
  }
  return lint_.count() == before;
}

bool RuleReader::ReadOperand(RuleKind kind, const yaml::Node& node, const ClaimSpec& claim, Rule& rule) {
  switch (kind) {
    case RuleKind::kEquals: {
      auto value = ReadValue(node, claim);
      if (value) rule.values.push_back(*std::move(value));
      return !rule.values.empty();
    }
    case RuleKind::kOneOf: return ReadValues(node, claim, rule);
    case RuleKind::kStatusAtMost: return ReadLimit(node, claim, rule);
    case RuleKind::kAgeAtMost: {
      const auto age = lint_.DurationIn(node, kLongestAge);
      rule.age = age.value_or(Duration(0));
      return age.has_value();
    }
    case RuleKind::kNotBefore:
    case RuleKind::kNotAfter: {
      const auto time = lint_.TimeIn(node);
      rule.time = time.value_or(Time());
      return time.has_value();
    }
    case RuleKind::kSubsetOf:
      if (claim.type == ClaimType::kNames) return ReadNames(node, rule);
      [[fallthrough]];
    case RuleKind::kBitsSet:
    case RuleKind::kBitsClear: {
      const auto mask = ReadBits(node, claim);
      rule.number = mask.value_or(0);
      return mask.has_value();
    }
    case RuleKind::kAtLeast: {
      if (claim.type == ClaimType::kComponentVersion) return ReadFloors(node, rule);
      const auto number = lint_.Take(yaml::AsInteger(node));
      if (number && *number == 0) lint_.Say(node.position, "at least 0 would let everything pass");
      rule.number = number.value_or(0);
      return rule.number != 0;
    }
    case RuleKind::kMaskedEquals: return ReadMasked(node, claim, rule);
    case RuleKind::kPresent: {
      const auto flag = lint_.Take(yaml::AsBool(node));
      if (flag && !*flag) lint_.Say(node.position, "present takes only true: a rule that a claim be absent is not a rule");
      return flag.value_or(false);
    }
    case RuleKind::kRelease:
    case RuleKind::kAnyOf: return false;  // not of a claim
  }
  return false;
}

std::optional<Rule> RuleReader::ReadClaimRule(const yaml::Node& node) {
  std::vector<std::string_view> known = {"claim"};
  for (const RuleKind kind : kClaimKinds) known.push_back(NameOf(kind));
  if (!inside_any_of_) known.insert(known.end(), {NameOf(RuleKind::kRelease), NameOf(RuleKind::kAnyOf)});
  const std::size_t before = lint_.count();
  lint_.Take(yaml::RequireKnownKeys(node, known));
  if (node.kind != yaml::Kind::kMapping) return std::nullopt;
  const yaml::Node* name = lint_.Key(node, "claim");
  const auto text = name == nullptr ? std::nullopt : lint_.Text(*name);
  const ClaimSpec* claim = text ? FindClaim(name->position, *text) : nullptr;
  if (lint_.count() != before || claim == nullptr) return std::nullopt;

  std::vector<const yaml::Member*> kinds;
  for (const yaml::Member& member : node.members) {
    if (member.key != "claim") kinds.push_back(&member);
  }
  if (kinds.size() != 1) {
    lint_.Say(node.position,
              Cat("expected exactly one kind of rule on ", claim->name, ", of ", FittingKinds(*claim), "; found ", kinds.size()));
    return std::nullopt;
  }
  const yaml::Member& operand = *kinds.front();
  const RuleKind kind = *KindNamed(operand.key);
  if (!Fits(kind, *claim)) {
    lint_.Say(operand.key_position,
              Cat(operand.key, " does not fit ", claim->name, ", which is ", ShowType(*claim), "; use ", FittingKinds(*claim)));
    return std::nullopt;
  }
  Rule rule{.kind = kind, .claim = std::string(claim->name)};
  rule.where = node.position.Show();
  return ReadOperand(kind, operand.value, *claim, rule) ? std::optional(std::move(rule)) : std::nullopt;
}

std::optional<Rule> RuleReader::ReadRelease(const yaml::Node& node) {
  const std::size_t before = lint_.count();
  lint_.Take(yaml::RequireKnownKeys(node, {"release"}));
  const auto name = lint_.TextOf(node, "release");
  if (lint_.count() != before || !name) return std::nullopt;
  Rule rule{.kind = RuleKind::kRelease};
  rule.release = *name;
  rule.where = node.position.Show();
  return rule;
}

std::optional<Rule> RuleReader::ReadAnyOf(const yaml::Node& node) {
  const std::size_t before = lint_.count();
  lint_.Take(yaml::RequireKnownKeys(node, {"any_of"}));
  const yaml::Node& list = *node.Find("any_of");
  Rule rule{.kind = RuleKind::kAnyOf};
  rule.where = node.position.Show();
  inside_any_of_ = true;
  const auto elements = lint_.Elements(list);
  for (const yaml::Node& element : elements) {
    if (element.Find("any_of") != nullptr || element.Find("release") != nullptr) {
      lint_.Say(element.position, "any_of holds rules on claims only: no any_of, no release");
    } else if (auto alternative = ReadClaimRule(element)) {
      rule.alternatives.push_back(*std::move(alternative));
    }
  }
  inside_any_of_ = false;
  if (lint_.count() == before && elements.size() < 2) {
    lint_.Say(list.position, Cat("expected at least two alternatives, found ", elements.size()));
  }
  return lint_.count() == before ? std::optional(std::move(rule)) : std::nullopt;
}

std::optional<Rule> RuleReader::Read(const yaml::Node& node) {
  if (node.Find("release") != nullptr) return ReadRelease(node);
  if (node.Find("any_of") != nullptr) return ReadAnyOf(node);
  return ReadClaimRule(node);
}

}  // namespace assay::appraisal
