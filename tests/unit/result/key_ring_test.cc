#include "result/key_ring.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/strings.h"
#include "token/jwk.h"
#include "token/jws.h"

namespace assay::result {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");

class KeyRingTest : public testing::Test {
 protected:
  KeyRingTest() {
    std::string pattern = (fs::temp_directory_path() / "assay-ring-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~KeyRingTest() override { fs::remove_all(root_); }

  std::string Path() const { return (root_ / "keys").string(); }
  fs::path Ring() const { return root_ / "keys" / "ring.json"; }
  fs::path KeyFile(const std::string& kid) const { return root_ / "keys" / (kid + ".pem"); }
  absl::StatusOr<std::unique_ptr<KeyRing>> Open() const { return KeyRing::Open("tokens.key_file", Path(), kNow); }
  std::unique_ptr<KeyRing> Made() const {
    auto ring = Open();
    EXPECT_TRUE(ring.ok()) << MessageOf(ring.status());
    return *std::move(ring);
  }
  static std::string Message(const absl::Status& status) { return std::string(MessageOf(status)); }

  static std::string Text(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static void Write(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::trunc) << text;
    ::chmod(path.c_str(), 0600);
  }
  static std::string Replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "the test looks for what is not there: " << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  static std::vector<std::string> Published(const KeyRing& ring) {
    std::vector<std::string> kids;
    const auto keys = token::ReadKeys(ring.Jwks());
    EXPECT_TRUE(keys);
    for (const token::Jwk& key : *keys) kids.push_back(key.key_id);
    return kids;
  }
  // Refused when opened, with a message that names field and file, and says what was expected and what to do.
  void ExpectRefused(std::string_view expected, std::string_view actual, const fs::path& file,
                     absl::StatusCode code = absl::StatusCode::kInvalidArgument) const {
    const auto ring = Open();
    ASSERT_FALSE(ring.ok()) << expected;
    EXPECT_EQ(ring.status().code(), code) << Message(ring.status());
    EXPECT_THAT(Message(ring.status()), AllOf(HasSubstr("tokens.key_file '" + file.string() + "': expected "),
                                              HasSubstr(std::string(expected)), HasSubstr(", actual: "), HasSubstr(std::string(actual))));
    EXPECT_TRUE(Message(ring.status()).ends_with(".")) << "a remedy ends the message: " << Message(ring.status());
  }

  fs::path root_;
};

TEST_F(KeyRingTest, IsMadeWithOneActiveKeyForItsOwnerOnly) {
  const auto ring = Made();
  ASSERT_EQ(ring->Entries().size(), 1U);
  const RingEntry entry = ring->Entries().front();
  EXPECT_EQ(entry, (RingEntry{entry.kid, KeyState::kActive, kNow, kNow, std::nullopt}));
  EXPECT_EQ(ring->Signer()->id(), entry.kid);
  EXPECT_EQ(Published(*ring), std::vector<std::string>{entry.kid});
  EXPECT_EQ(ring->Jwks().find("\"d\""), std::string::npos);
  EXPECT_TRUE(ring->Notices().empty());
  EXPECT_TRUE(ring->rotates());
  struct stat status {};
  ASSERT_EQ(::stat(Path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  for (const auto& file : fs::directory_iterator(Path())) {
    ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << file.path();
  }
  EXPECT_EQ(Made()->Signer()->id(), entry.kid) << "the second start finds it";
}

TEST_F(KeyRingTest, AnEmptyDirectoryBecomesARing) {
  fs::create_directory(Path());
  fs::create_directory(root_ / "keys" / "lost+found");
  fs::permissions(Path(), fs::perms::owner_all);
  EXPECT_EQ(Made()->Entries().size(), 1U);
}

TEST_F(KeyRingTest, ARotationInStages) {
  const auto ring = Made();
  const std::string first = ring->Signer()->id();
  const auto second = ring->Prepare(kNow);
  ASSERT_TRUE(second.ok()) << Message(second.status());
  EXPECT_EQ(ring->Signer()->id(), first) << "a prepared key does not sign";
  EXPECT_EQ(Published(*ring), (std::vector{first, *second})) << "but is published";

  const Time activated = kNow + kOverlap;
  ASSERT_TRUE(ring->Activate(*second, activated).ok());
  EXPECT_EQ(ring->Signer()->id(), *second);
  EXPECT_EQ(Published(*ring), (std::vector{*second, first}));
  EXPECT_EQ(ring->Entries().front(), (RingEntry{*second, KeyState::kActive, kNow, activated, std::nullopt}));
  EXPECT_EQ(ring->Entries().back(), (RingEntry{first, KeyState::kRetiring, kNow, kNow, activated + kOverlap}));

  ASSERT_TRUE(ring->Retire(first, activated + kOverlap).ok());
  EXPECT_EQ(Published(*ring), std::vector{*second});
  EXPECT_FALSE(fs::exists(KeyFile(first)));
  EXPECT_TRUE(ring->Notices().empty());
  EXPECT_EQ(Made()->Entries(), ring->Entries()) << "and all of it is on disk";
}

// The overlap is what tokens may live, and then some for clocks.
static_assert(kOverlap > Duration{kLongestTokenLifetime});

TEST_F(KeyRingTest, NothingHappensTooEarly) {
  const auto ring = Made();
  const std::string first = ring->Signer()->id(), second = *ring->Prepare(kNow), before = Text(Ring());
  const auto third = ring->Prepare(kNow);
  EXPECT_TRUE(absl::IsFailedPrecondition(third.status()));
  EXPECT_THAT(Message(third.status()), HasSubstr(second));
  const absl::Status early = ring->Activate(second, kNow + kOverlap - Duration{1});
  EXPECT_TRUE(absl::IsFailedPrecondition(early));
  EXPECT_THAT(Message(early), AllOf(HasSubstr("tokens.key_file"), HasSubstr("2026-11-24T12:12:00Z")));
  EXPECT_TRUE(absl::IsFailedPrecondition(ring->Activate(second, kNow - Duration{3600}))) << "a clock that went back";
  EXPECT_TRUE(absl::IsFailedPrecondition(ring->Activate(first, kNow + kOverlap))) << "it is active";
  EXPECT_TRUE(absl::IsFailedPrecondition(ring->Retire(first, kNow + kOverlap))) << "it is active";
  EXPECT_TRUE(absl::IsNotFound(ring->Activate("x", kNow + kOverlap)));
  EXPECT_TRUE(absl::IsNotFound(ring->Activate("", kNow + kOverlap)));
  EXPECT_TRUE(absl::IsNotFound(ring->Retire("../keys", kNow + kOverlap, true)));
  EXPECT_EQ(Text(Ring()), before) << "whatever is refused changes nothing";

  ASSERT_TRUE(ring->Activate(second, kNow + kOverlap).ok());
  const absl::Status living = ring->Retire(first, kNow + 2 * kOverlap - Duration{1});
  EXPECT_TRUE(absl::IsFailedPrecondition(living));
  EXPECT_THAT(Message(living), HasSubstr("2026-11-24T12:24:00Z"));
  EXPECT_TRUE(absl::IsFailedPrecondition(ring->Activate(first, kNow + 2 * kOverlap))) << "a former key does not come back";
  EXPECT_TRUE(fs::exists(KeyFile(first)));
  EXPECT_EQ(Published(*ring), (std::vector{second, first}));
}

TEST_F(KeyRingTest, APreparedKeyCanBeGivenUp) {
  const auto ring = Made();
  const std::string second = *ring->Prepare(kNow);
  ASSERT_TRUE(ring->Retire(second, kNow).ok()) << "it never signed";
  EXPECT_EQ(ring->Entries().size(), 1U);
  EXPECT_FALSE(fs::exists(KeyFile(second)));
  EXPECT_TRUE(ring->Prepare(kNow).ok());
}

TEST_F(KeyRingTest, ForceIsForKeysThatMustGoNow) {
  const auto ring = Made();
  const std::string first = ring->Signer()->id(), second = *ring->Prepare(kNow);
  ASSERT_TRUE(ring->Activate(second, kNow, true).ok());
  ASSERT_TRUE(ring->Retire(first, kNow, true).ok());
  EXPECT_EQ(Published(*ring), std::vector{second});

  ASSERT_TRUE(ring->Retire(second, kNow, true).ok()) << "the active key, and none is prepared";
  const std::string third = ring->Signer()->id();
  EXPECT_NE(third, second);
  EXPECT_EQ(Published(*ring), std::vector{third});

  const std::string fourth = *ring->Prepare(kNow);
  ASSERT_TRUE(ring->Retire(third, kNow, true).ok()) << "the prepared one takes over";
  EXPECT_EQ(ring->Signer()->id(), fourth);
  EXPECT_EQ(ring->Entries(), Made()->Entries());
  EXPECT_FALSE(fs::exists(KeyFile(first)) || fs::exists(KeyFile(second)) || fs::exists(KeyFile(third)));
}

TEST_F(KeyRingTest, ASignerOutlivesItsRetirement) {
  const auto ring = Made();
  const std::shared_ptr<const SigningKey> held = ring->Signer();
  ASSERT_TRUE(ring->Retire(held->id(), kNow, true).ok());
  const token::Jws jws = token::ParseJws(token::SignJws("{}", held->id(), "JWT", held->key())).value();
  CheckLog log;
  EXPECT_TRUE(token::VerifyJws(jws, held->key().public_key(), log));
}

TEST_F(KeyRingTest, ASingleKeyFileSignsButDoesNotRotate) {
  const auto key = SigningKey::LoadOrMake("tokens.key_file", Path());
  ASSERT_TRUE(key.ok());
  const std::string before = Text(Path());
  const auto ring = Made();
  EXPECT_EQ(ring->Signer()->id(), key->id());
  EXPECT_EQ(ring->Jwks(), key->Jwks());
  EXPECT_FALSE(ring->rotates());
  EXPECT_EQ(*ring->Reload(), false);
  for (const absl::Status& status :
       {ring->Prepare(kNow).status(), ring->Activate(key->id(), kNow, true), ring->Retire(key->id(), kNow, true)}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_THAT(Message(status),
                AllOf(HasSubstr("tokens.key_file '" + Path() + "'"), HasSubstr("Make a directory, move the file into it")));
  }
  EXPECT_EQ(Text(Path()), before);

  // And what the message says works, without a new public key for relying parties.
  fs::create_directory(root_ / "directory");
  fs::permissions(root_ / "directory", fs::perms::owner_all);
  fs::rename(Path(), root_ / "directory" / "token.key");
  fs::rename(root_ / "directory", Path());
  const auto moved = Made();
  EXPECT_EQ(moved->Signer()->id(), key->id());
  ASSERT_EQ(moved->Notices().size(), 1U);
  EXPECT_EQ(moved->Notices().front().file, KeyFile(key->id()));
  EXPECT_TRUE(moved->Prepare(kNow).ok());
  EXPECT_TRUE(Made()->Notices().empty()) << "adopted once";
}

TEST_F(KeyRingTest, WhatIsNoRingIsNotMadeIntoOne) {
  Write(Path(), "nonsense");
  ExpectRefused("EC P-256 private key", "encoding_malformed", Path());
  ::chmod(Path().c_str(), 0640);
  ExpectRefused("only its owner", "open to group or others", Path(), absl::StatusCode::kPermissionDenied);
  fs::remove(Path());

  const std::string kid = Made()->Signer()->id();
  ASSERT_TRUE(Made()->Prepare(kNow).ok());
  const std::string text = Text(Ring());
  fs::remove(Ring());
  ExpectRefused("ring.json", "no ring.json and 2 files", Path());
  EXPECT_FALSE(fs::exists(Ring())) << "no ring is made up when there are several keys to choose from";
  Write(Ring(), text);
  EXPECT_TRUE(Open().ok());

  fs::remove_all(Path());
  fs::create_directory(Path());
  fs::permissions(Path(), fs::perms::owner_all);
  Write(root_ / "keys" / "notes.txt", "not a key");
  ExpectRefused("EC P-256 private key", "encoding_malformed", root_ / "keys" / "notes.txt");
  EXPECT_TRUE(fs::exists(root_ / "keys" / "notes.txt"));

  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(KeyRing::Open("tokens.key_file", (root_ / "pipe").string(), kNow).status()));
  const auto nowhere = KeyRing::Open("tokens.key_file", (root_ / "no" / "such" / "keys").string(), kNow);
  EXPECT_TRUE(absl::IsUnavailable(nowhere.status()));
  EXPECT_THAT(Message(nowhere.status()), HasSubstr("tokens.key_file"));
}

TEST_F(KeyRingTest, WhatOthersCanTouchIsRefused) {
  const std::string kid = Made()->Signer()->id();
  for (const fs::path& file : {Ring(), KeyFile(kid)}) {
    for (const mode_t mode : {0640U, 0604U, 0620U}) {
      ::chmod(file.c_str(), mode);
      ExpectRefused("only its owner", "open to group or others", file, absl::StatusCode::kPermissionDenied);
    }
    ::chmod(file.c_str(), 0600);
  }
  for (const mode_t mode : {0720U, 0702U}) {
    ::chmod(Path().c_str(), mode);
    ExpectRefused("only its owner", "open to group or others", Path(), absl::StatusCode::kPermissionDenied);
  }
  ::chmod(Path().c_str(), 0755);
  const auto ring = Open();
  ASSERT_TRUE(ring.ok()) << "names are no secret";
  ::chmod(Path().c_str(), 0777);
  EXPECT_TRUE(absl::IsPermissionDenied((*ring)->Prepare(kNow).status()));
  EXPECT_TRUE(absl::IsPermissionDenied((*ring)->Reload().status()));
}

TEST_F(KeyRingTest, EveryFaultOfRingJsonIsRefusedByName) {
  const auto made = Made();
  const std::string first = made->Signer()->id(), second = *made->Prepare(kNow);
  const std::string prepared = Text(Ring());
  ASSERT_TRUE(made->Activate(second, kNow + kOverlap).ok());
  const std::string good = Text(Ring());
  struct Case {
    std::string text;
    std::string_view expected, actual;
  };
  const std::string one =
      R"({"kid":")" + first + R"(","state":"active","created":"2026-11-24T12:00:00Z","activated":"2026-11-24T12:00:00Z"})";
  const auto ring_of = [](std::string_view keys) { return Cat(R"({"version":1,"keys":[)", keys, "]}"); };
  for (const Case& wrong : std::vector<Case>{
           {"", "JSON object", "the end of the input"},
           {"nonsense", "JSON object", "ring.json:1"},
           {good.substr(0, good.size() / 2), "JSON object", "ring.json:1"},
           {good + good, "JSON object", "ring.json:1"},
           {std::string(70'000, ' ') + good, "at most 65536 bytes", "found 70"},
           {"[]", "the file to be an object", "an array"},
           {"{}", "version in the file", "none"},
           {R"({"version":1})", "keys in the file", "none"},
           {R"({"version":1,"keys":{}})", "keys to be a list", "an object"},
           {R"({"version":2,"keys":[]})", "version 1", "2"},
           {R"({"version":"1","keys":[]})", "version 1", "'1'"},
           {R"({"keys":[],"version":1,"mode":"x"})", "only in the file", "'mode'"},
           {ring_of(""), "exactly one active key", "none"},
           {ring_of("7"), "keys[0] to be an object", "an integer"},
           {Replaced(prepared, R"("state":"prepared")", R"("activated":"2026-11-24T12:00:00Z","state":"active")"), "exactly one active key",
            "2: "},
           {ring_of(Replaced(one, "active", "retired")), "prepared, active or retiring", "'retired'"},
           {ring_of(Replaced(one, R"("state":"active")", R"("state":1)")), "keys[0].state", "an integer"},
           {ring_of(Replaced(one, R"("state":"active",)", "")), "state in keys[0]", "none"},
           {ring_of(Replaced(one, R"("created":"2026-11-24T12:00:00Z",)", "")), "created in keys[0]", "none"},
           {ring_of(Replaced(one, R"("created":"2026-11-24T12)", R"("created":"2026-11-31T12)")), "keys[0].created to be a time",
            "'2026-11-31"},
           {ring_of(Replaced(one, R"(,"activated":"2026-11-24T12:00:00Z")", "")), "activated in keys[0]", "none"},
           {ring_of(Replaced(one, R"("state")", R"("retires_after":"2026-11-24T12:00:00Z","state")")), "no retires_after in keys[0]",
            "one"},
           {Replaced(good, "retiring", "prepared"), "no activated in keys[1]", "one"},
           {Replaced(good, "retires_after", "retires"), "members activated, created, kid, retires_after, state only in keys[1]",
            "'retires'"},
           {Replaced(good, R"("state":"active")", R"("retires_after":"2026-11-24T12:00:00Z","state":"retiring")"), "exactly one active key",
            "none"},
           {Replaced(good, first, second), "each kid once", second},
           {Replaced(good, first, "../../etc/passwd"), "keys[1].kid to be an RFC 7638 thumbprint", "'../../etc/passwd'"},
           {Replaced(good, first, ""), "keys[1].kid to be an RFC 7638 thumbprint", "''"},
           {Replaced(good, R"("created":)", R"("created":"2026-11-24T12:00:00Z","created":)"), "JSON object", "'created'"},
       }) {
    SCOPED_TRACE(wrong.text.substr(0, 500));
    Write(Ring(), wrong.text);
    ExpectRefused(wrong.expected, wrong.actual, Ring());
    const auto reloaded = made->Reload();
    EXPECT_TRUE(absl::IsInvalidArgument(reloaded.status())) << "a running process refuses it as well";
    EXPECT_EQ(Published(*made), (std::vector{second, first})) << "and goes on with what it has";
    EXPECT_TRUE(absl::IsInvalidArgument(made->Prepare(kNow).status())) << "and does not build on it";
    EXPECT_EQ(Text(Ring()), wrong.text) << "nothing is repaired by overwriting";
  }
  const std::string two_prepared =
      Replaced(Replaced(prepared, R"("state":"active")", R"("state":"prepared")"), R"("activated":"2026-11-24T12:00:00Z",)", "");
  Write(Ring(), two_prepared);
  ExpectRefused("exactly one active key", "none", Ring());
  Write(Ring(), good);
  EXPECT_TRUE(Open().ok());
}

TEST_F(KeyRingTest, AtMostOneKeyIsPrepared) {
  Made();
  std::string text = Text(Ring());
  for (int i = 0; i < 2; ++i) {
    const SigningKey key = SigningKey::Generate();
    Write(KeyFile(key.id()), key.key().ToPem().view());
    text = Replaced(text, R"("keys":[)", R"("keys":[{"created":"2026-11-24T12:00:00Z","kid":")" + key.id() + R"(","state":"prepared"},)");
  }
  Write(Ring(), text);
  ExpectRefused("at most one prepared key", "2: ", Ring());
}

TEST_F(KeyRingTest, KeyFilesMustBeThoseThatRingJsonNames) {
  const std::string kid = Made()->Signer()->id(), pem = Text(KeyFile(kid));
  fs::remove(KeyFile(kid));
  ExpectRefused("the key file that ring.json names", "none", KeyFile(kid));
  Write(KeyFile(kid), "nonsense");
  ExpectRefused("EC P-256 private key", "encoding_malformed", KeyFile(kid));
  const SigningKey other = SigningKey::Generate();
  Write(KeyFile(kid), other.key().ToPem().view());
  ExpectRefused("the key after which the file is named", other.id(), KeyFile(kid));
  fs::remove(KeyFile(kid));
  fs::create_directory(KeyFile(kid));
  EXPECT_TRUE(absl::IsInvalidArgument(Open().status()));
  fs::remove(KeyFile(kid));
  Write(KeyFile(kid), pem);
  EXPECT_TRUE(Open().ok());
}

TEST_F(KeyRingTest, AKeyThatNoRingNamesIsIgnoredAndTold) {
  const std::string kid = Made()->Signer()->id();
  const SigningKey stray = SigningKey::Generate();
  Write(KeyFile(stray.id()), stray.key().ToPem().view());
  Write(root_ / "keys" / "x", "short names as well");
  const auto ring = Made();
  EXPECT_EQ(Published(*ring), std::vector{kid});
  ASSERT_EQ(ring->Notices().size(), 2U);
  std::vector<std::string> files;
  for (const RingNotice& notice : ring->Notices()) files.push_back(notice.file);
  EXPECT_THAT(files, testing::UnorderedElementsAre(KeyFile(stray.id()).string(), (root_ / "keys" / "x").string()));
  EXPECT_TRUE(fs::exists(KeyFile(stray.id()))) << "not ours to remove";
}

// Two rings on one directory behave as two processes do: nothing is shared but the files.
TEST_F(KeyRingTest, ChangesOfOneProcessReachTheOthers) {
  const auto one = Made(), other = Made();
  const std::string first = one->Signer()->id(), second = *one->Prepare(kNow);
  EXPECT_EQ(Published(*other), std::vector{first});
  EXPECT_EQ(*other->Reload(), true);
  EXPECT_EQ(Published(*other), (std::vector{first, second}));
  EXPECT_EQ(*other->Reload(), false);
  // A change starts from what is on disk, not from what this process last saw.
  ASSERT_TRUE(one->Activate(second, kNow + kOverlap).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(other->Activate(second, kNow + kOverlap)));
  const auto third = other->Prepare(kNow + kOverlap);
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(Published(*other), (std::vector{second, *third, first}));
  ASSERT_TRUE(one->Retire(first, kNow + 2 * kOverlap).ok());
  EXPECT_EQ(*other->Reload(), true);
  EXPECT_EQ(other->Entries(), one->Entries());
}

TEST_F(KeyRingTest, ManyStartAtOnceAndAgree) {
  constexpr int kProcesses = 8;
  std::vector<std::string> kids(kProcesses);
  std::vector<std::thread> threads;
  for (int i = 0; i < kProcesses; ++i) {
    threads.emplace_back([&, i] {
      const auto ring = Open();
      kids[static_cast<std::size_t>(i)] = ring.ok() ? (*ring)->Signer()->id() : Message(ring.status());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& kid : kids) EXPECT_EQ(kid, kids.front());
  EXPECT_EQ(Made()->Entries().size(), 1U);
  EXPECT_TRUE(Made()->Notices().empty());
}

// While others change the ring, whoever reads it never sees half of a change.
TEST_F(KeyRingTest, ReloadingWhileKeysComeAndGo) {
  const auto writer = Made(), reader = Made();
  std::atomic<bool> done = false;
  std::string failure;
  std::thread reading([&] {
    while (!done.load()) {
      if (const auto reloaded = reader->Reload(); !reloaded.ok()) failure = Message(reloaded.status());
      if (const auto opened = Open(); !opened.ok()) failure = Message(opened.status());
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto kid = writer->Prepare(kNow);
    EXPECT_TRUE(kid.ok() && writer->Activate(*kid, kNow, true).ok() && writer->Retire(writer->Entries().back().kid, kNow, true).ok());
  }
  done = true;
  reading.join();
  EXPECT_EQ(failure, "");
  EXPECT_TRUE(reader->Reload().ok());
  EXPECT_EQ(reader->Entries(), writer->Entries());
}

// A relying party holds a key set for some time: fetched before the token was signed, or after.
TEST_F(KeyRingTest, NoTokenIsEverWithoutItsKey) {
  constexpr int kRotations = 100;
  constexpr std::size_t kSigners = 4;
  const auto ring = Made();
  std::atomic<std::int64_t> now{kNow.time_since_epoch().count()};
  std::atomic<bool> done = false;
  std::array<std::atomic<int>, kSigners> rounds{};
  struct Tally {
    int verified = 0, by_older_set = 0, refused = 0;
    std::vector<std::string> signers;
  };
  std::array<Tally, kSigners> tallies;
  struct Snapshot {
    std::int64_t at;
    std::vector<token::Jwk> keys;
  };
  const auto verifies = [](const std::string& text, const std::vector<token::Jwk>& keys) {
    const token::Jws jws = token::ParseJws(text).value();
    CheckLog log;
    return std::any_of(keys.begin(), keys.end(),
                       [&](const token::Jwk& key) { return key.key_id == *jws.key_id && token::VerifyJws(jws, key.key, log); });
  };
  const auto sign = [&](std::size_t number) {
    Tally& tally = tallies[number];
    std::deque<Snapshot> older;
    std::string set;
    std::vector<token::Jwk> keys;
    while (!done.load()) {
      // The clock is read before, for what must be published afterwards, and after, for what must have been before.
      const std::int64_t before = now.load();
      const std::shared_ptr<const SigningKey> key = ring->Signer();
      const std::string text = token::SignJws("{}", key->id(), "JWT", key->key());
      const std::int64_t signed_at = now.load();
      if (tally.signers.empty() || tally.signers.back() != key->id()) tally.signers.push_back(key->id());

      const std::int64_t fetched_from = now.load();
      if (std::string fetched = ring->Jwks(); fetched != set) {  // decoding keys is dear
        keys = token::ReadKeys(fetched).value();
        set = std::move(fetched);
      }
      if (now.load() - before < kOverlap.count()) (verifies(text, keys) ? tally.verified : tally.refused) += 1;
      for (const Snapshot& snapshot : older) {
        if (signed_at - snapshot.at < kOverlap.count()) (verifies(text, snapshot.keys) ? tally.by_older_set : tally.refused) += 1;
      }
      // Of several at one time, the first says least.
      if (older.empty() || older.back().at < fetched_from) older.push_back({fetched_from, keys});
      while (signed_at - older.front().at >= kOverlap.count()) older.pop_front();
      ++rounds[number];
      std::this_thread::yield();  // there are fewer processors than threads
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kSigners; ++i) threads.emplace_back(sign, i);
  // Time passes only while every signer is at work.
  const auto pass = [&](Duration duration) {
    std::array<int, kSigners> from{};
    for (std::size_t i = 0; i < kSigners; ++i) from[i] = rounds[i].load();
    for (std::size_t i = 0; i < kSigners; ++i) {
      while (rounds[i].load() < from[i] + 2) std::this_thread::yield();  // two: one whole round
    }
    now += duration.count();
    return Time{Duration{now.load()}};
  };
  constexpr Duration kHalf = kOverlap / 2;
  for (int i = 0; i < kRotations; ++i) {
    const Time prepared = pass(kHalf);
    const std::string former = ring->Signer()->id();
    const auto next = ring->Prepare(prepared);
    EXPECT_TRUE(next.ok()) << Message(next.status());
    pass(kHalf);
    const absl::Status activated = ring->Activate(next.ok() ? *next : "", pass(kOverlap - kHalf));
    EXPECT_TRUE(activated.ok()) << Message(activated);
    pass(kHalf);
    const absl::Status retired = ring->Retire(former, pass(kOverlap - kHalf));
    EXPECT_TRUE(retired.ok()) << Message(retired);
  }
  pass(Duration{0});
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (const Tally& tally : tallies) {
    EXPECT_EQ(tally.refused, 0);
    EXPECT_GE(tally.verified, kRotations);
    EXPECT_GE(tally.by_older_set, kRotations);
    EXPECT_GE(tally.signers.size(), std::size_t{kRotations}) << "every key signed, or nothing was tried";
  }
  EXPECT_EQ(ring->Entries().size(), 1U);
}

}  // namespace
}  // namespace assay::result
