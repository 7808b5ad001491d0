#include "client/agent/softtee_source.h"
#include "base/absl_bridge.h"

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

TEST(SoftteeAnswer, GoodItems) {
  const auto answer = SoftteeAnswerFrom(R"({"items":[{"media_type":"a/b","body":"AQI="},{"body":"","media_type":"c/d"}]})");
  ASSERT_TRUE(answer.ok()) << MessageOf(answer.status());
  ASSERT_EQ(answer->items.size(), 2U);
  EXPECT_EQ(answer->items[0].media_type, "a/b");
  EXPECT_EQ(answer->items[0].body, (Bytes{1, 2}));
  EXPECT_TRUE(answer->items[1].body.empty());
  EXPECT_TRUE(answer->keys.attestation_key.empty());
}

TEST(SoftteeAnswer, WhatATpmSays) {
  const auto answer = SoftteeAnswerFrom(
      R"({"items":[{"media_type":"a/b","body":""}],"tpm":{"attestation_key":"AQ==","endorsement_key":"Ag==","endorsement_certificate":"","activation_secret":"Aw=="}})");
  ASSERT_TRUE(answer.ok()) << MessageOf(answer.status());
  EXPECT_EQ(answer->keys.attestation_key, Bytes{1});
  EXPECT_EQ(answer->keys.endorsement_key, Bytes{2});
  EXPECT_TRUE(answer->keys.endorsement_certificate.empty());
  EXPECT_EQ(answer->activation_secret, Bytes{3});
}

