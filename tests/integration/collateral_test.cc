// Nodes that bring no certificates, and a vendor that is asked for them: real gRPC, real HTTPS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "store/sqlite_store.h"
#include "tests/fakes/vendor_services.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "tests/softtee/dev_tls.h"

namespace assay::integration {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Reasons(const v1::Appraisal& appraisal) {
  std::vector<std::string> reasons;
  for (const v1::Finding& finding : appraisal.findings()) reasons.push_back(finding.reason());
  return reasons;
}

// A report and nothing else. The policies of the demonstration allow one chip: 0. Others are authenticated all the same.
class Bare final : public agent::ReportSource {
 public:
  explicit Bare(std::uint8_t chip = 0) : chip_(chip) {}
  absl::StatusOr<std::vector<agent::CollectedItem>> Collect(const crypto::Sha512Digest& report_data) override {
    softtee::SnpOptions options{.now = SystemClock().Now()};
    options.report_data = report_data;
    if (chip_ != 0) options.chip_id.emplace().fill(chip_);
    const auto minted = softtee::MintSnp(softtee::SnpPki::Shared(), options);
    if (!minted.ok()) return minted.status();
    return std::vector<agent::CollectedItem>{{std::string(softtee::kReportType), *minted->Find(softtee::kReportType)}};
  }

 private:
  const std::uint8_t chip_;
};

class Vendors {
 public:
  Vendors() : directory_(std::filesystem::path(test::BinaryDir()) / Cat("collateral-integration-tls-", ::getpid())) {
    std::filesystem::create_directories(directory_);
    EXPECT_TRUE(softtee::MakeDevTls(directory_, "localhost", SystemClock().Now()).ok());
    kds_server_.emplace(directory_, [this](const std::string& target) { return kds.Answer(target); });
    pcs_server_.emplace(directory_, [this](const std::string& target) { return pcs.Answer(target); });
  }
  ~Vendors() {
    kds_server_.reset();
    pcs_server_.reset();
    std::filesystem::remove_all(directory_);
  }
  Vendors(const Vendors&) = delete;
  Vendors& operator=(const Vendors&) = delete;
  // YAML. Rates so high that no test waits for them, unless it says otherwise.
  std::string Section(std::string_view kds_rate = "per_minute: 60000, burst: 1000") const {
    const std::string ca = Cat("ca: ", (directory_ / "ca.pem").string());
    const std::string intel = Cat("{url: \"", pcs_server_->url(), "\", ", ca, ", per_minute: 60000, burst: 1000}");
    return Cat("collateral: {patience: 10s, amd_kds: {url: \"", kds_server_->url(), "\", ", ca, ", ", kds_rate, "}, intel_pcs: ", intel,
               ", intel_certificates: ", intel, "}");
  }

  fakes::Kds kds{softtee::SnpPki::Shared(), [] { return SystemClock().Now(); }};
  fakes::Pcs pcs{softtee::IntelPki::Shared(), [] { return SystemClock().Now(); }};

 private:
  const std::filesystem::path directory_;
  std::optional<fakes::HttpsServer> kds_server_, pcs_server_;
};

v1::AttestResponse Joined(Verifier& verifier, agent::EvidenceSource& source) {
  Node node(verifier.join(), verifier.site());
  const auto response = JoinWith(node, source);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *response : v1::AttestResponse();
}

TEST(JoinCollateral, WhatANodeDoesNotBringIsFetchedWhileItWaits) {
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  Bare source;
  for (int i = 0; i < 3; ++i) {
    const v1::AttestResponse response = Joined(verifier, source);
    EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(response.appraisal()));
    EXPECT_EQ(response.absent_collateral_size(), 0);
    EXPECT_EQ(response.retry_after_ms(), 0U);
  }
  // Chain, list, and the certificate of one chip.
  EXPECT_EQ(vendors.kds.CountOf("/"), 3U);
}

