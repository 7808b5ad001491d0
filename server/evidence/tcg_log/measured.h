// Events of one register as their digests tell them: what claims stand on.
//
// An event's type, and its order among the other registers' events, are covered by nothing; data are covered where they hash to the digest.
// So everything here is told by digests, and by data that hash to them.
#pragma once

#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "evidence/tcg_log/event_data.h"
#include "evidence/tcg_log/event_log.h"

namespace assay::tcg_log {

using EventsOfRegister = std::vector<const Event*>;
using EventTest = std::function<bool(const Event&)>;

struct SecureBootVariable {
  std::string_view claim;  // "" for SecureBoot itself
  std::string_view name;
  ByteView guid;
};
inline constexpr std::array<SecureBootVariable, 5> kSecureBootVariables = {{{"", "SecureBoot", kGlobalVariableGuid},
                                                                            {"log.pk", "PK", kGlobalVariableGuid},
                                                                            {"log.kek", "KEK", kGlobalVariableGuid},
                                                                            {"log.db", "db", kImageSecurityGuid},
                                                                            {"log.dbx", "dbx", kImageSecurityGuid}}};
inline constexpr std::string_view kDebugMode = "UEFI Debug Mode";

// What digests of one algorithm tell of a log.
class Measured {
 public:
  Measured(const EventLog& log, std::uint16_t algorithm);

  EventsOfRegister Of(std::uint32_t register_index) const;  // those that extend it, in order
  // The events before the first separator; none if there is no separator, as then nobody says where the firmware's own end.
  EventsOfRegister BeforeSeparator(const EventsOfRegister& events) const;

  ByteView DigestOf(const Event& event) const { return event.DigestOf(algorithm_); }
  Bytes DigestOf(ByteView bytes) const { return crypto::Digest(hash_, bytes); }
  std::size_t digest_size() const { return crypto::DigestSize(hash_); }
  bool HasDigestOf(const Event& event, ByteView bytes) const;
  bool IsSeparator(const Event& event) const;
  bool IsHarmlessAction(const Event& event) const;
  bool IsPartitionTable(const Event& event) const;

  // The one event whose data hash to its digest and are this variable; nullptr: none, or several.
  const Event* OnlyOf(const EventsOfRegister& events, const SecureBootVariable& wanted, ByteView& value) const;
  // The one event that GRUB's label says to be the kernel's command line, and whose text hashes to its digest.
  const Event* OnlyCommandLine(const EventsOfRegister& events, std::string_view& text) const;

  // What a register would hold that starts at zero, without the events left out. Empty: all of them are.
  Bytes Replay(const EventsOfRegister& events, const EventTest& left_out) const;

 private:
  const EventLog& log_;
  std::uint16_t algorithm_;
  crypto::HashAlgorithm hash_;
  std::vector<Bytes> separators_, harmless_actions_;  // digests
};

}  // namespace assay::tcg_log
