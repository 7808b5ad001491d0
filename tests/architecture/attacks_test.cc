// tests/attacks.md: every test that it names is there, and no item is without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/architecture/rules.h"
#include "tests/places/places.h"

namespace assay::architecture {
namespace {

using ::testing::IsEmpty;

struct Item {
  int number;
  std::string attack, shown_by;
};

std::vector<Item> Items(const std::string& page) {
  std::vector<Item> items;
  const std::regex row(R"(\| (\d+) \| ([^|]+) \| ([^|]+) \|)");
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at) {
    items.push_back({std::stoi((*at)[1]), (*at)[2], (*at)[3]});
  }
  return items;
}

std::set<std::string> Matches(const std::string& text, const char* pattern, std::size_t first, std::size_t second) {
  const std::regex wanted(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), wanted), end; at != end; ++at) {
    found.insert(second == 0 ? (*at)[first].str() : (*at)[first].str() + "." + (*at)[second].str());
  }
  return found;
}

const Tree& OurTree() {
  static const Tree tree = ReadTree(test::SourceDir());
  return tree;
}

const std::set<std::string>& OurTests() {
  static const std::set<std::string> tests = [] {
    std::set<std::string> all;
    for (const auto& [path, content] : OurTree()) {
      if (path.starts_with("tests/") && path.ends_with("_test.cc")) {
        all.merge(Matches(content, R"((?:^|\n)TEST(?:_F|_P)?\((\w+), (\w+)\))", 1, 2));
      }
    }
    return all;
  }();
  return tests;
}

TEST(Attacks, EveryTestThatThePageNamesExists) {
  const std::string& page = OurTree().at("tests/attacks.md");
  const std::set<std::string> named = Matches(page, R"(`(\w+\.\w+)`)", 1, 0);
  EXPECT_GT(named.size(), 100u);
  std::vector<std::string> missing;
  for (const std::string& test : named) {
    if (!OurTests().contains(test)) missing.push_back(test);
  }
  EXPECT_THAT(missing, IsEmpty());
}

TEST(Attacks, EveryItemIsShownByATestOrSaysWhyNot) {
  const std::vector<Item> items = Items(OurTree().at("tests/attacks.md"));
  std::set<int> numbers;
  for (const Item& item : items) {
    EXPECT_TRUE(numbers.insert(item.number).second) << item.number << " twice";
    const bool named = std::regex_search(item.shown_by, std::regex(R"(`\w+\.\w+`)"));
    const bool excused = item.shown_by.starts_with("not yet applicable: ") || item.shown_by.starts_with("not tested: ");
    EXPECT_TRUE(named || excused) << item.number << ": " << item.shown_by;
  }
  for (const auto& [first, last] : {std::pair(1, 48), {59, 70}, {118, 126}, {131, 153}}) {
    for (int number = first; number <= last; ++number) EXPECT_TRUE(numbers.contains(number)) << number;
  }
}

// A test named for an attack is one that somebody will look for on the page.
TEST(Attacks, EveryTestNamedForAnAttackIsOnThePage) {
  const std::string& page = OurTree().at("tests/attacks.md");
  std::vector<std::string> missing;
  for (const std::string& test : OurTests()) {
    std::smatch number;
    if (!std::regex_search(test, number, std::regex(R"(\.Attack(\d+)_)"))) continue;
    if (page.find("`" + test + "`") == std::string::npos) missing.push_back(test);
  }
  EXPECT_THAT(missing, IsEmpty());
}

}  // namespace
}  // namespace assay::architecture
