#include "client/cli/replay.h"

#include <fstream>

#include "appraisal/anchors_file.h"
#include "appraisal/canonical.h"
#include "appraisal/replay.h"
#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/strings.h"
#include "client/cli/option_values.h"
#include "client/cli/policy_files.h"
#include "client/cli/table.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

absl::StatusOr<v1::ReplayVerdictResponse> ThroughServer(const ReplayOptions& options, std::optional<Time> at) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return connection.status();
  v1::ReplayVerdictRequest request;
  request.set_verdict_id(options.id);
  request.set_current_policies(options.current_policies);
  if (at) request.mutable_at()->set_seconds(at->time_since_epoch().count());
  return (*connection)->ReplayVerdict(request);
}

absl::StatusOr<v1::ReplayVerdictResponse> Offline(const ReplayOptions& options, std::optional<Time> at, const Invocation& invocation) {
  const absl::StatusOr<Bytes> file = ReadFile("--from", options.from);
  if (!file.ok()) return file.status();
  v1::VerdictExport verdict;
  if (!verdict.ParseFromArray(file->data(), static_cast<int>(file->size())) || verdict.record().id().empty()) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("--from '", Printable(options.from),
                   "': expected a file that `assay verdict export` wrote, actual: something else. Export the verdict again.")));
  }
  const absl::StatusOr<trust::AnchorSet> anchors =
      appraisal::LoadAnchors(invocation.registry, options.insecure_test_anchors, options.tpm_ek_roots);
  if (!anchors.ok()) return anchors.status();
  std::optional<appraisal::PolicyBook> book;
  if (!options.policies.empty()) {
    absl::StatusOr<appraisal::LoadResult> loaded = LoadPolicyFiles(options.policies, invocation.registry);
    if (!loaded.ok()) return loaded.status();
    for (const appraisal::LintMessage& message : loaded->messages) invocation.Say(message.ToString());
    if (!loaded->book) return absl::InvalidArgumentError("--policy: expected policies that load, actual: the defects above. Correct them.");
    book = *std::move(loaded->book);
  }
  return appraisal::Replay(verdict, {.registry = invocation.registry, .anchors = *anchors, .policies = book ? &*book : nullptr, .at = at});
}

std::string ReplayText(const v1::ReplayVerdictResponse& response, const Style& style) {
  std::string text = VerdictText(response.replayed(), {}, style);
  if (response.missing_size() > 0) {
    text += "\nmissing\n";
    for (const std::string& missing : response.missing()) text += Cat("  ", Printable(missing, 512), "\n");
    return text;
  }
  if (response.differences_size() == 0) return text + "\nthe same as recorded, byte for byte\n";
  text += "\ndifferences\n";
  Table table({"MEMBER", "RECORDED", "REPLAYED"});
  for (const v1::Difference& difference : response.differences()) {
    table.Add({Printable(difference.member(), 256), Printable(difference.recorded(), 120), Printable(difference.replayed(), 120)});
  }
  return text + table.ToText("  ");
}

}  // namespace

ExitCode ReplayVerdict(const ReplayOptions& options, const Invocation& invocation) {
  std::optional<Time> at;
  if (!options.at.empty()) {
    const absl::StatusOr<Time> parsed = ParseAtOption(options.at);
    if (!parsed.ok()) return invocation.Fail(parsed.status());
    at = *parsed;
  }
  const auto response = options.from.empty() ? ThroughServer(options, at) : Offline(options, at, invocation);
  if (!response.ok()) return invocation.Fail(response.status());
  if (options.output == OutputFormat::kTable) invocation.out << ReplayText(*response, invocation.style);
  else invocation.out << Structured(options.output, appraisal::TreeOf(*response));
  if (response->missing_size() > 0) return ExitCode::kIndeterminate;
  const bool as_recorded = !at && !options.current_policies && options.policies.empty();
  if (!as_recorded) return ExitCodeOf(response->replayed());
  return response->differences_size() == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

ExitCode ExportVerdict(const ReplayOptions& options, const Invocation& invocation) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  v1::ExportVerdictRequest request;
  request.set_verdict_id(options.id);
  const auto response = (*connection)->ExportVerdict(request);
  if (!response.ok()) return invocation.Fail(response.status());
  std::ofstream file(options.to, std::ios::binary | std::ios::trunc);
  file << response->verdict().SerializeAsString();
  if (!file.flush()) {
    invocation.Say(Cat("--to '", Printable(options.to), "': expected a place that can be written, actual: it can't. Check the directory."));
    return ExitCode::kUsage;
  }
  invocation.out << "verdict " << Printable(options.id) << " with " << response->verdict().inputs_size()
                 << " inputs: " << Printable(options.to, 1024) << '\n';
  return ExitCode::kOk;
}

}  // namespace assay::cli
