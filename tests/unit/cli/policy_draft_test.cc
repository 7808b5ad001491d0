// Drafts from genuine evidence of a virtual TPM: golden PCRs, what a log shows, whose it is.
#include "client/cli/policy_draft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "base/hex.h"
#include "base/strings.h"
#include "client/cli/verify.h"
#include "codec/json.h"
#include "registry/builtin_registry.h"
#include "tests/vectors_dir.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class PolicyDraft : public ::testing::Test {
 protected:
  PolicyDraft() {
    std::string pattern = (fs::temp_directory_path() / "assay-draft-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~PolicyDraft() override { fs::remove_all(directory_); }

  std::string Write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary) << AsText(bytes);
    return (directory_ / name).string();
  }
  std::string Text(const std::string& name) const { return std::string(AsText(test::ReadFile(directory_ / name))); }

  // A machine of Google's of 2021, with its log, as files.
  std::vector<std::string> Cos85(const fs::path& dir) const {
    const fs::path vtpm = dir / "gcp/vtpm";
    const Bytes attest = test::ReadFile(vtpm / "gce-cos-85-nonce9009_quote_sha256.attest");
    Bytes quote = {static_cast<std::uint8_t>(attest.size() >> 8), static_cast<std::uint8_t>(attest.size() & 0xFF)};
    Append(quote, attest);
    Append(quote, test::ReadFile(vtpm / "gce-cos-85-nonce9009_quote_sha256.sig.tpmt"));
    const auto tree = json::Parse(AsText(test::ReadFile(vtpm / "gce-cos-85-nonce9009_pcrs.json")));
    Bytes pcrs = {0, 0, 0, 1, 0, 0x0B, 3, 0xFF, 0xFF, 0xFF};
    for (unsigned i = 0; i < 24; ++i) Append(pcrs, *FromHex(*tree->Find("sha256")->Find(std::to_string(i))->AsString()));
    return {Write("quote", quote),
            Write("pcrs", pcrs),
            Write("log", test::ReadFile(vtpm / "gce-cos-85-nonce9009_eventlog.bin")),
            Write("ak.der", test::ReadFile(vtpm / "gce-cos-85-nonce9009_akcert.der")),
            Write("ca.der", test::ReadFile(dir / "gcp/roots/tpm_ek_intermediate_2.der")),
            Write("root.der", test::ReadFile(dir / "gcp/roots/tpm_ek_root_1.der"))};
  }
  template <typename Options>
  void Fill(Options& options, const std::vector<std::string>& files) const {
    options.files = files;
    options.platform = "gcp_shielded_vm";
    options.at = "2025-01-01T00:00:00Z";
    options.freshness.nonce = "9009";
  }

  fs::path directory_;
  SystemClock clock_;
  std::ostringstream out_, err_;
  Invocation invocation_{
      .out = out_, .err = err_, .style = Style(false), .clock = clock_, .registry = BuiltinRegistry(), .program_directory = ""};
};

TEST_F(PolicyDraft, OfAVirtualTpmHasItsRegistersAndWhatItsLogShows) {
  ASSAY_VECTORS_OR_SKIP(dir);
  PolicyDraftOptions options;
  Fill(options, Cos85(dir));
  options.name = "cos";
  options.directory = directory_.string();
  ASSERT_EQ(DraftPolicy(options, invocation_), ExitCode::kOk) << out_.str() << err_.str();
  const std::string policy = Text("cos.yaml"), images = Text("cos-images.yaml");
  EXPECT_THAT(policy, HasSubstr("{claim: tpm.ak_trust, equals: \"certificate\"}"));
  EXPECT_THAT(policy, HasSubstr("satisfies: {boot.covered: tpm.sha256_pcr4, owner: gce.project_id}"));
  EXPECT_THAT(policy, HasSubstr("log.secure_boot, equals: "));
  EXPECT_THAT(policy, HasSubstr("log.unlogged_pcrs, subset_of: ["));
  EXPECT_THAT(policy, HasSubstr("{claim: gce.project_number, one_of: ["));
  EXPECT_THAT(policy, HasSubstr("strength: {at_least: D}"));
  EXPECT_THAT(policy, HasSubstr("DECIDE"));
  for (const char* pcr : {"tpm.sha256_pcr4:", "tpm.sha256_pcr7:", "tpm.sha256_pcr8:", "tpm.sha256_pcr9:", "tpm.sha256_pcr0:"}) {
    EXPECT_THAT(images, HasSubstr(pcr));
  }
  EXPECT_LT(images.find("tpm.sha256_pcr4:"), images.find("warn:"));
  EXPECT_GT(images.find("tpm.sha256_pcr0:"), images.find("warn:"));
  for (const char* pcr : {"pcr1:", "pcr5:", "pcr10:", "pcr16:", "pcr23:"}) EXPECT_THAT(images, Not(HasSubstr(pcr)));

  // It passes its own draft, and with one register changed, or under another challenge, it does not.
  VerifyOptions verify;
  Fill(verify, options.files);
  verify.policies = {(directory_ / "cos.yaml").string(), (directory_ / "cos-images.yaml").string()};
  EXPECT_EQ(Verify(verify, invocation_), ExitCode::kOk);
  verify.freshness.nonce = "9010";
  EXPECT_EQ(Verify(verify, invocation_), ExitCode::kNotTrusted);
  verify.freshness.nonce = "9009";
  std::string other = images;
  const std::size_t value = other.find("tpm.sha256_pcr8: \"") + std::string_view("tpm.sha256_pcr8: \"").size();
  other[value] = other[value] == '0' ? '1' : '0';
  Write("cos-images.yaml", ToBytes(AsBytes(other)));
  EXPECT_EQ(Verify(verify, invocation_), ExitCode::kNotTrusted);
}

TEST_F(PolicyDraft, OfAQuoteThatIsNotAuthenticIsNotMade) {
  ASSAY_VECTORS_OR_SKIP(dir);
  PolicyDraftOptions options;
  Fill(options, Cos85(dir));
  options.name = "cos";
  options.directory = directory_.string();
  Bytes quote = test::ReadFile(options.files.front());
  quote.back() ^= 1;
  Write("quote", quote);
  EXPECT_EQ(DraftPolicy(options, invocation_), ExitCode::kNotTrusted);
  EXPECT_THAT(out_.str(), HasSubstr("signature_invalid"));
  EXPECT_FALSE(fs::exists(directory_ / "cos.yaml"));
}

}  // namespace
}  // namespace assay::cli
