#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "appraisal/lint.h"
#include "appraisal/policy.h"
#include "appraisal/rule_reader.h"
#include "appraisal/rules.h"
#include "base/check_log.h"

namespace assay::appraisal {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"AppraisalPolicy", "ReferenceValues", "PolicySet"};
constexpr std::array<std::string_view, 5> kStrengths = {"A", "B", "C", "D", "E"};
constexpr Duration kLongestValidity = std::chrono::hours(24);
constexpr Duration kLongestGrace = std::chrono::hours(7 * 24);
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestCluster = 253, kLongestRole = 63;  // assay/v1/evidence.proto
constexpr std::size_t kLongestRelease = 128;
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
constexpr std::string_view kLabelCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

enum class Question : std::uint8_t { kBootCovered, kOwner };
constexpr std::array<std::string_view, 2> kQuestions = {"boot.covered", "owner"};

bool HasClaim(const platform::Platform& platform, std::string_view name) {
  return std::any_of(platform.formats.begin(), platform.formats.end(), [name](const evidence::Format* format) {
    return std::any_of(format->claims.begin(), format->claims.end(),
                       [name](const evidence::ClaimSpec& claim) { return claim.name == name; });
  });
}

// Octets that are all zero: in this field's terms, nothing was set.
bool IsZero(const trust::Value& value) {
  const auto* octets = std::get_if<Bytes>(&value);
  return octets != nullptr && AllZero(*octets);
}

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

}  // namespace

class PolicyLoader {
 public:
  explicit PolicyLoader(const Registry& registry) : registry_(registry) {}

