#include "client/cli/inspect.h"

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/recognise.h"
#include "client/cli/tree.h"
#include "codec/json.h"

namespace assay::cli {
namespace {

constexpr std::string_view kUnauthenticated = "unauthenticated: what the bytes say, not what is true";
constexpr std::size_t kValueLimit = 136;  // a 64-byte value in hexadecimal still shows whole

struct Inspected {
  std::string file;
  std::optional<trust::UntrustedBytes> bytes = {};  // unset: could not be read
  std::optional<trust::Description> description = {};
  std::string error = {};
  std::string reason = {};
  ExitCode exit_code = ExitCode::kOk;
};

Inspected InspectFile(const std::string& file, const Invocation& invocation) {
  Inspected result{file};
  absl::StatusOr<Bytes> bytes = ReadFile("FILE", file);
  if (!bytes.ok()) {
    result.error = std::string(MessageOf(bytes.status()));
    result.exit_code = ExitCode::kUsage;
    return result;
  }
  result.bytes = trust::UntrustedBytes(*std::move(bytes));
  result.description = DescribeContent(invocation.registry, *result.bytes);
  if (!result.description) {
    const Finding finding = Unrecognised(Printable(file), *result.bytes);
    result.error = Describe(finding);
    result.reason = std::string(NameOf(finding.reason));
    result.exit_code = ExitCode::kMalformed;
  } else if (result.description->malformed()) {
    result.error = Cat("'", Printable(file), "' is malformed: see its defects.");
    result.exit_code = ExitCode::kMalformed;
  }
  return result;
}

json::Value ToJson(const trust::Description& description) {
  json::Value object = json::Value::MakeObject();
  object.Add("name", json::Value::String(Printable(description.name())));
  if (!description.value().empty()) object.Add("value", json::Value::String(Printable(description.value(), 64 * 1024)));
  if (!description.children().empty()) {
    json::Value& children = object.Add("children", json::Value::MakeArray());
    for (const trust::Description& child : description.children()) children.Append(ToJson(child));
  }
  return object;
}

json::Value ToJson(const Inspected& inspected) {
  json::Value object = json::Value::MakeObject();
  object.Add("file", json::Value::String(Printable(inspected.file, 4096)));
  if (inspected.bytes) {
    object.Add("size", json::Value::Integer(inspected.bytes->size()));
    object.Add("sha256", json::Value::String(ToHex(inspected.bytes->Sha256())));
  }
  if (inspected.description) {
    object.Add("malformed", json::Value::Bool(inspected.description->malformed()));
    object.Add("content", ToJson(*inspected.description));
  }
  if (!inspected.reason.empty()) object.Add("reason", json::Value::String(inspected.reason));
  if (!inspected.error.empty()) object.Add("error", json::Value::String(inspected.error));
  return object;
}

void PrintTree(const Inspected& inspected, bool verbose, const Invocation& invocation) {
  if (!inspected.description) return;
  invocation.out << TreeText(*inspected.description, invocation.style, verbose ? std::string::npos : kValueLimit);
}

}  // namespace

ExitCode Inspect(const InspectOptions& options, const Invocation& invocation) {
  ExitCode worst = ExitCode::kOk;
  json::Value files = json::Value::MakeArray();
  bool described = false;
  for (const std::string& file : options.files) {
    const Inspected inspected = InspectFile(file, invocation);
    worst = WorstOf(worst, inspected.exit_code);
    if (options.output == OutputFormat::kTable) {
      if (options.files.size() > 1) {
        invocation.out << (&file == &options.files.front() ? "" : "\n") << invocation.style.Strong(Cat("== ", Printable(file, 4096), " =="))
                       << (inspected.bytes ? Cat("  ", inspected.bytes->size(), " bytes") : "") << '\n';
      }
      PrintTree(inspected, options.verbose, invocation);
      described |= inspected.description.has_value();
    } else {
      files.Append(ToJson(inspected));
    }
    if (!inspected.error.empty()) invocation.Say(inspected.error);
  }
  if (options.output == OutputFormat::kTable) {
    if (described) invocation.out << '\n' << invocation.style.Faint(kUnauthenticated) << '\n';
  } else {
    json::Value result = json::Value::MakeObject();
    result.Add("authenticated", json::Value::Bool(false));
    result.Add("note", json::Value::String(kUnauthenticated));
    result.Add("files", std::move(files));
    invocation.out << Structured(options.output, result);
  }
  return worst;
}

}  // namespace assay::cli
