// How the benchmarks in process run and report: repetitions interleaved at random, medians of CPU time, and ratios of them, so that a
// busy machine slows all alike.
#pragma once

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

namespace assay::bench {

// Keeps the time of each repetition; prints errors, medians and how far the repetitions differ.
class Collecting : public benchmark::ConsoleReporter {
 public:
  Collecting() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    std::vector<Run> shown;
    for (const Run& run : runs) {
      if (run.error_occurred) failed_ = true;
      else if (run.run_type == Run::RT_Iteration) times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
      if (run.error_occurred || run.aggregate_name == "median" || run.aggregate_name == "cv") shown.push_back(run);
    }
    ConsoleReporter::ReportRuns(shown);
  }
  bool failed() const { return failed_; }
  double Median(const std::string& name) const {  // microseconds; 0 if it did not run
    const auto found = times_.find(name);
    if (found == times_.end()) return 0;
    std::vector<double> sorted = found->second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }

 private:
  std::map<std::string, std::vector<double>> times_;
  bool failed_ = false;
};

struct RatioRow {
  std::string_view what;
  std::string_view numerator, denominator;
  bool at_least;
  double target;      // 0: none
  double factor = 1;  // of the ratio
};

inline void PrintRows(const Collecting& times, std::span<const RatioRow> rows) {
  std::printf("\n%-52s %10s %10s\n", "ratio (medians, CPU time)", "measured", "target");
  for (const RatioRow& row : rows) {
    const double numerator = times.Median(std::string(row.numerator)), denominator = times.Median(std::string(row.denominator));
    if (numerator == 0 || denominator == 0) continue;
    const double ratio = row.factor * numerator / denominator;
    std::printf("%-52s %10.3f ", std::string(row.what).c_str(), ratio);
    if (row.target == 0) std::printf("%10s\n", "-");
    else
      std::printf("%s %7.2f  %s\n", row.at_least ? ">=" : "<=", row.target,
                  (row.at_least ? ratio >= row.target : ratio <= row.target) ? "met" : "MISSED");
  }
}

// False: an argument is unknown, and was named on standard error.
inline bool Initialise(int argc, char** argv) {
  // What the caller gives comes later and wins.
  std::vector<char*> arguments = {argv[0]};
  static std::string defaults[] = {"--benchmark_repetitions=11", "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=0.1"};
  for (std::string& one : defaults) arguments.push_back(one.data());
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  return !benchmark::ReportUnrecognizedArguments(count, arguments.data());
}

}  // namespace assay::bench
