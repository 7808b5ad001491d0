// A subcommand of assay-softtee: what it takes, and what it does with it.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace assay::softtee {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;  // files, directories
inline constexpr int kUsage = 2;

struct Subcommand {
  CLI::App* app;
  std::function<int()> run;  // when the command line is parsed; the exit code. Says on standard error what is wrong
};

Subcommand AddPki(CLI::App& program);
Subcommand AddSnp(CLI::App& program);
Subcommand AddDcap(CLI::App& program);
Subcommand AddTpm(CLI::App& program);
Subcommand AddAzure(CLI::App& program);
Subcommand AddNitro(CLI::App& program);
Subcommand AddGce(CLI::App& program);
Subcommand AddFaults(CLI::App& program);
Subcommand AddTls(CLI::App& program);

}  // namespace assay::softtee