TEST(SoftteeAnswer, AnythingElseIsNamed) {
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
      {R"({"items":[{"media_type":"a/b","body":""}],"tpm":7})", "'tpm' without base64 'attestation_key'"},
      {R"({"items":[{"media_type":"a/b","body":""}],"tpm":{"attestation_key":"A"}})", "'tpm' without base64 'attestation_key'"},
      {R"({"items":[{"media_type":"a/b","body":""}],"tpm":{"attestation_key":"","endorsement_key":"","endorsement_certificate":""}})",
       "'tpm' without base64 'activation_secret'"},
  };
  for (const auto& c : cases) {
    const auto items = SoftteeAnswerFrom(c.json);
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
  EXPECT_THAT(std::string(MessageOf(beside.status())),
              HasSubstr("--simulate: expected the program assay-softtee at '/nowhere/assay-softtee'"));
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

constexpr const char* kOneItem = "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"AQI=\"}]}'\n";

Demand DemandOf(std::uint8_t report_data, std::uint8_t extra_data) {
  Demand demand{};
  demand.report_data.fill(report_data);
  demand.extra_data.fill(extra_data);
  return demand;
}
std::string Times(std::string_view text, int count) { return count == 0 ? "" : Cat(text, Times(text, count - 1)); }

TEST_F(ProgramTest, AnswersThisReportData) {
  // Answers only if it was asked as expected.
  const std::string program = Script("assay-softtee", Cat("test \"$1 $2\" = 'snp --report-data' || exit 9\n"
                                                          "test \"$3\" = ",
                                                          Times("5a", 64),
                                                          " || exit 8\n"
                                                          "test \"$4 $5 $6\" = '--pki dir --json' || exit 7\n"
                                                          "shift 6; test \"$*\" = '--fault debug --product turin --separate' || exit 6\n",
                                                          kOneItem));
  SoftteeSource source({program, "dir", *SimulatedPlatformNamed("qemu_sev_snp"), "m", "debug", {"product=turin", "separate"}});
  EXPECT_TRUE(source.Keys()->attestation_key.empty()) << "nothing is run for it";
  const auto evidence = source.Answer(DemandOf(0x5A, 0xA5));
  ASSERT_TRUE(evidence.ok()) << MessageOf(evidence.status());
  EXPECT_EQ(evidence->items.size(), 1U);
}

TEST_F(ProgramTest, EachPlatformsCarrierHasWhatTheContractSays) {
  const std::string report_data = Cat("--report-data ", Times("5a", 64)), nonce = Cat("--nonce ", Times("a5", 32));
  const struct {
    const char* platform;
    std::string asks;
  } rows[] = {
      {"qemu_sev_snp", Cat("snp ", report_data)},
      {"qemu_tdx", Cat("dcap ", report_data)},
      {"qemu_vtpm", Cat("tpm --platform qemu_vtpm ", nonce, " --machine=m {x}")},
      {"aws_nitro_enclave", Cat("nitro --kind enclave ", nonce, " --machine=m {x}")},
      {"aws_nitro_tpm", Cat("nitro --kind tpm ", nonce, " --machine=m {x}")},
      {"aws_sev_snp", Cat("nitro --kind tpm ", nonce, " ", report_data, " --machine=m {x}")},
      {"aws_sev_snp_report", Cat("snp --signing-key vlek ", report_data)},
      {"azure_sev_snp", Cat("azure --tee snp ", nonce, " --machine=m {x}")},
      {"azure_tdx", Cat("azure --tee tdx ", nonce, " --machine=m {x}")},
      {"azure_trusted_launch", Cat("tpm --platform azure_trusted_launch ", nonce, " --machine=m {x}")},
      {"gcp_sev_snp", Cat("gce --tee sev_snp ", report_data, " ", nonce, " --machine=m {x}")},
      {"gcp_shielded_vm", Cat("tpm --platform gcp_shielded_vm ", nonce, " --machine=m {x}")},
      {"gcp_tdx", Cat("gce --tee tdx ", report_data, " ", nonce, " --machine=m {x}")},
  };
  EXPECT_EQ(std::size(rows), SimulatedPlatformNames().size());
  for (const auto& row : rows) {
    const std::string program =
        Script("assay-softtee", Cat("test \"$*\" = '", row.asks, " --pki dir --json' || { echo \"$*\" >&2; exit 9; }\n", kOneItem));
    SoftteeSource source({program, "dir", *SimulatedPlatformNamed(row.platform), "m {x}"});
    EXPECT_TRUE(source.Answer(DemandOf(0x5A, 0xA5)).ok()) << row.platform;
  }
}

TEST_F(ProgramTest, ATpmNamesItsKeysAndGivesTheSecretBack) {
  const std::string program = Script(
      "assay-softtee",
      Cat("case \"$*\" in *'--credential-blob 0001aa --encrypted-secret 0001bb'*) secret=Aw== ;; *) secret= ;; esac\n"
          "case \"$*\" in *'--nonce ",
          Times("00", 32),
          "'*) secret=BBBB ;; esac\n"
          "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"\"}],\"tpm\":{\"attestation_key\":\"AQ==\",\"endorsement_key\":\"Ag==\",\"endorsement_certificate\":\"\",\"activation_secret\":\"'$secret'\"}}'\n"));
  SoftteeSource source({program, "dir", *SimulatedPlatformNamed("qemu_vtpm")});
  const auto keys = source.Keys();
  ASSERT_TRUE(keys.ok()) << MessageOf(keys.status());
  EXPECT_EQ(keys->attestation_key, Bytes{1});
  EXPECT_EQ(keys->endorsement_key, Bytes{2});
  Demand demand = DemandOf(1, 2);
  EXPECT_TRUE(source.Answer(demand)->activation_secret.empty()) << "none was sealed";
  demand.requests = {{"a/b", {{"credential_blob", "0001aa"}}}, {"c/d", {{"encrypted_secret", "0001bb"}}}};
  EXPECT_TRUE(source.Answer(demand)->activation_secret.empty()) << "half of one is none";
  demand.requests.push_back({"e/f", {{"credential_blob", "0001aa"}, {"encrypted_secret", "0001bb"}}});
  EXPECT_EQ(source.Answer(demand)->activation_secret, Bytes{3});
}

TEST(SimulatedPlatform, OthersAreToldWhichThereAre) {
  for (const std::string_view name : SimulatedPlatformNames()) EXPECT_EQ((*SimulatedPlatformNamed(name))->name, name);
  const std::pair<const char*, const char*> kOthers[] = {{"", "gcp_tdx, actual ''"},
                                                         {"qemu_tdx ", "Did you mean qemu_tdx?"},
                                                         {"QEMU_TDX", "actual 'QEMU_TDX'"},
                                                         {"gce_tdx", "Did you mean gcp_tdx?"},
                                                         {"azure_trusted_lunch", "Did you mean azure_trusted_launch?"},
                                                         {"qemu_sev_snp_svsm", "actual 'qemu_sev_snp_svsm'"},
                                                         {"{machine}", "actual '{machine}'"}};
  for (const auto& [name, says] : kOthers) {
    const auto none = SimulatedPlatformNamed(name);
    EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(MessageOf(none.status())),
                HasSubstr("--simulate-platform: expected one of qemu_sev_snp, qemu_tdx, qemu_vtpm, aws_nitro_enclave"))
        << name;
    EXPECT_THAT(std::string(MessageOf(none.status())), HasSubstr(says)) << name;
  }
}

TEST_F(ProgramTest, AFailingProgramIsNotEvidence) {
  SoftteeSource source({Script("assay-softtee", "echo '{\"items\":[{\"media_type\":\"a/b\",\"body\":\"AQI=\"}]}'; exit 2\n"), "dir",
                        *SimulatedPlatformNamed("qemu_vtpm")});
  EXPECT_THAT(std::string(MessageOf(source.Keys().status())), HasSubstr("actual 2"));
  EXPECT_THAT(std::string(MessageOf(source.Answer({}).status())), HasSubstr("expected assay-softtee to end with 0, actual 2"));
}

}  // namespace
}  // namespace assay::agent
