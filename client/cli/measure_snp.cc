#include <string>
#include <utility>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/snp_measurement.h"
#include "evidence/sev_snp/igvm_measurement.h"
#include "evidence/sev_snp/launch_measurement.h"

namespace assay::cli {
namespace {

// The reason's own remedy is about OVMF: vCPUs, kernel and the like are no options of an IGVM file.
constexpr std::string_view kOtherThanTheFile =
    "Check that the guest was started from this very file and by the hypervisor that --vmm names; a KVM that measures more processors than "
    "the file has the state of gives another digest too.";

}  // namespace

absl::Status Misuse(std::string_view option, std::string_view expected, std::string_view actual) {
  return absl::InvalidArgumentError(
      ToAbsl(Cat(option, ": expected ", expected, ", actual ", actual.empty() ? "none" : Cat("'", Printable(actual, 64), "'"))));
}

ExitCode Refuse(std::string_view option, const std::string& file, const std::vector<Finding>& findings, ExitCode code,
                const Invocation& invocation) {
  for (const Finding& finding : findings) invocation.Say(Cat(option, " '", Printable(file), "': ", Describe(finding)));
  return code;
}

ExitCode MeasureSnp(const MeasureSnpOptions& options, const Invocation& invocation) {
  const absl::StatusOr<Bytes> firmware = ReadFile("--firmware", options.firmware, kMaxImageSize);
  if (!firmware.ok()) return invocation.Fail(firmware.status());
  SnpMeasurement measurement;
  const ExitCode measured = evidence::IsIgvm(*firmware) ? MeasureIgvm(options, *firmware, invocation, measurement)
                                                        : MeasureOvmf(options, *firmware, invocation, measurement);
  if (measured != ExitCode::kOk) return measured;
  std::optional<Bytes> report;
  if (!options.report.empty()) {
    absl::StatusOr<Bytes> read = ReadFile("--report", options.report);
    if (!read.ok()) return invocation.Fail(read.status());
    report = *std::move(read);
  }
  if (options.output == OutputFormat::kTable) {
    invocation.out << "snp.measurement  " << ToHex(measurement.digest) << "\n\n" << measurement.text;
  } else {
    invocation.out << Structured(options.output, measurement.tree);
  }
  ExitCode code = ExitCode::kOk;
  if (!measurement.objections.empty()) {
    code = Refuse("--firmware", options.firmware, measurement.objections, ExitCode::kNotTrusted, invocation);
  }
  if (!report) return code;
  std::vector<Finding> findings = sev_snp::CompareWithReport(measurement.digest, trust::UntrustedBytes(*std::move(report)));
  if (findings.empty()) return code;
  const bool malformed = findings.front().reason != Reason::kLaunchDigestMismatch;
  if (!malformed && evidence::IsIgvm(*firmware)) {
    for (Finding& finding : findings) finding.remedy = kOtherThanTheFile;
  }
  return Refuse("--report", options.report, findings, malformed ? ExitCode::kMalformed : ExitCode::kNotTrusted, invocation);
}

}  // namespace assay::cli
