#include "evidence/tcg_log/claims.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "evidence/tcg_log/event_data.h"
#include "evidence/tcg_log/event_log.h"

namespace assay::tcg_log {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"log.boot_applications", kOctets, kOptional, 48, {}, "Replay of RTMR1 without separators, EFI actions and partition tables: every driver and boot application that the firmware loaded, in order; absent where there is none"},
    {kBootFilesClaim, kOctets, kOptional, 48, {}, "Replay of RTMR2 without the event of log.kernel_cmdline: what boot loader and kernel loaded, in order; absent where there is nothing. Appraise both claims, or neither"},
    {"log.db", kOctets, kOptional, 48, {}, "Digest of the Secure Boot variable db, as the firmware measured it; absent unless measured exactly once"},
    {"log.dbx", kOctets, kOptional, 48, {}, "The same of dbx, the list of what may no longer start"},
    {"log.extend_count", kNumber, kOptional, 0, {}, "Events that extended RTMR0 to RTMR3"},
    {"log.firmware_inputs", kOctets, kOptional, 48, {}, "Replay of RTMR0 without separators, EFI actions and Secure Boot variables: what the host gave the firmware, ACPI tables among it; absent where there is nothing"},
    {"log.kek", kOctets, kOptional, 48, {}, "Digest of the Secure Boot variable KEK, as the firmware measured it; absent unless measured exactly once"},
    {kCommandLineClaim, kText, kOptional, 0, {}, "Command line of the kernel, with its path, as GRUB measured it; absent unless measured exactly once. Worth something only together with log.boot_files"},
    {"log.pk", kOctets, kOptional, 48, {}, "Digest of the Secure Boot variable PK, as the firmware measured it; absent unless measured exactly once"},
    {"log.secure_boot", kText, kOptional, 0, {}, "Secure Boot as the firmware measured it: true, false, or unknown: not measured exactly once, empty, or in debug mode"},
});

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

// Registers of CCEL, and the algorithm that they are made of.
constexpr std::uint32_t kRtmr0 = 1;
constexpr std::uint32_t kRtmr1 = 2;
constexpr std::uint32_t kRtmr2 = 3;
constexpr std::uint16_t kAlgorithm = kSha384;

constexpr std::array<ByteArray<4>, 3> kSeparators = {{{0, 0, 0, 0}, {0xFF, 0xFF, 0xFF, 0xFF}, {1, 0, 0, 0}}};
constexpr std::string_view kDebugMode = "UEFI Debug Mode";
// PFP section 10.4.4, as far as they say nothing against the machine.
constexpr std::array<std::string_view, 5> kHarmlessActions = {
    "Calling EFI Application from Boot Option", "Returning from EFI Application from Boot Option", "Exit Boot Services Invocation",
    "Exit Boot Services Returned with Failure", "Exit Boot Services Returned with Success"};

bool HasDigestOf(const Event& event, ByteView bytes) { return Equal(event.DigestOf(kAlgorithm), crypto::Sha384(bytes)); }

bool IsSeparator(const Event& event) {
  return std::any_of(kSeparators.begin(), kSeparators.end(), [&](const auto& data) { return HasDigestOf(event, data); });
}
bool IsHarmlessAction(const Event& event) {
  return std::any_of(kHarmlessActions.begin(), kHarmlessActions.end(), [&](std::string_view text) { return HasDigestOf(event, AsBytes(text)); });
}

struct SecureBootVariable {
  std::string_view claim;  // "" for SecureBoot itself
  std::string_view name;
  ByteView guid;
};
constexpr std::array<SecureBootVariable, 5> kSecureBootVariables = {{{"", "SecureBoot", kGlobalVariableGuid},
                                                                 {"log.pk", "PK", kGlobalVariableGuid},
                                                                 {"log.kek", "KEK", kGlobalVariableGuid},
                                                                 {"log.db", "db", kImageSecurityGuid},
                                                                 {"log.dbx", "dbx", kImageSecurityGuid}}};

using EventsOfRegister = std::vector<const Event*>;

EventsOfRegister Measured(const EventLog& log, std::uint32_t register_index) {
  EventsOfRegister events;
  for (const Event& event : log.events()) {
    if (event.register_index == register_index && event.Extends()) events.push_back(&event);
  }
  return events;
}

