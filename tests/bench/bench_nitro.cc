// bench_nitro: the cost of appraising a Nitro document, in process and on one thread, from the item as it arrives to the Appraisal.
//
//   raw      one ECDSA P-384 verification of a signed SEV-SNP report with OpenSSL, key decoded beforehand: no appraisal can cost less
//   warm     a document whose certificates and chain were proven before: three hours of an enclave's life, but for the first
//   cold     the same with empty caches: five certificates are decoded, four signatures of certificates verified
//   hostile  the right nonce, the certificates of a known module, a signature that does not verify
//   garbage  random bytes
#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "appraisal/shipped_policies.h"
#include "base/bug.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/bench/collecting.h"
#include "tests/bench/raw_verify.h"
#include "tests/softtee/nitro_evidence.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/fact_caches.h"

namespace assay::bench {
namespace {

constexpr std::size_t kCacheCapacity = 1024;
constexpr std::string_view kPlatform = "aws_nitro_enclave";
const Bytes kNonce(32, 0x5A);

using Items = std::vector<evidence::Item>;
Items Document(std::optional<softtee::NitroFault> fault = {}) {
  const softtee::Evidence minted = softtee::MintNitro(softtee::NitroPki::Shared(), {.nonce = kNonce, .fault = fault});
  return {{minted.items.front().media_type, trust::UntrustedBytes(minted.items.front().body)}};
}
Items Noise(std::size_t size) {
  std::mt19937_64 random(20261126);
  Bytes noise(size);
  for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
  return {{std::string(softtee::kNitroDocumentType), trust::UntrustedBytes(std::move(noise))}};
}

class Scene {
 public:
  Scene() : loaded_(appraisal::LoadShippedPolicies(BuiltinRegistry())), anchors_(AnchorsOf()) { ASSAY_CHECK(loaded_.book.has_value()); }

  v1::Appraisal Appraise(const Items& items, trust::FactCaches& caches) const {
    const appraisal::PolicyBook& book = *loaded_.book;
    const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(BuiltinRegistry(), items, {}, &caches);
    return appraisal::Appraise({.registry = BuiltinRegistry(),
                                .items = items,
                                .platform_hint = kPlatform,
                                .challenge = challenge_,
                                .channel_bound = true,
                                .collateral = collateral,
                                .policies = appraisal::PolicyChoice::ForPolicy(book, *book.FindPolicy("aws-nitro-enclave")),
                                .anchors = anchors_,
                                .state = state_,
                                .at = softtee::kDefaultNow,
                                .caches = &caches});
  }

 private:
  static trust::AnchorSet AnchorsOf() {
    const softtee::Anchor one = softtee::NitroPki::Shared().Anchors().front();
    trust::Anchor anchor{std::string(one.vendor), std::string(one.product), {}};
    std::copy(one.spki_sha256.begin(), one.spki_sha256.end(), anchor.spki_sha256.begin());
    return trust::AnchorSet({anchor}, /*simulated=*/true);
  }

  const appraisal::LoadResult loaded_;
  const trust::AnchorSet anchors_;
  const trust::Challenge challenge_ = trust::Challenge::Demanded({.report_data = std::nullopt, .nonce = kNonce});
  const appraisal::StateSnapshot state_;
};

const Scene& TheScene() {
  static const Scene scene;
  return scene;
}

const Items& Valid() {
  static const Items items = Document();
  return items;
}

trust::FactCaches& WarmCaches() {
  static trust::FactCaches caches(kCacheCapacity);
  static const bool warm = [] {
    for (int i = 0; i < 3; ++i) TheScene().Appraise(Valid(), caches);
    return true;
  }();
  (void)warm;
  return caches;
}

// A benchmark of the wrong thing is worse than none: each looks at its verdict.
void Expect(benchmark::State& state, const v1::Appraisal& appraisal, v1::Verdict verdict) {
  if (appraisal.verdict() != verdict) state.SkipWithError(Cat("unexpected verdict ", v1::Verdict_Name(appraisal.verdict())).c_str());
}

void Raw(benchmark::State& state) {
  softtee::SnpOptions options;
  const Bytes report = *softtee::MintSnp(softtee::SnpPki::Shared(), options).value().Find(softtee::kReportType);
  const Bytes spki = softtee::SnpPki::Shared()
                         .VcekKey(options.product, softtee::kDefaultChipId, softtee::DefaultTcb(options.product))
                         .SubjectPublicKeyInfo();
  RawVerify raw(report, spki);
  for (auto _ : state) {
    if (!raw.Once()) state.SkipWithError("the signature does not verify");
  }
}

void Warm(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  for (auto _ : state) Expect(state, TheScene().Appraise(Valid(), caches), v1::VERDICT_TRUSTED_WITH_WARNINGS);
}

void Cold(benchmark::State& state) {
  for (auto _ : state) {
    trust::FactCaches caches(kCacheCapacity);
    Expect(state, TheScene().Appraise(Valid(), caches), v1::VERDICT_TRUSTED_WITH_WARNINGS);
  }
}

void Hostile(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  const Items items = Document(softtee::NitroFault::kSignatureDamaged);
  for (auto _ : state) Expect(state, TheScene().Appraise(items, caches), v1::VERDICT_REJECTED);
}

void Garbage(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  const Items items = Noise(Valid().front().body.size());
  for (auto _ : state) Expect(state, TheScene().Appraise(items, caches), v1::VERDICT_REJECTED);
}

void PrintRatios(const Collecting& times) {
  constexpr RatioRow kRows[] = {
      {"warm, throughput / raw verify", "raw", "warm", true, 0.90}, {"cold, cost / warm", "cold", "warm", true, 4},
      {"cold, cost / raw verify", "cold", "raw", false, 0},         {"hostile, cost / warm", "hostile", "warm", false, 1.10},
      {"garbage, cost / warm", "garbage", "warm", false, 0.05},
  };
  PrintRows(times, kRows);
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  if (!Initialise(argc, argv)) return 2;
  for (const auto& [name, function] : {std::pair{"raw", &Raw}, std::pair{"warm", &Warm}, std::pair{"cold", &Cold},
                                       std::pair{"hostile", &Hostile}, std::pair{"garbage", &Garbage}}) {
    benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMicrosecond);
  }
  Collecting reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  PrintRatios(reporter);
  return reporter.failed() ? 1 : 0;
}