  LoadResult Load(const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& [name, text] : files) Open(name, text);
    if (files.empty()) lint_.Say({std::make_shared<const std::string>("policies"), 1, 1}, "no policy files; name at least one");
    // What others refer to comes first, in whatever order the files came.
    for (const Document& document : documents_) {
      if (document.kind == "ReferenceValues") ReadReferenceValues(document.root);
    }
    for (const Document& document : documents_) {
      if (document.kind == "AppraisalPolicy") ReadPolicy(document.root);
    }
    for (const Document& document : documents_) {
      if (document.kind == "PolicySet") ReadSet(document.root);
    }
    LoadResult result;
    if (lint_.empty()) {
      book_.digest_ = DigestOfSources();
      result.book = std::move(book_);
    }
    result.messages = std::move(lint_).Finish();
    return result;
  }

 private:
  struct Document {
    std::string kind;
    yaml::Node root;
  };

  void Open(const std::string& name, const std::string& text) {
    book_.sources_.push_back({name, ToBytes(AsBytes(text)), crypto::Sha256(AsBytes(text))});
    auto root = lint_.Take(yaml::Parse(text, name));
    if (!root || !lint_.Take(yaml::AsMapping(*root))) return;
    const auto version = lint_.TextOf(*root, "apiVersion");
    if (version && *version != "assay.v1") {
      lint_.Say(root->Find("apiVersion")->position, Cat("expected 'assay.v1', found ", codec::Quoted(*version)));
    }
    const auto kind = lint_.TextOf(*root, "kind");
    if (kind && std::find(kKinds.begin(), kKinds.end(), *kind) == kKinds.end()) {
      lint_.SayUnknown(root->Find("kind")->position, "kind of document", *kind, kKinds);
    } else if (kind && version) {
      documents_.push_back({*kind, *std::move(root)});
    }
  }

  // A document's own name, which is that of no other document of its kind.
  std::optional<std::string> TakeName(const yaml::Node& root, std::string_view what) {
    const yaml::Node* node = lint_.Key(root, "name");
    if (node == nullptr) return std::nullopt;
    auto name = lint_.Text(*node);
    if (!name) return std::nullopt;
    if (name->empty() || name->size() > kLongestName || name->find_first_not_of(kNameCharacters) != std::string::npos) {
      lint_.Say(node->position, Cat("expected a name of 1 to ", kLongestName, " of a-z, 0-9, '.' and '-', found ", codec::Quoted(*name)));
      return std::nullopt;
    }
    const auto [first, fresh] = names_.emplace(std::pair(std::string(what), *name), node->position.Show());
    if (!fresh) lint_.Say(node->position, Cat(what, " ", codec::Quoted(*name), " again; first at ", first->second));
    return fresh ? name : std::nullopt;
  }

  // What names something outside of these files.
  std::optional<std::string> TakeLabel(const yaml::Node& node, std::string_view what, std::size_t longest) {
    auto text = lint_.Text(node);
    if (!text || (!text->empty() && text->size() <= longest && text->find_first_not_of(kLabelCharacters) == std::string::npos)) return text;
    lint_.Say(node.position,
              Cat("expected a ", what, " of 1 to ", longest, " letters, digits, '.', '_' and '-', found ", codec::Quoted(*text)));
    return std::nullopt;
  }

  // --- ReferenceValues ---

  void ReadReferenceValues(const yaml::Node& root) {
    lint_.Take(yaml::RequireKnownKeys(root, {"apiVersion", "kind", "name", "releases"}));
    ReferenceValues values;
    values.name = TakeName(root, "reference values").value_or("");
    if (const yaml::Node* list = lint_.Key(root, "releases")) {
      const auto elements = lint_.Elements(*list);
      if (elements.empty() && list->kind == yaml::Kind::kSequence) {
        lint_.Say(list->position, "no release would ever match; name at least one");
      }
      std::map<std::string, std::string> seen;
      for (const yaml::Node& element : elements) ReadRelease(element, values, seen);
    }
    book_.reference_values_.push_back(std::move(values));
  }

  void ReadRelease(const yaml::Node& node, ReferenceValues& values, std::map<std::string, std::string>& seen) {
    lint_.Take(yaml::RequireKnownKeys(node, {"name", "sunset", "reviewable_firmware", "values", "warn"}));
    Release release;
    if (const yaml::Node* name = node.kind == yaml::Kind::kMapping ? lint_.Key(node, "name") : nullptr) {
      release.name = TakeLabel(*name, "release name", kLongestRelease).value_or("");
      const auto [first, fresh] = seen.emplace(release.name, name->position.Show());
      if (!fresh && !release.name.empty()) {
        lint_.Say(name->position, Cat("release ", codec::Quoted(release.name), " again; first at ", first->second));
      }
    }
    if (const yaml::Node* sunset = node.Find("sunset")) release.sunset = lint_.TimeIn(*sunset);
    if (const yaml::Node* reviewable = node.Find("reviewable_firmware")) {
      release.reviewable_firmware = lint_.Take(yaml::AsBool(*reviewable)).value_or(false);
    }
    if (const yaml::Node* tuple = node.kind == yaml::Kind::kMapping ? lint_.Key(node, "values") : nullptr) {
      const auto members = lint_.Take(yaml::AsMapping(*tuple)).value_or(std::span<const yaml::Member>());
      if (members.empty() && tuple->kind == yaml::Kind::kMapping) {
        lint_.Say(tuple->position, "a release without values would match everything");
      }
      release.values = ReadTuple(members);
    }
    if (const yaml::Node* tuple = node.Find("warn")) {
      const auto members = lint_.Take(yaml::AsMapping(*tuple)).value_or(std::span<const yaml::Member>());
      if (members.empty() && tuple->kind == yaml::Kind::kMapping) lint_.Say(tuple->position, "nothing to warn about; leave it out");
      for (const yaml::Member& member : members) {
        const auto enforced =
            std::find_if(release.values.begin(), release.values.end(), [&](const auto& value) { return value.first == member.key; });
        if (enforced != release.values.end()) {
          lint_.Say(member.key_position, Cat(member.key, " is in values as well: it is demanded, or warned about"));
        }
      }
      release.warnings = ReadTuple(members);
    }
    values.releases.push_back(std::move(release));
  }

  // Sorted by claim.
  std::vector<std::pair<std::string, trust::Value>> ReadTuple(std::span<const yaml::Member> members) {
    std::vector<std::pair<std::string, trust::Value>> tuple;
    RuleReader reader(registry_, nullptr, lint_);
    for (const yaml::Member& member : members) {
      const evidence::ClaimSpec* claim = reader.FindClaim(member.key_position, member.key);
      if (claim == nullptr) continue;
      if (auto value = reader.ReadValue(member.value, *claim)) tuple.emplace_back(member.key, *std::move(value));
    }
    std::sort(tuple.begin(), tuple.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    return tuple;
  }

  // --- AppraisalPolicy ---

  void ReadPolicy(const yaml::Node& root) {
    lint_.Take(yaml::RequireKnownKeys(root, {"apiVersion", "kind", "name", "platform", "strength", "trust_boundary", "max_validity",
                                             "grace", "admit_with_warnings", "rules", "satisfies", "waive"}));
    Policy policy;
    policy.name = TakeName(root, "policy").value_or("");
    const platform::Platform* platform = TakePlatform(root);
    if (platform != nullptr) policy.platform = platform->name;
    policy.strength_at_least = TakeStrength(root.Find("strength")).value_or(platform::Strength::kE);
    policy.required_features = TakeFeatures(root.Find("trust_boundary"));
    if (const yaml::Node* validity = root.Find("max_validity")) {
      policy.max_validity = lint_.DurationIn(*validity, kLongestValidity).value_or(policy.max_validity);
    }
    if (const yaml::Node* grace = root.Find("grace")) policy.grace = lint_.DurationIn(*grace, kLongestGrace).value_or(policy.grace);
    if (const yaml::Node* admit = root.Find("admit_with_warnings")) {
      policy.admit_with_warnings = lint_.Take(yaml::AsBool(*admit)).value_or(false);
    }
    const yaml::Node* rules = lint_.Key(root, "rules");
    const std::size_t before = lint_.count();
    if (platform != nullptr && rules != nullptr) {
      RuleReader reader(registry_, platform, lint_);
      for (const yaml::Node& element : lint_.Elements(*rules)) {
        auto rule = reader.Read(element);
        if (rule && rule->kind == RuleKind::kRelease) CheckReference(*rule, *element.Find("release"), *platform);
        if (rule) policy.rules.push_back(*std::move(rule));
      }
    }
    if (const yaml::Node* waive = root.Find("waive"); waive != nullptr && platform != nullptr) ReadWaivers(*waive, *platform, policy);
    const bool rules_are_sound = rules != nullptr && lint_.count() == before;
    if (const yaml::Node* satisfies = root.Find("satisfies"); satisfies != nullptr && platform != nullptr) {
      ReadSatisfies(*satisfies, *platform, rules_are_sound, policy);
    }
    if (platform != nullptr && rules_are_sound) {
      CheckDuties(root, *platform, policy);
      for (const Question question : {Question::kBootCovered, Question::kOwner}) CheckQuestion(root, question, policy);
    }
    book_.policies_.push_back(std::move(policy));
  }

  const platform::Platform* TakePlatform(const yaml::Node& root) {
    const yaml::Node* node = lint_.Key(root, "platform");
    const auto name = node == nullptr ? std::nullopt : lint_.Text(*node);
    if (!name) return nullptr;
    const platform::Platform* platform = registry_.FindPlatform(*name);
    if (platform == nullptr) {
      std::vector<std::string_view> known;
      for (const platform::Platform* one : registry_.platforms) known.push_back(one->name);
      lint_.SayUnknown(node->position, "platform", *name, known);
    }
    return platform;
  }

  // {at_least: A}
  std::optional<platform::Strength> TakeStrength(const yaml::Node* node) {
    if (node == nullptr) return std::nullopt;
    lint_.Take(yaml::RequireKnownKeys(*node, {"at_least"}));
    const yaml::Node* level = node->kind == yaml::Kind::kMapping ? lint_.Key(*node, "at_least") : nullptr;
    const auto text = level == nullptr ? std::nullopt : lint_.Text(*level);
    if (!text) return std::nullopt;
    const auto found = std::find(kStrengths.begin(), kStrengths.end(), *text);
    if (found == kStrengths.end()) {
      lint_.Say(level->position, Cat("expected a strength from A (strongest) to E, found ", codec::Quoted(*text)));
      return std::nullopt;
    }
    return static_cast<platform::Strength>(found - kStrengths.begin());
  }

  // {require: [memory_encryption]}
  std::vector<platform::Feature> TakeFeatures(const yaml::Node* node) {
    std::vector<platform::Feature> features;
    if (node == nullptr) return features;
    lint_.Take(yaml::RequireKnownKeys(*node, {"require"}));
    const yaml::Node* list = node->kind == yaml::Kind::kMapping ? lint_.Key(*node, "require") : nullptr;
    if (list == nullptr) return features;
    std::vector<std::string_view> known;
    for (const platform::Feature feature : platform::AllFeatures()) known.push_back(platform::NameOf(feature));
    for (const yaml::Node& element : lint_.Elements(*list)) {
      const auto name = lint_.Text(element);
      const auto feature = name ? platform::FeatureNamed(*name) : std::nullopt;
      if (name && !feature) lint_.SayUnknown(element.position, "feature", *name, known);
      if (!feature) continue;
      if (std::find(features.begin(), features.end(), *feature) != features.end()) {
        lint_.Say(element.position, Cat("feature ", *name, " twice"));
      }
      features.push_back(*feature);
    }
    return features;
  }

  // Refers to reference values, all of them of claims that the platform has.
  void CheckReference(const Rule& rule, const yaml::Node& node, const platform::Platform& platform) {
    if (const ReferenceValues* values = book_.FindReferenceValues(rule.release)) {
      for (const Release& release : values->releases) {
        for (const auto& [claim, value] : release.values) {
          if (const std::string_view why = WhyMeaningless(platform, claim); !why.empty()) {
            lint_.Say(node.position,
                      Cat("release ", codec::Quoted(release.name), " of ", codec::Quoted(values->name), " demands ", claim, ": ", why));
          }
          if (HasClaim(platform, claim)) continue;
          lint_.Say(node.position, Cat("release ", codec::Quoted(release.name), " of ", codec::Quoted(values->name),
                                       " could never match: platform ", platform.name, " has no claim ", claim));
        }
        for (const auto& [claim, value] : release.warnings) {
          if (const std::string_view why = WhyMeaningless(platform, claim); !why.empty()) {
            lint_.Say(node.position,
                      Cat("release ", codec::Quoted(release.name), " of ", codec::Quoted(values->name), " warns about ", claim, ": ", why));
          }
          if (HasClaim(platform, claim)) continue;
          lint_.Say(node.position, Cat("release ", codec::Quoted(release.name), " of ", codec::Quoted(values->name),
                                       " would always warn: platform ", platform.name, " has no claim ", claim));
        }
      }
      return;
    }
    std::vector<std::string_view> known;
    for (const ReferenceValues& values : book_.reference_values_) known.push_back(values.name);
    if (known.empty()) lint_.Say(node.position, Cat("no reference values ", codec::Quoted(rule.release), ": give their file as well"));
    else lint_.SayUnknown(node.position, "reference values", rule.release, known);
  }

  void ReadWaivers(const yaml::Node& list, const platform::Platform& platform, Policy& policy) {
    std::vector<std::string_view> waivable(kQuestions.begin(), kQuestions.end());
    for (const evidence::Format* format : platform.formats) {
      for (const evidence::ClaimSpec& claim : format->claims) {
        if (claim.duty == evidence::Duty::kMustOrWaive) waivable.push_back(claim.name);
      }
    }
    for (const yaml::Node& element : lint_.Elements(list)) {
      lint_.Take(yaml::RequireKnownKeys(element, {"claim", "reason"}));
      if (element.kind != yaml::Kind::kMapping) continue;
      const yaml::Node* claim = lint_.Key(element, "claim");
      const yaml::Node* reason = lint_.Key(element, "reason");
      const auto name = claim == nullptr ? std::nullopt : lint_.Text(*claim);
      const auto text = reason == nullptr ? std::nullopt : lint_.Text(*reason);
      if (!name || !text) continue;
      if (std::find(waivable.begin(), waivable.end(), *name) == waivable.end()) {
        lint_.Say(claim->position, Cat(codec::Quoted(*name), " can't be waived; only ", Join(waivable, ", ")));
      } else if (policy.FindWaiver(*name) != nullptr) {
        lint_.Say(claim->position, Cat(codec::Quoted(*name), " is waived twice"));
      } else if (IsBlank(*text)) {
        lint_.Say(reason->position, Cat("a waiver of ", *name, " needs a reason: it is shown in every verdict"));
      } else {
        policy.waivers.push_back({*name, *text});
      }
    }
  }

  void ReadSatisfies(const yaml::Node& node, const platform::Platform& platform, bool rules_are_sound, Policy& policy) {
    lint_.Take(yaml::RequireKnownKeys(node, {kQuestions[0], kQuestions[1]}));
    if (node.kind != yaml::Kind::kMapping) return;
    for (const Question question : {Question::kBootCovered, Question::kOwner}) {
      const std::string_view name = kQuestions[static_cast<std::size_t>(question)];
      const yaml::Node* value = node.Find(name);
      const auto claim = value == nullptr ? std::nullopt : lint_.Text(*value);
      if (!claim) continue;
      (question == Question::kBootCovered ? policy.boot_covered : policy.owner) = *claim;
      RuleReader reader(registry_, &platform, lint_);
      if (*claim == kProvenanceClaim) {
        lint_.Say(value->position, Cat(*claim, " says whose hardware it is; it can't answer ", name));
        continue;
      }
      const evidence::ClaimSpec* spec = reader.FindClaim(value->position, *claim);
      if (spec == nullptr || !rules_are_sound) continue;
      // A digest or an identity; a flag, a level or a version covers nothing and names nobody.
      const std::string_view why_not = platform.no_answer == nullptr ? std::string_view() : platform.no_answer(name, *claim);
      if (!why_not.empty()) {
        lint_.Say(value->position, Cat(*claim, " can't answer ", name, " of ", platform.name, ": ", why_not));
      } else if (spec->type != evidence::ClaimType::kOctets && spec->type != evidence::ClaimType::kText) {
        lint_.Say(value->position, Cat(*claim, " is neither a digest nor an identity; it can't answer ", name));
      } else if (!Appraises(policy, book_, *claim)) {
        lint_.Say(value->position, Cat(*claim, " answers ", name,
                                       " only if a rule outside of any_of other than present, or every release, "
                                       "appraises it; none does"));
      } else if (AllowsZero(policy, *claim)) {
        lint_.Say(value->position, Cat(*claim, " can't answer ", name, " while all zero is allowed: that is a field that nobody set"));
      }
    }
  }

  // Whether octets that are all zero would pass every rule on the claim.
  bool AllowsZero(const Policy& policy, std::string_view claim) const {
    return std::all_of(policy.rules.begin(), policy.rules.end(), [&](const Rule& rule) {
      if (rule.kind == RuleKind::kRelease) {
        const ReferenceValues* values = book_.FindReferenceValues(rule.release);
        return values == nullptr || std::any_of(values->releases.begin(), values->releases.end(), [&](const Release& release) {
                 return std::all_of(release.values.begin(), release.values.end(),
                                    [&](const auto& value) { return value.first != claim || IsZero(value.second); });
               });
      }
      return rule.claim != claim || rule.kind == RuleKind::kPresent || std::any_of(rule.values.begin(), rule.values.end(), IsZero);
    });
  }

  void CheckQuestion(const yaml::Node& root, Question question, const Policy& policy) {
    const std::string_view name = kQuestions[static_cast<std::size_t>(question)];
    const yaml::Node* satisfies = root.Find("satisfies");
    const yaml::Node* answer = satisfies == nullptr ? nullptr : satisfies->Find(name);
    const bool waived = policy.FindWaiver(name) != nullptr;
    if (answer != nullptr && waived) lint_.Say(answer->position, Cat(name, " is both satisfied and waived; choose one"));
    if (answer != nullptr || waived || (satisfies != nullptr && satisfies->kind != yaml::Kind::kMapping)) return;
    const bool boot = question == Question::kBootCovered;
    lint_.Say(root.position,
              Cat(name, " is not answered: ", boot ? "which signed claim covers kernel, initrd and command line?" : "whose machine is it?",
                  " Name the claim under satisfies, or waive ", name, " with a reason"));
  }

  // Every claim that a format demands of a policy is appraised or, where that is allowed, waived.
  void CheckDuties(const yaml::Node& root, const platform::Platform& platform, const Policy& policy) {
    for (const evidence::Format* format : platform.formats) {
      for (const evidence::ClaimSpec& claim : format->claims) {
        if (claim.duty == evidence::Duty::kOptional || SwitchedOff(Check::kMustAppraise)) continue;
        const bool waivable = claim.duty == evidence::Duty::kMustOrWaive;
        if (Appraises(policy, book_, claim.name) || (waivable && policy.FindWaiver(claim.name) != nullptr)) continue;
        lint_.Say(root.position, Cat(claim.name, " must be appraised: add a rule on it",
                                     waivable ? ", or waive it with a reason" : " (it can't be waived)"));
      }
    }
  }

  // --- PolicySet ---

  void ReadSet(const yaml::Node& root) {
    lint_.Take(yaml::RequireKnownKeys(root, {"apiVersion", "kind", "name", "context", "strength", "trust_boundary", "policies"}));
    PolicySet set;
    set.name = TakeName(root, "policy set").value_or("");
    if (const yaml::Node* context = lint_.Key(root, "context")) ReadContext(*context, set);
    set.strength_at_least = TakeStrength(lint_.Key(root, "strength")).value_or(platform::Strength::kA);
    set.required_features = TakeFeatures(lint_.Key(root, "trust_boundary"));
    if (const yaml::Node* list = lint_.Key(root, "policies")) ReadMembers(*list, set);
    book_.sets_.push_back(std::move(set));
  }

  void ReadContext(const yaml::Node& node, PolicySet& set) {
    lint_.Take(yaml::RequireKnownKeys(node, {"cluster", "role"}));
    if (node.kind != yaml::Kind::kMapping) return;
    const yaml::Node* cluster = lint_.Key(node, "cluster");
    const yaml::Node* roles = lint_.Key(node, "role");
    if (cluster == nullptr || roles == nullptr) return;
    set.cluster = TakeLabel(*cluster, "cluster", kLongestCluster).value_or("");
    const auto elements = lint_.Elements(*roles);
    if (elements.empty() && roles->kind == yaml::Kind::kSequence) {
      lint_.Say(roles->position, "a set without roles is for nobody; name at least one");
    }
    for (const yaml::Node& element : elements) {
      const auto role = TakeLabel(element, "role", kLongestRole);
      if (!role || set.cluster.empty()) continue;
      const auto [first, fresh] = contexts_.emplace(std::pair(set.cluster, *role), element.position.Show());
      if (!fresh) {
        lint_.Say(element.position, Cat("cluster ", codec::Quoted(set.cluster), ", role ", codec::Quoted(*role),
                                        " again: one set for a context; first at ", first->second));
      }
      set.roles.push_back(*role);
    }
  }

  void ReadMembers(const yaml::Node& list, PolicySet& set) {
    const auto elements = lint_.Elements(list);
    if (elements.empty() && list.kind == yaml::Kind::kSequence) {
      lint_.Say(list.position, "a set without policies rejects every node; name at least one");
    }
    std::map<std::string, std::string> platforms;  // → policy
    for (const yaml::Node& element : elements) {
      const auto name = lint_.Text(element);
      if (!name) continue;
      const Policy* policy = book_.FindPolicy(*name);
      if (policy == nullptr) {
        std::vector<std::string_view> known;
        for (const Policy& one : book_.policies_) known.push_back(one.name);
        if (known.empty()) lint_.Say(element.position, Cat("no policy ", codec::Quoted(*name), ": give its file as well"));
        else lint_.SayUnknown(element.position, "policy", *name, known);
        continue;
      }
      const auto [first, fresh] = platforms.emplace(policy->platform, policy->name);
      if (!fresh && first->second == *name) {
        lint_.Say(element.position, Cat("policy ", codec::Quoted(*name), " twice"));
      } else if (!fresh && !policy->platform.empty()) {
        lint_.Say(element.position,
                  Cat("two policies for platform ", policy->platform, ": ", codec::Quoted(first->second), " and ", codec::Quoted(*name)));
      }
      set.policies.push_back(*name);
    }
  }

  // Independent of names and order of files: what is in force is what they say.
  crypto::Sha256Digest DigestOfSources() const {
    std::vector<crypto::Sha256Digest> digests;
    for (const PolicySource& source : book_.sources_) digests.push_back(source.sha256);
    std::sort(digests.begin(), digests.end());
    Bytes listing;
    for (const crypto::Sha256Digest& digest : digests) Append(listing, digest);
    return crypto::Sha256(listing);
  }

  const Registry& registry_;
  Lint lint_;
  PolicyBook book_;
  std::vector<Document> documents_;
  std::map<std::pair<std::string, std::string>, std::string> names_;     // (kind, name) → where
  std::map<std::pair<std::string, std::string>, std::string> contexts_;  // (cluster, role) → where
};

LoadResult LoadPolicies(const std::vector<std::pair<std::string, std::string>>& files, const Registry& registry) {
  return PolicyLoader(registry).Load(files);
}

}  // namespace assay::appraisal
