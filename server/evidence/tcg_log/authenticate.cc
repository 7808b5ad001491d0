#include "evidence/tcg_log/authenticate.h"

#include <algorithm>
#include <string>

#include "base/hex.h"
#include "base/strings.h"

namespace assay::tcg_log {
namespace {

constexpr std::uint32_t kFirstRtmr = 1;  // index of RTMR0
constexpr std::size_t kRtmrSize = 48;

// Banks that claims may stand on, best first: what others publish values of before what is only longer, and SHA-1 if there is nothing else.
constexpr auto kBanks = std::to_array<std::uint16_t>({kSha256, kSha384, kSha512, kSha1});

// What systemd-pcrphase extends PCR 11 with: in this order, from the first word on where there is an initrd, from the third where there is none.
constexpr std::uint32_t kPhasePcr = 11;
constexpr auto kPhases = std::to_array<std::string_view>({"enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown", "final"});
constexpr std::array<std::size_t, 2> kFirstPhases = {0, 2};

const PcrBank* BankOf(std::span<const PcrBank> banks, std::uint16_t algorithm) {
  const auto found =
      std::find_if(banks.begin(), banks.end(), [&](const PcrBank& bank) { return bank.algorithm == algorithm && !bank.pcrs.empty(); });
  return found == banks.end() ? nullptr : &*found;
}
const Pcr* PcrOf(const PcrBank& bank, std::uint32_t index) {
  const auto found = std::find_if(bank.pcrs.begin(), bank.pcrs.end(), [&](const Pcr& pcr) { return pcr.index == index; });
  return found == bank.pcrs.end() ? nullptr : &*found;
}

Bytes Extended(std::uint16_t algorithm, const Bytes& value, std::string_view phase) {
  const crypto::HashAlgorithm hash = *HashOf(algorithm);
  Bytes extended = value;
  Append(extended, crypto::Digest(hash, AsBytes(phase)));
  return crypto::Digest(hash, extended);
}

// The phases between what the log replays to and what is signed, and how many; none: there is no such sequence, or it is not needed.
std::span<const std::string_view> PhasesBetween(std::uint16_t algorithm, Bytes value, ByteView signed_value) {
  if (Equal(value, signed_value)) return {};
  for (const std::size_t first : kFirstPhases) {
    Bytes reached = value;
    for (std::size_t end = first; end < kPhases.size(); ++end) {
      reached = Extended(algorithm, reached, kPhases[end]);
      if (Equal(reached, signed_value)) return std::span(kPhases).subspan(first, end + 1 - first);
    }
  }
  return {};
}

}  // namespace

bool EventLogAuthenticator::CheckCovered(const EventLog& events, CheckLog& log) {
  const auto uncovered = std::find_if(events.events().begin(), events.events().end(), [&](const Event& event) {
    return event.Extends() && (events.registers() != Registers::kRtmrs || event.register_index < kFirstRtmr);
  });
  return log.Require(Check::kLogCovered, uncovered == events.events().end(), [&] {
    return Finding{.reason = Reason::kEventUncovered,
                   .component = std::string(kLogComponent),
                   .claim = "register",
                   .expected = "events of RTMR0 to RTMR3 only",
                   .actual = Cat("event ", uncovered - events.events().begin(), ", ", Show(uncovered->type), ", of ",
                                 NameOf(events.registers(), uncovered->register_index))};
  });
}

Bytes EventLogAuthenticator::ReplayRtmrs(const EventLog& events) {
  Bytes values;
  for (std::uint32_t i = 0; i < kRtmrs; ++i) Append(values, events.Replay(kSha384, kFirstRtmr + i));
  return values;
}

std::optional<std::array<Bytes, kRtmrs>> EventLogAuthenticator::Predict(const trust::Parsed<EventLog>& parsed, CheckLog& log) {
  const EventLog& events = parsed.Unverified(trust::UnverifiedAccess<EventLog>());
  if (!CheckCovered(events, log)) return std::nullopt;
  std::array<Bytes, kRtmrs> values;
  for (std::uint32_t i = 0; i < kRtmrs; ++i) values[i] = events.Replay(kSha384, kFirstRtmr + i);
  return values;
}

bool EventLogAuthenticator::CheckLocality(const EventLog& events, CheckLog& log) {
  std::size_t told = 0;
  std::optional<std::uint8_t> locality;
  bool sound = true, extended = false;
  for (const Event& event : events.events()) {
    extended |= event.register_index == 0 && event.Extends();
    const auto here = StartupLocality(event);
    if (!here) continue;
    locality = here;
    // 3: from the locality of the CRTM; 4: the CRTM itself was measured (H-CRTM).
    sound &= ++told == 1 && !extended && (*here == 0 || *here == 3 || *here == 4);
  }
  return log.Require(Check::kLogLocality, sound, [&] {
    return Finding{.reason = Reason::kStartupLocalityWrong,
                   .component = std::string(kLogComponent),
                   .claim = "StartupLocality",
                   .expected = "0, 3 or 4, told once, before PCR 0 is extended",
                   .actual = Cat("locality ", static_cast<unsigned>(*locality), ", told ", told, told == 1 ? " time" : " times")};
  });
}

std::optional<EventLogAuthenticator::Comparison> EventLogAuthenticator::ReplayPcrs(const EventLog& events,
                                                                                   std::span<const PcrBank> signed_banks, CheckLog& log) {
  std::vector<const PcrBank*> banks;  // signed, and in the log; the one of the claims first
  for (const std::uint16_t algorithm : kBanks) {
    const bool logged =
        std::any_of(events.algorithms().begin(), events.algorithms().end(), [&](const Algorithm& one) { return one.id == algorithm; });
    const PcrBank* bank = BankOf(signed_banks, algorithm);
    if (logged && bank != nullptr) banks.push_back(bank);
  }
  if (!log.Require(Check::kLogBank, events.registers() == Registers::kPcrs && !banks.empty(),
                   [&] {
                     std::vector<std::string> have, want;
                     for (const Algorithm& algorithm : events.algorithms()) have.push_back(ShowAlgorithm(algorithm.id));
                     for (const PcrBank& bank : signed_banks) want.push_back(ShowAlgorithm(bank.algorithm));
                     return Finding{
                         .reason = Reason::kLogBankMissing,
                         .component = std::string(kLogComponent),
                         .claim = "banks",
                         .expected = want.empty() ? std::string("a bank that is signed; none is") : Cat("digests of ", Join(want, " or ")),
                         .actual = Join(have, ", ")};
                   }) ||
      banks.empty()) {
    return std::nullopt;
  }
  const PcrBank& of_claims = *banks.front();
  const auto uncovered = std::find_if(events.events().begin(), events.events().end(), [&](const Event& event) {
    return event.Extends() && PcrOf(of_claims, event.register_index) == nullptr;
  });
  const bool covered = log.Require(Check::kLogCovered, uncovered == events.events().end(), [&] {
    return Finding{.reason = Reason::kEventUncovered,
                   .component = std::string(kLogComponent),
                   .claim = "register",
                   .expected = Cat("events of PCRs that are signed in the bank of ", ShowAlgorithm(of_claims.algorithm)),
                   .actual = Cat("event ", uncovered - events.events().begin(), ", ", Show(uncovered->type), ", of ",
                                 NameOf(Registers::kPcrs, uncovered->register_index)),
                   .remedy = "Quote every PCR that the log has events of."};
  });
  if (!CheckLocality(events, log) || !covered) return std::nullopt;

  Comparison comparison{.replay = {.bank = of_claims.algorithm, .unlogged = {}, .boot_phase = {}},
                        .committed = {},
                        .replayed = {},
                        .mismatch = {.reason = Reason::kEventLogMismatch, .component = std::string(kLogComponent)}};
  std::array<bool, kPcrs> logged{};
  for (const Event& event : events.events()) logged[event.register_index] |= event.Extends();
  std::span<const std::string_view> phases;
  Finding& mismatch = comparison.mismatch;
  for (const PcrBank* bank : banks) {
    std::vector<Bytes> values = events.ReplayAll(bank->algorithm);
    if (const Pcr* pcr = PcrOf(*bank, kPhasePcr); pcr != nullptr && logged[kPhasePcr]) {
      if (bank == &of_claims) phases = PhasesBetween(bank->algorithm, values[kPhasePcr], pcr->value);
      for (const std::string_view phase : phases) values[kPhasePcr] = Extended(bank->algorithm, values[kPhasePcr], phase);
    }
    for (const Pcr& pcr : bank->pcrs) {
      const Bytes& value = values[pcr.index < kPcrs ? pcr.index : 0];
      const bool same = pcr.index < kPcrs && Equal(value, pcr.value);
      const bool has_events = pcr.index < kPcrs && logged[pcr.index];
      if (!has_events && !same) {
        if (bank == &of_claims) comparison.replay.unlogged.push_back(pcr.index);
        continue;
      }
      Append(comparison.committed, pcr.value);
      Append(comparison.replayed, value);
      if (same) continue;
      const std::string name = Cat(NameOf(Registers::kPcrs, pcr.index), " ", ShowAlgorithm(bank->algorithm));
      if (mismatch.claim.empty()) {
        mismatch.expected = Cat(name, " ", ToHex(pcr.value), ", as signed");
        mismatch.actual = Cat(name, " ", ToHex(value), ", as replayed");
      }
      mismatch.claim += Cat(mismatch.claim.empty() ? "" : ", ", name);
    }
  }
  std::sort(comparison.replay.unlogged.begin(), comparison.replay.unlogged.end());
  comparison.replay.boot_phase = Join(phases, ":");
  if (mismatch.claim.empty()) {  // nothing was left to compare: every PCR was extended, and the log has events of none
    mismatch.claim = "events";
    mismatch.expected = "events of a PCR that is signed";
    mismatch.actual = "none";
  }
  return comparison;
}

// Which registers differ; values of the first of them.
Finding EventLogAuthenticator::MismatchOf(ByteView replayed, const Rtmrs& signed_rtmrs) {
  std::string names, expected, actual;
  for (std::size_t i = 0; i < kRtmrs; ++i) {
    const ByteView value = replayed.subspan(i * kRtmrSize, kRtmrSize);
    if (Equal(value, signed_rtmrs[i])) continue;
    if (names.empty()) {
      expected = Cat("RTMR", i, " ", ToHex(signed_rtmrs[i]), ", as signed");
      actual = Cat("RTMR", i, " ", ToHex(value), ", as replayed");
    }
    names += Cat(names.empty() ? "RTMR" : ", RTMR", i);
  }
  return {
      .reason = Reason::kEventLogMismatch, .component = std::string(kLogComponent), .claim = names, .expected = expected, .actual = actual};
}

}  // namespace assay::tcg_log
