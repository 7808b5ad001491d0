// bench_tpm: what authenticating a TPM's quote costs beside the one RSA-2048 verification that it cannot do without.
//
//   raw         one verification with OpenSSL, key and signature decoded beforehand
//   known       a quote of 24 PCRs under an enrolled RSA-2048 key, with their values and a log of 100 events in three banks: from the items
//               as they arrive to the bundle with its claims, and the formats' own judgement
//   no_log      the same without the log
//   parse       of that, reading quote, key and values
//   read_log    reading the log; replay: the PCRs of the bank from what was read
//   hostile     right challenge, right key, wrong signature
//   stale       another challenge; garbage: random bytes in the quote's place
//
// Parts are measured interleaved in the same run; ends with a table of ratios of the medians.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bug.h"
#include "base/check_log.h"
#include "evidence/tcg_log/event_log.h"
#include "evidence/tcg_log/format.h"
#include "evidence/tpm/format.h"
#include "platform/qemu_vtpm/platform.h"
#include "tests/bench/collecting.h"
#include "tests/bench/raw_verify.h"
#include "tests/softtee/tpm_evidence.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::bench {
namespace {

constexpr std::size_t kEvents = 100;

tcg_log::test::PlainLog LogOf(std::size_t events) {
  tcg_log::test::PlainLog log = tcg_log::test::PcrLog();
  while (log.events.size() < events) {
    const auto i = static_cast<std::uint32_t>(log.events.size());
    log.events.push_back({8 + i % 2, 0x0D, Bytes(300, static_cast<std::uint8_t>(i))});
  }
  return log;
}

class Scene {
 public:
  Scene() {
    const tcg_log::test::PlainLog plain = LogOf(kEvents);
    log_ = plain.Write();
    softtee::TpmBank bank{softtee::kTpmSha256, {}};
    for (const auto& [index, value] : plain.Pcrs(softtee::kTpmSha256)) bank.values[index] = value;
    softtee::TpmOptions options{.extra_data = Bytes(32, 0x5A), .vouching = softtee::TpmVouching::kNothing, .banks = {bank}};
    const softtee::TpmEvidence evidence = softtee::MintTpm(softtee::TpmPki::Shared(), options);
    attest_ = evidence.attest;
    signature_ = Bytes(evidence.signature.begin() + 6, evidence.signature.end());
    enrolled_ = trust::EnrolledKeys({evidence.ak_name});
    known_ = ItemsOf(evidence);
    no_log_ = known_;
    known_.push_back({std::string(tcg_log::kTcgEventLogMediaType), trust::UntrustedBytes(log_)});
    options.fault = softtee::TpmFault::kSignatureDamaged;
    hostile_ = ItemsOf(softtee::MintTpm(softtee::TpmPki::Shared(), options));
    hostile_.push_back(known_.back());
    options.fault = softtee::TpmFault::kExtraDataOther;
    stale_ = ItemsOf(softtee::MintTpm(softtee::TpmPki::Shared(), options));
    garbage_ = known_;
    garbage_.front().body = trust::UntrustedBytes(softtee::RandomBytes(400));
    CheckLog checks;
    bound_.emplace(*tcg_log::test::BindPcrs(log_, {{tcg_log::kSha256, plain.Pcrs(tcg_log::kSha256)}}, checks));
    trust::Challenge::Values values;
    values.nonce = Bytes(32, 0x5A);
    challenge_ = trust::Challenge::Demanded(values);
  }

  static std::vector<evidence::Item> ItemsOf(const softtee::TpmEvidence& evidence) {
    std::vector<evidence::Item> items;
    for (const softtee::Item& item : evidence.items) items.push_back({item.media_type, trust::UntrustedBytes(item.body)});
    return items;
  }