TEST(JoinCollateral, SoIsAllOfIntels) {
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  MintingDcap quote_alone({.now = SystemClock().Now()}, {softtee::kQuoteType});
  for (int i = 0; i < 3; ++i) {
    const v1::AttestResponse response = Joined(verifier, quote_alone);
    EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_TRUSTED) << testing::PrintToString(Reasons(response.appraisal()));
  }
  for (const auto& [target, count] : vendors.pcs.requests()) EXPECT_EQ(count, 1U) << target;
}

TEST(JoinCollateral, AVendorThatAsksForPatienceLeavesItUndecided) {
  Vendors vendors;
  vendors.kds.Script("", {.status = 429, .headers = {{"Retry-After", "300"}}}, 1000);
  Verifier verifier("", vendors.Section());
  Bare source(2);
  const v1::AttestResponse response = Joined(verifier, source);
  EXPECT_EQ(response.appraisal().verdict(), v1::VERDICT_INDETERMINATE) << testing::PrintToString(Reasons(response.appraisal()));
  EXPECT_THAT(Reasons(response.appraisal()), Contains("certificate_missing"));
  EXPECT_FALSE(response.appraisal().missing_collateral().empty());
  ASSERT_EQ(response.absent_collateral_size(), 4);
  for (const v1::AbsentCollateral& absent : response.absent_collateral()) EXPECT_GT(absent.retry_after_ms(), 0U);
  EXPECT_EQ(response.absent_collateral(0).reason(), "collateral_unreachable");
  EXPECT_GT(response.retry_after_ms(), 200'000U);
  // Who brings its own is served as ever meanwhile.
  Node node(verifier.join(), verifier.site());
  const auto trusted = JoinAs(node, {.now = SystemClock().Now()});
  ASSERT_TRUE(trusted.ok());
  EXPECT_EQ(trusted->appraisal().verdict(), v1::VERDICT_TRUSTED);
}

TEST(JoinCollateral, WithoutUpstreamsNobodyIsAskedAndALeafOfANodeServesTheNext) {
  Verifier verifier;
  Bare bare;
  const v1::AttestResponse before = Joined(verifier, bare);
  EXPECT_EQ(before.appraisal().verdict(), v1::VERDICT_INDETERMINATE);
  ASSERT_NE(before.absent_collateral_size(), 0);
  for (const v1::AbsentCollateral& absent : before.absent_collateral()) {
    EXPECT_EQ(absent.reason(), "collateral_offline");
    EXPECT_EQ(absent.retry_after_ms(), 0U);
  }
  EXPECT_NE(before.retry_after_ms(), 0U);  // an operator may import it
  // A node on the same chip brings everything; then the certificate of the chip is known, and chain and list are not.
  Node node(verifier.join(), verifier.site());
  ASSERT_EQ(JoinAs(node, {.now = SystemClock().Now()})->appraisal().verdict(), v1::VERDICT_TRUSTED);
  const v1::AttestResponse after = Joined(verifier, bare);
  std::vector<std::string> absent;
  for (const v1::AbsentCollateral& one : after.absent_collateral()) absent.push_back(one.key());
  EXPECT_THAT(absent, ::testing::UnorderedElementsAre("amd.ark/Milan", "amd.ask/Milan", "amd.crl/Milan"));
}

// Lists of one issuer for different certificates: evidence needs them under one key, and each has a floor of its own.
TEST(JoinCollateral, TheFloorOfTheListForVleksIsRememberedToo) {
  Vendors vendors;
  Verifier verifier("", vendors.Section(), std::nullopt, [](const Site& site) {
    site.Write("policies/aws.yaml", R"(apiVersion: assay.v1
kind: AppraisalPolicy
name: aws
platform: aws_sev_snp_report
rules:
  - {claim: snp.policy_debug, equals: false}
  - {claim: snp.policy_migrate_ma, equals: false}
  - {claim: snp.vmpl, equals: 0}
  - {claim: snp.reported_tcb, at_least: {"19:01:*": {snp: 1}}}
  - {claim: snp.platform_info, bits_set: [smt_en]}
  - {claim: snp.revocation_checked, equals: true}
waive:
  - {claim: boot.covered, reason: firmware only}
  - {claim: owner, reason: not told}
)");
    std::string set = site.Text("policies/demo.yaml");
    set.replace(set.find("policies: ["), 11, "policies: [aws, ");
    site.Write("policies/demo.yaml", set);
  });
  softtee::SnpOptions options{.now = SystemClock().Now()};
  options.signing_key = softtee::SigningKey::kVlek;
  options.with_crl = false;
  Minting source(options);
  bool remembered = false;
  while (!remembered) {
    const v1::AttestResponse response = Joined(verifier, source);
    ASSERT_EQ(response.appraisal().authenticity(), v1::AUTHENTICITY_AUTHENTIC) << testing::PrintToString(Reasons(response.appraisal()));
    const auto store = store::OpenSqliteStore(verifier.site().File("assay.db"));
    ASSERT_TRUE(store.ok()) << store.status();
    const auto record = (*store)->Get(response.verdict_id());
    ASSERT_TRUE(record.ok()) << record.status();
    for (const v1::CollateralFloor& floor : record->state().floors()) {
      remembered |= floor.kind() == "amd.crl" && floor.scope() == "Milan" && floor.detail() == "vlek";
    }
  }
}

TEST(JoinCollateral, AVerifierStopsWhileNodesWait) {
  Vendors vendors;
  vendors.kds.Script("cert_chain", {.body = "slowly", .drips = true}, 100);
  auto verifier = std::make_unique<Verifier>("", vendors.Section());
  Bare source(4);
  std::thread node([&] {
    Node one(verifier->join(), verifier->site());
    const auto response = JoinWith(one, source);
    if (response.ok()) { EXPECT_EQ(response->appraisal().verdict(), v1::VERDICT_INDETERMINATE); }
  });
  while (vendors.kds.CountOf("cert_chain") == 0) std::this_thread::yield();
  verifier->server().Shutdown(std::chrono::seconds(10));
  node.join();
}

// Many nodes on few machines, none with its certificates, and others that have them: as many requests as documents.
TEST(JoinCollateral, AStormOverGrpcMakesOneFetchForEachDocument) {
  constexpr int kThreads = 8, kRounds = 10, kMachines = 5;
  Vendors vendors;
  Verifier verifier("", vendors.Section());
  std::atomic<int> authentic = 0, trusted_of_their_own = 0;
  std::vector<std::thread> nodes;
  for (int t = 0; t < kThreads; ++t) {
    nodes.emplace_back([&, t] {
      Node node(verifier.join(), verifier.site());
      for (int i = 0; i < kRounds; ++i) {
        if (t % 2 == 0) {
          Bare source(static_cast<std::uint8_t>(10 + (t + i) % kMachines));
          const auto response = JoinWith(node, source);
          const bool settled = response.ok() && response->appraisal().authenticity() == v1::AUTHENTICITY_AUTHENTIC;
          authentic += settled ? 1 : 0;
        } else {
          const auto response = JoinAs(node, {.now = SystemClock().Now()});
          trusted_of_their_own += response.ok() && response->appraisal().verdict() == v1::VERDICT_TRUSTED ? 1 : 0;
        }
      }
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(trusted_of_their_own, kThreads / 2 * kRounds);
  EXPECT_GT(authentic, 0);
  EXPECT_EQ(vendors.kds.CountOf("/"), kMachines + 2U);
  for (const auto& [target, count] : vendors.kds.requests()) EXPECT_EQ(count, 1U) << target;
}

// --- the operators' commands ---

struct Ran {
  int code;
  std::string said;  // on both outputs
};
// assay with these arguments, as an operator with this role.
Ran Assay(const Verifier& verifier, std::string_view who, std::vector<std::string> arguments) {
  const Site& site = verifier.site();
  const std::string tls = Cat("tls/", who);
  arguments.insert(arguments.begin(), test::Program("assay"));
  arguments.insert(arguments.end(), {"--server", verifier.operators(), "--ca", site.File("tls/ca.pem"), "--cert",
                                     site.File(Cat(tls, ".pem")), "--key", site.File(Cat(tls, ".key"))});
  std::filesystem::remove(site.File("said"));  // of the one before
  Process process(arguments, site.File("said"));
  const int code = process.Wait();
  return {code, site.Text("said")};
}

TEST(CollateralCommands, SayWhatIsHeldAndWhatKeepsTheRest) {
  Vendors vendors;
  vendors.kds.Script("/vcek/v1/Milan/crl", {.status = 503}, 1000);
  Verifier verifier("", Cat(vendors.Section(), "\nair_gap: {export_key: export.key}"), std::nullopt, [](const Site& site) {
    std::string text = site.Text("assayd.yaml");
    text.insert(text.find("  roles:\n") + 9, "    - {identity: \"spiffe://dev.assay/operator/admin\", role: admin}\n");
    site.Write("assayd.yaml", text);
  });
  Bare source;
  const auto report = source.Collect({});
  ASSERT_TRUE(report.ok());
  verifier.site().Write("report.bin", AsText(report->front().body));

  const Ran wanted = Assay(verifier, "operator", {"collateral", "fetch", "--for", verifier.site().File("report.bin")});
  EXPECT_EQ(wanted.code, 0) << wanted.said;
  EXPECT_THAT(wanted.said, HasSubstr("wanted  amd.vcek/Milan/"));
  while (vendors.kds.CountOf("/") < 3) std::this_thread::yield();
  Ran status;
  do status = Assay(verifier, "viewer", {"collateral", "status"});
  while (status.code == 0 && (status.said.find("503") == std::string::npos || status.said.find("amd.ark") == std::string::npos));
  EXPECT_EQ(status.code, 0) << status.said;
  EXPECT_THAT(status.said, HasSubstr("LAST ERROR"));
  EXPECT_THAT(status.said, ::testing::ContainsRegex("amd.crl +Milan .*missing.*503")) << status.said;
  EXPECT_THAT(status.said, ::testing::ContainsRegex("amd.ark +Milan .*vendor"));
  const Ran failed = Assay(verifier, "viewer", {"collateral", "status", "--filter", "failed = true", "-o", "json"});
  EXPECT_THAT(failed.said, HasSubstr("amd.crl"));
  EXPECT_EQ(failed.said.find("amd.ark"), std::string::npos) << failed.said;

  const Ran exported = Assay(verifier, "admin", {"collateral", "export", "--to", verifier.site().File("bundle")});
  EXPECT_EQ(exported.code, 0) << exported.said;
  EXPECT_THAT(exported.said, HasSubstr("signed by key "));
  struct Case {
    std::string_view who;
    std::vector<std::string> arguments;
    int code;
    std::string_view said;
  };
  const std::string bundle = verifier.site().File("bundle");
  for (const Case& c : std::vector<Case>{
           {"operator", {"collateral", "refresh", "amd.crl/Milan"}, 0, "1 documents are asked for"},
           {"viewer", {"collateral", "refresh"}, 2, "permission_denied (5010)"},
           {"operator",
            {"collateral", "refresh", "amd.crll/Milan"},
            2,
            "expected a kind of collateral, as intel.tcb_info or amd.crl, actual 'amd.crll'"},
           {"operator", {"collateral", "export", "--to", bundle}, 2, "expected an identity with the role admin"},
           {"admin",
            {"collateral", "export", "--to", "/nowhere/at/all"},
            2,
            "--to '/nowhere/at/all': expected a place that can be written"},
           {"admin",
            {"collateral", "import", bundle},
            2,
            "air_gap.import_keys: expected public keys of verifiers whose exports are imported, actual nothing"},
           {"admin", {"collateral", "import", "/nowhere/at/all"}, 2, "/nowhere/at/all"},
           {"operator", {"collateral", "fetch", "--for", bundle}, 5, "bundle"},
           {"viewer", {"collateral", "status", "--filter", "failled = true"}, 2, "did you mean 'failed'"},
           {"viewer", {"collateral", "forecast", "--tcb-floor", "19:01:*/snp=0x1b@someday"}, 2, "--tcb-floor"},
           {"viewer", {"collateral", "forecast"}, 0, "nothing to forecast by"},
       }) {
    const Ran ran = Assay(verifier, c.who, c.arguments);
    EXPECT_EQ(ran.code, c.code) << testing::PrintToString(c.arguments) << ran.said;
    EXPECT_THAT(ran.said, HasSubstr(std::string(c.said))) << testing::PrintToString(c.arguments);
  }
}

TEST(CollateralCommands, AttestSaysWhatTheVerifierLacked) {
  const Verifier verifier("", "", std::nullopt, [](const Site& site) {
    Process pki({test::Program("assay-softtee"), "pki", "--dir", site.File("pki")}, site.File("said"));
    ASSERT_EQ(pki.Wait(), 0) << site.Text("said");
    site.Write("anchors.yaml", site.Text("pki/anchors.yaml"));
  });
  const Site& site = verifier.site();
  Process attest(
      {test::Program("assay"), "attest", "--server", verifier.join(), "--ca", site.File("tls/ca.pem"), "--cluster", "demo", "--role",
       "worker", "--simulate", site.File("pki"), "--simulate-platform", "qemu_tdx", "--simulate-fault", "tcb_info_missing"},
      site.File("said"));
  EXPECT_EQ(attest.Wait(), 6) << site.Text("said");
  EXPECT_THAT(site.Text("said"), HasSubstr("assay: the verifier lacked intel.tcb_info/TDX/"));
  EXPECT_THAT(site.Text("said"), HasSubstr("collateral_offline (4007); waiting will not bring it"));
}

TEST(AttestCommand, AVerdictWithoutATokenIsShownAllTheSame) {
  const Verifier verifier("", "", std::nullopt, [](const Site& site) {
    Process pki({test::Program("assay-softtee"), "pki", "--dir", site.File("pki")}, site.File("said"));
    ASSERT_EQ(pki.Wait(), 0) << site.Text("said");
    site.Write("anchors.yaml", site.Text("pki/anchors.yaml"));
    std::string config = site.Config();
    const std::size_t tokens = config.find("tokens:");
    site.Write("assayd.yaml", config.erase(tokens, config.find('\n', tokens) + 1 - tokens));
  });
  const Site& site = verifier.site();
  // What the verdict says goes before what could not be saved.
  for (const auto& [fault, verdict, code] : {std::tuple("", "TRUSTED", 7), std::tuple("tcb_info_missing", "INDETERMINATE", 6)}) {
    std::vector<std::string> command = {test::Program("assay"),
                                        "attest",
                                        "--server",
                                        verifier.join(),
                                        "--ca",
                                        site.File("tls/ca.pem"),
                                        "--cluster",
                                        "demo",
                                        "--role",
                                        "worker",
                                        "--simulate",
                                        site.File("pki"),
                                        "--simulate-platform",
                                        "qemu_tdx",
                                        "--ear",
                                        site.File("ear.jwt")};
    if (*fault != '\0') command.insert(command.end(), {"--simulate-fault", fault});
    const std::string said = Cat("said-", verdict);
    Process attest(command, site.File(said));
    EXPECT_EQ(attest.Wait(), code) << fault;
    const std::string text = site.Text(said);
    EXPECT_THAT(text, testing::AllOf(HasSubstr(verdict), HasSubstr("verdict id"), HasSubstr("--ear: expected a token"))) << fault;
    EXPECT_FALSE(std::filesystem::exists(site.File("ear.jwt")));
  }
}

}  // namespace
}  // namespace assay::integration
