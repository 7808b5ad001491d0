// A process that dies at any of its steps leaves a ring that the next one reads.
//
// The four calls that change a disk are replaced in this program: they pass everything on, until in a forked process the
// step at which it is to die has come.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "result/key_ring.h"
#include "token/jwk.h"

namespace {

constexpr int kDied = 77;
int steps_left = -1;  // -1: nobody dies

bool LastStep() { return steps_left >= 0 && steps_left-- == 0; }
void Step() {
  if (LastStep()) ::_exit(kDied);
}

}  // namespace

extern "C" {
int fsync(int file) {
  Step();
  return static_cast<int>(::syscall(SYS_fsync, file));
}
int rename(const char* from, const char* to) noexcept {
  Step();
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U));
}
int unlink(const char* path) noexcept {
  Step();
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}
ssize_t write(int file, const void* bytes, std::size_t size) {
  if (LastStep()) {
    ::syscall(SYS_write, file, bytes, size / 2);
    ::_exit(kDied);
  }
  return ::syscall(SYS_write, file, bytes, size);
}
}

namespace assay::result {
namespace {

namespace fs = std::filesystem;

const Time kNow = *ParseTime("2026-11-24T12:00:00Z");

class KeyRingCrashTest : public testing::Test {
 protected:
  KeyRingCrashTest() {
    std::string pattern = (fs::temp_directory_path() / "assay-crash-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~KeyRingCrashTest() override { fs::remove_all(root_); }

  std::string Path() const { return (root_ / "keys").string(); }
  std::unique_ptr<KeyRing> Opened() const {
    auto ring = KeyRing::Open("tokens.key_file", Path(), kNow);
    EXPECT_TRUE(ring.ok()) << MessageOf(ring.status());
    return ring.ok() ? *std::move(ring) : nullptr;
  }

  // Runs `work` in a process of its own that dies at step 0, at step 1, … until it dies no more; each time from `start`, and
  // each time `look` is asked what it thinks of the ring that the next process finds. How often it died.
  int DieEverywhere(const std::function<void()>& start, const std::function<bool()>& work,
                    const std::function<void(KeyRing&, bool died)>& look) {
    for (int step = 0; step < 1000; ++step) {
      SCOPED_TRACE(Cat("step ", step));
      fs::remove_all(Path());
      start();
      const pid_t child = ::fork();
      if (child == 0) {
        steps_left = step;
        ::_exit(work() ? 0 : 1);
      }
      int status = 0;
      EXPECT_EQ(::waitpid(child, &status, 0), child);
      EXPECT_TRUE(WIFEXITED(status));
      const bool died = WEXITSTATUS(status) == kDied;
      EXPECT_TRUE(died || WEXITSTATUS(status) == 0) << "the work itself failed";
      const std::unique_ptr<KeyRing> ring = Opened();
      if (ring == nullptr) return step;
      look(*ring, died);
      // It can also be changed: nothing that was left behind is in the way.
      const std::vector<RingEntry> entries = ring->Entries();
      const bool prepared =
          std::any_of(entries.begin(), entries.end(), [](const RingEntry& entry) { return entry.state == KeyState::kPrepared; });
      EXPECT_EQ(ring->Prepare(kNow).ok(), !prepared);
      for (const auto& file : fs::directory_iterator(Path())) EXPECT_NE(file.path().extension(), ".new") << file.path();
      if (!died) return step;
    }
    ADD_FAILURE() << "it dies for ever";
    return 0;
  }

  static std::vector<std::string> Kids(const KeyRing& ring) {
    std::vector<std::string> kids;
    for (const RingEntry& entry : ring.Entries()) kids.push_back(Cat(NameOf(entry.state), " ", entry.kid));
    return kids;
  }

  fs::path root_;
};

TEST_F(KeyRingCrashTest, WhileItIsMade) {
  const int deaths = DieEverywhere([] {}, [&] { return KeyRing::Open("tokens.key_file", Path(), kNow).ok(); },
                                   [](KeyRing& ring, bool) { EXPECT_EQ(ring.Entries().size(), 1U); });
  EXPECT_GE(deaths, 9) << "one directory and two files, with their syncs";
}

TEST_F(KeyRingCrashTest, WhileAKeyIsAdopted) {
  const SigningKey key = SigningKey::Generate();
  const auto start = [&] {
    fs::create_directory(Path());
    fs::permissions(Path(), fs::perms::owner_all);
    std::FILE* file = std::fopen((root_ / "keys" / "token.key").c_str(), "w");
    ASSERT_NE(file, nullptr);
    std::fwrite(key.key().ToPem().view().data(), 1, key.key().ToPem().view().size(), file);
    std::fclose(file);
    ::chmod((root_ / "keys" / "token.key").c_str(), 0600);
  };
  const int deaths = DieEverywhere(
      start, [&] { return KeyRing::Open("tokens.key_file", Path(), kNow).ok(); },
      [&](KeyRing& ring, bool) { EXPECT_EQ(Kids(ring), std::vector{Cat("active ", key.id())}); });
  EXPECT_GE(deaths, 5);
}

// A change of a ring in which `prepared` is prepared and `former` retiring.
class KeyRingChangeCrashTest : public KeyRingCrashTest {
 protected:
  KeyRingChangeCrashTest() {
    const auto ring = Opened();
    former_ = ring->Signer()->id();
    active_ = *ring->Prepare(kNow);
    EXPECT_TRUE(ring->Activate(active_, kNow, true).ok());
    prepared_ = *ring->Prepare(kNow);
    before_ = Kids(*ring);
    fs::rename(Path(), root_ / "template");
  }

  // Whatever step it dies at, the ring is the one before the change or the one after it.
  void Run(const std::function<absl::Status(KeyRing&)>& change, int least_deaths, const std::vector<std::string>& after) {
    int as_before = 0, as_after = 0;
    const int deaths = DieEverywhere(
        [&] {
          fs::copy(root_ / "template", Path());
          ::chmod(Path().c_str(), 0700);
        },
        [&] { return change(*KeyRing::Open("tokens.key_file", Path(), kNow).value()).ok(); },
        [&](KeyRing& ring, bool died) {
          const std::vector<std::string> kids = Kids(ring);
          EXPECT_TRUE(kids == after || (died && kids == before_)) << Join(kids, ", ");
          (kids == after ? as_after : as_before) += 1;
        });
    EXPECT_GE(deaths, least_deaths);
    EXPECT_GE(as_before, 3) << "writing, syncing and renaming come before anything has changed";
    EXPECT_GE(as_after, 2) << "the last step, and no death at all";
  }

  std::string former_, active_, prepared_;
  std::vector<std::string> before_;
};

TEST_F(KeyRingChangeCrashTest, WhileAKeyIsActivated) {
  Run([&](KeyRing& ring) { return ring.Activate(prepared_, kNow, true); }, 4,
      {"active " + prepared_, "retiring " + active_, "retiring " + former_});
}

TEST_F(KeyRingChangeCrashTest, WhileAKeyIsRetired) {
  Run([&](KeyRing& ring) { return ring.Retire(former_, kNow + kOverlap); }, 6, {"active " + active_, "prepared " + prepared_});
}

TEST_F(KeyRingChangeCrashTest, WhileTheActiveKeyIsForcedOut) {
  Run([&](KeyRing& ring) { return ring.Retire(active_, kNow, true); }, 6, {"active " + prepared_, "retiring " + former_});
}

TEST_F(KeyRingCrashTest, WhileAKeyIsPrepared) {
  ASSERT_NE(Opened(), nullptr);
  fs::rename(Path(), root_ / "template");
  int as_before = 0, as_after = 0, strays = 0;
  const int deaths = DieEverywhere(
      [&] {
        fs::copy(root_ / "template", Path());
        ::chmod(Path().c_str(), 0700);
      },
      [&] { return KeyRing::Open("tokens.key_file", Path(), kNow).value()->Prepare(kNow).ok(); },
      [&](KeyRing& ring, bool died) {
        (ring.Entries().size() == 2 ? as_after : as_before) += 1;
        EXPECT_TRUE(died || ring.Entries().size() == 2U);
        if (!ring.Notices().empty()) ++strays;
        EXPECT_TRUE(ring.Notices().empty() || ring.Entries().size() == 1U);
      });
  EXPECT_GE(deaths, 8);
  EXPECT_GE(as_before, 6);
  EXPECT_GE(as_after, 2);
  EXPECT_GE(strays, 3) << "a key on disk that ring.json does not name yet is told";
}

// What could not be removed is retired all the same, and told.
TEST_F(KeyRingCrashTest, AKeyFileThatStaysBehindIsNoKeyOfTheRing) {
  const auto ring = Opened();
  const std::string first = ring->Signer()->id();
  const fs::path file = root_ / "keys" / (first + ".pem");
  fs::remove(file);
  fs::create_directory(file);
  const absl::Status retired = ring->Retire(first, kNow, true);
  EXPECT_TRUE(absl::IsUnavailable(retired));
  EXPECT_THAT(std::string(MessageOf(retired)), testing::AllOf(testing::HasSubstr(file.string()), testing::HasSubstr("its key is retired")));
  EXPECT_NE(ring->Signer()->id(), first);
  EXPECT_EQ(ring->Jwks().find(first), std::string::npos);
  EXPECT_EQ(Opened()->Entries(), ring->Entries());
}

}  // namespace
}  // namespace assay::result
