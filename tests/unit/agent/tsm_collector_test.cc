// configfs-tsm, with a kernel that follows Documentation/ABI/testing/configfs-tsm-report.
#include "client/agent/tsm_collector.h"
#include "base/absl_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "base/strings.h"

namespace assay::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FakeKernel final : public TsmFiles {
 public:
  std::string provider = "sev_guest\n";
  std::uint64_t privilege_floor = 0;
  Bytes auxiliary = {1, 2, 3};
  bool has_auxiliary = true;
  bool loaded = true;
  std::function<void()> before_outblob = [] {};  // somebody else gets in between
  absl::StatusOr<Bytes> ccel = absl::NotFoundError("no CCEL");

  std::uint64_t generation = 40;  // not zero: only differences count
  std::string privilege_level;
  std::map<std::string, bool> instances;  // name → still there
  std::vector<std::string> written;

  absl::Status MakeInstance(const std::string& name) override {
    if (!loaded) return absl::NotFoundError("no configfs-tsm");
    if (instances.contains(name)) return absl::FailedPreconditionError("made twice: " + name);
    instances[name] = true;
    return absl::OkStatus();
  }
  void RemoveInstance(const std::string& name) override { instances[name] = false; }
  absl::StatusOr<Bytes> Read(const std::string& path) override {
    const std::string attribute = AttributeOf(path);
    if (attribute == "provider") return ToBytes(AsBytes(provider));
    if (attribute == "generation") return ToBytes(AsBytes(Cat(generation, "\n")));
    if (attribute == "privlevel_floor") return ToBytes(AsBytes(Cat(privilege_floor, "\n")));
    if (attribute == "outblob") {
      before_outblob();
      Bytes report = ToBytes(AsBytes("report:"));
      Append(report, in_);
      return report;
    }
    if (attribute == "auxblob" && has_auxiliary) return auxiliary;
    return absl::NotFoundError(path);
  }
  absl::Status Write(const std::string& path, ByteView bytes) override {
    const std::string attribute = AttributeOf(path);
    written.push_back(attribute);
    ++generation;
    if (attribute == "inblob") in_ = ToBytes(bytes);
    if (attribute == "privlevel") privilege_level = std::string(AsText(bytes));
    return absl::OkStatus();
  }
  absl::StatusOr<Bytes> ReadCcel() override { return ccel; }
  bool AllRemoved() const {
    return std::none_of(instances.begin(), instances.end(), [](const auto& instance) { return instance.second; });
  }

 private:
  std::string AttributeOf(const std::string& path) const {
    const std::size_t slash = path.find('/');
    EXPECT_TRUE(instances.contains(path.substr(0, slash)) && instances.at(path.substr(0, slash))) << path;
    return path.substr(slash + 1);
  }
  Bytes in_;
};

class CountingRandom final : public Random {
 public:
  void Fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), ++next_); }

 private:
  std::uint8_t next_ = 0;
};

struct TsmCollectorTest : ::testing::Test {
  absl::StatusOr<std::vector<CollectedItem>> Collect(std::optional<std::uint32_t> level = {}) {
    TsmCollector collector(kernel, random, level);
    crypto::Sha512Digest report_data{};
    report_data.fill('d');
    return collector.Collect(report_data);
  }
  FakeKernel kernel;
  CountingRandom random;
};

TEST_F(TsmCollectorTest, SevReportWithTable) {
  const auto items = Collect();
  ASSERT_TRUE(items.ok()) << MessageOf(items.status());
  ASSERT_EQ(items->size(), 2U);
  EXPECT_EQ((*items)[0].media_type, "application/vnd.assay.sev-snp-report");
  EXPECT_EQ(AsText((*items)[0].body), "report:" + std::string(64, 'd'));
  EXPECT_EQ((*items)[1].media_type, "application/vnd.assay.sev-cert-table");
  EXPECT_EQ((*items)[1].body, (Bytes{1, 2, 3}));
  EXPECT_TRUE(kernel.AllRemoved());
  EXPECT_THAT(kernel.written, ::testing::ElementsAre("inblob"));
}

TEST_F(TsmCollectorTest, ATableThatIsNotThereIsLeftOut) {
  kernel.has_auxiliary = false;
  EXPECT_EQ(Collect()->size(), 1U);
  kernel.has_auxiliary = true;
  kernel.auxiliary = {};
  EXPECT_EQ(Collect()->size(), 1U);
  kernel.auxiliary = Bytes(4096);
  EXPECT_EQ(Collect()->size(), 1U);
}

TEST_F(TsmCollectorTest, TdxQuote) {
  kernel.provider = "tdx_guest";
  const auto items = Collect();
  ASSERT_TRUE(items.ok());
  ASSERT_EQ(items->size(), 1U);
  EXPECT_EQ((*items)[0].media_type, "application/vnd.assay.dcap-quote");
}

TEST_F(TsmCollectorTest, TdxQuoteWithTheLogOfItsRtmrs) {
  kernel.provider = "tdx_guest\n";
  kernel.ccel = Bytes{9, 8, 7};
  const auto items = Collect();
  ASSERT_TRUE(items.ok()) << MessageOf(items.status());
  ASSERT_EQ(items->size(), 2U);
  EXPECT_EQ((*items)[0].media_type, "application/vnd.assay.dcap-quote");
  EXPECT_EQ(AsText((*items)[0].body), "report:" + std::string(64, 'd'));
  EXPECT_EQ((*items)[1].media_type, "application/vnd.assay.ccel");
  EXPECT_EQ((*items)[1].body, (Bytes{9, 8, 7}));
  EXPECT_TRUE(kernel.AllRemoved());
  kernel.provider = "sev_guest\n";
  EXPECT_EQ(Collect()->back().media_type, "application/vnd.assay.sev-cert-table");
}

