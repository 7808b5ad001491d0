#include "client/cli/fleet.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "base/absl_bridge.h"
#include "base/files.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/clouds.h"
#include "client/cli/lists.h"

namespace assay::cli {
namespace {

constexpr std::chrono::seconds kReconnect{2};

using cli::NameOf;  // of verdicts; those below would hide it

std::string NameOf(v1::EventKind kind) {
  const std::string name = v1::EventKind_Name(kind);
  return name.substr(std::string_view("EVENT_KIND_").size());
}
std::string NameOf(v1::Strength strength) { return strength == v1::STRENGTH_UNSPECIFIED ? "-" : v1::Strength_Name(strength).substr(9); }

const Columns<v1::VerdictSummary> kVerdictColumns{{"RECORDED AT", "VERDICT", "PLATFORM", "CLUSTER/ROLE", "NAME", "REASON", "ID", "POLICY",
                                                   "STRENGTH", "VALID UNTIL", "INSTANCE", "NODE KEY"},
                                                  7,
                                                  [](const v1::VerdictSummary& verdict) -> std::vector<std::string> {
                                                    std::string shown = NameOf(verdict.verdict());
                                                    if (verdict.has_revocation()) shown += ", revoked";
                                                    if (verdict.attempt()) shown += ", attempt";
                                                    if (verdict.simulated()) shown += " (simulated)";
                                                    return {Shown(verdict.recorded_at()),
                                                            shown,
                                                            OrDash(verdict.platform()),
                                                            Place(verdict.context()),
                                                            OrDash(verdict.context().name()),
                                                            OrDash(verdict.reason()),
                                                            Printable(verdict.id()),
                                                            OrDash(verdict.policy()),
                                                            NameOf(verdict.strength()),
                                                            verdict.has_valid_until() ? Shown(verdict.valid_until()) : "-",
                                                            Shown(verdict.instance_identity()),
                                                            Shown(verdict.node_key_sha256())};
                                                  }};

const Columns<v1::Node> kNodeColumns{{"NAME", "CLUSTER/ROLE", "VERDICT", "PLATFORM", "LAST SEEN", "TRUSTED UNTIL", "CONFLICT", "INSTANCE",
                                      "NODE KEY", "FIRST SEEN", "VERDICT ID"},
                                     8,
                                     [](const v1::Node& node) -> std::vector<std::string> {
                                       return {OrDash(node.context().name()),
                                               Place(node.context()),
                                               Cat(NameOf(node.verdict()), node.simulated() ? " (simulated)" : ""),
                                               OrDash(node.platform()),
                                               Shown(node.last_seen()),
                                               node.has_trusted_until() ? Shown(node.trusted_until()) : "-",
                                               node.has_conflict() ? Cat("asks for ", Printable(node.conflict().asked().cluster()), "/",
                                                                         Printable(node.conflict().asked().name()))
                                                                   : "-",
                                               Shown(node.instance_identity()),
                                               Shown(node.node_key_sha256()),
                                               Shown(node.first_seen()),
                                               Printable(node.verdict_id())};
                                     }};

const Columns<v1::Ban> kBanColumns{
    {"KIND", "VALUE", "SINCE", "BY", "REASON"}, 5, [](const v1::Ban& ban) -> std::vector<std::string> {
      std::string kind = v1::BanKind_Name(ban.kind()).substr(9);
      std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return {kind, Printable(ban.value(), 600), Shown(ban.at()), Printable(ban.by()), Printable(ban.reason(), 512)};
    }};

std::string NameOf(v1::TpmKeyKind kind) { return kind == v1::TPM_KEY_KIND_ENDORSEMENT ? "endorsement" : "attestation"; }

const Columns<v1::EnrolledKey> kEnrolmentColumns{
    {"KIND", "KEY", "NODE", "SINCE", "BY", "REASON", "TPM NAME"}, 6, [](const v1::EnrolledKey& key) -> std::vector<std::string> {
      return {NameOf(key.kind()),   Shown(key.spki_sha256()), key.node().empty() ? "-" : Printable(key.node(), 600),
              Shown(key.at()),      Printable(key.by()),      Printable(key.reason(), 512),
              Shown(key.tpm_name())};
    }};

const Columns<v1::VerdictFlip> kFlipColumns{
    {"AT", "WAS", "BECAME", "CLUSTER/ROLE", "NAME", "REASON", "CAUSE", "ID", "COMPONENT", "EXPECTED", "ACTUAL", "INSTANCE"},
    8,
    [](const v1::VerdictFlip& flip) -> std::vector<std::string> {
      const v1::VerdictSummary& verdict = flip.verdict();
      return {Shown(flip.at()),
              NameOf(flip.was()),
              Cat(NameOf(flip.became()), verdict.has_revocation() ? ", revoked" : "", verdict.simulated() ? " (simulated)" : ""),
              Place(verdict.context()),
              OrDash(verdict.context().name()),
              OrDash(flip.finding().reason()),
              OrDash(flip.cause()),
              Printable(verdict.id()),
              OrDash(flip.finding().component()),
              OrDash(flip.finding().expected()),
              OrDash(flip.finding().actual()),
              Shown(verdict.instance_identity())};
    }};

std::string EventText(const v1::VerdictEvent& event, const Style& style) {
  std::string text = Cat(Shown(event.at()), "  ", NameOf(event.kind()));
  if (event.has_verdict()) {
    const v1::VerdictSummary& verdict = event.verdict();
    const std::string name = NameOf(verdict.verdict());
    const std::string shown = verdict.has_revocation() || verdict.verdict() == v1::VERDICT_REJECTED ? style.Bad(name)
                              : verdict.verdict() == v1::VERDICT_TRUSTED                            ? style.Good(name)
                                                                                                    : style.Warning(name);
    text +=
        Cat("  ", shown, verdict.simulated() ? " (simulated)" : "", "  ", Place(verdict.context()), "  ", OrDash(verdict.context().name()),
            "  ", OrDash(verdict.platform()), "  ", OrDash(verdict.reason()), "  ", Printable(verdict.id()));
  }
  if (!event.target().empty()) text += Cat("  ", Printable(event.target(), 600));
  if (!event.by().empty()) text += Cat("  by ", Printable(event.by()), ": ", Printable(event.reason(), 512));
  return text;
}

absl::StatusOr<v1::BanKind> BanKindNamed(const std::string& name) {
  if (name == "instance") return v1::BAN_KIND_INSTANCE;
  if (name == "node_key") return v1::BAN_KIND_NODE_KEY;
  if (name == "name") return v1::BAN_KIND_NAME;
  if (name == "certificate") return v1::BAN_KIND_CERTIFICATE;
  if (name == "measurement") return v1::BAN_KIND_MEASUREMENT;
  return absl::InvalidArgumentError(
      ToAbsl(Cat("KIND: expected instance, node_key, name, certificate or measurement, actual '", Printable(name, 64), "'.")));
}

}  // namespace

ExitCode ListVerdicts(const FleetOptions& options, const Invocation& invocation) {
  v1::ListVerdictsRequest request;
  request.set_filter(options.filter);
  if (options.oldest_first) request.set_order_by("sequence");
  return PrintList(
      options, request, kVerdictColumns, invocation,
      [](client::VerdictClient& client, const v1::ListVerdictsRequest& page) { return client.ListVerdicts(page); },
      [](const v1::ListVerdictsResponse& response) -> const auto& { return response.verdicts(); });
}

ExitCode ListFlips(const FleetOptions& options, const Invocation& invocation) {
  v1::ListFlipsRequest request;
  request.set_filter(options.filter);
  return PrintList(
      options, request, kFlipColumns, invocation,
      [](client::VerdictClient& client, const v1::ListFlipsRequest& page) { return client.ListFlips(page); },
      [](const v1::ListFlipsResponse& response) -> const auto& { return response.flips(); });
}

ExitCode ListNodes(const FleetOptions& options, const Invocation& invocation) {
  v1::ListNodesRequest request;
  request.set_filter(options.filter);
  return PrintList(
      options, request, kNodeColumns, invocation,
      [](client::VerdictClient& client, const v1::ListNodesRequest& page) { return client.ListNodes(page); },
      [](const v1::ListNodesResponse& response) -> const auto& { return response.nodes(); });
}

ExitCode ListBans(const FleetOptions& options, const Invocation& invocation) {
  return PrintList(
      options, v1::ListBansRequest(), kBanColumns, invocation,
      [](client::VerdictClient& client, const v1::ListBansRequest& page) { return client.ListBans(page); },
      [](const v1::ListBansResponse& response) -> const auto& { return response.bans(); });
}

bool ServerWent(const absl::Status& ended) { return absl::IsUnavailable(ended) || absl::IsCancelled(ended); }

ExitCode WatchVerdicts(const FleetOptions& options, const Invocation& invocation) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  v1::WatchVerdictsRequest request;
  request.set_filter(options.filter);
  request.set_after(options.after);
  int seen = 0;
  bool reached = false, asked_again = false;
  while (true) {
    const absl::Status ended = (*connection)->WatchVerdicts(request, [&](const v1::WatchVerdictsResponse& response) {
      reached = true;
      asked_again = false;
      request.set_after(response.sequence());
      if (!response.has_event()) return true;
      if (options.output == OutputFormat::kJsonLines) invocation.out << appraisal::CanonicalJson(response.event()) << std::endl;
      else invocation.out << EventText(response.event(), invocation.style) << std::endl;  // flushed: somebody is waiting for it
      return options.limit == 0 || ++seen < options.limit;
    });
    if (ended.ok()) return ExitCode::kOk;
    // A server that was never there is a mistake in the command; one that went comes back.
    // So does a watch whose token ended, with the next one of the file; if that is refused as well, nobody renews it.
    const bool outlived = absl::IsUnauthenticated(ended) && !options.credentials.bearer_token.empty() && !asked_again;
    if (!reached || (!ServerWent(ended) && !outlived)) return invocation.Fail(ended);
    asked_again = outlived;
    invocation.Say(Cat(absl::IsCancelled(ended) ? Cat("server '", Printable(options.server.address, 128),
                                                      "': expected more events, actual: it cancelled the watch, as on shutting down.")
                                                : MessageOf(ended),
                       " Resuming behind ", request.after(), "."));
    std::this_thread::sleep_for(kReconnect);
  }
}

