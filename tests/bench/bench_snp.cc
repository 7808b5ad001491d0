// bench_snp: the cost of SEV-SNP appraisals, in process and on one thread, from items as they arrive to the Appraisal.
//
//   raw      one ECDSA P-384 verification of 672 bytes with OpenSSL, key decoded beforehand: no appraisal can cost less
//   known    valid evidence whose chain and certificates were proven before
//   unknown  the same evidence with empty caches: every certificate is decoded, every RSA signature verified
//   garbage  random bytes in place of report and certificates
//   hostile  the right challenge, the public certificates of a known chip, a signature that does not verify
//
// Ends with a table of ratios of the medians, measured interleaved in the same run, so that a busy machine slows all
// alike.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "appraisal/appraiser.h"
#include "appraisal/policy.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/strings.h"
#include "registry/builtin_registry.h"
#include "tests/bench/collecting.h"
#include "tests/bench/raw_verify.h"
#include "tests/softtee/snp_evidence.h"
#include "trust/fact_caches.h"

namespace assay::bench {
namespace {

constexpr std::size_t kCacheCapacity = 1024;

std::vector<evidence::Item> ToItems(const softtee::Evidence& evidence) {
  std::vector<evidence::Item> items;
  for (const softtee::Item& item : evidence.items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
  return items;
}

std::string PolicyText() {
  return Cat(R"(apiVersion: assay.v1
kind: AppraisalPolicy
name: bench
platform: qemu_sev_snp
strength: {at_least: C}
max_validity: 1h
rules:
  - {claim: snp.policy_debug, equals: false}
  - {claim: snp.policy_migrate_ma, equals: false}
  - {claim: snp.vmpl, equals: 0}
  - {claim: snp.reported_tcb, at_least: {"19:11:*": {snp: 1}}}
  - {claim: snp.platform_info, bits_clear: [tsme_en]}
  - {claim: snp.revocation_checked, equals: true}
  - {claim: snp.measurement, equals: ")",
             ToHex(softtee::kDefaultMeasurement), R"("}
  - {claim: snp.host_data, equals: ")",
             ToHex(softtee::kDefaultHostData), R"("}
satisfies: {boot.covered: snp.measurement, owner: snp.host_data}
)");
}

// Everything that one appraisal needs, for Genoa and report version 5.
class Scene {
 public:
  Scene()
      : valid_(Mint()),
        items_(ToItems(valid_)),
        hostile_(items_),
        garbage_(items_),
        challenge_(ChallengeOf()),
        anchors_(AnchorsOf()),
        book_(Load()),
        policies_(appraisal::PolicyChoice::ForPolicy(book_, book_.policies().front())) {
    Bytes forged = *valid_.Find(softtee::kReportType);
    forged[softtee::kSignatureR] = static_cast<std::uint8_t>(forged[softtee::kSignatureR] ^ 1);
    std::mt19937_64 random(20261124);
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].media_type == softtee::kReportType) hostile_[i].body = trust::UntrustedBytes(forged);
      Bytes noise(items_[i].body.size());
      for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
      garbage_[i].body = trust::UntrustedBytes(std::move(noise));
    }
  }

  const std::vector<evidence::Item>& valid() const { return items_; }
  const std::vector<evidence::Item>& hostile() const { return hostile_; }
  const std::vector<evidence::Item>& garbage() const { return garbage_; }

  v1::Appraisal Appraise(const std::vector<evidence::Item>& items, trust::FactCaches& caches) const {
    const appraisal::Registry& registry = BuiltinRegistry();
    const trust::CollateralSnapshot collateral = appraisal::GatherCollateral(registry, items, {}, &caches);
    return appraisal::Appraise({.registry = registry,
                                .items = items,
                                .platform_hint = "qemu_sev_snp",
                                .challenge = challenge_,
                                .channel_bound = true,
                                .collateral = collateral,
                                .policies = policies_,
                                .anchors = anchors_,
                                .state = state_,
                                .at = softtee::kDefaultNow,
                                .caches = &caches});
  }

  // What the yardstick verifies: the signed report, and the public key of its VCEK.
  const Bytes& report() const { return *valid_.Find(softtee::kReportType); }
  Bytes VcekSpki() const {
    return softtee::SnpPki::Shared().VcekKey(kProduct, softtee::kDefaultChipId, softtee::DefaultTcb(kProduct)).SubjectPublicKeyInfo();
  }

 private:
  static constexpr softtee::Product kProduct = softtee::Product::kGenoa;

