#include "result/key_ring.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "codec/base64.h"
#include "codec/json_writer.h"
#include "codec/syntax_error.h"
#include "result/owner_file.h"
#include "token/jwk.h"

namespace assay::result {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRingFile = "ring.json", kLockFile = "ring.lock", kKeySuffix = ".pem";
constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kThumbprintSize = 32;
constexpr json::Limits kRingLimits{.bytes = 64 * 1024, .depth = 4, .values = 1024};

using Keys = std::map<std::string, std::shared_ptr<const SigningKey>, std::less<>>;

std::string Described(const std::string& field, const std::string& path, std::string_view expected, std::string_view actual,
                      std::string_view remedy) {
  return Cat(field, " '", Printable(path), "': expected ", expected, ", actual: ", actual, ". ", remedy);
}

std::string Shown(std::string_view text) { return Cat("'", Printable(text, 64), "'"); }

std::optional<KeyState> StateNamed(std::string_view name) {
  for (const KeyState state : {KeyState::kPrepared, KeyState::kActive, KeyState::kRetiring}) {
    if (NameOf(state) == name) return state;
  }
  return std::nullopt;
}

// Reads ring.json; the first error stays.
class RingReader {
 public:
  RingReader(const std::string& field, const std::string& path) : field_(field), path_(path) {}

  absl::StatusOr<std::vector<RingEntry>> Read(std::string_view text) {
    const Outcome<json::Value> tree = json::Parse(text, kRingFile, kRingLimits);
    if (!tree) {
      Fail("one JSON object", codec::MessageOf(tree.findings().front()));
      return error_;
    }
    std::vector<RingEntry> entries;
    if (HasOnly(*tree, "the file", {"version", "keys"})) {
      const json::Value* version = Mandatory(*tree, "the file", "version");
      if (version != nullptr && version->AsUint64() != kVersion) {
        Fail(Cat("version ", kVersion), ValueShown(*version), "Use an assayd that knows this version.");
      }
      const json::Value* keys = Mandatory(*tree, "the file", "keys");
      if (keys != nullptr && (keys->AsArray() == nullptr || keys->AsArray()->size() > token::kMostKeys)) {
        Fail(Cat("keys to be a list of at most ", token::kMostKeys),
             keys->AsArray() == nullptr ? std::string(keys->KindName()) : Cat(keys->AsArray()->size()));
      }
      for (std::size_t i = 0; error_.ok() && i < keys->AsArray()->size(); ++i) {
        entries.push_back(ReadEntry((*keys->AsArray())[i], Cat("keys[", i, "]")));
      }
    }
    if (error_.ok()) CheckTogether(entries);
    if (!error_.ok()) return error_;
    return entries;
  }

 private:
  void Fail(std::string_view expected, std::string_view actual,
            std::string_view remedy = "Restore the file, and the key files beside it, from a backup.") {
    if (error_.ok()) error_ = absl::InvalidArgumentError(Described(field_, path_, expected, actual, remedy));
  }

  static std::string ValueShown(const json::Value& value) {
    if (value.AsString() != nullptr) return Shown(*value.AsString());
    return value.AsInt64() ? std::to_string(*value.AsInt64()) : std::string(value.KindName());
  }

  bool HasOnly(const json::Value& value, const std::string& place, const std::set<std::string_view>& names) {
    if (value.AsObject() == nullptr) {
      Fail(Cat(place, " to be an object"), value.KindName());
      return false;
    }
    for (const json::Member& member : *value.AsObject()) {
      if (!names.contains(member.name)) Fail(Cat("members ", Join(names, ", "), " only in ", place), Shown(member.name));
    }
    return error_.ok();
  }

  const json::Value* Mandatory(const json::Value& object, const std::string& place, std::string_view name) {
    const json::Value* value = object.Find(name);
    if (value == nullptr) Fail(Cat(name, " in ", place), "none");
    return error_.ok() ? value : nullptr;
  }

  std::string Text(const json::Value& object, const std::string& place, std::string_view name) {
    const json::Value* value = Mandatory(object, place, name);
    if (value == nullptr) return {};
    if (value->AsString() == nullptr) Fail(Cat(place, ".", name, " to be a text"), value->KindName());
    return value->AsString() == nullptr ? std::string() : *value->AsString();
  }

  Time Date(const json::Value& object, const std::string& place, std::string_view name) {
    const std::string text = Text(object, place, name);
    const std::optional<Time> time = ParseTime(text);
    if (!time) Fail(Cat(place, ".", name, " to be a time such as 2026-11-24T02:00:00Z"), Shown(text));
    return time.value_or(Time{});
  }