ExitCode RevokeVerdict(const FleetOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) {
    v1::RevokeVerdictRequest request;
    request.set_verdict_id(options.id);
    request.set_reason(options.reason);
    const auto response = client.RevokeVerdict(request);
    std::string said;
    if (response.ok()) {
      const v1::Revocation& revocation = response->verdict().revocation();
      said = Cat("revoked ", Printable(response->verdict().id()), " at ", Shown(revocation.at()), " by ", Printable(revocation.by()), ": ",
                 Printable(revocation.reason(), 512),
                 "\nTokens that are out live on for at most 10 minutes. The node may attest again; `assay node ban` keeps it out.");
    }
    return Show(response, said, options, invocation);
  });
}

ExitCode ReleaseNode(const FleetOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    const std::optional<Bytes> identity = FromHex(options.id);
    if (!identity) {
      return absl::InvalidArgumentError(ToAbsl(
          Cat("INSTANCE: expected 64 hexadecimal digits, as `assay node list` shows them, actual '", Printable(options.id, 80), "'.")));
    }
    v1::ReleaseNodeRequest request;
    request.set_instance_identity(std::string(AsText(*identity)));
    request.set_reason(options.reason);
    return Show(client.ReleaseNode(request), Cat("released ", options.id, ": it holds no name; the next one that it asks for is its own."),
                options, invocation);
  });
}

