// bench_tcg_log: what believing an event log costs, beside hashing its bytes once.
//
//   raw      one SHA-256 with OpenSSL over the bytes of the log
//   parse    the log read into events
//   replay   the PCRs of one bank, SHA-256, from events already read
//   whole    read, and replayed
//
// The log is one of 110 events in three banks, as a virtual machine of Google's writes, and then one of 6,000, which fills most of the limit. Ends with a table of ratios
// of the medians, measured interleaved in the same run.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "base/bug.h"
#include "base/check_log.h"
#include "crypto/digest.h"
#include "evidence/tcg_log/event_log.h"
#include "tests/unit/tcg_log/bound_pcrs.h"
#include "tests/unit/tcg_log/plain_log.h"

namespace assay::bench {
namespace {

using tcg_log::EventLogParser;
using tcg_log::Registers;

tcg_log::test::PlainLog LogOf(std::size_t events, std::size_t data_size) {
  tcg_log::test::PlainLog log = tcg_log::test::PcrLog();
  while (log.events.size() < events) {
    const auto i = static_cast<std::uint32_t>(log.events.size());
    log.events.push_back({8 + i % 2, 0x0D, Bytes(data_size, static_cast<std::uint8_t>(i))});
  }
  return log;
}

// Of this thread's processor time: a machine that is busy otherwise tells the same.
double MicrosecondsOf(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ASSAY_CHECK(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  };
  const double begin = now();
  work();
  return now() - begin;
}
double Median(std::vector<double>& times) {
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

void Measure(std::size_t events, std::size_t data_size, int rounds) {
  const tcg_log::test::PlainLog plain = LogOf(events, data_size);
  const Bytes log = plain.Write();
  const trust::UntrustedBytes bytes(log);
  // Replaying takes a log that may be believed: one that is, on PCRs that it replays to.
  CheckLog checks;
  const auto bound = tcg_log::test::BindPcrs(log, {{tcg_log::kSha256, plain.Pcrs(tcg_log::kSha256)}}, checks);
  ASSAY_CHECK(bound.has_value());
  const auto parse = [&] {
    CheckLog quiet;
    ASSAY_CHECK(EventLogParser::Parse(bytes, Registers::kPcrs, quiet).has_value());
  };
  const auto replay = [&] { ASSAY_CHECK(!bound->events->ReplayAll(tcg_log::kSha256).empty()); };
  std::vector<double> raw_times, parse_times, replay_times, whole_times;
  for (int round = 0; round < rounds; ++round) {
    raw_times.push_back(MicrosecondsOf([&] { ASSAY_CHECK(crypto::Sha256(log)[0] + 1U != 0); }));
    parse_times.push_back(MicrosecondsOf(parse));
    replay_times.push_back(MicrosecondsOf(replay));
    whole_times.push_back(MicrosecondsOf([&] { parse(), replay(); }));
  }
  const double raw = Median(raw_times);
  std::printf("%zu events, %zu bytes\n", events, log.size());
  const auto line = [&](const char* name, std::vector<double>& times) {
    const double median = Median(times);
    std::printf("  %-8s %10.1f us   %6.2f x raw\n", name, median, median / raw);
  };
  line("raw", raw_times);
  line("parse", parse_times);
  line("replay", replay_times);
  line("whole", whole_times);
}

}  // namespace
}  // namespace assay::bench

int main() {
  assay::bench::Measure(110, 300, 300);
  assay::bench::Measure(6'000, 32, 30);
  return 0;
}