  // Present if and only if the state has it.
  std::optional<Time> DateOf(const json::Value& object, const std::string& place, std::string_view name, bool has) {
    if (has) return Date(object, place, name);
    if (object.Find(name) != nullptr) Fail(Cat("no ", name, " in ", place, ", whose state has none"), "one");
    return std::nullopt;
  }

  RingEntry ReadEntry(const json::Value& value, const std::string& place) {
    RingEntry entry{.kid = "", .state = KeyState::kPrepared, .created = Time{}};
    if (!HasOnly(value, place, {"activated", "created", "kid", "retires_after", "state"})) return entry;
    entry.kid = Text(value, place, "kid");
    // It names a file: nothing but a thumbprint will do.
    const auto thumbprint = codec::FromBase64Url(entry.kid);
    if (!thumbprint || thumbprint->size() != kThumbprintSize) Fail(Cat(place, ".kid to be an RFC 7638 thumbprint"), Shown(entry.kid));
    const std::string state = Text(value, place, "state");
    if (const auto named = StateNamed(state)) entry.state = *named;
    else Fail(Cat(place, ".state to be prepared, active or retiring"), Shown(state));
    entry.created = Date(value, place, "created");
    entry.activated = DateOf(value, place, "activated", entry.state != KeyState::kPrepared);
    entry.retires_after = DateOf(value, place, "retires_after", entry.state == KeyState::kRetiring);
    return entry;
  }

  void CheckTogether(const std::vector<RingEntry>& entries) {
    std::set<std::string_view> kids;
    std::vector<std::string_view> active, prepared;
    for (const RingEntry& entry : entries) {
      if (!kids.insert(entry.kid).second) Fail("each kid once", Cat("more than once: ", entry.kid));
      if (entry.state == KeyState::kActive) active.push_back(entry.kid);
      if (entry.state == KeyState::kPrepared) prepared.push_back(entry.kid);
    }
    if (active.size() != 1) Fail("exactly one active key", active.empty() ? "none" : Cat(active.size(), ": ", Join(active, ", ")));
    if (prepared.size() > 1) Fail("at most one prepared key", Cat(prepared.size(), ": ", Join(prepared, ", ")));
  }

  const std::string& field_;
  const std::string& path_;
  absl::Status error_;
};

std::string RingText(const std::vector<RingEntry>& entries) {
  json::Value ring = json::Value::MakeObject();
  ring.Add("version", json::Value::Integer(kVersion));
  json::Value& keys = ring.Add("keys", json::Value::MakeArray());
  for (const RingEntry& entry : entries) {
    json::Value& key = keys.Append(json::Value::MakeObject());
    key.Add("kid", json::Value::String(entry.kid));
    key.Add("state", json::Value::String(NameOf(entry.state)));
    key.Add("created", json::Value::String(FormatTime(entry.created)));
    if (entry.activated) key.Add("activated", json::Value::String(FormatTime(*entry.activated)));
    if (entry.retires_after) key.Add("retires_after", json::Value::String(FormatTime(*entry.retires_after)));
  }
  return *json::Canonical(ring);
}

// Relying parties that take the first key that fits find the one in use.
void Order(std::vector<RingEntry>& entries) {
  const auto rank = [](const RingEntry& entry) {
    return entry.state == KeyState::kActive ? 0 : entry.state == KeyState::kPrepared ? 1 : 2;
  };
  std::stable_sort(entries.begin(), entries.end(), [&](const RingEntry& a, const RingEntry& b) { return rank(a) < rank(b); });
}

std::vector<RingEntry>::iterator EntryOf(std::vector<RingEntry>& entries, std::string_view kid) {
  return std::find_if(entries.begin(), entries.end(), [&](const RingEntry& entry) { return entry.kid == kid; });
}

// Between processes. The kernel lets go of it when the process dies.
class ProcessLock {
 public:
  ProcessLock(const std::string& field, const std::string& path)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    int locked = -1;
    while (file_ >= 0 && (locked = ::flock(file_, LOCK_EX)) != 0 && errno == EINTR) {}
    if (locked == 0) return;
    status_ = absl::UnavailableError(
        Described(field, path, "a file that can be locked", std::strerror(errno), "Check the directory and its permissions."));
  }
  ~ProcessLock() {
    if (file_ >= 0) ::close(file_);
  }
  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;
  const absl::Status& status() const { return status_; }

