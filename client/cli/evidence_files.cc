#include "client/cli/evidence_files.h"

#include <algorithm>
#include <utility>

#include "appraisal/anchors_file.h"
#include "appraisal/endorsement_roots.h"
#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "evidence/tpm/enrolment.h"

namespace assay::cli {
namespace {

// Evidence and endorsements out of FILE… and --collateral. Any file that is named and isn't known is an error; files that
// merely lie in a directory are skipped.
class Gathering {
 public:
  Gathering(const EvidenceOptions& options, const Invocation& invocation) : options_(options), invocation_(invocation) {}

  ExitCode Gather() {
    ExitCode worst = ExitCode::kOk;
    for (const std::string& file : options_.files) worst = WorstOf(worst, AddFile(file));
    for (const std::string& directory : options_.collateral) worst = WorstOf(worst, AddDirectory(directory));
    if (worst == ExitCode::kOk && pile_.evidence.empty()) {
      invocation_.Say(Cat("FILE: expected evidence, e.g. an attestation report, actual: only ", pile_.collateral.size(),
                          " endorsements. Give the report too."));
      return ExitCode::kUsage;
    }
    return worst;
  }

  Pile TakePile() && { return std::move(pile_); }

 private:
  ExitCode AddFile(const std::string& file) {
    absl::StatusOr<Bytes> bytes = ReadFile("FILE", file);
    if (!bytes.ok()) return invocation_.Fail(bytes.status());
    if (const auto finding = Sort(invocation_.registry, Printable(file), trust::UntrustedBytes(*std::move(bytes)), pile_)) {
      invocation_.Say(Describe(*finding));
      return ExitCode::kMalformed;
    }
    return ExitCode::kOk;
  }

  ExitCode AddDirectory(const std::string& directory) {
    const absl::StatusOr<std::vector<std::string>> files = FilesBelow("--collateral", directory);
    if (!files.ok()) return invocation_.Fail(files.status());
    for (const std::string& file : *files) {
      absl::StatusOr<Bytes> bytes = ReadFile("--collateral", file);
      if (!bytes.ok()) {
        invocation_.Say(Cat("skipped: ", MessageOf(bytes.status())));  // a hole in the collateral is worth a word, always
        continue;
      }
      AddCollateral(file, trust::UntrustedBytes(*std::move(bytes)));
    }
    return ExitCode::kOk;
  }

  // Certificate tables are endorsements here, and evidence that happens to lie in the directory is none.
  void AddCollateral(const std::string& file, const trust::UntrustedBytes& bytes) {
    bool known = false;
    for (const evidence::Format* format : invocation_.registry.formats) {
      std::vector<trust::CollateralItem> items = format->recognise(bytes, trust::CollateralSource::kSupplied, nullptr);
      known |= !items.empty();
      for (trust::CollateralItem& item : items) pile_.collateral.push_back(std::move(item));
    }
    if (!known && options_.verbose) invocation_.Say(Cat("skipped: '", Printable(file), "' is no endorsement that this build knows"));
  }

