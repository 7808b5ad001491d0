#include "client/cli/verdict_get.h"

#include <chrono>

#include "appraisal/canonical.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/verdict_view.h"

namespace assay::cli {
namespace {

std::string RecordedAt(const v1::VerdictRecord& record) { return FormatTime(Time{std::chrono::seconds{record.recorded_at().seconds()}}); }

// Why nobody may rely on it any more; "": it stands, or never was good for anything.
std::string EndOf(const v1::GetVerdictResponse& response, Time now) {
  if (response.has_revocation()) {
    const v1::Revocation& revocation = response.revocation();
    return Cat("REVOKED at ", FormatTime(Time{Duration{revocation.at().seconds()}}), " by ", Printable(revocation.by()), ": ",
               Printable(revocation.reason(), 512));
  }
  const v1::Appraisal& appraisal = response.record().appraisal();
  const bool trusted = appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  if (!trusted || !appraisal.has_valid_until()) return {};
  const Time last{Duration{appraisal.valid_until().seconds()}};
  return now > last ? Cat("EXPIRED at ", FormatTime(last), ": it was valid until then, and the node has to attest again") : "";
}

std::string ToText(const v1::GetVerdictResponse& response, bool verbose, Time now, const Style& style) {
  const v1::VerdictRecord& record = response.record();
  const v1::AttestationContext& context = record.context();
  std::string text = VerdictText(record.appraisal(), {.verbose = verbose, .ended = EndOf(response, now)}, style);
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
  invocation.out << ToText(*response, options.verbose, invocation.clock.Now(), invocation.style);
  return ExitCode::kOk;
}

}  // namespace assay::cli