 private:
  int file_;
  absl::Status status_;
};

}  // namespace

std::string_view NameOf(KeyState state) {
  switch (state) {
    case KeyState::kPrepared: return "prepared";
    case KeyState::kActive: return "active";
    case KeyState::kRetiring: return "retiring";
  }
  return "";
}

// Never changed once it is made.
struct KeyRing::Loaded {
  std::vector<RingEntry> entries;  // in order
  Keys keys;
  std::shared_ptr<const SigningKey> signer;
  std::string text;  // of ring.json
  std::vector<RingNotice> notices;
};

// The ring on disk.
class KeyRing::Directory {
 public:
  Directory(const std::string& field, const std::string& path) : field_(field), path_(path) {}

  std::string File(std::string_view name) const { return (fs::path(path_) / name).string(); }
  std::string KeyFile(std::string_view kid) const { return File(Cat(kid, kKeySuffix)); }
  bool HasRing() const { return ::access(File(kRingFile).c_str(), F_OK) == 0; }

  absl::Status MakeIfMissing() const {
    if (::mkdir(path_.c_str(), 0700) == 0) return SyncDirectory(field_, fs::path(path_).parent_path().string());
    if (errno == EEXIST) return absl::OkStatus();
    return absl::UnavailableError(Described(field_, path_, "a directory that is there or can be made", std::strerror(errno),
                                            "Check the directory above it and its permissions."));
  }

