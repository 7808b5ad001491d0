#include "telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/strings.h"
#include "tests/places/places.h"
#include "tests/vectors_dir.h"

namespace assay::telemetry {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const KnownNames kKnown{{"qemu_sev_snp", "aws_sev_snp_report"},
                        {"assay.v1.AttestationService/Attest", "assay.v1.VerdictService/GetVerdict"},
                        {"amd_kds"},
                        {"amd.crl"}};
const Time kNow = *ParseTime("2026-11-24T12:00:00Z");

class MetricsTest : public ::testing::Test {
 protected:
  // The value of one series as it is exposed; "" if there is none.
  std::string ValueOf(const std::string& series) {
    std::istringstream lines(metrics_.Expose());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
    }
    return "";
  }

  std::size_t Series() {
    std::istringstream lines(metrics_.Expose());
    std::size_t series = 0;
    for (std::string line; std::getline(lines, line);) series += line.starts_with('#') ? 0U : 1U;
    return series;
  }

  void TouchEverything() {
    metrics_.CountAppraisal("qemu_sev_snp", "VERDICT_TRUSTED");
    metrics_.CountReason("qemu_sev_snp", Reason::kTcbMismatch);
    metrics_.ObserveStage(AppraisalStage::kAppraise, 0.003);
    metrics_.CountAttempt(Reason::kSignatureInvalid);
    metrics_.CountChallengeIssued();
    metrics_.CountChallengeRedeemed();
    metrics_.CountChallengeRefused(Reason::kChallengeExpired);
    metrics_.CountRpc("/assay.v1.AttestationService/Attest", absl::StatusCode::kOk, 0.01);
    metrics_.CountRateLimited(RateScope::kAddress);
    metrics_.SetQueue(3, 128);
    metrics_.SetWatchers(2);
    metrics_.SetEdge(
        Listener::kJoin,
        {.accepted = 10, .open = 4, .refused_total = 1, .refused_per_address = 2, .refused_rate = 3, .cut = 5, .accept_errors = 6});
    metrics_.SetTlsNotAfter(Listener::kOperator, kNow);
    metrics_.SetSelfProbe(Listener::kJoin, true);
    metrics_.CountStore(StoreOperation::kRecord, absl::StatusCode::kUnavailable, 0.2);
    metrics_.SetStoreBytes(std::uint64_t{5} << 30);
    metrics_.CountToken(TokenKind::kEar, TokenResult::kIssued);
    metrics_.SetKeys(KeyState::kActive, 1);
    metrics_.CountReload(Reloadable::kPolicies, true, kNow);
    metrics_.SetNodes(NodeState::kTrusted, 7);
    metrics_.CountFetch("amd_kds", FetchResult::kThrottled, 0.1);
    metrics_.SetUpstream("amd_kds", 2, 5);
    metrics_.CountLookup("amd.crl", LookupResult::kShelf);
    metrics_.CountRollback("amd.crl");
    metrics_.SetCollateral("amd.crl", {.items = 3, .obtained = kNow, .expires = kNow + Duration(60)});
  }

  Metrics metrics_{"1.2.3", kKnown};
};

