// Every platform that the software TEE knows at the join listener, under the shipped policies: a sound machine is believed, a faulty one is
// refused for the reason that the fault owes. Through `assay attest --simulate`, and in finer detail through the agent that it is made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/absl_bridge.h"
#include "base/strings.h"
#include "client/agent/softtee_source.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"

namespace assay::integration {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Fault {
  const char* name;
  const char* reason;  // as `assay-softtee faults` says
  v1::Verdict verdict = v1::VERDICT_REJECTED;
};
struct Row {
  const char* platform;
  v1::Strength strength;
  std::vector<Fault> faults;
};
// Of each carrier the digest of another challenge, of each chain a break, and something that the platform alone has.
const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"qemu_vtpm",
       v1::STRENGTH_E,
       {{"extra_data_other", "binding_mismatch"}, {"ek_root_self_made", "root_not_pinned"}, {"pcr_changed", "pcr_digest_mismatch"}}},
      {"gcp_shielded_vm",
       v1::STRENGTH_D,
       {{"extra_data_other", "binding_mismatch"}, {"root_self_made", "root_not_pinned"}, {"certificate_expired", "expired"}}},
      {"azure_trusted_launch",
       v1::STRENGTH_D,
       {{"extra_data_other", "binding_mismatch"}, {"root_self_made", "root_not_pinned"}, {"quote_of_other_key", "signature_invalid"}}},
      {"azure_sev_snp",
       v1::STRENGTH_C,
       {{"extra_data_other", "binding_mismatch"},
        {"claims_changed", "claims_not_committed"},
        {"certificate_of_other", "ak_certificate_of_other"}}},
      {"azure_tdx", v1::STRENGTH_C, {{"extra_data_other", "binding_mismatch"}, {"td_quote_missing", "item_missing"}}},
      {"gcp_sev_snp",
       v1::STRENGTH_C,
       {{"report_of_other_transcript", "binding_mismatch"},
        {"transcript_without_ak", "ak_uncommitted"},
        {"not_production", "not_production"}}},
      {"gcp_tdx",
       v1::STRENGTH_C,
       {{"quote_of_other_transcript", "binding_mismatch"},
        {"certificate_other_issuer_key", "chain_broken"},
        {"endorsement_changed", "signature_invalid"}}},
      {"aws_nitro_enclave",
       v1::STRENGTH_D,
       {{"nonce_other", "binding_mismatch"}, {"debug", "debug_enabled"}, {"root_self_made", "root_not_pinned"}}},
      {"aws_nitro_tpm", v1::STRENGTH_D, {{"nonce_missing", "binding_mismatch"}, {"signature_damaged", "signature_invalid"}}},
      {"aws_sev_snp", v1::STRENGTH_C, {{"nonce_other", "binding_mismatch"}, {"leaf_expired", "expired"}}},
  };
  return rows;
}

constexpr std::string_view kSetHead = R"(apiVersion: assay.v1
kind: PolicySet
name: simulated
context: {cluster: simulated, role: [worker]}
strength: {at_least: E}
trust_boundary: {require: []}
policies: [)";

// Where assay-softtee has all of its PKIs, the anchors of which it writes into a file.
const std::string& Pki() {
  static const std::string directory = [] {
    std::string made = test::SoftteePkiDir();
    const std::string output = Cat(testing::TempDir(), "assay-simulated-pki.txt");
    EXPECT_EQ(Process({test::Program("assay-softtee"), "pki", "--dir", made}, output).Wait(), 0);
    return made;
  }();
  return directory;
}

class Simulated : public ::testing::Test {
 protected:
  // One for all tests: none of them looks at what another left behind.
  static void SetUpTestSuite() {
    verifier_ = std::make_unique<Verifier>("", "gce_endorsement_roots: [gce_endorsement_root.der]", std::nullopt, [](const Site& site) {
      std::string policies;
      for (const auto& file : std::filesystem::directory_iterator(test::SourceDir() + "/policies")) {
        if (file.path().extension() != ".yaml") continue;
        std::filesystem::copy(file.path(), site.root() / "policies" / file.path().filename());
        std::string name = file.path().stem();
        std::replace(name.begin(), name.end(), '_', '-');
        policies += Cat(policies.empty() ? "" : ", ", name);
      }
      site.Write("policies/simulated.yaml", Cat(kSetHead, policies, "]\n"));
      for (const char* file : {"anchors.yaml", "gce_endorsement_root.der"}) {
        std::filesystem::copy(std::filesystem::path(Pki()) / file, site.root() / file, std::filesystem::copy_options::overwrite_existing);
      }
    });
  }
  static void TearDownTestSuite() { verifier_.reset(); }

