#include "client/cli/policy_draft.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "appraisal/shipped_policies.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/verdict_view.h"
#include "codec/json_writer.h"

namespace assay::cli {
namespace {

using evidence::ClaimSpec;
using evidence::Duty;
using trust::AuthenticatedClaims;
using trust::Value;

// Of policies and releases: what the loader takes.
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
constexpr std::size_t kLongestName = 64;
constexpr std::string_view kImages = "-images";

// What tells one image from another. Registers that differ from boot to boot, or that whoever runs may reset, are none: 1, 5, 10, 15 to 23.
constexpr auto kOfTheImage = std::to_array<std::string_view>({
    "snp.measurement", "dcap.mrtd",       "dcap.rtmr0",      "dcap.rtmr1",       "dcap.rtmr2",       "tpm.sha256_pcr4",
    "tpm.sha256_pcr7", "tpm.sha256_pcr8", "tpm.sha256_pcr9", "tpm.sha256_pcr11", "tpm.sha256_pcr12", "tpm.sha256_pcr13",
    "nitro.pcr0",      "nitro.pcr1",      "nitro.pcr2",      "nitro.pcr8",       "nitro.tpm_pcr4",   "nitro.tpm_pcr7",
    "nitro.tpm_pcr8",  "nitro.tpm_pcr9",  "nitro.tpm_pcr11", "nitro.tpm_pcr12",  "nitro.tpm_pcr13",
});
// Firmware of others, which they change: told where it differs.
constexpr auto kOfTheFirmware =
    std::to_array<std::string_view>({"tpm.sha256_pcr0", "tpm.sha256_pcr2", "tpm.sha256_pcr3", "tpm.sha256_pcr14", "nitro.tpm_pcr0",
                                     "nitro.tpm_pcr2", "nitro.tpm_pcr3", "nitro.tpm_pcr14"});
// Best first. Never dcap.mrtd: it is of the firmware alone on every platform.
constexpr auto kCoversBoot = std::to_array<std::string_view>({"dcap.rtmr2", "dcap.rtmr1", "nitro.pcr0", "nitro.tpm_pcr4", "snp.measurement",
                                                              "tpm.sha256_pcr4", "tpm.sha256_pcr11", "tpm.sha256_pcr9"});
// One says nothing of the image without the other (GHSA-xrv8-2pf5-f3q7).
constexpr auto kNitroTpmBoot = std::to_array<std::string_view>({"nitro.tpm_pcr4", "nitro.tpm_pcr12"});
// What a provider says of its customers.
constexpr auto kSaysWhose = std::to_array<std::string_view>({"gce.project_id", "nitro.pcr3", "nitro.pcr8", "nitro.instance_id"});
// What whoever launches a guest says, and whose hardware it is: on machines of a provider both are the provider's.
constexpr auto kSaysWhoLaunched = std::to_array<std::string_view>(
    {"snp.id_key_digest", "snp.host_data", "dcap.mrconfigid", "dcap.mrowner", "snp.chip_id", "dcap.platform_instance_id"});
// Of these an allow-list is worth having, whatever answers for the owner: ids of projects are given away again, numbers never.
constexpr auto kAllowLists = std::to_array<std::string_view>({"gce.project_number", "snp.chip_id", "nitro.pcr4"});
constexpr auto kOfTheLog = std::to_array<std::string_view>({"log.secure_boot", "log.unlogged_pcrs"});

// What people run themselves, and not on machines that a provider launches for its customers.
bool LaunchedByItsOwner(const platform::Platform& platform) { return platform.cloud.empty() || platform.cloud == "openstack"; }

// nullptr: no rule of this platform may be on it.
const ClaimSpec* SpecOf(const platform::Platform& platform, std::string_view name) {
  if (platform.meaningless != nullptr && !platform.meaningless(name).empty()) return nullptr;
  for (const evidence::Format* format : platform.formats) {
    const auto found =
        std::find_if(format->claims.begin(), format->claims.end(), [name](const ClaimSpec& claim) { return claim.name == name; });
    if (found != format->claims.end()) return &*found;
  }
  return nullptr;
}

// Present, and not the zeros that mean "none".
bool Says(const AuthenticatedClaims& claims, std::string_view name) {
  const trust::Claim* claim = claims.Find(name);
  const auto* octets = claim == nullptr ? nullptr : std::get_if<Bytes>(&claim->value);
  return claim != nullptr && (octets == nullptr || !AllZero(*octets));
}

std::string Quoted(std::string_view text) {
  std::string quoted;
  return json::AppendCanonical(text, quoted) ? quoted : std::string("\"\"");  // claims are UTF-8
}

std::string Scalar(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  if (const auto* octets = std::get_if<Bytes>(&value)) return Cat('"', ToHex(*octets), '"');
  if (const auto* text = std::get_if<std::string>(&value)) return Quoted(*text);
  return {};
}

// Kind and value of a rule that this value passes, and none that is worse; "": no rule can say it.
std::string RuleFor(const ClaimSpec& claim, const Value& value, const AuthenticatedClaims& claims) {
  if (claim.type == evidence::ClaimType::kStatus) return Cat("status_at_most: ", std::get<std::string>(value));
  if (const auto* names = std::get_if<trust::Names>(&value)) {
    std::vector<std::string> quoted;
    for (const std::string& name : names->names) quoted.push_back(Quoted(name));
    return Cat("subset_of: [", Join(quoted, ", "), "]");
  }
  if (const auto* version = std::get_if<trust::ComponentVersion>(&value)) {
    const auto* cpu = claims.Get<std::string>(Cat(claim.name.substr(0, claim.name.find('.')), ".cpu"));
    if (cpu == nullptr) return {};
    std::vector<std::string> components;
    for (const trust::VersionComponent& one : version->components) components.push_back(Cat(one.name, ": ", one.number));
    return Cat("at_least: {\"", *cpu, "\": {", Join(components, ", "), "}}");
  }
  if (std::holds_alternative<Time>(value)) return {};
  const auto in = [&](const auto& list) { return std::find(list.begin(), list.end(), claim.name) != list.end(); };
  const bool listed = in(kSaysWhose) || in(kSaysWhoLaunched) || in(kAllowLists);
  return listed ? Cat("one_of: [", Scalar(value), "]") : Cat("equals: ", Scalar(value));
}

struct Draft {
  std::string policy, images;
};

// Writes both files from what authentication found.
class Drafting {
 public:
  Drafting(const platform::Platform& platform, const AuthenticatedClaims& claims, const std::map<std::string, std::string>& refused)
      : platform_(platform), claims_(claims), refused_(refused) {}

