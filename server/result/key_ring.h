// The keys that sign tokens, and how one follows another without a token that nobody can check.
//
// A ring is a directory: one PEM file a key, named by its kid, and ring.json, which says what each key is for. A key is
// published before it signs (prepared), signs (active), and stays published while its last tokens live (retiring).
//
// Promises: exactly one key is active; a key that signs has been in Jwks() for kOverlap, and stays there for kOverlap after
// another took over, unless somebody forced it. Every change is whole or absent whenever the process dies, and on disk
// before it is told. Several processes may use a directory: changes wait for each other and start from what is on disk, and
// the others see them at their next Reload. Safe to use from several threads.
// Does not promise: that a relying party fetched the key set in time, or that the files of a former key are unreadable.
//
// Errors name the field, the file, what was expected and found, and what to do. InvalidArgument: ring.json or a key is not
// what it must be; PermissionDenied: a file that others can read, or a directory that others can write to; NotFound: no
// such key; FailedPrecondition: not now; Unavailable: can't be read or written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "result/ear_of.h"
#include "result/signing_key.h"

namespace assay::result {

// Clocks that differ by a minute, and a minute until every process has reloaded: call Reload at least that often.
inline constexpr Duration kRingSkew{120};
inline constexpr Duration kOverlap = Duration{kLongestTokenLifetime} + kRingSkew;

enum class KeyState : std::uint8_t { kPrepared, kActive, kRetiring };
std::string_view NameOf(KeyState state);  // "prepared"

struct RingEntry {
  std::string kid;
  KeyState state;
  Time created;
  std::optional<Time> activated = {};      // unless prepared
  std::optional<Time> retires_after = {};  // retiring only

  friend bool operator==(const RingEntry&, const RingEntry&) = default;
};

// What somebody who runs the process should know.
struct RingNotice {
  std::string_view message;  // a constant, fit for a log
  std::string file;
};

class KeyRing {
 public:
  // `path` is a directory with a ring, an empty one or none (a ring with one active key is made), a directory with nothing
  // but one key file (adopted as the active key), or a single key file: then that key signs and can't be rotated.
  // `field` names the configuration's field in messages.
  static absl::StatusOr<std::unique_ptr<KeyRing>> Open(std::string field, std::string path, Time now);

  std::shared_ptr<const SigningKey> Signer() const;
  std::string Jwks() const;                 // public halves of all keys, the active one first
  std::vector<RingEntry> Entries() const;   // in the order of Jwks
  std::vector<RingNotice> Notices() const;  // of what was loaded last
  bool rotates() const { return directory_; }

  // Makes a key that is published from now on. Its kid. FailedPrecondition: one is prepared already.
  absl::StatusOr<std::string> Prepare(Time now);
  // The prepared key signs from now on. FailedPrecondition: not prepared, or published for less than kOverlap; `force` is for
  // a former key that must go at once: relying parties that hold an older key set refuse tokens until they fetch it again.
  absl::Status Activate(const std::string& kid, Time now, bool force = false);
  // The key is published no more, and its file is removed. FailedPrecondition: it is active, or its last tokens may still
  // live; with `force`, every token that it signed is void, and for an active key the prepared one, or else a new one, signs.
  // Unavailable that names the key's own file: it is retired, but the file could not be removed.
  absl::Status Retire(const std::string& kid, Time now, bool force = false);

  // Takes over what other processes changed. True if anything. On an error everything stays as it was loaded before.
  absl::StatusOr<bool> Reload();

 private:
  struct Loaded;
  class Directory;
  KeyRing(std::string field, std::string path, bool directory, std::shared_ptr<const Loaded> loaded);
  std::shared_ptr<const Loaded> Current() const;
  void Take(std::shared_ptr<const Loaded> loaded);
  // Reads the ring, edits its entries, and puts them in place of what was there.
  absl::Status Change(const std::function<absl::Status(const Directory&, std::vector<RingEntry>&)>& edit);
  absl::Status NoSuchKey(const std::string& kid, const std::vector<RingEntry>& entries) const;

  const std::string field_, path_;
  const bool directory_;
  std::mutex changing_;         // one change or reload at a time, in this process; a lock on a file is for the others
  mutable std::mutex reading_;  // guards loaded_ only
  std::shared_ptr<const Loaded> loaded_;
};

}  // namespace assay::result