ExitCode BanIdentity(const FleetOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    const auto kind = BanKindNamed(options.kind);
    if (!kind.ok()) return kind.status();
    v1::BanIdentityRequest request;
    request.set_kind(*kind);
    request.set_value(options.value);
    request.set_reason(options.reason);
    const auto response = client.BanIdentity(request);
    std::string said;
    if (response.ok()) {
      said = Cat("banned ", options.kind, " ", Printable(response->ban().value(), 600), " since ", Shown(response->ban().at()), " by ",
                 Printable(response->ban().by()), ": ", Printable(response->ban().reason(), 512),
                 "\nVerdicts that stand are appraised once more; `assay verdict flips` shows which of them fell.");
    }
    return Show(response, said, options, invocation);
  });
}

ExitCode ListEnrolments(const FleetOptions& options, const Invocation& invocation) {
  return PrintList(
      options, v1::ListEnrolmentsRequest(), kEnrolmentColumns, invocation,
      [](client::VerdictClient& client, const v1::ListEnrolmentsRequest& page) { return client.ListEnrolments(page); },
      [](const v1::ListEnrolmentsResponse& response) -> const auto& { return response.enrolments(); });
}

ExitCode EnrolKey(const FleetOptions& options, const Invocation& invocation) {
  const absl::StatusOr<Bytes> file = ReadFile("FILE", options.file);
  if (!file.ok()) return invocation.Fail(file.status());
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    v1::EnrolKeyRequest request;
    if (!options.kind.empty()) {
      request.set_kind(options.kind == "endorsement" ? v1::TPM_KEY_KIND_ENDORSEMENT : v1::TPM_KEY_KIND_ATTESTATION);
    }
    request.set_key(std::string(AsText(*file)));
    request.set_node(options.node);
    request.set_reason(options.reason);
    const auto response = client.EnrolKey(request);
    std::string said;
    if (response.ok()) {
      const v1::EnrolledKey& key = response->enrolment();
      said = Cat("enrolled the ", NameOf(key.kind()), " key ", Shown(key.spki_sha256()),
                 key.node().empty() ? "" : Cat(" for ", Printable(key.node(), 600)), " since ", Shown(key.at()), " by ",
                 Printable(key.by()), ": ", Printable(key.reason(), 512));
      if (key.tpm_name().empty()) said += "\nWithout its public area: whatever attributes the TPM's object has, it counts.";
    }
    return Show(response, said, options, invocation);
  });
}