  // nullopt: `defect` says which claim no rule can be written for.
  std::optional<Draft> Write(const std::string& name, const std::string& images, const std::string& origin,
                             const appraisal::Policy* shipped, const std::string& strength, const std::string& features,
                             std::string& defect) {
    for (const evidence::Format* format : platform_.formats) {
      for (const ClaimSpec& claim : format->claims) {
        if (claim.duty != Duty::kOptional && !MustAppraise(claim, defect)) return std::nullopt;
      }
    }
    if (shipped != nullptr) {
      for (const appraisal::Rule& rule : shipped->rules) AddRule(rule.claim, "The shipped policy appraises it too.");
    }
    for (const std::string_view claim : kOfTheLog) AddRule(claim, "What the event log shows.");
    const bool has_images = AddImages();
    if (has_images) {
      rules_ +=
          Cat("\n  # Which images may boot: ", images,
              ".yaml has the one of this machine. DECIDE: add those that you will roll out, before you do.\n  - {release: ", Quoted(images),
              "}\n");
    }
    AnswerBoot(has_images);
    AnswerOwner();
    for (const std::string_view claim : kAllowLists) {
      if (Says(claims_, claim)) AddRule(claim, "Of this machine. DECIDE: list all that are yours, or leave the rule out if any will do.");
    }
    Draft draft;
    draft.policy = Cat(
        "# Drafted by `assay policy from-evidence` from ", origin,
        ".\n"
        "# Every value is of that one machine, which you hold to be good. What is yours to decide before this judges others is marked DECIDE.\n"
        "# docs/policies.md explains every key, docs/claims.md every claim.\n"
        "apiVersion: assay.v1\nkind: AppraisalPolicy\nname: ",
        Quoted(name), "\nplatform: ", platform_.name, "\n# What this evidence reaches; less can't pass.\nstrength: {at_least: ", strength,
        "}\ntrust_boundary: {require: [", features,
        "]}\n# DECIDE: how long a verdict may be relied on, and whether one with warnings lets a node in.\nmax_validity: 1h\nadmit_with_warnings: false\n\nrules:\n",
        rules_);
    if (!satisfies_.empty()) draft.policy += Cat("\nsatisfies: {", satisfies_, "}\n");
    if (!waivers_.empty()) {
      draft.policy +=
          Cat("\n# DECIDE: each of these keeps every verdict from being TRUSTED; go on without it if you can.\nwaive:\n", waivers_);
    }
    if (!has_images) return draft;
    draft.images = Cat("# Drafted by `assay policy from-evidence` from ", origin,
                       ": what that machine had booted.\n"
                       "# DECIDE: what the image is called, and from when on it no longer counts (sunset: an RFC 3339 time).\n"
                       "apiVersion: assay.v1\nkind: ReferenceValues\nname: ",
                       Quoted(images), "\nreleases:\n  - name: \"1\"\n    # All of these must be so.\n    values:\n", values_);
    if (!warnings_.empty()) {
      draft.images +=
          Cat("    # Where one of these differs, the verdict warns. DECIDE: move what must be so to the values.\n    warn:\n", warnings_);
    }
    return draft;
  }