  absl::Status CheckOwnersOnly() const {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) {
      return absl::UnavailableError(Described(field_, path_, "a directory", std::strerror(errno), "Check the path."));
    }
    if (!S_ISDIR(status.st_mode)) {
      return absl::InvalidArgumentError(
          Described(field_, path_, "a directory of keys or a single key file", "neither", "Name one of them, or a path where nothing is."));
    }
    if ((status.st_mode & 022) == 0) return absl::OkStatus();
    return absl::PermissionDeniedError(Described(field_, path_, "a directory that only its owner can write to", "open to group or others",
                                                 "Run chmod go-w on it, and look whether the keys in it are yours."));
  }

  // Keys in `known` are not read again: a kid names one key for ever.
  absl::StatusOr<std::shared_ptr<const Loaded>> Load(const Keys& known) const {
    // Another process may retire a key between our reading of ring.json and of that key: then ring.json has changed.
    constexpr int kMostAttempts = 8;
    for (int attempt = 1;; ++attempt) {
      const absl::StatusOr<std::string> text = RingOnDisk();
      if (!text.ok()) return text.status();
      absl::StatusOr<std::shared_ptr<const Loaded>> loaded = LoadAs(*text, known);
      if (loaded.ok() || attempt == kMostAttempts) return loaded;
      const absl::StatusOr<std::string> now = RingOnDisk();
      if (!now.ok() || *now == *text) return loaded;
    }
  }

  absl::StatusOr<std::string> RingOnDisk() const {
    const absl::StatusOr<Bytes> bytes = ReadOwnerFile(field_, File(kRingFile));
    if (!bytes.ok()) return bytes.status();
    return std::string(AsText(*bytes));
  }

  absl::Status Write(const std::vector<RingEntry>& entries) const { return WriteOwnerFile(field_, File(kRingFile), RingText(entries)); }

  // On disk, in no state yet: a key in no ring.json is ignored.
  absl::StatusOr<std::string> MakeKey() const {
    const SigningKey key = SigningKey::Generate();
    const absl::Status written = WriteOwnerFile(field_, KeyFile(key.id()), key.key().ToPem().view());
    if (!written.ok()) return written;
    return key.id();
  }

  // A ring where there is none yet, from the one key in the directory or a new one. Held: the lock.
  absl::StatusOr<std::optional<RingNotice>> MakeRing(Time now) const {
    std::vector<std::string> found;
    for (const std::string& name : Names()) {
      if (name != kLockFile && !name.ends_with(kUnfinished)) found.push_back(name);
    }
    if (found.size() > 1) {
      return absl::InvalidArgumentError(Described(field_, path_, "ring.json, an empty directory, or one key file to adopt",
                                                  Cat("no ring.json and ", found.size(), " files, such as ", Shown(found.front())),
                                                  "Restore ring.json, or leave only the key in the directory that signed last."));
    }
    RingEntry entry{.kid = "", .state = KeyState::kActive, .created = now, .activated = now};
    std::optional<RingNotice> notice;
    if (found.empty()) {
      const absl::StatusOr<std::string> made = MakeKey();
      if (!made.ok()) return made.status();
      entry.kid = *made;
    } else {
      const std::string file = File(found.front());
      const absl::StatusOr<SigningKey> key = SigningKey::Load(field_, file);
      if (!key.ok()) return key.status();
      entry.kid = key->id();
      if (::rename(file.c_str(), KeyFile(entry.kid).c_str()) != 0) {
        return absl::UnavailableError(Described(field_, file, "a file that can be renamed after its key", std::strerror(errno),
                                                "Check the directory and its permissions."));
      }
      notice = RingNotice{"the only key in the directory was adopted as the active one", KeyFile(entry.kid)};
    }
    const absl::Status written = Write({entry});
    if (!written.ok()) return written;
    return notice;
  }

  absl::Status Remove(std::string_view kid) const {
    const std::string file = KeyFile(kid);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
      return absl::UnavailableError(
          Described(field_, file, "a file that can be removed, as its key is retired", std::strerror(errno), "Remove it yourself."));
    }
    return SyncDirectory(field_, path_);
  }

  // What writes that were cut off left behind. Held: the lock.
  void SweepUnfinished() const {
    for (const std::string& name : Names()) {
      if (name.ends_with(kUnfinished)) ::unlink(File(name).c_str());
    }
  }

 private:
  // Everything but directories, sorted.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code unknown;
      if (!entry->is_directory(unknown)) names.push_back(entry->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<std::shared_ptr<const Loaded>> LoadAs(const std::string& text, const Keys& known) const {
    const std::string ring = File(kRingFile);
    absl::StatusOr<std::vector<RingEntry>> entries = RingReader(field_, ring).Read(text);
    if (!entries.ok()) return entries.status();
    auto loaded = std::make_shared<Loaded>();
    loaded->entries = *std::move(entries);
    Order(loaded->entries);
    loaded->text = text;
    for (const RingEntry& entry : loaded->entries) {
      absl::StatusOr<std::shared_ptr<const SigningKey>> key = LoadKey(entry.kid, known);
      if (!key.ok()) return key.status();
      if (entry.state == KeyState::kActive) loaded->signer = *key;
      loaded->keys.emplace(entry.kid, *std::move(key));
    }
    for (const std::string& name : Names()) {
      if (name == kRingFile || name == kLockFile || name.ends_with(kUnfinished)) continue;
      const std::string_view stem = std::string_view(name).substr(0, name.size() - std::min(name.size(), kKeySuffix.size()));
      if (name.ends_with(kKeySuffix) && loaded->keys.contains(stem)) continue;
      loaded->notices.push_back({"a file that ring.json does not name is ignored; remove it", File(name)});
    }
    return loaded;
  }

  absl::StatusOr<std::shared_ptr<const SigningKey>> LoadKey(const std::string& kid, const Keys& known) const {
    if (const auto found = known.find(kid); found != known.end()) return found->second;
    const std::string file = KeyFile(kid);
    absl::StatusOr<SigningKey> key = SigningKey::Load(field_, file);
    if (absl::IsNotFound(key.status())) {
      return absl::InvalidArgumentError(
          Described(field_, file, "the key file that ring.json names", "none", "Restore the file from a backup."));
    }
    if (!key.ok()) return key.status();
    if (key->id() != kid) {
      return absl::InvalidArgumentError(
          Described(field_, file, "the key after which the file is named", Cat("key ", key->id()), "Restore the file from a backup."));
    }
    return std::make_shared<const SigningKey>(*std::move(key));
  }

  const std::string& field_;
  const std::string& path_;
};

KeyRing::KeyRing(std::string field, std::string path, bool directory, std::shared_ptr<const Loaded> loaded)
    : field_(std::move(field)), path_(std::move(path)), directory_(directory), loaded_(std::move(loaded)) {}