// The events before the first separator; none if there is no separator, as then nobody says where the firmware's own end.
EventsOfRegister BeforeSeparator(const EventsOfRegister& events) {
  const auto end = std::find_if(events.begin(), events.end(), [](const Event* event) { return IsSeparator(*event); });
  return end == events.end() ? EventsOfRegister() : EventsOfRegister(events.begin(), end);
}

// The one event whose data hash to its digest and are this variable; nullptr: none, or several.
const Event* OnlyOf(const EventsOfRegister& events, const SecureBootVariable& wanted, ByteView& value) {
  const Event* found = nullptr;
  for (const Event* event : events) {
    const std::optional<Variable> variable = ReadVariable(event->data);
    if (!variable || variable->name != wanted.name || !Equal(variable->guid, wanted.guid) || !HasDigestOf(*event, event->data)) continue;
    if (found != nullptr) return nullptr;
    found = event;
    value = variable->value;
  }
  return found;
}

// The one event that GRUB's label says to be the kernel's command line, and whose text hashes to its digest.
const Event* OnlyCommandLine(const EventsOfRegister& events, std::string_view& text) {
  const Event* found = nullptr;
  for (const Event* event : events) {
    const auto line = GrubText(*event, kGrubCommandLine);
    if (!line || line->empty() || Printable(*line, line->size()) != *line || !HasDigestOf(*event, AsBytes(*line))) continue;
    if (found != nullptr) return nullptr;
    found = event;
    text = *line;
  }
  return found;
}

// What the register would hold without the events left out. Empty: all of them are.
Bytes FilteredReplay(const EventsOfRegister& events, const std::function<bool(const Event&)>& left_out) {
  Bytes value(crypto::Sha384Digest().size(), 0);
  bool any = false;
  for (const Event* event : events) {
    if (left_out(*event)) continue;
    any = true;
    Append(value, event->DigestOf(kAlgorithm));
    value = ToBytes(crypto::Sha384(value));
  }
  return any ? value : Bytes();
}

}  // namespace

std::span<const evidence::ClaimSpec> ClaimTable() { return kClaims; }

void EventLog::WriteClaims(trust::ClaimWriter& claims) const {
  if (registers_ != Registers::kRtmrs) return;  // nothing commits to such a log yet
  const auto add_replay = [&](std::string_view name, Bytes value) {
    if (!value.empty()) claims.Add(name, std::move(value));
  };
  std::uint64_t extends = 0;
  for (const Event& event : events_) extends += event.Extends() && event.register_index != 0;
  claims.Add("log.extend_count", extends);

  const EventsOfRegister rtmr0 = Measured(*this, kRtmr0);
  const EventsOfRegister firmware = BeforeSeparator(rtmr0);
  const bool debug = std::any_of(rtmr0.begin(), rtmr0.end(), [](const Event* event) { return HasDigestOf(*event, AsBytes(kDebugMode)); });
  std::string secure_boot = "unknown";
  std::vector<const Event*> variables;
  for (const SecureBootVariable& variable : kSecureBootVariables) {
    ByteView value;
    const Event* event = OnlyOf(firmware, variable, value);
    if (event == nullptr) continue;
    variables.push_back(event);
    if (!variable.claim.empty()) claims.Add(variable.claim, ToBytes(event->DigestOf(kAlgorithm)));
    else if (value.size() == 1 && value[0] <= 1 && !debug) secure_boot = value[0] == 1 ? "true" : "false";
  }
  claims.Add("log.secure_boot", secure_boot);
  add_replay("log.firmware_inputs", FilteredReplay(rtmr0, [&](const Event& event) {
    return IsSeparator(event) || IsHarmlessAction(event) || std::find(variables.begin(), variables.end(), &event) != variables.end();
  }));

  // An image's digest is of its own bytes, which begin "MZ": no image can be taken for a partition table.
  add_replay("log.boot_applications", FilteredReplay(Measured(*this, kRtmr1), [](const Event& event) {
    const bool partitions = AsText(event.data).starts_with(kGptSignature) && HasDigestOf(event, event.data);
    return IsSeparator(event) || IsHarmlessAction(event) || partitions;
  }));

  const EventsOfRegister rtmr2 = Measured(*this, kRtmr2);
  std::string_view command_line;
  const Event* left_out = OnlyCommandLine(rtmr2, command_line);
  if (left_out != nullptr) claims.Add(kCommandLineClaim, std::string(command_line));
  add_replay(std::string_view(kBootFilesClaim), FilteredReplay(rtmr2, [&](const Event& event) { return &event == left_out; }));
}

}  // namespace assay::tcg_log
