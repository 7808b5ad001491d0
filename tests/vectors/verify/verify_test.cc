// `assay verify --no-freshness --at …` on real reports: what it says of their authenticity is what the vectors expect. The
// verdict is the shipped policy's and is not looked at.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/absl_bridge.h"
#include "base/hex.h"
#include "base/strings.h"
#include "codec/json.h"
#include "crypto/certificate.h"
#include "evidence/sev_snp/format.h"
#include "tests/places/places.h"
#include "tests/vectors/case_file.h"
#include "tests/vectors_dir.h"

namespace assay::vectors {
namespace {

// Standard output of a program that gets no input; its messages are let go.
std::string OutputOf(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen(Cat(command, " 2>/dev/null </dev/null").c_str(), "r");
  if (pipe == nullptr) return output;
  char chunk[4096];
  for (std::size_t count; (count = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;) output.append(chunk, count);
  ::pclose(pipe);
  return output;
}

std::string Quoted(const std::filesystem::path& path) { return Cat(" '", path.string(), "'"); }

bool EndsInAPinnedRoot(const Case& one) {
  const auto root = one.inputs.find("root");
  if (root == one.inputs.end()) return true;
  const auto certificates = crypto::CertificatesFrom(test::ReadFile(root->second.front()), "root");
  if (!certificates.ok() || certificates->size() != 1) return false;
  for (const trust::Anchor& anchor : sev_snp::kFormat.anchors) {
    if (anchor.spki_sha256 == certificates->front().public_key().spki_sha256()) return true;
  }
  return false;
}

// Signatures hold, and the time lies in the windows of all that vouched: what the vectors call authentic.
bool ShownAsAuthentic(const json::Value& appraisal) {
  const json::Value* authenticity = appraisal.Find("authenticity");
  if (authenticity == nullptr || authenticity->AsString() == nullptr || *authenticity->AsString() != "AUTHENTICITY_AUTHENTIC") return false;
  const json::Value* findings = appraisal.Find("findings");
  if (findings == nullptr || findings->AsArray() == nullptr) return true;
  for (const json::Value& finding : *findings->AsArray()) {
    const std::string* reason = finding.Find("reason") == nullptr ? nullptr : finding.Find("reason")->AsString();
    if (reason == nullptr) continue;
    for (const std::string_view window : {"expired", "not_yet_valid", "crl_stale", "crl_not_yet_valid"}) {
      if (*reason == window) return false;
    }
  }
  return true;
}

TEST(AssayVerify, SaysOfRealReportsWhatTheVectorsSay) {
  ASSAY_VECTORS_OR_SKIP(dir);
  std::size_t authentic = 0, refused = 0;
  for (const std::string_view area : {"snp", "constellation", "aws"}) {
    std::ifstream file(dir / area / "cases.json", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto cases = ParseCaseFile(text, dir / area);
    ASSERT_TRUE(cases.ok()) << MessageOf(cases.status());
    for (const Case& one : cases->cases) {
      // Files as they lie there, under the roots that this build pins (a case that pins another one is none of these), and
      // no demand that --no-freshness would waive.
      const auto& reasons = one.expected.reasons;
      if (std::find(reasons.begin(), reasons.end(), "wrong_root") != reasons.end()) continue;
      if (one.kind != "snp-report" && one.kind != "aws-snp") continue;
      if (!one.mutations.empty() || !EndsInAPinnedRoot(one) || (!one.bind.Empty() && !one.expected.authentic)) continue;
      std::string command = Cat("'", test::BinaryDir(), "/bin/assay' verify --no-freshness -o json --at ", FormatTime(one.at));
      for (const auto& [role, paths] : one.inputs) {
        for (const std::filesystem::path& path : paths) command += Quoted(path);
      }
      const auto appraisal = json::Parse(OutputOf(command));
      if (!one.expected.authentic && !appraisal.ok()) {
        ++refused;  // not even recognised as evidence
        continue;
      }
      ASSERT_TRUE(appraisal.ok()) << one.id << "\n" << command;
      EXPECT_EQ(ShownAsAuthentic(*appraisal), one.expected.authentic) << one.id << "\n" << command;
      ++(one.expected.authentic ? authentic : refused);
    }
  }
  EXPECT_GE(authentic, 20U);
  EXPECT_GE(refused, 1U);
  std::printf("real reports: %zu authentic, %zu refused\n", authentic, refused);
}

}  // namespace
}  // namespace assay::vectors