  const EvidenceOptions& options_;
  const Invocation& invocation_;
  Pile pile_;
};

struct PlatformChoice {
  std::string name;
  std::string origin;  // for the view
};

absl::StatusOr<PlatformChoice> ChoosePlatform(const EvidenceOptions& options, const Invocation& invocation, const Pile& pile) {
  std::vector<std::string> all;
  for (const platform::Platform* platform : invocation.registry.platforms) all.emplace_back(platform->name);
  if (!options.platform.empty()) {
    if (invocation.registry.FindPlatform(options.platform) != nullptr) return PlatformChoice{options.platform, {}};
    const std::string_view nearest = NearestOf(options.platform, all);
    return absl::InvalidArgumentError(Cat("--platform: expected one of ", Join(all, ", "), ", actual '", Printable(options.platform, 64),
                                          "'", nearest.empty() ? "" : Cat("; did you mean '", nearest, "'?"),
                                          ". Name a platform that this build knows."));
  }
  const std::vector<std::string> fitting = appraisal::FittingPlatforms(invocation.registry, pile.evidence);
  if (fitting.size() == 1) return PlatformChoice{fitting.front(), "inferred from the evidence"};
  std::string items;
  for (std::size_t i = 0; i < pile.evidence.size(); ++i) {
    items += Cat(i == 0 ? "" : ", ", pile.evidence_names[i], " (", pile.evidence[i].media_type, ")");
  }
  return absl::InvalidArgumentError(Cat("--platform: expected exactly one platform to fit ", items,
                                        ", actual: ", fitting.empty() ? Cat("none of ", Join(all, ", ")) : Join(fitting, ", "),
                                        ". Name the platform, and check that all items of one node and no others were given."));
}

absl::StatusOr<appraisal::StateSnapshot> StateOf(const std::vector<std::string>& enrolled_keys, const Pile& pile) {
  appraisal::StateSnapshot state;
  if (enrolled_keys.empty()) return state;
  state.tpm.attestation_key = appraisal::HintedAttestationKey(pile.evidence);
  for (const std::string& file : enrolled_keys) {
    const absl::StatusOr<Bytes> bytes = ReadFile("--enrolled-key", file);
    if (!bytes.ok()) return bytes.status();
    const auto key = tpm::ReadKeyToEnrol(*bytes, tpm::TpmKeyKind::kAttestation);
    if (!key) return absl::InvalidArgumentError(Cat("--enrolled-key '", Printable(file), "': ", Describe(key.findings().front())));
    state.tpm.enrolments.push_back({appraisal::Enrolment::Of::kAttestationKey, ToBytes(key->spki_sha256), key->name, {}, "--enrolled-key"});
  }
  std::sort(state.tpm.enrolments.begin(), state.tpm.enrolments.end(),
            [](const auto& a, const auto& b) { return a.spki_sha256 < b.spki_sha256; });
  return state;
}

}  // namespace

ExitCode TakeEvidence(const EvidenceOptions& options, const Invocation& invocation, std::optional<EvidenceInHand>& taken) {
  // Options first: they are cheap to judge, and a slip in one should not wait for the files.
  absl::StatusOr<trust::Challenge> challenge = ChallengeOf(options.freshness);
  if (!challenge.ok()) return invocation.Fail(challenge.status());
  const absl::StatusOr<Time> at = options.at.empty() ? absl::StatusOr<Time>(invocation.clock.Now()) : ParseAtOption(options.at);
  if (!at.ok()) return invocation.Fail(at.status());
  absl::StatusOr<trust::AnchorSet> anchors = options.insecure_test_anchors.empty()
                                                 ? absl::StatusOr<trust::AnchorSet>(appraisal::BuiltinAnchors(invocation.registry))
                                                 : appraisal::LoadTestAnchors(options.insecure_test_anchors);
  if (anchors.ok()) anchors = appraisal::WithEndorsementRoots(*std::move(anchors), options.gce_endorsement_roots);
  if (!anchors.ok()) return invocation.Fail(anchors.status());

  Gathering gathering(options, invocation);
  if (const ExitCode code = gathering.Gather(); code != ExitCode::kOk) return code;
  Pile pile = std::move(gathering).TakePile();
  absl::StatusOr<PlatformChoice> platform = ChoosePlatform(options, invocation, pile);
  if (!platform.ok()) return invocation.Fail(platform.status());
  absl::StatusOr<appraisal::StateSnapshot> state = StateOf(options.enrolled_keys, pile);
  if (!state.ok()) return invocation.Fail(state.status());
  taken.emplace(EvidenceInHand{std::move(pile), std::move(platform->name), std::move(platform->origin), *std::move(challenge),
                               *std::move(anchors), *at, *std::move(state)});
  return ExitCode::kOk;
}

v1::Appraisal AppraiseOffline(const EvidenceInHand& taken, const appraisal::PolicyChoice& policies, const appraisal::Registry& registry) {
  const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(registry, taken.pile.evidence, taken.pile.collateral);
  return appraisal::Appraise({
      .registry = registry,
      .items = taken.pile.evidence,
      .platform_hint = taken.platform,
      .challenge = taken.challenge,
      .channel_bound = false,
      .collateral = collateral,
      .policies = policies,
      .anchors = taken.anchors,
      .state = taken.state,
      .at = taken.at,
  });
}

}  // namespace assay::cli
