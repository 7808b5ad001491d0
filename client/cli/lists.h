// How the commands of operators show what a server answers: lists page by page, and what a change came to.
//
// Options have server, credentials, output and, for lists, limit.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "appraisal/canonical.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/connections.h"
#include "client/cli/invocation.h"
#include "client/cli/progress.h"
#include "client/cli/structured_output.h"
#include "client/cli/table.h"

namespace assay::cli {

inline constexpr int kMostPage = 1000;

inline std::string Shown(const google::protobuf::Timestamp& time) { return FormatTime(Time{Duration{time.seconds()}}); }
inline std::string Shown(const std::string& digest) { return digest.empty() ? "-" : ToHex(AsBytes(digest)); }
inline std::string OrDash(const std::string& text) { return text.empty() ? "-" : Printable(text, 256); }
inline std::string Place(const v1::AttestationContext& context) {
  return Cat(Printable(context.cluster()), "/", Printable(context.role()));
}

// "TRUSTED_WITH_WARNINGS": as filters have it.
inline std::string NameOf(v1::Verdict verdict) {
  const std::string name = v1::Verdict_Name(verdict);
  return name.substr(std::string_view("VERDICT_").size());
}
// How an element of a list becomes a row; the columns behind the first `narrow` ones are for -o wide.
template <typename T>
struct Columns {
  std::vector<std::string> headings;
  std::size_t narrow;
  std::vector<std::string> (*row)(const T& element);
};

template <typename T>
void Print(const std::vector<T>& elements, const Columns<T>& columns, OutputFormat output, const Invocation& invocation) {
  if (output == OutputFormat::kJsonLines) {
    for (const T& element : elements) invocation.out << appraisal::CanonicalJson(element) << '\n';
    return;
  }
  if (output == OutputFormat::kJson || output == OutputFormat::kYaml) {
    json::Value list = json::Value::MakeArray(elements.size());
    for (const T& element : elements) list.Append(appraisal::TreeOf(element));
    invocation.out << Structured(output, list);
    return;
  }
  const std::size_t shown = output == OutputFormat::kWide ? columns.headings.size() : columns.narrow;
  Table table(std::vector<std::string>(columns.headings.begin(), columns.headings.begin() + static_cast<std::ptrdiff_t>(shown)));
  for (const T& element : elements) {
    std::vector<std::string> row = columns.row(element);
    row.resize(shown);
    table.Add(std::move(row));
  }
  invocation.out << table.ToText();
}

// Asks page by page. `elements_of` names the list in the response.
template <typename T, typename Options, typename Request, typename Ask, typename ElementsOf>
ExitCode PrintList(const Options& options, Request request, const Columns<T>& columns, const Invocation& invocation, const Ask& ask,
                   const ElementsOf& elements_of) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  std::vector<T> all;
  ProgressLine progress(invocation);
  int left = options.limit;
  bool more = false;
  do {
    request.set_page_size(options.limit == 0 ? kMostPage : std::min(left, kMostPage));
    const auto response = ask(**connection, request);
    if (!response.ok()) {
      progress.Clear();
      return invocation.Fail(response.status());
    }
    std::vector<T> page(elements_of(*response).begin(), elements_of(*response).end());
    left -= static_cast<int>(page.size());
    if (options.output == OutputFormat::kJsonLines) Print(page, columns, options.output, invocation);
    else all.insert(all.end(), page.begin(), page.end());
    request.set_page_token(response->next_page_token());
    more = !response->next_page_token().empty();
    if (more && options.output != OutputFormat::kJsonLines) progress.Say(Cat(all.size(), " so far"));
  } while (more && (options.limit == 0 || left > 0));
  progress.Clear();
  if (options.output != OutputFormat::kJsonLines) Print(all, columns, options.output, invocation);
  if (more) invocation.Say(Cat("there are more; --limit 0 shows all"));
  return ExitCode::kOk;
}

// A change, and what it says when it is done.
template <typename Options, typename Change>
ExitCode Do(const Options& options, const Invocation& invocation, const Change& change) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  const absl::Status done = change(**connection);
  return done.ok() ? ExitCode::kOk : invocation.Fail(done);
}

template <typename T, typename Options>
absl::Status Show(const absl::StatusOr<T>& response, const std::string& said, const Options& options, const Invocation& invocation) {
  if (!response.ok()) return response.status();
  if (options.output == OutputFormat::kTable) invocation.out << said << '\n';
  else invocation.out << Structured(options.output, appraisal::TreeOf(*response));
  return absl::OkStatus();
}

}  // namespace assay::cli
