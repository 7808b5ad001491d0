#include "evidence/tcg_log/format.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "evidence/tcg_log/ccel_table.h"
#include "evidence/tcg_log/claims.h"
#include "evidence/tcg_log/judge.h"

namespace assay::tcg_log {
namespace {

constexpr auto kMediaTypes = std::to_array<std::string_view>({kCcelMediaType, kTcgEventLogMediaType});

ByteView AllOf(const trust::UntrustedBytes& bytes) { return bytes.Read().TakeRest(); }

// A legacy log has no header: it is one if it reads as one from front to end, every event of a type that the profile defines.
bool IsLegacyLog(const trust::UntrustedBytes& bytes) {
  Reader reader = bytes.Read();
  for (bool first = true; !reader.AtEnd(); first = false) {
    const auto event = reader.Take(kPcrEventSize);
    if (!event) return false;
    const std::uint64_t index = LittleEndianOf(*event, FieldNamed(kPcrEvent, "PCRINDEX"));
    const std::uint64_t type = LittleEndianOf(*event, FieldNamed(kPcrEvent, "EVENTTYPE"));
    if (!first && (index == kEndOfLog || (index == 0 && type == 0))) return true;
    const auto known = static_cast<EventType>(type);
    if (index >= kPcrs || known == EventType::kPrebootCert || NameOf(known).empty()) return false;
    if (!reader.Skip(static_cast<std::size_t>(LittleEndianOf(*event, FieldNamed(kPcrEvent, "EVENTSIZE"))))) return false;
  }
  return bytes.size() != 0;
}

std::optional<Registers> RegistersOf(const trust::UntrustedBytes& bytes) {
  const auto registers = LooksLikeLog(AllOf(bytes));
  if (registers || !IsLegacyLog(bytes)) return registers;
  return Registers::kPcrs;
}

std::optional<trust::Description> DescribeBytes(const trust::UntrustedBytes& bytes) {
  if (LooksLikeCcelTable(AllOf(bytes))) return DescribeCcelTable(AllOf(bytes));
  const std::optional<Registers> registers = RegistersOf(bytes);
  if (!registers) return std::nullopt;
  CheckLog log;
  if (const auto parsed = EventLogParser::Parse(bytes, *registers, log)) return parsed->Describe();
  trust::Description description("TCG event log", "malformed");
  description.set_malformed();
  for (const Finding& finding : log.findings()) description.Add("defect", Describe(finding));
  return description;
}

std::string_view MediaTypeOf(const trust::UntrustedBytes& bytes) {
  const std::optional<Registers> registers = RegistersOf(bytes);
  if (!registers) return {};
  return *registers == Registers::kRtmrs ? kCcelMediaType : kTcgEventLogMediaType;
}

// A log brings no endorsements, and needs none.
std::vector<trust::CollateralItem> Recognise(const trust::UntrustedBytes&, trust::CollateralSource, trust::FactCaches*) { return {}; }
std::vector<trust::CollateralKey> Needs(std::span<const evidence::Item>, const trust::CollateralSnapshot&) { return {}; }

std::optional<trust::Parsed<EventLog>> ParseOnly(std::span<const evidence::Item> items, std::string_view media_type, Registers registers,
                                                 bool& sound, CheckLog& log) {
  const auto item = std::find_if(items.begin(), items.end(), [&](const evidence::Item& one) { return one.media_type == media_type; });
  if (item == items.end()) return std::nullopt;
  auto parsed = EventLogParser::Parse(item->body, registers, log);
  sound &= parsed.has_value();
  return parsed;
}

}  // namespace

const evidence::Format kFormat{
    .name = "tcg_log",
    .claim_prefix = "log",
    .media_types = kMediaTypes,
    .claims = ClaimTable(),
    .anchors = {},
    .describe = &DescribeBytes,
    .media_type_of = &MediaTypeOf,
    .recognise = &Recognise,
    .needs = &Needs,
    .judge = &Judge,
};

std::optional<trust::Parsed<EventLog>> ParseCcel(std::span<const evidence::Item> items, bool& sound, CheckLog& log) {
  return ParseOnly(items, kCcelMediaType, Registers::kRtmrs, sound, log);
}
std::optional<trust::Parsed<EventLog>> ParseTcgEventLog(std::span<const evidence::Item> items, bool& sound, CheckLog& log) {
  return ParseOnly(items, kTcgEventLogMediaType, Registers::kPcrs, sound, log);
}

}  // namespace assay::tcg_log
