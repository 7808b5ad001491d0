#include "base/absl_bridge.h"
#include "client/agent/softtee_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "client/agent/child_process.h"

namespace assay::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(ItemsFromJson, GoodItems) {
  const auto items = ItemsFromJson(R"({"items":[{"media_type":"a/b","body":"AQI="},{"body":"","media_type":"c/d"}]})");
  ASSERT_TRUE(items.ok()) << MessageOf(items.status());
  ASSERT_EQ(items->size(), 2U);
  EXPECT_EQ((*items)[0].media_type, "a/b");
  EXPECT_EQ((*items)[0].body, (Bytes{1, 2}));
  EXPECT_TRUE((*items)[1].body.empty());
}

TEST(ItemsFromJson, AnythingElseIsNamed) {
  const struct {
    std::string_view json;
    std::string_view message;
  } cases[] = {
      {"", "encoding_malformed"},
      {"{", "encoding_malformed"},
      {"[]", "no array 'items'"},
      {R"({"items":{}})", "no array 'items'"},
      {R"({"items":[]})", "no items"},
      {R"({"items":[7]})", "item 0 without text 'media_type' or 'body'"},
      {R"({"items":[{"media_type":"a/b"}]})", "item 0 without text 'media_type' or 'body'"},
      {R"({"items":[{"media_type":1,"body":""}]})", "item 0 without text 'media_type' or 'body'"},
      {R"({"items":[{"media_type":"a/b","body":"A"}]})", "body of item 0 is no base64"},
      {R"({"items":[{"media_type":"a/b","body":"AQI"}]})", "body of item 0 is no base64"},
  };
  for (const auto& c : cases) {
    const auto items = ItemsFromJson(c.json);
    EXPECT_EQ(items.status().code(), absl::StatusCode::kFailedPrecondition) << c.json;
    EXPECT_THAT(std::string(MessageOf(items.status())), HasSubstr(std::string(c.message))) << c.json;
  }
}

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() {
    std::string pattern = (fs::temp_directory_path() / "assay-program-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~ProgramTest() override { fs::remove_all(root_); }
  std::string Script(const std::string& name, std::string_view text) {
    const std::string path = (root_ / name).string();
    std::ofstream(path) << "#!/bin/sh\n" << text;
    ::chmod(path.c_str(), 0755);
    return path;
  }
  fs::path root_;
};

TEST_F(ProgramTest, FindSofttee) {
  const std::string program = Script("assay-softtee", "");
  EXPECT_EQ(*FindSofttee(nullptr, root_.string()), program);
  EXPECT_EQ(*FindSofttee("", root_.string()), program);
  EXPECT_EQ(*FindSofttee(program.c_str(), "/nowhere"), program);

  const auto beside = FindSofttee(nullptr, "/nowhere");
  EXPECT_EQ(beside.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(MessageOf(beside.status())), HasSubstr("--simulate: expected the program assay-softtee at '/nowhere/assay-softtee'"));
  // A given path that does not exist is never silently replaced by another program.
  const auto named = FindSofttee("/nowhere/x", root_.string());
  EXPECT_THAT(std::string(MessageOf(named.status())), HasSubstr("$ASSAY_SOFTTEE: expected the program assay-softtee at '/nowhere/x'"));
}

TEST_F(ProgramTest, PassesArgumentsWithoutAShell) {
  const std::string program = Script("p", "for a in \"$@\"; do printf '[%s]' \"$a\"; done; cat\n");
  const auto result = RunProgram({program, "a b", "$(id)", ""}, 1000);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, "[a b][$(id)][]");  // and its standard input was empty
}

TEST_F(ProgramTest, ExitCodesSignalsAndLimits) {
  EXPECT_EQ(RunProgram({Script("e", "exit 3")}, 10)->exit_code, 3);
  EXPECT_EQ(RunProgram({Script("k", "kill -9 $$")}, 10)->exit_code, 137);
  EXPECT_EQ(RunProgram({Script("m", "echo 0123456789")}, 10).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RunProgram({Script("n", "printf 0123456789")}, 10)->output.size(), 10U);
  EXPECT_EQ(RunProgram({(root_ / "none").string()}, 10).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ProgramTest, CollectAsksForThisReportData) {
  // Answers only if it was asked as expected.
  const std::string program = Script(
      "assay-softtee",
      "test \"$1 $2 $3 $4\" = 'snp --pki dir --report-data' || exit 9\n"
      "test \"$5\" = " + std::string(128, '0') + " || exit 8\n"
      "test \"$6 $7 $8 $9\" = '--json --fault debug --product' || exit 7\n"
      "shift 9; test \"$1 $2\" = 'turin --separate' || exit 6\n"
      "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"AQI=\"}]}'\n");
  SoftteeSource source({program, "dir", "debug", {"product=turin", "separate"}});
  const auto items = source.Collect({});
  ASSERT_TRUE(items.ok()) << MessageOf(items.status());
  EXPECT_EQ(items->size(), 1U);
}

TEST_F(ProgramTest, CollectAsksForThePlatformsEvidence) {
  const std::string program = Script(
      "assay-softtee",
      "test \"$1 $2 $3 $4\" = 'dcap --pki dir --report-data' || exit 9\n"
      "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"AQI=\"}]}'\n");
  SoftteeSource source({program, "dir", "", {}, *SoftteeSubcommandFor("qemu_tdx")});
  EXPECT_TRUE(source.Collect({}).ok());
}

TEST(SoftteeSubcommand, IsKnownForThePlatformsThatItMints) {
  EXPECT_EQ(*SoftteeSubcommandFor("qemu_sev_snp"), "snp");
  EXPECT_EQ(*SoftteeSubcommandFor("aws_sev_snp_report"), "snp");
  EXPECT_EQ(*SoftteeSubcommandFor("qemu_tdx"), "dcap");
  for (const char* other : {"", "qemu_tdx ", "QEMU_TDX", "gce_tdx"}) {
    const auto none = SoftteeSubcommandFor(other);
    EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument) << other;
    EXPECT_THAT(std::string(MessageOf(none.status())), HasSubstr("expected one of qemu_sev_snp, aws_sev_snp_report, qemu_tdx, actual")) << other;
  }
}

TEST_F(ProgramTest, AFailingProgramIsNotEvidence) {
  SoftteeSource source({Script("assay-softtee", "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"AQI=\"}]}'; exit 2\n"), "dir"});
  EXPECT_THAT(std::string(MessageOf(source.Collect({}).status())), HasSubstr("expected assay-softtee to end with 0, actual 2"));
}

}  // namespace
}  // namespace assay::agent
