#include "client/cli/verdict_get.h"

#include <chrono>

#include "appraisal/canonical.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

std::string RecordedAt(const v1::VerdictRecord& record) { return FormatTime(Time{std::chrono::seconds{record.recorded_at().seconds()}}); }

std::string ToText(const v1::VerdictRecord& record, bool verbose, const Style& style) {
  const v1::AttestationContext& context = record.context();
  std::string text = VerdictText(record.appraisal(), {.verbose = verbose}, style);
  text += Cat("\nverdict id      ", Printable(record.id()), "\nrecorded at     ", RecordedAt(record), "\ncluster, role   ",
              Printable(context.cluster()), ", ", Printable(context.role()), "\n");
  if (!context.name().empty()) text += Cat("name            ", Printable(context.name()), "\n");
  return text + Cat("node key        ", ToHex(AsBytes(record.node_key_sha256())), "\n");
}

}  // namespace

ExitCode GetVerdict(const VerdictGetOptions& options, const Invocation& invocation) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  v1::GetVerdictRequest request;
  request.set_verdict_id(options.id);
  const absl::StatusOr<v1::GetVerdictResponse> response = (*connection)->GetVerdict(request);
  if (!response.ok()) return invocation.Fail(response.status());
  if (options.output != OutputFormat::kTable) {
    invocation.out << Structured(options.output, appraisal::TreeOf(*response));
    return ExitCode::kOk;
  }
  invocation.out << ToText(response->record(), options.verbose, invocation.style);
  if (response->has_revocation()) {
    const v1::Revocation& revocation = response->revocation();
    invocation.out << invocation.style.Bad("REVOKED") << "         at " << FormatTime(Time{Duration{revocation.at().seconds()}}) << " by "
                   << Printable(revocation.by()) << ": " << Printable(revocation.reason(), 512) << '\n';
  }
  return ExitCode::kOk;
}

}  // namespace assay::cli
