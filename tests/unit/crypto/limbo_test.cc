// x509-limbo: path validation. Every case of the file is run through BuildPath, CheckRfc5280 and a check of the validity
// windows, or it is listed with its reason in limbo_left_out.txt.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/path.h"
#include "tests/places/places.h"
#include "tests/vectors_dir.h"

namespace assay::crypto {
namespace {

using Json = nlohmann::json;

// Inside the validity of nearly all certificates of the file; the cases made to expire bring a time of their own.
constexpr std::string_view kTimeOfCasesWithoutTime = "2024-01-01T00:00:00Z";

Time TimeOf(const Json& test) {
  std::string text(kTimeOfCasesWithoutTime);
  if (test["validation_time"].is_string()) {
    text = test["validation_time"].get<std::string>().substr(0, std::string_view("2022-01-01T00:00:00").size()) + "Z";
  }
  return ParseTime(text).value();
}

// "" if the case's chain is accepted, else why not.
std::string Refusal(const Json& test) {
  const auto decode = [](const Json& pems, std::vector<Certificate>& into) -> std::string {
    for (const Json& pem : pems) {
      const auto certificates = CertificatesFrom(AsBytes(pem.get_ref<const std::string&>()), "certificate");
      if (!certificates) return Describe(certificates.findings()[0]);
      into.insert(into.end(), certificates->begin(), certificates->end());
    }
    return {};
  };
  std::vector<Certificate> anchors, intermediates, leaf;
  for (std::string refusal : {decode(test["trusted_certs"], anchors), decode(test["untrusted_intermediates"], intermediates),
                              decode(Json::array({test["peer_certificate"]}), leaf)}) {
    if (!refusal.empty()) return refusal;
  }
  const auto path = BuildPath(leaf.at(0), intermediates, anchors);
  if (!path) return Describe(path.findings()[0]);
  const auto findings = CheckRfc5280(*path);
  if (!findings.empty()) return Describe(findings[0]);
  const Time now = TimeOf(test);
  for (const Certificate& certificate : path->certificates) {
    if (now < certificate.not_before() || now > certificate.not_after()) return "outside the validity of " + certificate.SubjectText();
  }
  return {};
}

std::map<std::string, std::string> LeftOut() {
  std::map<std::string, std::string> left_out;
  std::ifstream file(test::SourceDir() + "/tests/unit/crypto/limbo_left_out.txt");
  EXPECT_TRUE(file.good());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t tab = line.find('\t');
    const bool has_reason = tab != std::string::npos && tab + 1 < line.size();
    EXPECT_TRUE(has_reason) << "no reason given: " << line;
    EXPECT_TRUE(left_out.emplace(line.substr(0, tab), has_reason ? line.substr(tab + 1) : "").second) << "listed twice: " << line;
  }
  return left_out;
}

TEST(Limbo, AllCasesAgreeOrAreLeftOutWithAReason) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::ifstream file(dir / "x509" / "limbo.json");
  const Json vectors = Json::parse(file);
  std::map<std::string, std::string> left_out = LeftOut();
  int run = 0;
  int accepted = 0;
  const std::size_t listed = left_out.size();
  for (const Json& test : vectors["testcases"]) {
    if (left_out.erase(test["id"]) != 0) continue;
    const std::string refusal = Refusal(test);
    EXPECT_EQ(refusal.empty(), test["expected_result"] == "SUCCESS") << test["id"] << "\n  " << test["description"] << "\n  " << refusal;
    ++run;
    accepted += refusal.empty() ? 1 : 0;
  }
  for (const auto& [id, reason] : left_out) ADD_FAILURE() << id << " is left out, but no case has this id";
  EXPECT_EQ(static_cast<std::size_t>(run) + listed, vectors["testcases"].size());
  EXPECT_GE(run, 80);
  EXPECT_GE(accepted, 15);
  RecordProperty("run", run);
}

}  // namespace
}  // namespace assay::crypto