TEST_F(MetricsTest, WhatWasCountedIsExposed) {
  TouchEverything();
  const std::string text = metrics_.Expose();
  for (const char* line : {
           R"(assay_build_info{version="1.2.3"} 1)",
           R"(assay_appraisals_total{platform="qemu_sev_snp",verdict="trusted"} 1)",
           R"(assay_appraisal_reasons_total{platform="qemu_sev_snp",reason="tcb_mismatch"} 1)",
           R"(assay_appraisal_stage_duration_seconds_bucket{stage="appraise",le="0.0025"} 0)",
           R"(assay_appraisal_stage_duration_seconds_bucket{stage="appraise",le="0.005"} 1)",
           R"(assay_attempts_failed_total{reason="signature_invalid"} 1)",
           "assay_challenges_issued_total 1",
           "assay_challenges_redeemed_total 1",
           R"(assay_challenges_refused_total{reason="challenge_expired"} 1)",
           R"(assay_grpc_requests_total{code="OK",method="Attest",service="assay.v1.AttestationService"} 1)",
           R"(assay_grpc_request_duration_seconds_count{method="Attest",service="assay.v1.AttestationService"} 1)",
           R"(assay_rate_limited_total{scope="address"} 1)",
           "assay_worker_queue_depth 3",
           "assay_worker_queue_capacity 128",
           "assay_watchers 2",
           R"(assay_connections_accepted_total{listener="join"} 10)",
           R"(assay_connections_open{listener="join"} 4)",
           R"(assay_connections_refused_total{listener="join",reason="total"} 1)",
           R"(assay_connections_refused_total{listener="join",reason="per_address"} 2)",
           R"(assay_connections_refused_total{listener="join",reason="rate"} 3)",
           R"(assay_connections_cut_total{listener="join"} 5)",
           R"(assay_connection_accept_errors_total{listener="join"} 6)",
           R"(assay_tls_certificate_not_after_timestamp_seconds{listener="operator"} 1795521600)",
           R"(assay_store_operations_total{code="UNAVAILABLE",operation="record"} 1)",
           R"(assay_store_operation_duration_seconds_count{operation="record"} 1)",
           "assay_store_size_bytes 5368709120",
           R"(assay_tokens_total{kind="ear",result="issued"} 1)",
           R"(assay_signing_keys{state="active"} 1)",
           R"(assay_reloads_total{result="success",what="policies"} 1)",
           R"(assay_reload_last_success_timestamp_seconds{what="policies"} 1795521600)",
           R"(assay_nodes{state="trusted"} 7)",
           R"(assay_collateral_fetches_total{result="throttled",upstream="amd_kds"} 1)",
           R"(assay_collateral_fetches_total{result="fetched",upstream="amd_kds"} 0)",
           R"(assay_collateral_fetch_duration_seconds_count{upstream="amd_kds"} 1)",
           R"(assay_collateral_breaker_state{upstream="amd_kds"} 2)",
           R"(assay_collateral_wanted{upstream="amd_kds"} 5)",
           R"(assay_collateral_lookups_total{kind="amd.crl",result="shelf"} 1)",
           R"(assay_collateral_rollbacks_total{kind="amd.crl"} 1)",
           R"(assay_collateral_items{kind="amd.crl"} 3)",
           R"(assay_collateral_obtained_timestamp_seconds{kind="amd.crl"} 1795521600)",
           R"(assay_collateral_expiry_timestamp_seconds{kind="amd.crl"} 1795521660)",
       }) {
    EXPECT_THAT(text, HasSubstr(std::string("\n") + line + "\n"));
  }
}

TEST_F(MetricsTest, WhatIsTouchedIsAllThereIs) {
  TouchEverything();
  std::set<std::string> exposed, named;
  std::istringstream lines(metrics_.Expose());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) exposed.insert(line.substr(7));
  }
  for (const MetricEntry& metric : AllMetrics()) named.insert(Cat(metric.name, " ", NameOf(metric.type)));
  EXPECT_EQ(exposed, named);
}

TEST_F(MetricsTest, TextFromOutsideMakesNoSeries) {
  metrics_.CountAppraisal("", "");
  metrics_.CountReason("", Reason::kTcbMismatch);
  metrics_.CountRpc("", absl::StatusCode::kUnimplemented, 0);
  const std::size_t before = Series();
  for (int i = 0; i < 200; ++i) {
    const std::string text = Cat("text", i, "\"\n{}");
    metrics_.CountAppraisal(text, text);
    metrics_.CountReason(text, Reason::kTcbMismatch);
    metrics_.CountRpc(text, absl::StatusCode::kUnimplemented, 0);
    metrics_.CountRpc(Cat("/assay.v1.AttestationService/", text), absl::StatusCode::kUnimplemented, 0);
  }
  EXPECT_EQ(Series(), before);
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("text1")));
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="other",verdict="other"})"), "201");
  EXPECT_EQ(ValueOf(R"(assay_appraisal_reasons_total{platform="other",reason="tcb_mismatch"})"), "201");
  EXPECT_EQ(ValueOf(R"(assay_grpc_requests_total{code="UNIMPLEMENTED",method="other",service="other"})"), "401");
}

TEST_F(MetricsTest, NamesThatAreAlmostKnownAreOther) {
  for (const char* platform : {"QEMU_SEV_SNP", "qemu_sev_snp ", "qemu_sev", "other"}) metrics_.CountAppraisal(platform, "VERDICT_REJECTED");
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="other",verdict="rejected"})"), "4");
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="qemu_sev_snp",verdict="rejected"})"), "0");
  for (const char* verdict : {"VERDICT_UNSPECIFIED", "VERDICT_", "TRUSTED!", "VERDICT_VERDICT_TRUSTED"}) {
    metrics_.CountAppraisal("qemu_sev_snp", verdict);
  }
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="qemu_sev_snp",verdict="other"})"), "4");
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="qemu_sev_snp",verdict="trusted"})"), "0");
  metrics_.CountRpc("//assay.v1.AttestationService/Attest", absl::StatusCode::kOk, 0);
  EXPECT_EQ(ValueOf(R"(assay_grpc_requests_total{code="OK",method="other",service="other"})"), "1");
}