  static softtee::Evidence Mint() {
    softtee::SnpOptions options;
    options.product = kProduct;
    options.version = 5;
    options.report_data = softtee::Ramp<64>(0x80);
    return softtee::MintSnp(softtee::SnpPki::Shared(), options).value();
  }
  static trust::Challenge ChallengeOf() {
    return trust::Challenge::Demanded({.report_data = softtee::Ramp<64>(0x80), .nonce = std::nullopt});
  }
  static trust::AnchorSet AnchorsOf() {
    const Bytes digest = softtee::SnpPki::Shared().AnchorOf(kProduct);
    trust::Anchor anchor{"amd", std::string(softtee::NameOf(kProduct)), {}};
    std::copy(digest.begin(), digest.end(), anchor.spki_sha256.begin());
    return trust::AnchorSet({anchor}, /*simulated=*/true);
  }
  static appraisal::PolicyBook Load() {
    appraisal::LoadResult loaded = appraisal::LoadPolicies({{"bench.yaml", PolicyText()}}, BuiltinRegistry());
    for (const appraisal::LintMessage& message : loaded.messages) std::fprintf(stderr, "%s\n", message.ToString().c_str());
    ASSAY_CHECK(loaded.book.has_value());
    return *std::move(loaded.book);
  }

  const softtee::Evidence valid_;
  const std::vector<evidence::Item> items_;
  std::vector<evidence::Item> hostile_, garbage_;
  const trust::Challenge challenge_;
  const trust::AnchorSet anchors_;
  const appraisal::PolicyBook book_;
  const appraisal::PolicyChoice policies_;
  const appraisal::StateSnapshot state_;
};

const Scene& TheScene() {
  static const Scene scene;
  return scene;
}

// Caches that have seen the valid evidence, as in a process that has been up for a while.
trust::FactCaches& WarmCaches() {
  static trust::FactCaches caches(kCacheCapacity);
  static const bool warm = [] {
    for (int i = 0; i < 3; ++i) TheScene().Appraise(TheScene().valid(), caches);
    return true;
  }();
  (void)warm;
  return caches;
}

// A benchmark of the wrong thing is worse than none: each looks at its verdict.
void Expect(benchmark::State& state, const v1::Appraisal& appraisal, bool trusted) {
  const bool is_trusted = appraisal.verdict() == v1::VERDICT_TRUSTED || appraisal.verdict() == v1::VERDICT_TRUSTED_WITH_WARNINGS;
  if (is_trusted != trusted) state.SkipWithError(Cat("unexpected verdict ", v1::Verdict_Name(appraisal.verdict())).c_str());
}

void Raw(benchmark::State& state) {
  RawVerify raw(TheScene().report(), TheScene().VcekSpki());
  for (auto _ : state) {
    if (!raw.Once()) state.SkipWithError("the signature does not verify");
  }
}

void Known(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  for (auto _ : state) Expect(state, TheScene().Appraise(TheScene().valid(), caches), true);
}

void Unknown(benchmark::State& state) {
  for (auto _ : state) {
    trust::FactCaches caches(kCacheCapacity);
    Expect(state, TheScene().Appraise(TheScene().valid(), caches), true);
  }
}

void Garbage(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  for (auto _ : state) Expect(state, TheScene().Appraise(TheScene().garbage(), caches), false);
}

void Hostile(benchmark::State& state) {
  trust::FactCaches& caches = WarmCaches();
  for (auto _ : state) Expect(state, TheScene().Appraise(TheScene().hostile(), caches), false);
}

void PrintRatios(const Collecting& times) {
  // Throughput of known appraisals as a part of raw verifications is the inverse of the ratio of their times.
  constexpr RatioRow kRows[] = {
      {"known, throughput / raw verify", "raw", "known", true, 0.95},
      {"garbage, cost / known", "garbage", "known", false, 0.05},
      {"hostile, cost / known", "hostile", "known", false, 1.10},
      {"unknown, cost / known", "unknown", "known", false, 0},
  };
  PrintRows(times, kRows);
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  if (!Initialise(argc, argv)) return 2;
  for (const auto& [name, function] : {std::pair{"raw", &Raw}, std::pair{"known", &Known}, std::pair{"unknown", &Unknown},
                                       std::pair{"garbage", &Garbage}, std::pair{"hostile", &Hostile}}) {
    benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMicrosecond);
  }
  Collecting reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  PrintRatios(reporter);
  return reporter.failed() ? 1 : 0;
}
