#include "evidence/tcg_log/claims.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "evidence/tcg_log/event_log.h"
#include "evidence/tcg_log/measured.h"

namespace assay::tcg_log {
namespace {

using evidence::ClaimSpec;
using enum evidence::ClaimType;
using enum evidence::Duty;

// clang-format off: a claim, a row
constexpr auto kClaims = std::to_array<ClaimSpec>({
    {"log.authorities",
     kNames,
     kOptional,
     0,
     {},
     "Of a TPM's log: what let images start, as VARIABLE:SHA-256 of its value: certificates and digests of db, shim's own, SbatLevel and MokListTrusted"},
    {kBankClaim,
     kText,
     kOptional,
     0,
     {},
     "Of a TPM's log: the bank of digests that its claims stand on, sha256, sha384, sha512 or sha1; one of sha1 is refused, whatever the policy says"},
    {"log.boot_applications",
     kOctets,
     kOptional,
     0,
     {},
     "Replay of RTMR1, or of PCR 4, without separators, EFI actions and partition tables: every driver and boot application that the firmware loaded, in order; absent where there is none"},
    {kBootFilesClaim,
     kOctets,
     kOptional,
     0,
     {},
     "Replay of RTMR2, or digest of the replays of PCR 8 and PCR 9, without the event of log.kernel_cmdline: what boot loader and kernel loaded, in order; absent where there is nothing. Appraise both claims, or neither"},
    {"log.boot_images",
     kNames,
     kOptional,
     0,
     {},
     "Of a TPM's log: digests of the events of log.boot_applications, in hexadecimal; which, not in which order"},
    {"log.boot_phase",
     kText,
     kOptional,
     0,
     {},
     "Of a TPM's log with log.uki: the words that systemd extended PCR 11 with since, as enter-initrd:leave-initrd; empty: none"},
    {"log.db",
     kOctets,
     kOptional,
     0,
     {},
     "Digest of the Secure Boot variable db, as the firmware measured it; absent unless measured exactly once"},
    {"log.dbx", kOctets, kOptional, 0, {}, "The same of dbx, the list of what may no longer start"},
    {"log.extend_count", kNumber, kOptional, 0, {}, "Events that extended RTMR0 to RTMR3, or PCRs"},
    {"log.firmware_inputs",
     kOctets,
     kOptional,
     48,
     {},
     "Replay of RTMR0 without separators, EFI actions and Secure Boot variables: what the host gave the firmware, ACPI tables among it; absent where there is nothing"},
    {"log.firmware_version",
     kText,
     kOptional,
     0,
     {},
     "Of a TPM's log: version of the firmware, as it measured it into PCR 0; absent unless measured exactly once"},
    {"log.gce_technology",
     kText,
     kOptional,
     0,
     {},
     "Of a TPM's log: memory encryption as Google's firmware names it, none, sev, sev_es, tdx or sev_snp. Its word alone; absent unless measured exactly once"},
    {"log.kek",
     kOctets,
     kOptional,
     0,
     {},
     "Digest of the Secure Boot variable KEK, as the firmware measured it; absent unless measured exactly once"},
    {kCommandLineClaim,
     kText,
     kOptional,
     0,
     {},
     "Command line of the kernel, with its path, as GRUB measured it; absent unless measured exactly once. Worth something only together with log.boot_files"},
    {"log.pk",
     kOctets,
     kOptional,
     0,
     {},
     "Digest of the Secure Boot variable PK, as the firmware measured it; absent unless measured exactly once"},
    {"log.secure_boot",
     kText,
     kOptional,
     0,
     {},
     "Secure Boot as the firmware measured it: true, false, or unknown: not measured exactly once, empty, or in debug mode; of a TPM's log also if on without keys or authority, or if PCR 7 holds what does not belong there"},
    {kUnknownSecureBootEventsClaim,
     kNumber,
     kOptional,
     0,
     {},
     "Of a TPM's log: events of PCR 7 that neither firmware nor shim measures there, or not in this place, or not twice; any is refused, whatever the policy says"},
    {"log.stub_cmdline",
     kText,
     kOptional,
     0,
     {},
     "Of a TPM's log: command line that systemd's stub was given beside the one in the image, the only event of PCR 12; absent if there are others"},
    {"log.uki",
     kOctets,
     kOptional,
     0,
     {},
     "Of a TPM's log: replay of PCR 11 as systemd's stub left it: every section of the unified kernel image, without the phases of the boot; absent where there is none"},
    {"log.uki_sections",
     kNames,
     kOptional,
     0,
     {},
     "Of a TPM's log: names of the sections that systemd's stub measured, as linux, initrd, cmdline"},
    {"log.unlogged_pcrs",
     kNames,
     kOptional,
     0,
     {},
     "Of a TPM's log: PCRs that were extended and of which the log has no event, as pcr10: nothing says with what"},
});
// clang-format on

static_assert(std::is_sorted(kClaims.begin(), kClaims.end(), [](const ClaimSpec& a, const ClaimSpec& b) { return a.name < b.name; }));

// Registers of CCEL, and the algorithm that they are made of.
constexpr std::uint32_t kRtmr0 = 1;
constexpr std::uint32_t kRtmr1 = 2;
constexpr std::uint32_t kRtmr2 = 3;
constexpr std::uint16_t kAlgorithm = kSha384;

}  // namespace

std::span<const evidence::ClaimSpec> ClaimTable() { return kClaims; }

void EventLog::WriteClaims(trust::ClaimWriter& claims) const {
  const Measured measured(*this, kAlgorithm);
  const auto add_replay = [&](std::string_view name, Bytes value) {
    if (!value.empty()) claims.Add(name, std::move(value));
  };
  std::uint64_t extends = 0;
  for (const Event& event : events_) extends += event.Extends() && (registers_ == Registers::kPcrs || event.register_index != 0);
  claims.Add("log.extend_count", extends);
  if (registers_ == Registers::kPcrs) {
    ASSAY_CHECK(pcr_replay_.has_value());
    return WritePcrClaims(*pcr_replay_, claims);
  }

  const EventsOfRegister rtmr0 = measured.Of(kRtmr0);
  const EventsOfRegister firmware = measured.BeforeSeparator(rtmr0);
  const bool debug =
      std::any_of(rtmr0.begin(), rtmr0.end(), [&](const Event* event) { return measured.HasDigestOf(*event, AsBytes(kDebugMode)); });
  std::string secure_boot = "unknown";
  std::vector<const Event*> variables;
  for (const SecureBootVariable& variable : kSecureBootVariables) {
    ByteView value;
    const Event* event = measured.OnlyOf(firmware, variable, value);
    if (event == nullptr) continue;
    variables.push_back(event);
    if (!variable.claim.empty()) claims.Add(variable.claim, ToBytes(measured.DigestOf(*event)));
    else if (value.size() == 1 && value[0] <= 1 && !debug) secure_boot = value[0] == 1 ? "true" : "false";
  }
  claims.Add("log.secure_boot", secure_boot);
  add_replay("log.firmware_inputs", measured.Replay(rtmr0, [&](const Event& event) {
    return measured.IsSeparator(event) || measured.IsHarmlessAction(event) ||
           std::find(variables.begin(), variables.end(), &event) != variables.end();
  }));
  add_replay("log.boot_applications", measured.Replay(measured.Of(kRtmr1), [&](const Event& event) {
    return measured.IsSeparator(event) || measured.IsHarmlessAction(event) || measured.IsPartitionTable(event);
  }));

  const EventsOfRegister rtmr2 = measured.Of(kRtmr2);
  std::string_view command_line;
  const Event* left_out = measured.OnlyCommandLine(rtmr2, command_line);
  if (left_out != nullptr) claims.Add(kCommandLineClaim, std::string(command_line));
  add_replay(std::string_view(kBootFilesClaim), measured.Replay(rtmr2, [&](const Event& event) { return &event == left_out; }));
}

}  // namespace assay::tcg_log
