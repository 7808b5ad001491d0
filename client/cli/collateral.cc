#include "client/cli/collateral.h"

#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "appraisal/anchors_file.h"
#include "appraisal/forecast.h"
#include "base/absl_bridge.h"
#include "base/clock.h"
#include "base/files.h"
#include "client/cli/lists.h"
#include "client/cli/option_values.h"
#include "client/cli/policy_files.h"
#include "client/cli/recognise.h"
#include "store/collateral_store.h"
#include "store/fleet_forecast.h"

namespace assay::cli {
namespace {

std::string KeyOf(const v1::CollateralName& name) {
  return Cat(Printable(name.kind()), name.scope().empty() ? "" : "/", Printable(name.scope()), name.detail().empty() ? "" : "/",
             Printable(name.detail()));
}

const Columns<v1::CollateralDocument> kDocumentColumns{{"KIND", "SCOPE", "DETAIL", "CHANNEL", "NUMBER", "NEXT UPDATE", "SOURCE",
                                                        "LAST ERROR", "OBTAINED", "ISSUED", "FAILED", "SIZE", "SHA-256"},
                                                       8,
                                                       [](const v1::CollateralDocument& document) -> std::vector<std::string> {
                                                         const bool there = !document.sha256().empty();
                                                         return {Printable(document.kind()),
                                                                 OrDash(document.scope()),
                                                                 OrDash(document.detail()),
                                                                 Printable(document.channel()),
                                                                 document.number() == 0 ? "-" : std::to_string(document.number()),
                                                                 document.has_next_update() ? Shown(document.next_update()) : "-",
                                                                 there ? Printable(document.source()) : "missing",
                                                                 OrDash(document.failure()),
                                                                 document.has_obtained() ? Shown(document.obtained()) : "-",
                                                                 document.has_issued() ? Shown(document.issued()) : "-",
                                                                 document.has_failed() ? Shown(document.failed()) : "-",
                                                                 there ? std::to_string(document.size()) : "-",
                                                                 Shown(document.sha256())};
                                                       }};

const Columns<v1::NodeForecast> kForecastColumns{
    {"NAME", "CLUSTER/ROLE", "NOW", "NEXT", "FROM", "COMPONENT", "ADVISORIES", "EXPECTED", "ACTUAL", "PLATFORM", "VERDICT ID", "INSTANCE"},
    7,
    [](const v1::NodeForecast& node) -> std::vector<std::string> {
      std::vector<std::string> components, advisories, expected, actual;
      std::string from = "-";
      for (const v1::Shortfall& shortfall : node.shortfalls()) {
        components.push_back(Printable(shortfall.component()));
        expected.push_back(Printable(shortfall.expected(), 200));
        actual.push_back(Printable(shortfall.actual(), 400));
        for (const std::string& advisory : shortfall.advisories()) advisories.push_back(Printable(advisory, 64));
        if (shortfall.has_from() && (from == "-" || Shown(shortfall.from()) < from)) from = Shown(shortfall.from());
      }
      if (node.missing_size() > 0) components.push_back(Cat("not known: without ", Printable(node.missing(0), 200)));
      return {OrDash(node.context().name()),
              Place(node.context()),
              NameOf(node.now()),
              node.missing_size() > 0 ? "-" : NameOf(node.next()),
              from,
              OrDash(Join(components, ", ")),
              OrDash(Join(advisories, ", ")),
              OrDash(Join(expected, "; ")),
              OrDash(Join(actual, "; ")),
              OrDash(node.platform()),
              Printable(node.verdict_id()),
              Shown(node.instance_identity())};
    }};

absl::StatusOr<v1::CollateralName> NamedBy(const std::string& text, bool early) {
  v1::CollateralName name;
  const std::size_t scope = text.find('/'), detail = scope == std::string::npos ? std::string::npos : text.find('/', scope + 1);
  name.set_kind(text.substr(0, scope));
  if (scope != std::string::npos) {
    name.set_scope(text.substr(scope + 1, detail == std::string::npos ? std::string::npos : detail - scope - 1));
  }
  if (detail != std::string::npos) name.set_detail(text.substr(detail + 1));
  name.set_channel(early ? "early" : "standard");
  if (name.kind().empty()) {
    return absl::InvalidArgumentError(
        ToAbsl(Cat("NAME: expected KIND[/SCOPE[/DETAIL]], as intel.tcb_info/TDX/00806f050000, actual '", Printable(text, 80), "'.")));
  }
  return name;
}

absl::StatusOr<std::vector<v1::NextFloor>> FloorsOf(const CollateralOptions& options) {
  std::vector<v1::NextFloor> floors;
  for (const std::string& text : options.tcb_floors) {
    auto floor = appraisal::ParseNextFloor(text);
    if (!floor.ok()) return absl::InvalidArgumentError(ToAbsl(Cat("--tcb-floor: ", MessageOf(floor.status()), ".")));
    floors.push_back(*std::move(floor));
  }
  if (options.tcb_floors_file.empty()) return floors;
  const auto file = ReadFile("--tcb-floors", options.tcb_floors_file);
  if (!file.ok()) return file.status();
  std::string_view text = AsText(*file);
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    auto floor = appraisal::ParseNextFloor(one);
    if (!floor.ok()) {
      return absl::InvalidArgumentError(
          ToAbsl(Cat("--tcb-floors ", Printable(options.tcb_floors_file), ":", line, ": ", MessageOf(floor.status()), ".")));
    }
    floors.push_back(*std::move(floor));
  }
  return floors;
}

struct Fleet {
  std::vector<v1::NodeForecast> nodes;
  std::int64_t appraised = 0, early_documents = 0;
};

absl::StatusOr<Fleet> ThroughServer(const CollateralOptions& options, const std::vector<v1::NextFloor>& floors) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return connection.status();
  Fleet fleet;
  v1::ForecastCollateralRequest request;
  request.set_filter(options.filter);
  for (const v1::NextFloor& floor : floors) *request.add_floors() = floor;
  do {
    const auto response = (*connection)->ForecastCollateral(request);
    if (!response.ok()) return response.status();
    fleet.nodes.insert(fleet.nodes.end(), response->nodes().begin(), response->nodes().end());
    fleet.appraised += response->appraised();
    fleet.early_documents = response->early_documents();
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return fleet;
}

absl::Status AddBelow(const std::string& option, const std::vector<std::string>& directories, const Invocation& invocation,
                      std::vector<trust::CollateralItem>& items) {
  for (const std::string& directory : directories) {
    const auto files = FilesBelow(option, directory);
    if (!files.ok()) return files.status();
    for (const std::string& file : *files) {
      const auto bytes = ReadFile(option, file);
      if (!bytes.ok()) return bytes.status();
      for (trust::CollateralItem& item :
           appraisal::RecogniseCollateral(invocation.registry, trust::UntrustedBytes(*bytes), trust::CollateralSource::kSupplied)) {
        items.push_back(std::move(item));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Fleet> Offline(const CollateralOptions& options, const std::vector<v1::NextFloor>& floors, const Invocation& invocation) {
  Time at = SystemClock().Now();
  if (!options.at.empty()) {
    const auto parsed = ParseAtOption(options.at);
    if (!parsed.ok()) return parsed.status();
    at = *parsed;
  }
  const auto anchors = appraisal::LoadAnchors(invocation.registry, options.insecure_test_anchors, options.tpm_ek_roots);
  if (!anchors.ok()) return anchors.status();
  if (const auto there = ReadFile("--db", options.database); absl::IsNotFound(there.status())) {
    return there.status();  // opening would make it
  }
  auto store = store::OpenSqliteStore(options.database);
  if (!store.ok()) return store.status();
  auto collateral = store::OpenSqliteCollateral(options.database);
  if (!collateral.ok()) return collateral.status();
  const auto kept = (*collateral)->Load({});
  if (!kept.ok()) return kept.status();
  std::vector<trust::CollateralItem> current, next;
  for (const store::KeptDocument& document : *kept) {
    for (trust::CollateralItem& item :
         appraisal::RecogniseCollateral(invocation.registry, trust::UntrustedBytes(document.body), document.source)) {
      (document.channel == trust::Channel::kEarly ? next : current).push_back(std::move(item));
    }
  }
  if (const absl::Status added = AddBelow("--collateral", options.collateral, invocation, current); !added.ok()) return added;
  if (const absl::Status added = AddBelow("--early", options.early_collateral, invocation, next); !added.ok()) return added;
  std::optional<appraisal::PolicyBook> book;
  if (!options.policies.empty()) {
    auto loaded = LoadPolicyFiles(options.policies, invocation.registry);
    if (!loaded.ok()) return loaded.status();
    for (const appraisal::LintMessage& message : loaded->messages) invocation.Say(message.ToString());
    if (!loaded->book) return absl::InvalidArgumentError("--policy: expected policies that load, actual: the defects above. Correct them.");
    book = *std::move(loaded->book);
  }
  Fleet fleet{.nodes = {}, .early_documents = static_cast<std::int64_t>(next.size())};
  store::PageRequest request{.filter = options.filter, .size = kMostPage};
  do {
    auto page = store::ForecastNodes(**store, request,
                                     {.registry = invocation.registry,
                                      .anchors = *anchors,
                                      .at = at,
                                      .current = current,
                                      .next = next,
                                      .floors = floors,
                                      .next_policies = book ? &*book : nullptr});
    if (!page.ok()) return page.status();
    for (v1::NodeForecast& node : page->nodes) fleet.nodes.push_back(std::move(node));
    fleet.appraised += page->appraised;
    request.after = page->next;
  } while (request.after != 0);
  return fleet;
}

}  // namespace

ExitCode ListCollateral(const CollateralOptions& options, const Invocation& invocation) {
  v1::ListCollateralRequest request;
  request.set_filter(options.filter);
  return PrintList(
      options, request, kDocumentColumns, invocation,
      [](client::VerdictClient& client, const v1::ListCollateralRequest& page) { return client.ListCollateral(page); },
      [](const v1::ListCollateralResponse& response) -> const auto& { return response.documents(); });
}

ExitCode RefreshCollateral(const CollateralOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    v1::RefreshCollateralRequest request;
    for (const std::string& text : options.names) {
      auto name = NamedBy(text, options.early);
      if (!name.ok()) return name.status();
      *request.add_names() = *std::move(name);
    }
    const auto response = client.RefreshCollateral(request);
    return Show(response,
                response.ok() ? Cat(response->wanted(), " documents are asked for; `assay collateral status` shows what came of it")
                              : std::string(),
                options, invocation);
  });
}

ExitCode FetchCollateral(const CollateralOptions& options, const Invocation& invocation) {
  Pile pile;
  for (const std::string& file : options.evidence) {
    const auto bytes = ReadFile("--for", file);
    if (!bytes.ok()) return invocation.Fail(bytes.status());
    if (const auto finding = Sort(invocation.registry, Printable(file), trust::UntrustedBytes(*bytes), pile)) {
      invocation.Say(Describe(*finding));
      return ExitCode::kMalformed;
    }
  }
  if (pile.evidence.empty()) {
    invocation.Say("--for: expected evidence, e.g. an attestation report, actual: only endorsements. Give the report too.");
    return ExitCode::kUsage;
  }
  return Do(options, invocation, [&](client::VerdictClient& client) {
    v1::FetchCollateralRequest request;
    for (const evidence::Item& item : pile.evidence) {
      v1::EvidenceItem& added = *request.add_items();
      added.set_media_type(item.media_type);
      added.set_body(std::string(AsText(item.body.Read().TakeRest())));
    }
    const auto response = client.FetchCollateral(request);
    std::string said;
    if (response.ok()) {
      for (const v1::CollateralName& name : response->held()) said += Cat("held    ", KeyOf(name), "\n");
      for (const v1::CollateralName& name : response->wanted()) said += Cat("wanted  ", KeyOf(name), "\n");
      if (said.empty()) said = "the evidence needs nothing that can be fetched\n";
      said.pop_back();
    }
    return Show(response, said, options, invocation);
  });
}

ExitCode ExportCollateral(const CollateralOptions& options, const Invocation& invocation) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  const auto response = (*connection)->ExportCollateral({});
  if (!response.ok()) return invocation.Fail(response.status());
  std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
  file << response->bundle();
  if (!file.flush()) {
    invocation.Say(
        Cat("--to '", Printable(options.file), "': expected a place that can be written, actual: it can't. Check the directory."));
    return ExitCode::kUsage;
  }
  invocation.out << "bundle " << response->number() << " with " << response->documents() << " documents, signed by key "
                 << Printable(response->key_id()) << ": " << Printable(options.file, 1024) << '\n';
  return ExitCode::kOk;
}

ExitCode ImportCollateral(const CollateralOptions& options, const Invocation& invocation) {
  const auto file = ReadFile("FILE", options.file);
  if (!file.ok()) return invocation.Fail(file.status());
  return Do(options, invocation, [&](client::VerdictClient& client) {
    v1::ImportCollateralRequest request;
    request.set_bundle(std::string(AsText(*file)));
    const auto response = client.ImportCollateral(request);
    return Show(response,
                response.ok() ? Cat("bundle ", response->number(), " of key ", Printable(response->key_id()), ": ", response->taken(),
                                    " documents taken, ", response->older(), " not, as newer ones are held or their time is over")
                              : std::string(),
                options, invocation);
  });
}

ExitCode ForecastCollateral(const CollateralOptions& options, const Invocation& invocation) {
  const auto floors = FloorsOf(options);
  if (!floors.ok()) return invocation.Fail(floors.status());
  const auto fleet = options.database.empty() ? ThroughServer(options, *floors) : Offline(options, *floors, invocation);
  if (!fleet.ok()) return invocation.Fail(fleet.status());
  Print(fleet->nodes, kForecastColumns, options.output, invocation);
  std::int64_t falling = 0, unknown = 0;
  std::map<std::string, std::int64_t> by_component;
  for (const v1::NodeForecast& node : fleet->nodes) {
    if (node.missing_size() > 0) ++unknown;
    if (!appraisal::Falls(node)) continue;
    ++falling;
    for (const v1::Shortfall& shortfall : node.shortfalls()) {
      std::string what = Printable(shortfall.component());
      if (shortfall.advisories_size() > 0) what += Cat(" (", Printable(Join(shortfall.advisories(), ", "), 200), ")");
      if (shortfall.has_from()) what += Cat(" from ", Shown(shortfall.from()));
      ++by_component[what];
    }
  }
  if (options.output == OutputFormat::kTable || options.output == OutputFormat::kWide) {
    invocation.out << falling << " of " << fleet->appraised << " nodes will fall, " << unknown << " not known\n";
    for (const auto& [what, nodes] : by_component) invocation.out << "  " << nodes << " by " << what << '\n';
  }
  if (fleet->early_documents == 0 && floors->empty() && options.policies.empty()) {
    invocation.Say("nothing to forecast by: no document of the early channel is held, and neither --tcb-floor nor --policy is given.");
  }
  return falling == 0 ? ExitCode::kOk : ExitCode::kNotTrusted;
}

}  // namespace assay::cli
