#include "client/cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "registry/builtin_registry.h"

namespace assay::cli {
namespace {

std::string Said(bool terminal, bool cleared) {
  std::ostringstream out, err;
  const SystemClock clock;
  const Invocation invocation{.out = out,
                              .err = err,
                              .style = Style(false),
                              .clock = clock,
                              .registry = BuiltinRegistry(),
                              .program_directory = "",
                              .err_is_terminal = terminal};
  {
    ProgressLine progress(invocation);
    progress.Say("1000 so far");
    progress.Say("2000 so far");
    if (cleared) progress.Clear();
  }
  EXPECT_EQ(out.str(), "") << "data, and nothing else";
  return err.str();
}

TEST(ProgressLine, IsOneLineThatGoesAway) {
  const std::string expected = "\r\x1b[K1000 so far\r\x1b[K2000 so far\r\x1b[K";
  EXPECT_EQ(Said(true, false), expected);
  EXPECT_EQ(Said(true, true), expected) << "taken back once";
}

TEST(ProgressLine, IsNothingInAPipe) {
  EXPECT_EQ(Said(false, false), "");
  EXPECT_EQ(Said(false, true), "");
}

TEST(ProgressLine, ThatWasNeverNeededLeavesNoTrace) {
  std::ostringstream out, err;
  const SystemClock clock;
  const Invocation invocation{.out = out,
                              .err = err,
                              .style = Style(false),
                              .clock = clock,
                              .registry = BuiltinRegistry(),
                              .program_directory = "",
                              .err_is_terminal = true};
  { const ProgressLine progress(invocation); }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace assay::cli