ExitCode UnenrolKey(const FleetOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    const std::optional<Bytes> digest = FromHex(options.id);
    if (!digest) {
      return absl::InvalidArgumentError(ToAbsl(
          Cat("KEY: expected 64 hexadecimal digits, as `assay node enrolments` shows them, actual '", Printable(options.id, 80), "'.")));
    }
    v1::UnenrolKeyRequest request;
    request.set_spki_sha256(std::string(AsText(*digest)));
    request.set_reason(options.reason);
    return Show(
        client.UnenrolKey(request),
        Cat("unenrolled ", options.id, "\nVerdicts that stand are appraised once more; `assay verdict flips` shows which of them fell."),
        options, invocation);
  });
}

ExitCode UnbanIdentity(const FleetOptions& options, const Invocation& invocation) {
  return Do(options, invocation, [&](client::VerdictClient& client) -> absl::Status {
    const auto kind = BanKindNamed(options.kind);
    if (!kind.ok()) return kind.status();
    v1::UnbanIdentityRequest request;
    request.set_kind(*kind);
    request.set_value(options.value);
    request.set_reason(options.reason);
    return Show(client.UnbanIdentity(request), Cat("unbanned ", options.kind, " ", Printable(options.value, 600)), options, invocation);
  });
}

ExitCode DescribeClouds(const FleetOptions& options, const Invocation& invocation) {
  const auto connection = ConnectAsOperator(options.server, options.credentials);
  if (!connection.ok()) return invocation.Fail(connection.status());
  const auto response = (*connection)->DescribeClouds({});
  if (!response.ok()) return invocation.Fail(response.status());
  return PrintClouds({response->clouds().begin(), response->clouds().end()}, options.output, invocation);
}

}  // namespace assay::cli
