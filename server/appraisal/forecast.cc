#include "appraisal/forecast.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"

namespace assay::appraisal {
namespace {

constexpr std::string_view kReportedTcb = "snp.reported_tcb", kCpu = "snp.cpu", kAdvisories = "dcap.advisory_ids",
                           kShortfall = "dcap.tcb_shortfall";

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(ToAbsl(text)); }

bool Trusts(v1::Verdict verdict) { return verdict == v1::VERDICT_TRUSTED || verdict == v1::VERDICT_TRUSTED_WITH_WARNINGS; }

const v1::Claim* ClaimOf(const v1::Appraisal& appraisal, std::string_view name) {
  const auto found =
      std::find_if(appraisal.claims().begin(), appraisal.claims().end(), [name](const v1::Claim& claim) { return claim.name() == name; });
  return found == appraisal.claims().end() ? nullptr : &*found;
}

std::set<std::string> NamesOf(const v1::Appraisal& appraisal, std::string_view claim_name) {
  std::set<std::string> names;
  const v1::Claim* claim = ClaimOf(appraisal, claim_name);
  std::string_view text = claim == nullptr ? std::string_view() : std::string_view(claim->text());
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    if (end > 0) names.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

bool SameComplaint(const v1::Finding& a, const v1::Finding& b) {
  return a.reason() == b.reason() && a.claim() == b.claim() && a.component() == b.component() && a.actual() == b.actual();
}

bool IsCpu(std::string_view text) {
  std::size_t parts = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') ++parts;
    else if (text[i] == '*' && parts == 3 && i + 1 == text.size() && text[i - 1] == ':') continue;
    else if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f')) return false;
  }
  return parts == 3 && !text.starts_with(':') && text.find("::") == std::string_view::npos && !text.ends_with(':');
}

bool IsAbout(const v1::NextFloor& floor, std::string_view cpu) {
  if (floor.cpu() == cpu) return true;
  const std::size_t colon = cpu.rfind(':');
  return colon != std::string_view::npos && floor.cpu() == Cat(cpu.substr(0, colon), ":*");
}

// By the floors that the caller names.
void FallBelow(const v1::Appraisal& appraisal, std::span<const v1::NextFloor> floors, v1::NodeForecast& forecast) {
  const v1::Claim* cpu = ClaimOf(appraisal, kCpu);
  if (cpu == nullptr) return;
  for (const v1::NextFloor& floor : floors) {
    const v1::Claim* version = ClaimOf(appraisal, floor.claim().empty() ? kReportedTcb : std::string_view(floor.claim()));
    if (!IsAbout(floor, cpu->text())) continue;
    const v1::ComponentVersion::Component* actual = nullptr;
    if (version != nullptr) {
      for (const v1::ComponentVersion::Component& component : version->version().components()) {
        if (component.name() == floor.component()) actual = &component;
      }
    }
    if (actual != nullptr && actual->number() >= floor.least()) continue;
    v1::Shortfall& shortfall = *forecast.add_shortfalls();
    shortfall.set_component(Cat(floor.claim().empty() ? kReportedTcb : std::string_view(floor.claim()), " ", floor.component()));
    shortfall.set_reason(std::string(EntryOf(Reason::kTcbBelowFloor).name));
    shortfall.set_expected(Cat("at least ", floor.least(), " on ", floor.cpu()));
    shortfall.set_actual(actual == nullptr ? "absent" : std::to_string(actual->number()));
    if (!floor.advisory().empty()) shortfall.add_advisories(floor.advisory());
    if (floor.has_from()) *shortfall.mutable_from() = floor.from();
    forecast.set_next(v1::VERDICT_REJECTED);
  }
}

// When the early documents count for everybody, as far as the vendors' own documents say so: the first of them.
std::optional<Time> CountsFrom(const ForecastTerms& terms) {
  std::vector<trust::CollateralItem> all(terms.current.begin(), terms.current.end());
  all.insert(all.end(), terms.next.begin(), terms.next.end());
  std::optional<Time> first;
  for (const evidence::Format* format : terms.registry.formats) {
    if (format->counts_from == nullptr) continue;
    const std::optional<Time> time = format->counts_from(terms.next, all, terms.anchors, terms.at);
    if (time && (!first || *time < *first)) first = time;
  }
  return first;
}

}  // namespace

bool Falls(const v1::NodeForecast& forecast) { return Trusts(forecast.now()) && forecast.next() == v1::VERDICT_REJECTED; }