 private:
  bool MustAppraise(const ClaimSpec& claim, std::string& defect) {
    const trust::Claim* found = claims_.Find(claim.name);
    const auto* flag = found == nullptr ? nullptr : std::get_if<bool>(&found->value);
    const bool flag_unsafe = flag != nullptr && claim.duty == Duty::kMustOrWaive && *flag != claim.rule.safe;
    // A list that should be there and isn't is nothing that a rule should ask for.
    const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value);
    const bool missing = claim.duty == Duty::kMustOrWaive && text != nullptr && *text == "missing";
    if (found == nullptr || flag_unsafe || missing) {
      if (claim.duty != Duty::kMustOrWaive) return void(defect = Cat(claim.name, " is absent from this evidence")), false;
      waivers_ += Cat("  - claim: ", claim.name, "\n    reason: this machine has ",
                      found == nullptr ? std::string("none") : trust::ShowValue(found->value), "; decide whether that may be\n");
      appraised_.insert(claim.name);
      return true;
    }
    if (RuleFor(claim, found->value, claims_).empty()) {
      return void(defect = Cat(claim.name, " can't be keyed: this report does not name its CPU")), false;
    }
    AddRule(claim.name, "Must be appraised.");
    return true;
  }

  // Once for each claim that the evidence has.
  void AddRule(std::string_view name, std::string_view why) {
    const ClaimSpec* spec = SpecOf(platform_, name);
    const trust::Claim* claim = claims_.Find(name);
    if (spec == nullptr || claim == nullptr || appraised_.contains(spec->name)) return;
    const std::string rule = RuleFor(*spec, claim->value, claims_);
    if (rule.empty()) return;
    appraised_.insert(spec->name);
    const auto refused = refused_.find(std::string(name));
    if (refused != refused_.end()) {
      rules_ += Cat("  # DECIDE: the policy shipped with assay does not let this pass: ", refused->second, "\n");
    }
    rules_ += Cat("  # ", spec->meaning, ". ", why, "\n  - {claim: ", name, ", ", rule, "}\n");
  }

  bool AddImages() {
    const bool both =
        std::all_of(kNitroTpmBoot.begin(), kNitroTpmBoot.end(), [this](std::string_view name) { return claims_.Find(name) != nullptr; });
    const auto add = [&](std::string_view name, std::string& to) {
      const trust::Claim* claim = claims_.Find(name);
      const ClaimSpec* spec = SpecOf(platform_, name);
      if (claim == nullptr || spec == nullptr) return;
      if (!both && std::find(kNitroTpmBoot.begin(), kNitroTpmBoot.end(), name) != kNitroTpmBoot.end()) return;
      // Of an enclave zero is no measurement: an image that nobody signed, or debug mode.
      if (name.starts_with("nitro.pcr") && !Says(claims_, name)) return;
      to += Cat("      ", name, ": ", Scalar(claim->value), "  # ", spec->meaning,
                IsLaunch(name) && !LaunchCoversBoot() ? "; here of firmware alone" : "", "\n");
    };
    for (const std::string_view name : kOfTheImage) add(name, values_);
    for (const std::string_view name : kOfTheFirmware) add(name, warnings_);
    return !values_.empty();
  }

  static bool IsLaunch(std::string_view name) { return name == "snp.measurement"; }

  // A provider's guests, and those in an SVSM or a paravisor, are launched with firmware alone; the kernel comes from their disk.
  bool LaunchCoversBoot() const {
    const auto* signing_key = claims_.Get<std::string>("snp.signing_key");
    const bool key_of_a_provider = signing_key != nullptr && *signing_key == "vlek";
    return LaunchedByItsOwner(platform_) && SpecOf(platform_, "tpm.sha256_pcr4") == nullptr && !key_of_a_provider;
  }

  bool CoversBoot(std::string_view name) const {
    if (SpecOf(platform_, name) == nullptr || !Says(claims_, name) || (IsLaunch(name) && !LaunchCoversBoot())) return false;
    return name != kNitroTpmBoot.front() || claims_.Find(kNitroTpmBoot.back()) != nullptr;
  }