absl::StatusOr<std::unique_ptr<KeyRing>> KeyRing::Open(std::string field, std::string path, Time now) {
  // "keys/" is "keys": otherwise the directory above it could not be told.
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
    absl::StatusOr<SigningKey> key = SigningKey::Load(field, path);
    if (!key.ok()) return key.status();
    auto loaded = std::make_shared<Loaded>();
    loaded->signer = std::make_shared<const SigningKey>(*std::move(key));
    loaded->entries = {{.kid = loaded->signer->id(), .state = KeyState::kActive, .created = now, .activated = now}};
    loaded->keys.emplace(loaded->signer->id(), loaded->signer);
    return std::unique_ptr<KeyRing>(new KeyRing(std::move(field), std::move(path), false, std::move(loaded)));
  }
  const Directory directory(field, path);
  if (const absl::Status made = directory.MakeIfMissing(); !made.ok()) return made;
  if (const absl::Status owned = directory.CheckOwnersOnly(); !owned.ok()) return owned;
  std::optional<RingNotice> adopted;
  if (!directory.HasRing()) {
    const ProcessLock lock(field, directory.File(kLockFile));
    if (!lock.status().ok()) return lock.status();
    if (!directory.HasRing()) {  // nor did another process make one meanwhile
      absl::StatusOr<std::optional<RingNotice>> made = directory.MakeRing(now);
      if (!made.ok()) return made.status();
      adopted = *std::move(made);
    }
  }
  absl::StatusOr<std::shared_ptr<const Loaded>> loaded = directory.Load({});
  if (!loaded.ok()) return loaded.status();
  if (adopted) {
    auto told = std::make_shared<Loaded>(**loaded);
    told->notices.push_back(*std::move(adopted));
    *loaded = std::move(told);
  }
  return std::unique_ptr<KeyRing>(new KeyRing(std::move(field), std::move(path), true, *std::move(loaded)));
}

std::shared_ptr<const KeyRing::Loaded> KeyRing::Current() const {
  const std::lock_guard held(reading_);
  return loaded_;
}

void KeyRing::Take(std::shared_ptr<const Loaded> loaded) {
  const std::lock_guard held(reading_);
  loaded_ = std::move(loaded);
}

std::shared_ptr<const SigningKey> KeyRing::Signer() const { return Current()->signer; }
std::vector<RingEntry> KeyRing::Entries() const { return Current()->entries; }
std::vector<RingNotice> KeyRing::Notices() const { return Current()->notices; }

std::string KeyRing::Jwks() const {
  const std::shared_ptr<const Loaded> loaded = Current();
  json::Value set = json::Value::MakeObject();
  json::Value& keys = set.Add("keys", json::Value::MakeArray());
  for (const RingEntry& entry : loaded->entries) keys.Append(token::ToJwk(loaded->keys.at(entry.kid)->key().public_key(), entry.kid));
  return *json::Canonical(set);
}

absl::Status KeyRing::Change(const std::function<absl::Status(const Directory&, std::vector<RingEntry>&)>& edit) {
  if (!directory_) {
    return absl::FailedPreconditionError(
        Described(field_, path_, "a directory of keys", "a single key file, which can't be rotated",
                  Cat("Make a directory, move the file into it, name the directory in ", field_, ", and start again.")));
  }
  const std::lock_guard changing(changing_);
  const Directory directory(field_, path_);
  if (const absl::Status owned = directory.CheckOwnersOnly(); !owned.ok()) return owned;
  const ProcessLock lock(field_, directory.File(kLockFile));
  if (!lock.status().ok()) return lock.status();
  directory.SweepUnfinished();
  // What another process changed since our last Reload is not undone.
  absl::StatusOr<std::shared_ptr<const Loaded>> loaded = directory.Load(Current()->keys);
  if (!loaded.ok()) return loaded.status();
  std::vector<RingEntry> entries = (*loaded)->entries;
  if (const absl::Status edited = edit(directory, entries); !edited.ok()) return edited;
  Order(entries);
  if (const absl::Status written = directory.Write(entries); !written.ok()) return written;
  // Only now may a file go: the ring.json on disk no longer names it.
  absl::Status removed;
  for (const RingEntry& entry : (*loaded)->entries) {
    if (EntryOf(entries, entry.kid) == entries.end()) removed.Update(directory.Remove(entry.kid));
  }
  loaded = directory.Load((*loaded)->keys);
  if (!loaded.ok()) return loaded.status();
  Take(*std::move(loaded));
  return removed;
}

