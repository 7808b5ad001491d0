// Checkers of the kinds ccel-event-log and tcg-event-log. A case's quote is only read for its RTMRs, and PCRs come without one; so a minted
// quote that really authenticates signs them, and from there on the log takes the road that production takes.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/check_log.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "evidence/dcap/quote.h"
#include "evidence/tcg_log/ccel_table.h"
#include "evidence/tcg_log/event_log.h"
#include "evidence/tcg_log/format.h"
#include "tests/unit/tcg_log/bound_log.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/vectors/checker.h"
#include "tests/vectors/conclusion.h"
#include "tests/vectors/json_text.h"
#include "trust/bundle.h"
#include "trust/description.h"

namespace assay::vectors {
namespace {

constexpr std::array<std::string_view, 4> kRtmrNames = {"RTMR0", "RTMR1", "RTMR2", "RTMR3"};

// RTMR0 to RTMR3 as the children of one of the description's children say.
std::optional<tcg_log::test::RtmrValues> RtmrsIn(const trust::Description& description) {
  for (const trust::Description& part : description.children()) {
    tcg_log::test::RtmrValues values;
    std::size_t found = 0;
    for (const trust::Description& field : part.children()) {
      const auto name = std::find(kRtmrNames.begin(), kRtmrNames.end(), field.name());
      const std::optional<Bytes> value = name == kRtmrNames.end() ? std::nullopt : FromHex(field.value());
      if (!value) continue;
      values[static_cast<std::size_t>(name - kRtmrNames.begin())] = *value;
      ++found;
    }
    if (found == values.size()) return values;
  }
  return std::nullopt;
}

Observation RunCcelEventLog(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* event_log = inputs.One("event_log");
  if (event_log == nullptr) {
    observation.fault = "event_log is required";
    return observation;
  }
  CheckLog log, unused;
  bool sound = true;
  if (const Bytes* table = inputs.One("ccel_table")) sound = tcg_log::ReadCcelTable(*table, log).has_value();
  const auto parsed = tcg_log::EventLogParser::Parse(trust::UntrustedBytes(*event_log), tcg_log::Registers::kRtmrs, unused);
  const auto replayed = parsed ? RtmrsIn(parsed->Describe()) : std::nullopt;
  auto rtmrs = replayed;
  if (const Bytes* quote = inputs.One("quote")) {
    const auto read = dcap::QuoteParser::Parse(trust::UntrustedBytes(*quote), nullptr, unused);
    rtmrs = read ? RtmrsIn(read->quote.Describe()) : std::nullopt;
    if (!rtmrs) {
      observation.fault = "the quote can't be read for its RTMRs";
      return observation;
    }
  }
  const auto bundle = tcg_log::test::Bind(*event_log, rtmrs.value_or(tcg_log::test::RtmrValues()), log);
  Conclude(log, {}, conformance_case.at, observation);
  observation.authentic = bundle.has_value() && sound && observation.against.empty();
  if (!bundle || !replayed) return observation;
  for (std::size_t i = 0; i < replayed->size(); ++i) observation.claims["rtmr" + std::to_string(i)] = JsonHex((*replayed)[i]);
  NoteClaims(*bundle, tcg_log::kFormat, observation);
  return observation;
}

constexpr auto kBanks =
    std::to_array<std::pair<std::string_view, std::uint16_t>>({{"sha1", 4}, {"sha256", 11}, {"sha384", 12}, {"sha512", 13}});

bool AddPcrs(const json::Value& bank, std::map<std::uint32_t, Bytes>& pcrs) {
  if (bank.AsObject() == nullptr) return false;
  for (const json::Member& member : *bank.AsObject()) {
    const std::string* text = member.value.AsString();
    const auto value = text == nullptr ? std::nullopt : FromHex(*text);
    if (!value) return false;
    pcrs[static_cast<std::uint32_t>(std::stoul(member.name))] = *value;
  }
  return true;
}

// {bank: {index: hex}}, or {index: hex} of the bank of SHA-256.
std::optional<tcg_log::test::PcrValues> PcrsIn(ByteView text) {
  const Outcome<json::Value> root = json::Parse(AsText(text));
  if (!root || root.value().AsObject() == nullptr) return std::nullopt;
  tcg_log::test::PcrValues values;
  bool nested = false;
  for (const auto& [name, algorithm] : kBanks) {
    const json::Value* bank = root.value().Find(name);
    if (bank == nullptr) continue;
    nested = true;
    if (!AddPcrs(*bank, values[algorithm])) return std::nullopt;
  }
  if (!nested && !AddPcrs(root.value(), values[11])) return std::nullopt;
  return values;
}

// Nothing signs anything, then: what the log itself says that its PCRs hold.
tcg_log::test::PcrValues PcrsOfTheLog(const Bytes& event_log) {
  CheckLog unused;
  const auto parsed = tcg_log::EventLogParser::Parse(trust::UntrustedBytes(event_log), tcg_log::Registers::kPcrs, unused);
  tcg_log::test::PcrValues values;
  if (!parsed) return values;
  const trust::Description description = parsed->Describe();
  const auto replay =
      std::find_if(description.children().begin(), description.children().end(), [](const auto& part) { return part.name() == "replay"; });
  for (const auto& [name, algorithm] : kBanks) {
    const std::string suffix = Cat(" ", tcg_log::ShowAlgorithm(algorithm));
    for (std::uint32_t index = 0; index < 24; ++index) {
      const std::string pcr = Cat("PCR ", index);
      for (const trust::Description& line : replay->children()) {
        const bool only_bank = line.name() == pcr && line.value().size() == 2 * crypto::DigestSize(*tcg_log::HashOf(algorithm));
        if (only_bank || line.name() == pcr + suffix) values[algorithm][index] = *FromHex(line.value());
      }
    }
  }
  return values;
}

Observation RunTcgEventLog(const Case& conformance_case, const Inputs& inputs) {
  Observation observation;
  const Bytes* event_log = inputs.One("event_log");
  if (event_log == nullptr) {
    observation.fault = "event_log is required";
    return observation;
  }
  const Bytes* pcrs = inputs.One("pcrs");
  const auto values = pcrs == nullptr ? PcrsOfTheLog(*event_log) : PcrsIn(*pcrs);
  if (!values) {
    observation.fault = "the PCRs can't be read";
    return observation;
  }
  CheckLog log;
  const auto bound = tcg_log::test::BindPcrs(*event_log, *values, log);
  Conclude(log, {}, conformance_case.at, observation);
  observation.authentic = bound.has_value() && observation.against.empty();
  if (!bound) return observation;
  std::map<std::string, std::string> banks;
  for (const auto& [name, algorithm] : kBanks) {
    const auto replayed = bound->events->ReplayAll(algorithm);
    std::map<std::string, std::string> bank;
    bool logged = false;
    for (const tcg_log::Algorithm& one : bound->events->algorithms()) logged |= one.id == algorithm;
    for (std::uint32_t index = 0; logged && index < replayed.size(); ++index) bank[std::to_string(index)] = JsonHex(replayed[index]);
    if (logged) banks[std::string(name)] = JsonObject(bank);
  }
  NoteClaims(bound->bundle, tcg_log::kFormat, observation);
  std::string& secure_boot = observation.claims["secure_boot"];
  if (secure_boot != JsonString("unknown")) secure_boot = secure_boot == JsonString("true") ? "true" : "false";
  observation.claims["event_count"] = JsonNumber(bound->events->events().size());
  observation.claims["pcrs"] = JsonObject(banks);
  return observation;
}

}  // namespace

std::span<const Checker> LogCheckers() {
  static constexpr auto kCheckers = std::to_array<Checker>({{"ccel-event-log", &RunCcelEventLog}, {"tcg-event-log", &RunTcgEventLog}});
  return kCheckers;
}

}  // namespace assay::vectors