  void AnswerBoot(bool has_images) {
    const auto covers = std::find_if(kCoversBoot.begin(), kCoversBoot.end(), [this](std::string_view name) { return CoversBoot(name); });
    if (!has_images || covers == kCoversBoot.end()) {
      waivers_ += "  - claim: boot.covered\n    reason: nothing in this evidence covers kernel, initrd and command line\n";
      return;
    }
    rules_ += Cat(
        "  # DECIDE: whether ", *covers,
        " covers kernel, initrd and command line on your machines (the platform's README says when it does);\n  # waive boot.covered if not.\n");
    satisfies_ = Cat("boot.covered: ", *covers);
  }

  // "": nothing says it.
  std::string_view Owner() const {
    // Where a hardware report commits to the TPM, no operator has vouched for any key of it.
    const auto* trust_in_key = claims_.Get<std::string>("tpm.ak_trust");
    const bool vouched = trust_in_key != nullptr && (*trust_in_key == "enrolment" || *trust_in_key == "activation");
    if (vouched && SpecOf(platform_, "snp.measurement") == nullptr) return "tpm.ak_trust";
    const auto says = [this](std::string_view name) { return SpecOf(platform_, name) != nullptr && Says(claims_, name); };
    if (const auto found = std::find_if(kSaysWhose.begin(), kSaysWhose.end(), says); found != kSaysWhose.end()) return *found;
    if (!LaunchedByItsOwner(platform_)) return {};
    const auto found = std::find_if(kSaysWhoLaunched.begin(), kSaysWhoLaunched.end(), says);
    return found == kSaysWhoLaunched.end() ? std::string_view() : *found;
  }

  void AnswerOwner() {
    const std::string_view owner = Owner();
    if (owner.empty()) {
      waivers_ += Cat("  - claim: owner\n    reason: nothing in this evidence says whose machine it is",
                      claims_.Find("tpm.ak_key_digest") != nullptr
                          ? "; to list machines one by one demand tpm.ak_key_digest and name it under satisfies"
                          : "",
                      "\n");
      return;
    }
    AddRule(owner, "Whose machine it is. DECIDE: list all values that are yours.");
    satisfies_ += Cat(satisfies_.empty() ? "" : ", ", "owner: ", owner);
  }

  const platform::Platform& platform_;
  const AuthenticatedClaims& claims_;
  const std::map<std::string, std::string>& refused_;
  std::string rules_, satisfies_, waivers_, values_, warnings_;
  std::set<std::string_view> appraised_;
};

// By claim: why the shipped policy of the platform does not let it pass.
std::map<std::string, std::string> RefusedByShipped(const v1::Appraisal& appraisal) {
  std::map<std::string, std::string> refused;
  for (const v1::Finding& finding : appraisal.findings()) {
    if (finding.effect() >= v1::EFFECT_WARN && !finding.claim().empty()) {
      refused.emplace(finding.claim(), Cat(finding.reason(), ", expected ", finding.expected()));
    }
  }
  return refused;
}

bool IsFree(const std::filesystem::path& file, const Invocation& invocation) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return true;
  invocation.Say(Cat("--to: expected no file '", Printable(file.string()), "', actual: there is one. Give another --name, or remove it."));
  return false;
}

bool WriteFile(const std::filesystem::path& file, const std::string& text, const Invocation& invocation) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (stream.flush()) return true;
  invocation.Say(
      Cat("--to '", Printable(file.string()), "': expected a place that can be written, actual: it can't. Check the directory."));
  return false;
}

}  // namespace

