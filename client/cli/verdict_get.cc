#include "client/cli/verdict_get.h"

#include <chrono>

#include "appraisal/appraiser.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/verdict_view.h"
#include "codec/json.h"

namespace assay::cli {
namespace {

std::string RecordedAt(const v1::VerdictRecord& record) {
  return FormatTime(Time{std::chrono::seconds{record.recorded_at().seconds()}});
}

json::Value ToTree(const v1::VerdictRecord& record) {
  json::Value tree = json::Value::MakeObject();
  tree.Add("id", json::Value::String(Printable(record.id())));
  tree.Add("recorded_at", json::Value::String(RecordedAt(record)));
  json::Value& context = tree.Add("context", json::Value::MakeObject());
  context.Add("cluster", json::Value::String(Printable(record.context().cluster())));
  context.Add("role", json::Value::String(Printable(record.context().role())));
  context.Add("name", json::Value::String(Printable(record.context().name())));
  tree.Add("node_key_sha256", json::Value::String(ToHex(AsBytes(record.node_key_sha256()))));
  tree.Add("appraisal_sha256", json::Value::String(ToHex(AsBytes(record.appraisal_sha256()))));
  json::Value& collateral = tree.Add("collateral", json::Value::MakeArray());
  for (const v1::CollateralEntry& entry : record.collateral()) {
    json::Value& item = collateral.Append(json::Value::MakeObject());
    item.Add("key", json::Value::String(Printable(entry.key(), 1024)));
    item.Add("sha256", json::Value::String(ToHex(AsBytes(entry.sha256()))));
    item.Add("source", json::Value::String(Printable(entry.source())));
  }
  // Our own canonical form: it parses.
  tree.Add("appraisal", *json::Parse(appraisal::CanonicalJson(record.appraisal())));
  return tree;
}

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
  const absl::StatusOr<v1::VerdictRecord> record = FetchVerdict(options.server, options.credentials, options.id);
  if (!record.ok()) return invocation.Fail(record.status());
  if (options.output == OutputFormat::kTable) invocation.out << ToText(*record, options.verbose, invocation.style);
  else invocation.out << Structured(options.output, ToTree(*record));
  return ExitCode::kOk;
}

}  // namespace assay::cli