absl::StatusOr<std::string> KeyRing::Prepare(Time now) {
  std::string kid;
  const absl::Status changed = Change([&](const Directory& directory, std::vector<RingEntry>& entries) -> absl::Status {
    for (const RingEntry& entry : entries) {
      if (entry.state != KeyState::kPrepared) continue;
      return absl::FailedPreconditionError(
          Described(field_, path_, "no prepared key", Cat("key ", entry.kid, " is prepared"), "Activate or retire it first."));
    }
    if (entries.size() >= token::kMostKeys) {
      return absl::FailedPreconditionError(
          Described(field_, path_, Cat("fewer than ", token::kMostKeys, " keys"), Cat(entries.size()), "Retire former keys first."));
    }
    absl::StatusOr<std::string> made = directory.MakeKey();
    if (!made.ok()) return made.status();
    kid = *std::move(made);
    entries.push_back({.kid = kid, .state = KeyState::kPrepared, .created = now});
    return absl::OkStatus();
  });
  if (!changed.ok()) return changed;
  return kid;
}

absl::Status KeyRing::Activate(const std::string& kid, Time now, bool force) {
  return Change([&](const Directory&, std::vector<RingEntry>& entries) -> absl::Status {
    const auto next = EntryOf(entries, kid);
    if (next == entries.end()) return NoSuchKey(kid, entries);
    const auto refuse = [&](std::string_view expected, std::string_view actual, std::string_view remedy) {
      return absl::FailedPreconditionError(Described(field_, path_, Cat("key ", kid, " to be ", expected), actual, remedy));
    };
    if (next->state != KeyState::kPrepared) return refuse("prepared", NameOf(next->state), "Prepare a key, and activate that one.");
    if (const Time published_enough = next->created + kOverlap; now < published_enough && !force) {
      return refuse(Cat("published for ", FormatDuration(kOverlap)), Cat("published since ", FormatTime(next->created)),
                    Cat("Wait until ", FormatTime(published_enough), ", or force it, if it may be that tokens are refused meanwhile."));
    }
    for (RingEntry& entry : entries) {
      if (entry.state != KeyState::kActive) continue;
      entry.state = KeyState::kRetiring;
      entry.retires_after = now + kOverlap;
    }
    next->state = KeyState::kActive;
    next->activated = now;
    return absl::OkStatus();
  });
}

absl::Status KeyRing::Retire(const std::string& kid, Time now, bool force) {
  return Change([&](const Directory& directory, std::vector<RingEntry>& entries) -> absl::Status {
    const auto gone = EntryOf(entries, kid);
    if (gone == entries.end()) return NoSuchKey(kid, entries);
    const bool active = gone->state == KeyState::kActive;
    if (active && !force) {
      return absl::FailedPreconditionError(
          Described(field_, path_, Cat("key ", kid, " not to be active"), "it is",
                    "Prepare and activate another one first, or force it, if every token that it signed must be void."));
    }
    if (gone->retires_after && now < *gone->retires_after && !force) {
      return absl::FailedPreconditionError(Described(field_, path_, Cat("the last tokens of key ", kid, " to have ended"),
                                                     Cat("they end by ", FormatTime(*gone->retires_after)),
                                                     "Wait until then, or force it, if every token that it signed must be void."));
    }
    entries.erase(gone);
    if (!active) return absl::OkStatus();
    auto next = std::find_if(entries.begin(), entries.end(), [](const RingEntry& entry) { return entry.state == KeyState::kPrepared; });
    if (next == entries.end()) {
      const absl::StatusOr<std::string> made = directory.MakeKey();
      if (!made.ok()) return made.status();
      next = entries.insert(entries.end(), {.kid = *made, .state = KeyState::kPrepared, .created = now});
    }
    next->state = KeyState::kActive;
    next->activated = now;
    return absl::OkStatus();
  });
}

absl::StatusOr<bool> KeyRing::Reload() {
  if (!directory_) return false;
  const std::lock_guard changing(changing_);
  const Directory directory(field_, path_);
  if (const absl::Status owned = directory.CheckOwnersOnly(); !owned.ok()) return owned;
  const std::shared_ptr<const Loaded> before = Current();
  const absl::StatusOr<std::string> text = directory.RingOnDisk();
  if (!text.ok()) return text.status();
  if (*text == before->text) return false;
  absl::StatusOr<std::shared_ptr<const Loaded>> loaded = directory.Load(before->keys);
  if (!loaded.ok()) return loaded.status();
  Take(*std::move(loaded));
  return true;
}

absl::Status KeyRing::NoSuchKey(const std::string& kid, const std::vector<RingEntry>& entries) const {
  std::vector<std::string> kids;
  for (const RingEntry& entry : entries) kids.push_back(entry.kid);
  return absl::NotFoundError(Described(field_, path_, Cat("one of the keys ", Join(kids, ", ")), Shown(kid), "Name one of them."));
}

}  // namespace assay::result