  bool Take(const std::vector<evidence::Item>& items) const {
    CheckLog log;
    if (!platform::CheckManifest(qemu_vtpm::kPlatform, items, log)) return false;
    const auto bundle = qemu_vtpm::kPlatform.authenticate(
        items, {.anchors = anchors_, .collateral = nothing_, .challenge = challenge_, .caches = nullptr, .enrolled = &enrolled_}, log);
    if (!bundle) return false;
    const auto names = [](const void*, std::string_view, const trust::Value&) { return false; };
    const auto pins = [](const void*, std::string_view) { return false; };
    for (const evidence::Format* format : qemu_vtpm::kPlatform.formats) {
      format->judge(bundle->claims(), {.names_value = names, .pins_claim = pins, .policy = nullptr}, log);
    }
    return !log.HasRejection();
  }

  Bytes log_, attest_, signature_;
  std::vector<evidence::Item> known_, no_log_, hostile_, stale_, garbage_;
  std::optional<tcg_log::test::BoundLog> bound_;

 private:
  trust::AnchorSet anchors_{{}, true};
  trust::CollateralSnapshot nothing_;
  trust::EnrolledKeys enrolled_;
  trust::Challenge challenge_ = trust::Challenge::NotDemanded(true);
};
const Scene& TheScene() {
  static const Scene scene;
  return scene;
}

void Expect(benchmark::State& state, const std::vector<evidence::Item>& items, bool accepted) {
  for (auto _ : state) {
    if (TheScene().Take(items) != accepted) state.SkipWithError(accepted ? "refused" : "accepted");
  }
}

void Raw(benchmark::State& state) {
  RawVerify raw(TheScene().attest_, TheScene().signature_, softtee::TpmPki::Shared().rsa_ak.SubjectPublicKeyInfo());
  for (auto _ : state) {
    if (!raw.Once()) state.SkipWithError("the signature does not verify");
  }
}
void Known(benchmark::State& state) { Expect(state, TheScene().known_, true); }
void NoLog(benchmark::State& state) { Expect(state, TheScene().no_log_, true); }
void Hostile(benchmark::State& state) { Expect(state, TheScene().hostile_, false); }
void Stale(benchmark::State& state) { Expect(state, TheScene().stale_, false); }
void Garbage(benchmark::State& state) { Expect(state, TheScene().garbage_, false); }
void Parse(benchmark::State& state) {
  for (auto _ : state) {
    CheckLog log;
    if (!tpm::ParseItems(TheScene().no_log_, nullptr, log)) state.SkipWithError("malformed");
  }
}
void ReadLog(benchmark::State& state) {
  const trust::UntrustedBytes bytes(TheScene().log_);
  for (auto _ : state) {
    CheckLog log;
    if (!tcg_log::EventLogParser::Parse(bytes, tcg_log::Registers::kPcrs, log)) state.SkipWithError("malformed");
  }
}
void Replay(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(TheScene().bound_->events->ReplayAll(tcg_log::kSha256));
}

void PrintRatios(const Collecting& times) {
  constexpr RatioRow kRows[] = {
      {"known, cost / raw verify", "known", "raw", false, 0},
      {"without a log, cost / raw verify", "no_log", "raw", false, 0},
      {"reading quote, key and values / raw verify", "parse", "raw", false, 0},
      {"reading the log / raw verify", "read_log", "raw", false, 0},
      {"replaying it / raw verify", "replay", "raw", false, 0},
      {"hostile, cost / known", "hostile", "known", false, 1.10},
      {"stale, cost / known", "stale", "known", false, 0.50},
      {"garbage, cost / known", "garbage", "known", false, 0.10},
  };
  PrintRows(times, kRows);
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay::bench;
  if (!Initialise(argc, argv)) return 2;
  for (const auto& [name, function] : {std::pair{"raw", &Raw}, std::pair{"known", &Known}, std::pair{"no_log", &NoLog},
                                       std::pair{"parse", &Parse}, std::pair{"read_log", &ReadLog}, std::pair{"replay", &Replay},
                                       std::pair{"hostile", &Hostile}, std::pair{"stale", &Stale}, std::pair{"garbage", &Garbage}}) {
    benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMicrosecond);
  }
  Collecting reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  PrintRatios(reporter);
  return reporter.failed() ? 1 : 0;
}