TEST_F(TsmCollectorTest, ALogThatIsNotShownIsLeftOut) {
  kernel.provider = "tdx_guest\n";
  for (const absl::StatusOr<Bytes>& log :
       {absl::StatusOr<Bytes>(Bytes()), absl::StatusOr<Bytes>(absl::PermissionDeniedError("not for you"))}) {
    kernel.ccel = log;
    ASSERT_TRUE(Collect().ok());
    EXPECT_EQ(Collect()->size(), 1U);
  }
  kernel.ccel = absl::FailedPreconditionError("too long");
  EXPECT_EQ(MessageOf(Collect().status()), "too long");
}

TEST_F(TsmCollectorTest, PrivilegeLevelIsWrittenAndCounted) {
  kernel.privilege_floor = 1;
  ASSERT_TRUE(Collect(2).ok());
  EXPECT_EQ(kernel.privilege_level, "2");
  EXPECT_THAT(kernel.written, ::testing::ElementsAre("privlevel", "inblob"));
}

TEST_F(TsmCollectorTest, PrivilegeLevelBelowTheFloorIsRefused) {
  kernel.privilege_floor = 2;
  const auto items = Collect(0);
  EXPECT_EQ(MessageOf(items.status()),
            "privilege level: expected at least 2 (privlevel_floor), actual 0. This guest runs at that level and cannot attest as a "
            "more privileged one.");
  EXPECT_TRUE(kernel.written.empty());
  EXPECT_TRUE(kernel.AllRemoved());
}

TEST_F(TsmCollectorTest, AWriteInBetweenIsNoticedAndTriedAgain) {
  int intrusions = 1;
  kernel.before_outblob = [&] {
    if (intrusions-- > 0) ++kernel.generation;
  };
  const auto items = Collect();
  ASSERT_TRUE(items.ok()) << MessageOf(items.status());
  EXPECT_EQ(kernel.instances.size(), 2U);  // a new instance for the second attempt
  EXPECT_TRUE(kernel.AllRemoved());
}

TEST_F(TsmCollectorTest, EndlessWritesInBetweenGiveUp) {
  kernel.before_outblob = [&] { ++kernel.generation; };
  const auto items = Collect();
  EXPECT_EQ(items.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(MessageOf(items.status())), HasSubstr("generation: expected 45 after 1 writes, actual 46. Tried 3 times"));
  EXPECT_EQ(kernel.instances.size(), 3U);
  EXPECT_TRUE(kernel.AllRemoved());
}

TEST_F(TsmCollectorTest, OtherProvidersAndMachinesWithout) {
  kernel.provider = "arm_cca_guest\n";
  EXPECT_EQ(MessageOf(Collect().status()),
            "configfs-tsm: provider: expected sev_guest or tdx_guest, actual 'arm_cca_guest'. This build has no collector for it.");
  EXPECT_TRUE(kernel.AllRemoved());
  kernel.loaded = false;
  EXPECT_EQ(Collect().status().code(), absl::StatusCode::kNotFound);
}

class SystemTsmFilesTest : public ::testing::Test {
 protected:
  SystemTsmFilesTest() {
    std::string pattern = (fs::temp_directory_path() / "assay-tsm-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~SystemTsmFilesTest() override { fs::remove_all(root_); }
  fs::path root_;
};

TEST_F(SystemTsmFilesTest, MakesReadsWritesRemoves) {
  SystemTsmFiles files(root_.string());
  ASSERT_TRUE(files.MakeInstance("one").ok());
  EXPECT_TRUE(fs::is_directory(root_ / "one"));
  std::ofstream(root_ / "one" / "inblob") << "";
  ASSERT_TRUE(files.Write("one/inblob", AsBytes("hello")).ok());
  EXPECT_EQ(AsText(*files.Read("one/inblob")), "hello");
  fs::remove(root_ / "one" / "inblob");
  files.RemoveInstance("one");
  EXPECT_FALSE(fs::exists(root_ / "one"));
}

TEST_F(SystemTsmFilesTest, TheCcelLiesElsewhere) {
  SystemTsmFiles files((root_ / "tsm").string(), (root_ / "CCEL").string());
  EXPECT_EQ(files.ReadCcel().status().code(), absl::StatusCode::kNotFound);
  std::ofstream(root_ / "CCEL") << "log";
  EXPECT_EQ(AsText(*files.ReadCcel()), "log");
  fs::resize_file(root_ / "CCEL", kMaxBlob + 1);
  EXPECT_EQ(files.ReadCcel().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SystemTsmFilesTest, Errors) {
  SystemTsmFiles files(root_.string());
  EXPECT_EQ(files.Read("none/outblob").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(files.Write("none/inblob", AsBytes("x")).code(), absl::StatusCode::kNotFound);  // never creates a file
  ASSERT_TRUE(files.MakeInstance("one").ok());
  EXPECT_EQ(files.MakeInstance("one").code(), absl::StatusCode::kFailedPrecondition);
  std::ofstream(root_ / "one" / "outblob") << "";
  fs::resize_file(root_ / "one" / "outblob", kMaxBlob + 1);
  EXPECT_EQ(files.Read("one/outblob").status().code(), absl::StatusCode::kFailedPrecondition);

  SystemTsmFiles nowhere((root_ / "gone").string());
  const absl::Status status = nowhere.MakeInstance("one");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("or give --simulate"));
}

}  // namespace
}  // namespace assay::agent
