// Every single-bit flip and every truncation of one real report is refused, by the road that production takes. There is
// no malleable bit: the one other form of the same signature, n - s, differs from s in many.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "appraisal/appraiser.h"
#include "base/strings.h"
#include "evidence/sev_snp/format.h"
#include "platform/platform.h"
#include "registry/builtin_registry.h"
#include "tests/places/places.h"
#include "tests/vectors/runner.h"
#include "trust/fact_caches.h"

namespace assay::vectors {
namespace {

using ::testing::IsEmpty;

class RealReport : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::filesystem::path folder = DefaultFolder(test::SourceDir()) / "snp";
    if (!std::filesystem::exists(folder) && !VectorsAreRequired()) GTEST_SKIP() << "vectors not found at " << folder;
    report_ = Read(folder / "reports/genoa_v5_vcek_643565737e98.bin");
    leaf_ = Read(folder / "leafs/vcek_genoa_e38ccf0f7c39.der");
    for (const char* name : {"roots/ask_genoa.der", "roots/ark_genoa.der"}) {
      for (auto& item :
           sev_snp::kFormat.recognise(trust::UntrustedBytes(Read(folder / name)), trust::CollateralSource::kSupplied, nullptr)) {
        issuers_.push_back(std::move(item));
      }
    }
    ASSERT_EQ(report_.size(), 1184u);
    ASSERT_EQ(issuers_.size(), 2u);
  }

  static Bytes Read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }

  // The challenge is not demanded, so that a flip in REPORT_DATA has to be caught by the signature.
  bool IsAuthentic(const Bytes& report, CheckLog& log) {
    const std::vector<evidence::Item> items = {
        {std::string(sev_snp::kReportMediaType), trust::UntrustedBytes(report)},
        {std::string(sev_snp::kCertificateMediaType), trust::UntrustedBytes(leaf_)},
    };
    const auto collateral = appraisal::GatherCollateral(BuiltinRegistry(), items, issuers_, &caches_);
    const platform::Platform* platform = BuiltinRegistry().FindPlatform("qemu_sev_snp");
    return platform->authenticate(items, {.anchors = anchors_, .collateral = collateral, .challenge = challenge_, .caches = &caches_}, log)
        .has_value();
  }
  // A refusal has to say why.
  bool IsRefused(const Bytes& report) {
    CheckLog log;
    return !IsAuthentic(report, log) && log.HasRejection();
  }

  Bytes report_, leaf_;
  std::vector<trust::CollateralItem> issuers_;
  trust::FactCaches caches_{16};
  const trust::AnchorSet anchors_{{sev_snp::kFormat.anchors.begin(), sev_snp::kFormat.anchors.end()}, false};
  const trust::Challenge challenge_ = trust::Challenge::NotDemanded(/*accepted=*/true);
};

TEST_F(RealReport, IsAuthenticAsItIs) {
  CheckLog log;
  EXPECT_TRUE(IsAuthentic(report_, log));
  EXPECT_FALSE(log.HasRejection());
}

TEST_F(RealReport, IsRefusedWithAnyBitFlipped) {
  std::vector<std::string> accepted;
  for (std::size_t offset = 0; offset < report_.size(); ++offset) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      Bytes flipped = report_;
      flipped[offset] = static_cast<std::uint8_t>(flipped[offset] ^ (1U << bit));
      if (!IsRefused(flipped)) accepted.push_back(Cat("offset ", offset, " bit ", bit));
    }
  }
  EXPECT_THAT(accepted, IsEmpty());
  EXPECT_FALSE(IsRefused(report_));  // what was learned from the forgeries has not spoilt the genuine one
}

TEST_F(RealReport, IsRefusedAtAnyOtherLength) {
  std::vector<std::size_t> accepted;
  for (std::size_t length = 0; length < report_.size(); ++length) {
    if (!IsRefused(ToBytes(ByteView(report_).first(length)))) accepted.push_back(length);
  }
  EXPECT_THAT(accepted, IsEmpty());
  for (unsigned appended = 0; appended < 256; ++appended) {
    Bytes longer = report_;
    longer.push_back(static_cast<std::uint8_t>(appended));
    EXPECT_TRUE(IsRefused(longer)) << "appended byte " << appended;
  }
}

}  // namespace
}  // namespace assay::vectors