TEST_F(MetricsTest, CodesThatGrpcDoesNotHaveAreOther) {
  metrics_.CountRpc("assay.v1.AttestationService/Attest", static_cast<absl::StatusCode>(17), 0);
  metrics_.CountRpc("assay.v1.AttestationService/Attest", static_cast<absl::StatusCode>(-1), 0);
  metrics_.CountRpc("assay.v1.AttestationService/Attest", static_cast<absl::StatusCode>(1000), 0);
  EXPECT_EQ(ValueOf(R"(assay_grpc_requests_total{code="other",method="Attest",service="assay.v1.AttestationService"})"), "3");
  metrics_.CountRpc("assay.v1.AttestationService/Attest", absl::StatusCode::kUnauthenticated, 0);
  EXPECT_EQ(ValueOf(R"(assay_grpc_requests_total{code="UNAUTHENTICATED",method="Attest",service="assay.v1.AttestationService"})"), "1");
}

TEST_F(MetricsTest, WhatHasNotHappenedYetIsZeroAndNotAbsent) {
  EXPECT_EQ(ValueOf(R"(assay_appraisals_total{platform="aws_sev_snp_report",verdict="indeterminate"})"), "0");
  EXPECT_EQ(ValueOf(R"(assay_reloads_total{result="failure",what="tls"})"), "0");
  EXPECT_EQ(ValueOf(R"(assay_grpc_request_duration_seconds_count{method="GetVerdict",service="assay.v1.VerdictService"})"), "0");
  // A gauge that was never set would lie.
  EXPECT_EQ(ValueOf(R"(assay_tls_certificate_not_after_timestamp_seconds{listener="join"})"), "");
  EXPECT_EQ(ValueOf(R"(assay_reload_last_success_timestamp_seconds{what="policies"})"), "");
}

TEST_F(MetricsTest, AFailedReloadKeepsTheTimeOfTheLastGoodOne) {
  metrics_.CountReload(Reloadable::kTls, true, kNow);
  metrics_.CountReload(Reloadable::kTls, false, kNow + Duration(60));
  EXPECT_EQ(ValueOf(R"(assay_reload_last_success_timestamp_seconds{what="tls"})"), "1795521600");
  EXPECT_EQ(ValueOf(R"(assay_reloads_total{result="failure",what="tls"})"), "1");
}

TEST_F(MetricsTest, CountersOfASnapshotNeverFall) {
  const std::string accepted = R"(assay_connections_accepted_total{listener="join"})", open = R"(assay_connections_open{listener="join"})";
  metrics_.SetEdge(Listener::kJoin, {.accepted = 5, .open = 3});
  metrics_.SetEdge(Listener::kJoin, {.accepted = 5, .open = 2});
  EXPECT_EQ(ValueOf(accepted), "5");
  EXPECT_EQ(ValueOf(open), "2");
  metrics_.SetEdge(Listener::kJoin, {.accepted = 4, .open = 1});
  EXPECT_EQ(ValueOf(accepted), "5");
  EXPECT_EQ(ValueOf(open), "1");
  metrics_.SetEdge(Listener::kJoin, {.accepted = 9, .open = 0});
  EXPECT_EQ(ValueOf(accepted), "9");
  EXPECT_EQ(ValueOf(R"(assay_connections_accepted_total{listener="operator"})"), "");
}

TEST_F(MetricsTest, CollectorsRunBeforeEachExposition) {
  std::size_t asked = 0;
  metrics_.OnCollect([&] { metrics_.SetWatchers(++asked); });
  metrics_.OnCollect([&] { metrics_.SetQueue(asked * 10, 100); });
  EXPECT_EQ(asked, 0U);
  EXPECT_EQ(ValueOf("assay_watchers"), "1");
  EXPECT_EQ(ValueOf("assay_worker_queue_depth"), "20");
}