  static agent::SoftteeOptions Options(std::string_view platform) {
    // One machine, since its keys take time to make.
    return {.program = test::Program("assay-softtee"),
            .pki_directory = Pki(),
            .platform = *agent::SimulatedPlatformNamed(platform),
            .machine = "integration"};
  }
  static v1::Appraisal Join(agent::SoftteeOptions options, std::string_view hint = "") {
    agent::SoftteeSource source(options);
    Node node(verifier_->join(), verifier_->site());
    const auto response = agent::Join({.cluster = "simulated",
                                       .role = "worker",
                                       .name = options.machine,
                                       .platform = std::string(hint.empty() ? options.platform->name : hint)},
                                      node.key(), source, node);
    if (response.ok()) return response->appraisal();
    ADD_FAILURE() << options.platform->name << " " << options.fault << ": " << MessageOf(response.status());
    return {};
  }
  // "exit code: what it printed"
  static std::string Attest(const std::vector<std::string>& more) {
    const Site& site = verifier_->site();
    const std::string output = site.File("output");
    std::filesystem::remove(output);
    std::vector<std::string> arguments = {test::Program("assay"),
                                          "attest",
                                          "--server",
                                          verifier_->join(),
                                          "--ca",
                                          site.File("tls/ca.pem"),
                                          "--cluster",
                                          "simulated",
                                          "--role",
                                          "worker",
                                          "--simulate",
                                          Pki(),
                                          "-v"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const int code = Process(arguments, output).Wait();
    return Cat(code, ": ", site.Text("output"));
  }

  static std::unique_ptr<Verifier> verifier_;
};
std::unique_ptr<Verifier> Simulated::verifier_;

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

TEST_F(Simulated, SoundMachinesAreBelievedUnderTheShippedPolicies) {
  for (const Row& row : Rows()) {
    const v1::Appraisal appraisal = Join(Options(row.platform));
    // They know neither image nor, most of them, owner.
    EXPECT_EQ(appraisal.verdict(), v1::VERDICT_TRUSTED_WITH_WARNINGS) << row.platform << " " << testing::PrintToString(Reasons(appraisal));
    EXPECT_EQ(appraisal.platform(), row.platform);
    EXPECT_EQ(appraisal.strength(), row.strength) << row.platform;
    EXPECT_EQ(appraisal.instance_identity().size(), 32U) << row.platform;
    EXPECT_TRUE(appraisal.simulated());
    EXPECT_TRUE(appraisal.channel_bound());
    EXPECT_FALSE(appraisal.admits());
  }
}

TEST_F(Simulated, EachFaultIsRefusedForItsReason) {
  for (const Row& row : Rows()) {
    for (const Fault& fault : row.faults) {
      agent::SoftteeOptions options = Options(row.platform);
      options.fault = fault.name;
      const v1::Appraisal appraisal = Join(options);
      EXPECT_EQ(appraisal.verdict(), fault.verdict) << row.platform << " " << fault.name;
      EXPECT_THAT(Reasons(appraisal), Contains(std::string(fault.reason))) << row.platform << " " << fault.name;
      EXPECT_FALSE(appraisal.admits());
    }
  }
}

// What one platform's evidence is worth, it is worth as that platform's only.
TEST_F(Simulated, EvidenceIsOfNoOtherPlatform) {
  const std::pair<const char*, const char*> kMistaken[] = {{"azure_trusted_launch", "gcp_shielded_vm"},
                                                           {"gcp_shielded_vm", "azure_trusted_launch"},
                                                           {"qemu_vtpm", "azure_trusted_launch"},
                                                           {"aws_nitro_tpm", "aws_nitro_enclave"},
                                                           {"aws_sev_snp", "qemu_sev_snp"},
                                                           {"gcp_tdx", "azure_tdx"}};
  for (const auto& [minted, claimed] : kMistaken) {
    EXPECT_EQ(Join(Options(minted), claimed).verdict(), v1::VERDICT_REJECTED) << minted << " as " << claimed;
  }
}

TEST_F(Simulated, AMachineStaysTheSameAndIsNoOther) {
  for (const char* platform : {"qemu_vtpm", "gcp_shielded_vm", "aws_nitro_tpm"}) {
    agent::SoftteeOptions options = Options(platform);
    const std::string identity = Join(options).instance_identity();
    EXPECT_EQ(Join(options).instance_identity(), identity) << platform;
    options.machine += "-2";
    EXPECT_NE(Join(options).instance_identity(), identity) << platform;
  }
}

TEST_F(Simulated, TheCommandLineSimulatesEachOfThem) {
  for (const std::string_view platform : agent::SimulatedPlatformNames()) {
    const std::string said = Attest({"--simulate-platform", std::string(platform), "--name", "integration"});
    EXPECT_THAT(said, StartsWith("0: TRUSTED WITH WARNINGS (simulated)")) << platform << ": " << said;
    EXPECT_THAT(said, HasSubstr(platform));
  }
  EXPECT_THAT(Attest({"--platform", "gcp_shielded_vm", "--name", "integration"}), StartsWith("0: ")) << "the hint says it as well";
  EXPECT_THAT(Attest({"--simulate-platform", "qemu_vtpm", "--platform", "gcp_shielded_vm", "--name", "integration"}),
              Not(StartsWith("0: ")))
      << "the hint stands over it";
}

TEST_F(Simulated, TheCommandLineSaysWhatIsWrong) {
  const struct {
    std::vector<std::string> arguments;
    const char* code;
    const char* says;
  } rows[] = {
      {{"--simulate-platform", "azure_trusted_lunch"}, "2: ", "Did you mean azure_trusted_launch?"},
      {{"--simulate-platform", "qemu_sev_snp_svsm"}, "2: ", "expected one of qemu_sev_snp, qemu_tdx, qemu_vtpm"},
      {{"--simulate-platform", "qemu_vtpm", "--simulate-fault", "certificate_missing"},
       "2: ",
       "there is no certificate_missing with --platform qemu_vtpm"},
      {{"--simulate-platform", "qemu_vtpm", "--simulate-fault", "ek_issuer_missing", "--name", "integration"},
       "4: REJECTED",
       "chain_incomplete"},
      {{"--simulate-platform", "gcp_tdx", "--simulate-fault", "pcr_changed", "--name", "integration"},
       "4: REJECTED",
       "pcr_digest_mismatch"},
      {{"--simulate-platform", "aws_sev_snp", "--simulate-arg", "no-such-option"}, "2: ", "no-such-option"},
  };
  for (const auto& row : rows) {
    const std::string said = Attest(row.arguments);
    EXPECT_THAT(said, StartsWith(row.code)) << row.says;
    EXPECT_THAT(said, HasSubstr(row.says));
  }
}

}  // namespace
}  // namespace assay::integration