ExitCode DraftPolicy(const PolicyDraftOptions& options, const Invocation& invocation) {
  if (options.name.empty() || options.name.size() > kLongestName || options.name.find_first_not_of(kNameCharacters) != std::string::npos) {
    invocation.Say(Cat("--name: expected 1 to ", kLongestName, " of a-z, 0-9, '.' and '-', actual '", Printable(options.name, kLongestName),
                       "'. It names the policy and its files."));
    return ExitCode::kUsage;
  }
  // The release's own name has to be one as well.
  const std::string images = Cat(options.name.substr(0, kLongestName - kImages.size()), kImages);
  std::optional<EvidenceInHand> taken;
  if (const ExitCode code = TakeEvidence(options, invocation, taken); code != ExitCode::kOk) return code;
  const platform::Platform& platform = *invocation.registry.FindPlatform(taken->platform);

  const appraisal::LoadResult loaded = appraisal::LoadShippedPolicies(invocation.registry);
  const auto is_ours = [&](const appraisal::Policy& policy) { return policy.platform == platform.name; };
  const auto shipped = std::find_if(loaded.book->policies().begin(), loaded.book->policies().end(), is_ours);
  std::map<std::string, std::string> refused;
  if (shipped != loaded.book->policies().end()) {
    const v1::Appraisal appraisal =
        AppraiseOffline(*taken, appraisal::PolicyChoice::ForPolicy(*loaded.book, *shipped), invocation.registry);
    // Evidence that isn't authentic is no evidence of anything good.
    if (appraisal.authenticity() != v1::AUTHENTICITY_AUTHENTIC) {
      invocation.out << VerdictText(appraisal, {}, invocation.style);
      return ExitCodeOf(appraisal);
    }
    refused = RefusedByShipped(appraisal);
  }

  const trust::CollateralSnapshot collateral =
      appraisal::GatherCollateral(invocation.registry, taken->pile.evidence, taken->pile.collateral);
  CheckLog log;
  const appraisal::TpmInputs tpm(taken->state.tpm);
  const std::optional<trust::Bundle> bundle = platform.authenticate(taken->pile.evidence,
                                                                    {.anchors = taken->anchors,
                                                                     .collateral = collateral,
                                                                     .challenge = taken->challenge,
                                                                     .caches = nullptr,
                                                                     .enrolled = &tpm.attestation_keys()},
                                                                    log);
  if (!bundle) {
    for (const Finding& finding : log.findings()) invocation.Say(Describe(finding));
    return ExitCode::kNotTrusted;
  }

  std::string files;
  for (std::size_t i = 0; i < taken->pile.evidence.size(); ++i) {
    files += Cat(i == 0 ? "" : ", ", Printable(std::filesystem::path(taken->pile.evidence_names[i]).filename().string(), 64), " (SHA-256 ",
                 ToHex(taken->pile.evidence[i].body.Sha256()).substr(0, 16), "…)");
  }
  const std::string origin = Cat(files, ", as of ", FormatTime(taken->at));
  std::string strength = "E", features;
  Draft draft;
  v1::Appraisal appraisal;
  // Twice: what the evidence reaches under the draft is what the draft then demands.
  for (int round = 0; round < 2; ++round) {
    std::string defect;
    std::optional<Draft> written = Drafting(platform, bundle->claims(), refused)
                                       .Write(options.name, images, origin, shipped == loaded.book->policies().end() ? nullptr : &*shipped,
                                              strength, features, defect);
    if (!written) {
      invocation.Say(
          Cat("FILE: expected evidence that a policy can be drafted from, actual: ", defect, ". Take evidence of newer firmware."));
      return ExitCode::kNotTrusted;
    }
    draft = *std::move(written);
    std::vector<std::pair<std::string, std::string>> texts = {{Cat(options.name, ".yaml"), draft.policy}};
    if (!draft.images.empty()) texts.emplace_back(Cat(images, ".yaml"), draft.images);
    const appraisal::LoadResult result = appraisal::LoadPolicies(texts, invocation.registry);
    if (!result.book) {
      for (const appraisal::LintMessage& message : result.messages) invocation.Say(message.ToString());
      return ExitCode::kInternal;
    }
    appraisal =
        AppraiseOffline(*taken, appraisal::PolicyChoice::ForPolicy(*result.book, result.book->policies().front()), invocation.registry);
    strength = v1::Strength_Name(appraisal.strength()).substr(std::string_view("STRENGTH_").size());
    features = Join(appraisal.trust_boundary().features(), ", ");
  }
  const ExitCode code = ExitCodeOf(appraisal);
  if (code != ExitCode::kOk) {
    invocation.out << VerdictText(appraisal, {}, invocation.style);
    return code;
  }
  const std::filesystem::path directory(options.directory);
  const std::filesystem::path policy_file = directory / Cat(options.name, ".yaml"), images_file = directory / Cat(images, ".yaml");
  if (!IsFree(policy_file, invocation) || (!draft.images.empty() && !IsFree(images_file, invocation))) return ExitCode::kUsage;
  if (!WriteFile(policy_file, draft.policy, invocation)) return ExitCode::kUsage;
  if (!draft.images.empty() && !WriteFile(images_file, draft.images, invocation)) return ExitCode::kUsage;
  invocation.out << VerdictText(
      appraisal,
      {false, taken->platform_origin, Cat("drafted: ", options.name, ".yaml", draft.images.empty() ? "" : Cat(", ", images, ".yaml"))},
      invocation.style);
  return code;
}

}  // namespace assay::cli