TEST_F(MetricsTest, TheProcessDescribesItself) {
  const auto number = [&](const char* series) { return std::stod("0" + ValueOf(series)); };
  EXPECT_GT(number("process_start_time_seconds"), 1.6e9);
  EXPECT_GT(number("process_resident_memory_bytes"), 1e6);
  EXPECT_GE(number("process_max_fds"), number("process_open_fds"));
  const double open = number("process_open_fds");
  std::FILE* const another = std::fopen("/dev/null", "r");
  ASSERT_NE(another, nullptr);
  EXPECT_EQ(number("process_open_fds"), open + 1);
  std::fclose(another);
  EXPECT_NE(ValueOf("process_cpu_seconds_total"), "");
}

TEST_F(MetricsTest, ThreadsThatCountWhileItIsExposedLoseNothing) {
  constexpr int kThreads = 4, kCounts = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < kCounts; ++i) {
        metrics_.CountReason("qemu_sev_snp", Reason::kTcbMismatch);
        metrics_.SetEdge(Listener::kJoin, {.accepted = 1000});
      }
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(metrics_.Expose().empty());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ValueOf(R"(assay_appraisal_reasons_total{platform="qemu_sev_snp",reason="tcb_mismatch"})"), std::to_string(kThreads * kCounts));
  EXPECT_EQ(ValueOf(R"(assay_connections_accepted_total{listener="join"})"), "1000");
}

// --- the page ------------------------------------------------------------------------------------------------------

TEST(MetricsReference, PageIsUpToDate) {
  std::ifstream file(test::SourceDir() + "/docs/metrics.md", std::ios::binary);
  const std::string page(std::istreambuf_iterator<char>(file), {});
  if (page == MetricsReference()) return;
  const std::string generated = test::BinaryDir() + "/metrics.md";
  std::ofstream(generated, std::ios::binary) << MetricsReference();
  FAIL() << "docs/metrics.md is not what the table of metrics generates. Run: cp " << generated << " docs/metrics.md";
}

TEST(MetricsReference, NamesEachMetricOnce) {
  std::set<std::string_view> names;
  for (const MetricEntry& metric : AllMetrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(metric.name.starts_with("assay_") || metric.name.starts_with("process_")) << metric.name;
    EXPECT_THAT(MetricsReference(), HasSubstr(Cat("| `", metric.name, "` | ", NameOf(metric.type), " |")));
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == MetricType::kCounter) << metric.name;
    EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
  }
}

// --- the oracle ----------------------------------------------------------------------------------------------------

bool HasPromtool() { return std::system("command -v promtool >/dev/null 2>&1") == 0; }

// What `promtool check metrics` says to a text, and how it ends: 0 only if it finds nothing.
struct Check {
  int status;
  std::string said;
};
Check CheckByPromtool(const std::string& exposition) {
  const std::string file = testing::TempDir() + "assay-metrics-" + std::to_string(::getpid());
  std::ofstream(file, std::ios::binary) << exposition;
  std::FILE* const pipe = ::popen(("promtool check metrics <'" + file + "' 2>&1").c_str(), "r");
  Check check{-1, ""};
  if (pipe == nullptr) return check;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) check.said += static_cast<char>(c);
  check.status = ::pclose(pipe);
  std::remove(file.c_str());
  return check;
}

#define ASSAY_PROMTOOL_OR_SKIP()                                                                  \
  if (!HasPromtool()) {                                                                           \
    if (test::VectorsRequired()) FAIL() << "promtool: not found. Install the package prometheus"; \
    GTEST_SKIP() << "promtool: SKIPPED (not found; it is in the package prometheus)";             \
  }

TEST_F(MetricsTest, PromtoolFindsNothing) {
  ASSAY_PROMTOOL_OR_SKIP();
  TouchEverything();
  const Check check = CheckByPromtool(metrics_.Expose());
  EXPECT_EQ(check.status, 0) << check.said;
  EXPECT_EQ(check.said, "");
}

TEST_F(MetricsTest, PromtoolWouldFindSomething) {
  ASSAY_PROMTOOL_OR_SKIP();
  EXPECT_THAT(CheckByPromtool("# HELP assay_wrong A counter without its suffix.\n# TYPE assay_wrong counter\nassay_wrong 1\n"),
              AllOf(testing::Field(&Check::status, testing::Ne(0)), testing::Field(&Check::said, HasSubstr("assay_wrong"))));
  EXPECT_NE(CheckByPromtool("no metrics at all\n").status, 0);
}

}  // namespace
}  // namespace assay::telemetry
