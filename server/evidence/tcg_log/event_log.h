// TCG event logs: those of TPMs (legacy and crypto-agile) and of TDX guests (CCEL); layouts and sources in layout.h.
//
// EventLogParser promises: at most 1 MiB and 20,000 events; every declared length inside the log; a header of a known version whose
// algorithms are unique and of their sizes; in every event exactly one digest of each of them; registers that exist. Behind the last event
// of a CCEL stands nothing but zeros, or nothing but the bytes FF that its area was filled with. It does not promise that any of it
// happened: a log is a list that the guest keeps, and it is believed only as far as it replays to registers that something signs
// (authenticate.h). Even then types are covered by nothing, and data only where they hash to the digest (event_data.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check_log.h"
#include "crypto/digest.h"
#include "evidence/tcg_log/event_type.h"
#include "evidence/tcg_log/layout.h"
#include "trust/authenticated.h"
#include "trust/claims.h"
#include "trust/parsed.h"
#include "trust/untrusted_bytes.h"

namespace assay::tcg_log {

inline constexpr std::string_view kLogComponent = "event-log";

// Whose registers the log is about.
enum class Registers : std::uint8_t { kRtmrs, kPcrs };
std::string NameOf(Registers registers, std::uint32_t index);  // "RTMR0" of index 1, "PCR 7"

std::optional<crypto::HashAlgorithm> HashOf(std::uint16_t algorithm);  // nullopt: one that this build can't compute
std::string ShowAlgorithm(std::uint16_t algorithm);                    // "SHA-384", "algorithm 0x0012"

struct Algorithm {
  std::uint16_t id;
  std::uint16_t digest_size;
};

struct LoggedDigest {
  std::uint16_t algorithm;
  ByteView digest;
};

struct Event {
  std::uint32_t register_index;
  EventType type;
  std::vector<LoggedDigest> digests;  // one of each algorithm of the header, in the log's order
  ByteView data;

  bool Extends() const { return type != EventType::kNoAction; }
  ByteView DigestOf(std::uint16_t algorithm) const;  // empty: none of it
};

// How a TPM's log was authenticated.
struct PcrReplay {
  std::uint16_t bank;                   // the digests that its claims stand on
  std::vector<std::uint32_t> unlogged;  // signed PCRs that hold more than they start with, and that the log has no event of
  std::string boot_phase;               // what systemd extended PCR 11 with after the firmware's log ended: "enter-initrd:leave-initrd"
};

class EventLog {
 public:
  using Parser = class EventLogParser;
  using Authenticator = class EventLogAuthenticator;
  static constexpr std::string_view kComponent = kLogComponent;

  Registers registers() const { return registers_; }
  bool crypto_agile() const { return crypto_agile_; }
  const std::vector<Algorithm>& algorithms() const { return algorithms_; }
  const std::vector<Event>& events() const { return events_; }  // without the Spec ID event

  // What the events extend the register to, from what it holds at start-up. Empty: this build can't compute the algorithm.
  Bytes Replay(std::uint16_t algorithm, std::uint32_t register_index) const;
  // The same of every register that exists, in one pass.
  std::vector<Bytes> ReplayAll(std::uint16_t algorithm) const;
  bool Extends(std::uint32_t register_index) const;  // whether any event does

  trust::LookupHints Hints() const { return {}; }
  trust::Description Describe() const;
  void WriteClaims(trust::ClaimWriter& claims) const;

 private:
  void WritePcrClaims(const PcrReplay& replay, trust::ClaimWriter& claims) const;

  friend class EventLogParser;
  friend class EventLogAuthenticator;
  EventLog() = default;

  std::shared_ptr<const Bytes> raw_;  // what the views point into
  Registers registers_ = Registers::kRtmrs;
  bool crypto_agile_ = true;
  std::vector<Algorithm> algorithms_;
  std::vector<Event> events_;
  std::optional<PcrReplay> pcr_replay_;  // set by the authenticator
};

// The locality that a StartupLocality event tells; nullopt: it is none.
std::optional<std::uint8_t> StartupLocality(const Event& event);

class EventLogParser {
 public:
  // nullopt: the log says why.
  static std::optional<trust::Parsed<EventLog>> Parse(const trust::UntrustedBytes& bytes, Registers registers, CheckLog& log);
};

// What was meant, by the Spec ID event at the start; nullopt: that is not there. Legacy logs have nothing to know them by.
std::optional<Registers> LooksLikeLog(ByteView bytes);

}  // namespace assay::tcg_log
