// What assayd says over HTTP: metrics as Prometheus scrapes them, health, keys for relying parties.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/strings.h"
#include "client/relying_party/check_token.h"
#include "codec/json.h"
#include "tests/integration/verifier.h"
#include "tests/places/places.h"
#include "token/jwk.h"

namespace assay::integration {
namespace {

using testing::HasSubstr;
using testing::Not;

// curl, as operators use it: status and body, "" where it could not connect.
std::string Fetch(const std::string& arguments) {
  FILE* pipe = ::popen(Cat("curl -sS -i --max-time 10 ", arguments, " 2>&1").c_str(), "r");
  std::string text;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) text += static_cast<char>(c);
  ::pclose(pipe);
  return text;
}
std::string Body(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

class Pages : public ::testing::Test {
 protected:
  Pages()
      : verifier_(
            "",
            "http: {address: \"127.0.0.1:0\"}\nhttps: {address: \"127.0.0.1:0\", tls: {certificate: tls/server.pem, key: tls/server.key}}") {
  }
  std::string Get(const std::string& path) { return Fetch(Cat("http://", verifier_.server().http_address(), path)); }
  std::string GetTls(const std::string& path) {
    const std::string address = verifier_.server().https_address();
    return Fetch(Cat("--cacert ", verifier_.site().File("tls/ca.pem"), " https://localhost", address.substr(address.rfind(':')), path));
  }
  Verifier verifier_;
};

TEST_F(Pages, MetricsCountWhatHappened) {
  Node node(verifier_.join(), verifier_.site());
  ASSERT_TRUE(JoinAs(node).ok());
  softtee::SnpOptions debuggable = softtee::OptionsFor(softtee::Fault::kDebug);
  debuggable.report_id.emplace().fill(7);
  ASSERT_TRUE(JoinAs(node, debuggable, "other").ok());
  ASSERT_TRUE(JoinAs(node, softtee::OptionsFor(softtee::Fault::kSignatureDamaged)).ok());
  client::VerdictClient viewer(OperatorChannel(verifier_.operators(), verifier_.site(), "viewer"));
  ASSERT_TRUE(viewer.ListNodes({}).ok());
  EXPECT_FALSE(viewer.RevokeVerdict({}).ok());
  const std::string metrics = Body(Get("/metrics"));
  for (const std::string_view line : {
           "assay_appraisals_total{platform=\"qemu_sev_snp\",verdict=\"trusted\"} 1",
           "assay_appraisals_total{platform=\"qemu_sev_snp\",verdict=\"rejected\"} 2",
           "assay_attempts_failed_total{reason=\"signature_invalid\"} 1",
           "assay_challenges_issued_total 3",
           "assay_challenges_redeemed_total 3",
           "assay_grpc_requests_total{code=\"OK\",method=\"Attest\",service=\"assay.v1.AttestationService\"} 3",
           "assay_grpc_requests_total{code=\"PERMISSION_DENIED\",method=\"RevokeVerdict\",service=\"assay.v1.VerdictService\"} 1",
           "assay_store_operations_total{code=\"OK\",operation=\"record\"} 3",
           "assay_tokens_total{kind=\"ear\",result=\"issued\"} 3",
           "assay_nodes{state=\"rejected\"} 1",
           "assay_connections_open{listener=\"operator\"} 1",
           "assay_build_info{version=",
           "assay_tls_certificate_not_after_timestamp_seconds{listener=\"join\"}",
       }) {
    EXPECT_THAT(metrics, HasSubstr(std::string(line)));
  }
}

TEST_F(Pages, PromtoolFindsNothingToComplainOf) {
  if (::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "promtool is not installed (Debian: prometheus)";
  Node node(verifier_.join(), verifier_.site());
  ASSERT_TRUE(JoinAs(node).ok());
  verifier_.site().Write("metrics.txt", Body(Get("/metrics")));
  EXPECT_EQ(::system(Cat("promtool check metrics < ", verifier_.site().File("metrics.txt")).c_str()), 0);
}

TEST_F(Pages, HealthSaysWhy) {
  EXPECT_THAT(Get("/live"), HasSubstr("200 OK"));
  EXPECT_THAT(Get("/ready"), HasSubstr("200 OK"));
  EXPECT_THAT(Get("/nothing"), HasSubstr("404"));
  EXPECT_THAT(Get("/.well-known/jwks.json"), HasSubstr("404")) << "keys are public, metrics are not: each has its listener";
  EXPECT_THAT(GetTls("/metrics"), HasSubstr("404"));
  EXPECT_THAT(Fetch(Cat("-X POST -d x http://", verifier_.server().http_address(), "/metrics")), HasSubstr("405"));
}

// A relying party that knows the issuer's URL and nothing else checks a verdict's token.
TEST_F(Pages, ATokenChecksAgainstThePublishedKeys) {
  Node node(verifier_.join(), verifier_.site());
  const auto response = JoinAs(node);
  ASSERT_TRUE(response.ok());
  const std::string discovery = GetTls("/.well-known/openid-configuration");
  EXPECT_THAT(discovery, HasSubstr("Content-Type: application/json"));
  const auto document = json::Parse(Body(discovery));
  ASSERT_TRUE(document.ok()) << discovery;
  EXPECT_EQ(*document->Find("issuer")->AsString(), "simulated:https://assay.example");
  const std::string jwks = Body(GetTls("/.well-known/jwks.json"));
  const auto keys = token::ReadKeys(jwks, "jwks");
  ASSERT_TRUE(keys.ok()) << jwks;
  ASSERT_EQ(keys->size(), 1u);
  EXPECT_THAT(jwks, Not(HasSubstr("\"d\"")));
}

TEST_F(Pages, TheHttpsCertificateIsTakenUpAnewToo) {
  ASSERT_THAT(GetTls("/.well-known/jwks.json"), HasSubstr("200 OK"));
  const Site other;
  for (const std::string_view name : {"tls/ca.pem", "tls/server.key", "tls/server.pem"}) {
    verifier_.site().Write(Cat(name, ".new"), other.Text(name));
    std::filesystem::permissions(verifier_.site().File(Cat(name, ".new")),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::rename(verifier_.site().File(Cat(name, ".new")), verifier_.site().File(name));
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::string answer;
  while (answer.find("200 OK") == std::string::npos && std::chrono::steady_clock::now() < end) answer = GetTls("/.well-known/jwks.json");
  EXPECT_THAT(answer, HasSubstr("200 OK"));
}

TEST(PagesAtStart, APortThatIsTakenIsSaidSo) {
  Verifier verifier("", "http: {address: \"127.0.0.1:0\"}");
  const Site site;
  std::string config = site.Text("assayd.yaml");
  config += Cat("http: {address: \"", verifier.server().http_address(), "\"}\n");
  site.Write("assayd.yaml", config);
  Process process(
      {test::Program("assayd"), "run", "--config", site.File("assayd.yaml"), "--insecure-test-anchors", site.File("anchors.yaml")},
      site.File("out"));
  EXPECT_EQ(process.Wait(), 1);
  EXPECT_THAT(site.Text("out"), HasSubstr("http.address: expected an address that this machine has and nobody listens on"));
}

// The real Prometheus against the real daemon.
TEST(Prometheus, ScrapesAssayd) {
  if (::system("command -v prometheus >/dev/null && command -v promtool >/dev/null") != 0) GTEST_SKIP() << "prometheus is not installed";
  Verifier verifier("", "http: {address: \"127.0.0.1:0\"}");
  Node node(verifier.join(), verifier.site());
  ASSERT_TRUE(JoinAs(node).ok());
  const Site& site = verifier.site();
  site.Write("prometheus.yaml",
             Cat("global: {scrape_interval: 200ms}\nscrape_configs:\n- job_name: assay\n  static_configs:\n  - targets: ['",
                 verifier.server().http_address(), "']\n"));
  std::string port;
  for (int tries = 0; tries < 3 && port.empty(); ++tries) {
    // Prometheus can't pick a port itself.
    port = std::to_string(20000 + (::getpid() * 7 + tries * 131) % 20000);
    Process prometheus({"/usr/bin/prometheus", Cat("--config.file=", site.File("prometheus.yaml")),
                        Cat("--storage.tsdb.path=", site.File("tsdb")), Cat("--web.listen-address=127.0.0.1:", port)},
                       site.File("prometheus.log"));
    std::string answer;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (prometheus.Running() && std::chrono::steady_clock::now() < end && answer.find("\"1\"]") == std::string::npos) {
      answer = Fetch(Cat("'http://127.0.0.1:", port,
                         "/api/v1/query?query=assay_appraisals_total%7Bverdict%3D%22trusted%22%2Cplatform%3D%22qemu_sev_snp%22%7D'"));
    }
    if (!prometheus.Running()) {
      port.clear();
      continue;
    }
    EXPECT_THAT(answer, HasSubstr("\"1\"]")) << answer << site.Text("prometheus.log");
    prometheus.Signal(SIGTERM);
    prometheus.Wait();
  }
  EXPECT_FALSE(port.empty()) << site.Text("prometheus.log");
}

}  // namespace
}  // namespace assay::integration
