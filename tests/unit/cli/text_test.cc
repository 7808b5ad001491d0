// Widths, tables, trees, colour.
#include <gtest/gtest.h>

#include "client/cli/exit_code.h"
#include "client/cli/style.h"
#include "client/cli/table.h"
#include "client/cli/text_width.h"
#include "client/cli/tree.h"

namespace assay::cli {
namespace {

const Style kPlain(false);

TEST(TextWidth, CountsCharactersNotBytes) {
  EXPECT_EQ(WidthOf(""), 0U);
  EXPECT_EQ(WidthOf("abc"), 3U);
  EXPECT_EQ(WidthOf("…"), 1U);
  EXPECT_EQ(Padded("…", 3), "…  ");
  EXPECT_EQ(Padded("wide", 2), "wide");
}

TEST(TextWidth, BoundsAndSaysSo) {
  EXPECT_EQ(Bounded("abcdef", 6), "abcdef");
  EXPECT_EQ(Bounded("abcdefg", 6), "abcdef… (7 characters)");
  EXPECT_EQ(Bounded("äöüß", 2), "äö… (4 characters)");
}

TEST(Table, AlignsAndLeavesNoBlanksAtTheEnd) {
  Table table({"code", "reason"});
  table.Add({"1001", "length_wrong"});
  table.Add({"7", "x"});
  table.Add({"nothing behind", ""});
  EXPECT_EQ(table.ToText("  "),
            "  code            reason\n"
            "  1001            length_wrong\n"
            "  7               x\n"
            "  nothing behind\n");
}

TEST(Table, MarkdownEscapesBars) {
  Table table({"a", "b"});
  table.Add({"x|y", "z"});
  EXPECT_EQ(table.ToMarkdown(), "| a | b |\n| --- | --- |\n| x\\|y | z |\n");
}

TEST(Tree, AlignsValuesOfOneLevel) {
  trust::Description root("report", "1184 bytes");
  root.Add("VERSION", "3");
  trust::Description& tcb = root.Add("TCB", "");
  tcb.Add("boot_loader", "4");
  tcb.Add("snp", "24");
  root.Add("CHIP_ID", "0102");
  EXPECT_EQ(TreeText(root, kPlain, 100),
            "report  1184 bytes\n"
            "  VERSION  3\n"
            "  TCB\n"
            "    boot_loader  4\n"
            "    snp          24\n"
            "  CHIP_ID  0102\n");
}

TEST(Tree, CutsLongValuesButNeverADefect) {
  trust::Description root("x");
  root.Add("long", "0123456789");
  root.Add("defect", "0123456789");
  EXPECT_EQ(TreeText(root, kPlain, 4), "x\n  long    0123… (10 characters)\n  defect  0123456789\n");
}

TEST(Tree, ControlCharactersNeverReachTheTerminal) {
  trust::Description root("x");
  root.Add("name\x1b[2J", "\x1b]0;owned\x07");
  const std::string text = TreeText(root, kPlain, 1000);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(Style, ColourOnlyRepeatsTheWords) {
  EXPECT_EQ(Style(false).Bad("REJECTED"), "REJECTED");
  EXPECT_EQ(Style(true).Bad("REJECTED"), "\x1b[1;31mREJECTED\x1b[0m");
  EXPECT_EQ(Style(true).Bad(""), "");
}

TEST(Style, WantsColourOnlyOnAWillingTerminal) {
  EXPECT_TRUE(WantsColour(true, nullptr, "xterm"));
  EXPECT_TRUE(WantsColour(true, "", "xterm"));  // no-color.org: only a non-empty value counts
  EXPECT_FALSE(WantsColour(true, "1", "xterm"));
  EXPECT_FALSE(WantsColour(false, nullptr, "xterm"));
  EXPECT_FALSE(WantsColour(true, nullptr, "dumb"));
  EXPECT_FALSE(WantsColour(true, nullptr, nullptr));
}

TEST(ExitCode, TheWorstOfSeveralWins) {
  EXPECT_EQ(WorstOf(ExitCode::kOk, ExitCode::kMalformed), ExitCode::kMalformed);
  EXPECT_EQ(WorstOf(ExitCode::kUsage, ExitCode::kMalformed), ExitCode::kUsage);
  EXPECT_EQ(WorstOf(ExitCode::kIndeterminate, ExitCode::kNotTrusted), ExitCode::kNotTrusted);
  EXPECT_EQ(WorstOf(ExitCode::kInternal, ExitCode::kUsage), ExitCode::kInternal);
  EXPECT_EQ(WorstOf(ExitCode::kOk, ExitCode::kOk), ExitCode::kOk);
}

}  // namespace
}  // namespace assay::cli
