#include "client/cli/structured_output.h"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

json::Value Tree(std::string_view text) { return *json::Parse(text); }

TEST(StructuredOutput, JsonKeepsTheOrderOfMembers) {
  EXPECT_EQ(ToJson(Tree(R"({"b":1,"a":[true,null,{"x":"y"}],"e":[],"o":{}})")),
            "{\n"
            "  \"b\": 1,\n"
            "  \"a\": [\n"
            "    true,\n"
            "    null,\n"
            "    {\n"
            "      \"x\": \"y\"\n"
            "    }\n"
            "  ],\n"
            "  \"e\": [],\n"
            "  \"o\": {}\n"
            "}\n");
}

TEST(StructuredOutput, YamlIsTheSameTree) {
  EXPECT_EQ(ToYaml(Tree(R"({"b":1,"a":[true,null,{"x":"word","z":2},[3,4]],"e":[],"o":{}})")),
            "b: 1\n"
            "a:\n"
            "  - true\n"
            "  - null\n"
            "  - x: word\n"
            "    z: 2\n"
            "  - - 3\n"
            "    - 4\n"
            "e: []\n"
            "o: {}\n");
}

// What a YAML reader of either version would take for something other than this string stays in quotes.
TEST(StructuredOutput, YamlStringsStayStrings) {
  const struct {
    std::string_view text;
    std::string_view yaml;
  } cases[] = {
      {"plain_word", "plain_word\n"},
      {"application/pkix-cert", "application/pkix-cert\n"},
      {"", "\"\"\n"},
      {"true", "\"true\"\n"},
      {"No", "\"No\"\n"},
      {"null", "\"null\"\n"},
      {"NaN", "\"NaN\"\n"},
      {"12e4", "\"12e4\"\n"},
      {"0x10", "\"0x10\"\n"},
      {"a: b", "\"a: b\"\n"},
      {"#x", "\"#x\"\n"},
      {"-x", "\"-x\"\n"},
      {"two words", "\"two words\"\n"},
      {"line\nbreak", "\"line\\nbreak\"\n"},
      {"say \"x\"", "\"say \\\"x\\\"\"\n"},
      {"2026-11-24T02:00:00Z", "\"2026-11-24T02:00:00Z\"\n"},
      {"~", "\"~\"\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(ToYaml(json::Value::String(c.text)), c.yaml) << c.text;
}

TEST(StructuredOutput, FormatNames) {
  EXPECT_EQ(OutputFormatNamed("table"), OutputFormat::kTable);
  EXPECT_EQ(OutputFormatNamed("json"), OutputFormat::kJson);
  EXPECT_EQ(OutputFormatNamed("yaml"), OutputFormat::kYaml);
  EXPECT_EQ(OutputFormatNamed("JSON"), std::nullopt);
  EXPECT_EQ(OutputFormatNamed(""), std::nullopt);
}

}  // namespace
}  // namespace assay::cli