v1::NodeForecast Forecast(const v1::VerdictExport& verdict, const ForecastTerms& terms) {
  v1::NodeForecast forecast;
  forecast.set_verdict_id(verdict.record().id());
  *forecast.mutable_context() = verdict.record().context();
  forecast.set_instance_identity(verdict.record().appraisal().instance_identity());
  forecast.set_platform(verdict.record().appraisal().platform());

  const v1::ReplayVerdictResponse today = Replay(verdict, {.registry = terms.registry,
                                                           .anchors = terms.anchors,
                                                           .at = terms.at,
                                                           .more_collateral = terms.current,
                                                           .loaded = terms.loaded,
                                                           .caches = terms.caches});
  forecast.set_now(today.replayed().verdict());
  forecast.set_next(today.replayed().verdict());
  if (today.missing_size() > 0) {
    *forecast.mutable_missing() = today.missing();
    return forecast;
  }
  if (!terms.next.empty() || terms.next_policies != nullptr) {
    std::vector<trust::CollateralItem> then(terms.current.begin(), terms.current.end());
    then.insert(then.end(), terms.next.begin(), terms.next.end());
    const v1::ReplayVerdictResponse next = Replay(verdict, {.registry = terms.registry,
                                                            .anchors = terms.anchors,
                                                            .policies = terms.next_policies,
                                                            .at = terms.at,
                                                            .more_collateral = then,
                                                            .loaded = terms.loaded,
                                                            .caches = terms.caches});
    forecast.set_next(next.replayed().verdict());
    const std::set<std::string> known = NamesOf(today.replayed(), kAdvisories);
    const std::optional<Time> from = terms.next_policies == nullptr ? CountsFrom(terms) : std::nullopt;
    for (const v1::Finding& finding : next.replayed().findings()) {
      const auto& before = today.replayed().findings();
      if (finding.effect() == v1::EFFECT_NOTE ||
          std::any_of(before.begin(), before.end(), [&](const v1::Finding& old) { return SameComplaint(old, finding); })) {
        continue;
      }
      v1::Shortfall& shortfall = *forecast.add_shortfalls();
      const v1::Claim* detail = finding.claim().starts_with("dcap.") ? ClaimOf(next.replayed(), kShortfall) : nullptr;
      shortfall.set_component(finding.claim().empty() ? finding.component() : finding.claim());
      shortfall.set_reason(finding.reason());
      shortfall.set_expected(finding.expected());
      shortfall.set_actual(detail != nullptr && finding.actual().find(detail->text()) == std::string::npos
                               ? Cat(finding.actual(), ": ", detail->text())
                               : finding.actual());
      for (const std::string& advisory : NamesOf(next.replayed(), kAdvisories)) {
        if (!known.contains(advisory)) shortfall.add_advisories(advisory);
      }
      if (from) shortfall.mutable_from()->set_seconds(from->time_since_epoch().count());
    }
  }
  FallBelow(today.replayed(), terms.floors, forecast);
  return forecast;
}

absl::Status CheckNextFloor(const v1::NextFloor& floor) {
  const auto shown = [](const std::string& text) { return Cat("'", Printable(text, 64), "'"); };
  if (!IsCpu(floor.cpu())) {
    return Invalid(
        Cat("cpu: expected family:model:stepping in lower-case hexadecimal, as 19:01:1 or 19:01:*, actual ", shown(floor.cpu())));
  }
  constexpr std::string_view kComponents[] = {"fmc", "boot_loader", "tee", "snp", "microcode"};
  if (std::find(std::begin(kComponents), std::end(kComponents), floor.component()) == std::end(kComponents)) {
    return Invalid(Cat("component: expected one of ", Join(kComponents, ", "), ", actual ", shown(floor.component())));
  }
  if (floor.component() == "microcode" && floor.cpu().ends_with('*')) {
    return Invalid("cpu: expected a stepping, as microcode numbers of one stepping say nothing of another, actual '*'");
  }
  if (floor.least() > 255) return Invalid(Cat("least: expected 0 to 255, actual ", floor.least()));
  constexpr std::string_view kClaims[] = {"", "snp.reported_tcb", "snp.committed_tcb", "snp.current_tcb", "snp.launch_tcb"};
  if (std::find(std::begin(kClaims), std::end(kClaims), floor.claim()) == std::end(kClaims)) {
    return Invalid(Cat("claim: expected a TCB version of SEV-SNP, as snp.current_tcb, actual ", shown(floor.claim())));
  }
  if (floor.advisory().size() > 64 || Printable(floor.advisory(), 64) != floor.advisory()) {
    return Invalid(Cat("advisory: expected at most 64 bytes of printable text, actual ", shown(floor.advisory())));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::NextFloor> ParseNextFloor(std::string_view text) {
  const auto refuse = [given = text](std::string_view why) {
    return Invalid(Cat("expected [CLAIM:]CPU/COMPONENT=NUMBER[@DATE][#ADVISORY], as 19:01:*/snp=0x1b@2027-03-01#AMD-SB-3023, actual '",
                       Printable(given, 100), "': ", why));
  };
  v1::NextFloor floor;
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) {
    floor.set_advisory(std::string(text.substr(hash + 1)));
    if (floor.advisory().empty()) return refuse("no advisory behind #");
    text = text.substr(0, hash);
  }
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    const std::string_view date = text.substr(at + 1);
    const std::optional<Time> from = ParseTime(date.find('T') == std::string_view::npos ? Cat(date, "T00:00:00Z") : std::string(date));
    if (!from) return refuse("no date behind @");
    floor.mutable_from()->set_seconds(from->time_since_epoch().count());
    text = text.substr(0, at);
  }
  const std::size_t slash = text.find('/'), equals = text.find('=');
  if (slash == std::string_view::npos || equals == std::string_view::npos || equals < slash) return refuse("no CPU/COMPONENT=NUMBER");
  std::string_view cpu = text.substr(0, slash), number = text.substr(equals + 1);
  if (cpu.starts_with("snp.")) {
    const std::size_t colon = cpu.find(':');
    if (colon == std::string_view::npos) return refuse("no CPU behind the claim");
    floor.set_claim(std::string(cpu.substr(0, colon)));
    cpu.remove_prefix(colon + 1);
  }
  floor.set_cpu(std::string(cpu));
  floor.set_component(std::string(text.substr(slash + 1, equals - slash - 1)));
  const bool hexadecimal = number.starts_with("0x");
  if (hexadecimal) number.remove_prefix(2);
  std::uint64_t least = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), least, hexadecimal ? 16 : 10);
  if (error != std::errc() || end != number.data() + number.size() || number.empty()) return refuse("no number behind =");
  floor.set_least(least);
  if (const absl::Status good = CheckNextFloor(floor); !good.ok()) return refuse(MessageOf(good));
  return floor;
}

}  // namespace assay::appraisal
